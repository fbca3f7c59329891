"""The techniques: each a formula with a name, a small frozen dataclass. Imports nothing of ours, and torch for types alone."""
