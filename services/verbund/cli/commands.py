"""Every command by its noun."""

from __future__ import annotations

import typer

from verbund.cli import (
    alert,
    demo,
    doctor,
    explain,
    hold,
    home,
    key,
    log,
    offer,
    process,
    reject,
    run,
    source,
    view,
    why,
)


def register(app: typer.Typer) -> None:
    """Hang all commands into the application, in the order in which people meet them."""
    home.register(app)
    demo.register_commands(app)
    doctor.register_commands(app)
    source.register_commands(app)
    offer.register_commands(app)
    why.register_commands(app)
    run.register_commands(app)
    hold.register_commands(app)
    key.register_commands(app)
    reject.register_commands(app)
    process.register_commands(app)
    alert.register_commands(app)
    view.register_commands(app)
    log.register_commands(app)
    explain.register(app)
