"""Ingest: from a source's answer to events, by way of its own memory."""
