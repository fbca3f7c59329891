"""The techniques: formulas with a name, most of them a small frozen dataclass. Imports nothing of the other rooms, and torch for
types alone."""
