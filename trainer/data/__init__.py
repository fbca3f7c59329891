"""The data sets: verified files, downloads, splits, and tensors on a device. Knows nothing of experiments or training."""
