"""Consumers of records: console, TensorBoard and files. Never imports the engine or a run."""
