"""Connectors: one module per kind of feed, each three pure steps."""
