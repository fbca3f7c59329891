"""What is typed and what is printed, for every command alike: options that are given once, text made safe, help laid out."""
