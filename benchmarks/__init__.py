"""How fast we are, beside our peers and beside the bare matrix products: `python -m benchmarks --help`."""
