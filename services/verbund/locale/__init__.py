"""The catalogues, and the way to keep them complete."""
