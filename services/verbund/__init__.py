"""Verbund: the federation hub."""

__version__ = "0.1.0"
