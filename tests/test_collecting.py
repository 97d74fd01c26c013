"""The collector is quiet as long as anybody asks for it, and as before afterwards."""

from __future__ import annotations

import gc
from contextlib import ExitStack

from verbund.collecting import quiet_collector


def test_whoever_leaves_last_brings_back_what_was_before_the_first() -> None:
    before = gc.get_threshold()
    one, other = ExitStack(), ExitStack()
    one.enter_context(quiet_collector())
    quiet = gc.get_threshold()
    assert quiet > before
    other.enter_context(quiet_collector())
    one.close()  # as when threads overlap: the first one out was the first one in
    assert gc.get_threshold() == quiet
    other.close()
    assert gc.get_threshold() == before
