"""`train runs`: the runs that there are, as a table and in files. No torch, no Hydra.

entries (a run, or a sweep, as a row) → choosing (filters, order) → table, files; command puts them together.
"""
