"""Every command by its noun."""

from __future__ import annotations

import typer

from verbund.cli import home


def register(app: typer.Typer) -> None:
    """Hang all commands into the application."""
    home.register(app)
