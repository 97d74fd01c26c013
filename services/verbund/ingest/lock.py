"""One run of a source at a time: politeness towards the source; revisions see to correctness. One reader of a district too."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from verbund.errors import LockedError


@contextmanager
def source_lock(folder: Path, source: str) -> Iterator[None]:
    """Hold the source's lock; the system gives it back when the process ends, however it ends.

    Raises:
        LockedError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{source}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LockedError("another run of {source} is under way; wait for it, or stop it", source=source) from error
        yield


@contextmanager
def district_lock(memory: Any, district: str) -> Iterator[None]:
    """Alone with a district in this memory: between appending and reading back, no other run may fold what was appended.

    It would be counted by the one that folds it and missing for the one that appended it. Waits; nobody keeps it longer
    than one append or one catching up.
    """
    file_of_memory = memory.execute("PRAGMA database_list").fetchone()[2]
    folder = Path(file_of_memory).parent / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"district-{district}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
