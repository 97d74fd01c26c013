"""One run of a source at a time: politeness towards the source; revisions see to correctness."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
