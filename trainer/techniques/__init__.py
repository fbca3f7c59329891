"""The techniques: each a formula with a name, a small frozen dataclass. Imports nothing of ours from outside, and torch for types alone."""
