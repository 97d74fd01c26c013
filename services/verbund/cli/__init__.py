"""The `verbund` command: a file per noun; heavy imports stay inside the commands."""

from verbund.cli.main import main

__all__ = ["main"]
