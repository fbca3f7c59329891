"""The stacked core: K runs of one structure trained as one, from experiments to records. No files, no screen."""
