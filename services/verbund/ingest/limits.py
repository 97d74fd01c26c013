"""How a run is ended before its end: its time is over, or somebody wants it to stop.

Both are noticed where a run says how far it is. They are no `Exception`, so that nobody on the way takes them for the
mistake of a connector.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from verbund.errors import SourceUnreachableError
from verbund.ingest.pull import Progress, PullResult

# Once it is decided what changes, it is appended whatever the clock says: the set is known, and the source has no part
# in how long that takes.
_TAKES_TIME: Final = frozenset({"fetch", "read", "map"})


#: The reason of a part that was cut off by the time-out of its run.
TIMED_OUT: Final = "timed_out"


class RunAborted(BaseException):
    """The run was told to stop. What was appended stays; the next run does the rest."""


class RunOverTime(BaseException):
    """The run may not take longer; nothing was appended."""


class Limits:
    """A `Progress` that passes on how far a run is, and ends it.

    Args:
        timeout: how long the run may read from its source and map.
        stop: set by whoever wants it to end.
    """

    def __init__(
        self,
        progress: Progress,
        *,
        timeout: timedelta,
        stop: threading.Event | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._progress = progress
        self._monotonic = monotonic
        self._ends_at = monotonic() + timeout.total_seconds()
        self._stop = stop

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """See `Progress`.

        Raises:
            RunAborted, RunOverTime: the run ends here.
        """
        if self._stop is not None and self._stop.is_set():
            raise RunAborted
        if stage in _TAKES_TIME and self._monotonic() > self._ends_at:
            raise RunOverTime
        self._progress(stage, done, total)


def over_time(timeout: timedelta) -> PullResult:
    """The pull of a run that was over its time: failed, whatever it had read."""
    result = PullResult()
    result.part("source").reasons.append(TIMED_OUT)
    result.failure = SourceUnreachableError(
        "The run was not done after {seconds:.0f} seconds and was ended; nothing of it counts. The next run tries again; "
        "if this stays so, give it more time with `timeout` under `schedule` in the source file",
        code="E218",
        seconds=timeout.total_seconds(),
    )
    return result
