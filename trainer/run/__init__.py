"""One run, or one stack of runs, in its directory: begin, save, resume, summarize, export. No sweeps, no command line."""
