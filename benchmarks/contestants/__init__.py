"""Contestants: each module has a function `epochs(work, n, clock, **options)` that trains n epochs, timing each."""
