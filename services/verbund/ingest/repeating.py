"""A `Progress` that can be said once more: limits of time and the wish to stop are noticed where progress is said."""

from __future__ import annotations

from verbund.ingest.pull import Progress


class Repeating:
    """Passes on how far a run is, and remembers it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._last: tuple[str, int, int | None] = ("fetch", 0, None)

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """See `Progress`."""
        self._last = (stage, done, total)
        self._progress(stage, done, total)

    def again(self) -> None:
        """Say the last one again, while somebody is waited for."""
        self._progress(*self._last)
