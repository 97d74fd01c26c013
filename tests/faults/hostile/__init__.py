"""Hostile feeds: what somebody could send who wants the hub to fall, each with the typed outcome that it must have."""
