"""What the command line says: help, versions, and the answer to a mistake. No torch and no Hydra here."""
