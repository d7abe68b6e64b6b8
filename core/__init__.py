"""Everything about bluetop that is true without a terminal."""

__version__ = "0.1.0"
