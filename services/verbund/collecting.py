"""Python's garbage collector while many short-lived records are in hand."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# New objects between two looks. A page of decoded records is tens of thousands; Python's own 700 looks at each of them
# again and again.
_BETWEEN_LOOKS = 100_000


@contextmanager
def quiet_collector() -> Iterator[None]:
    """Fewer garbage collections while thousands of records are mapped or decoded: they hold no cycles, and looking costs 40 %."""
    thresholds = gc.get_threshold()
    gc.set_threshold(_BETWEEN_LOOKS, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
