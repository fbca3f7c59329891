"""The command line: verbs, options, help, suggestions, composing. Beside the launcher nobody else knows Hydra and OmegaConf."""
