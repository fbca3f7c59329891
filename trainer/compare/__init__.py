"""Statistics over finished runs, as tables, files and plots. No torch, no Hydra.

runs → groups → comparison (with options and statistics) → table, export, plot; fairness says what to doubt.
"""
