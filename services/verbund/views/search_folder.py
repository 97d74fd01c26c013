"""The folder of the search index: generations of the index, one of which is served.

`current` names the generation that readers open. A new one is built beside it and takes its place when it has caught
up; until then, and if the build dies, the old one is served. `writer.lock` is held by the one process that writes.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from typing import IO

from verbund.errors import LockedError

_CURRENT = "current"
_LOCK = "writer.lock"


def current(folder: Path) -> str | None:
    """Name of the generation that is served, or None."""
    try:
        return (folder / _CURRENT).read_text().strip() or None
    except FileNotFoundError:
        return None


def make_current(folder: Path, generation: str) -> None:
    """Serve this generation from now on and remove all others; atomic for readers."""
    fresh = folder / f"{_CURRENT}.new"
    with fresh.open("w") as file:
        file.write(generation)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / _CURRENT)
    for other in generations(folder):
        if other != generation:
            shutil.rmtree(folder / other, ignore_errors=True)


def generations(folder: Path) -> list[str]:
    """Names of all generations that are there."""
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def stamp(folder: Path, generation: str) -> int:
    """Changes with every commit to the generation."""
    return (folder / generation / "meta.json").stat().st_mtime_ns


def lock(folder: Path) -> IO[str]:
    """The writer's lock, held until the file is closed or the process ends.

    Raises:
        LockedError: another process writes this index.
    """
    file = (folder / _LOCK).open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise LockedError(
            "Another process writes the search index in {folder}. Stop it, or read only.", folder=str(folder)
        ) from error
    return file
