"""The table of hostile feeds: `python -m tests.faults.hostile [WORD]`, only those with the word in their name."""

from __future__ import annotations

import logging
import sys
import tempfile
from pathlib import Path

import structlog

from tests.faults.hostile.cases import CASES
from tests.faults.hostile.measure import run_all

MIB = 1024 * 1024


def main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    cases = [case for case in CASES if word in f"{case.connector} {case.danger} {case.name}"]
    wrong = 0
    most = 0
    with tempfile.TemporaryDirectory() as folder:
        for result in run_all(Path(folder), cases):
            case, right = result.case, result.is_right
            wrong += not right
            most = max(most, result.grown)
            mark = " " if right else "!"
            print(
                f"{mark} {case.danger} {case.connector:9} {case.name:45.45} {case.outcome:28} {result.seconds:5.1f} s "
                f"{result.grown / MIB:6.1f} MiB {'' if right else f'{result.outcomes} {result.taken} {result.titles[:2]} {result.unclean}'[:300]}",
                flush=True,
            )
    print(f"{len(cases)} hostile feeds, {wrong} ended otherwise; the service grew by {most / MIB:.1f} MiB at most")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
