"""Where the state is kept: a file of this machine, readable by its owner only."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Engine

from verbund import sqlite


def open_state(path: Path) -> Engine:
    """The database of the state; made when missing, durable over power cuts.

    Raises:
        SettingsError: the SQLite library may lose commits.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # before SQLite does, with its wider mode
    path.chmod(0o600)
    return sqlite.engine(path, full=True)
