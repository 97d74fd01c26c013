"""`python -m tests.faults.corpus [--all] [--only WORD]`: play the stories, print who was wrong; 1 if Verbund was."""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from tests.faults.corpus.measure import fast_and_quiet, measured
from tests.faults.corpus.scenarios import SCENARIOS


def main() -> int:
    """Play, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.corpus", description=__doc__)
    parser.add_argument("--all", action="store_true", help="a line for each story, not only for those where we failed")
    parser.add_argument("--only", default="", help="stories whose name has this word in it")
    asked = parser.parse_args()
    chosen = [scenario for scenario in SCENARIOS if asked.only in scenario.name]
    wrong, missed, hurt = Counter[str](), Counter[str](), Counter[str]()
    untrue = failed = 0
    systems: list[str] = []
    for scenario in chosen:
        results = measured(scenario)
        systems = list(results)
        if not failed and not wrong and not missed and not hurt and asked.all:
            _print_row("wrong/missed", systems)
        for name, result in results.items():
            wrong[name] += len(result.wrong)
            missed[name] += len(result.missed)
            hurt[name] += bool(result.wrong)
        ours = results["Verbund"]
        lies = set() if scenario.tolerates else ours.untrue
        untrue += len(lies)
        bad = bool(ours.wrong or ours.missed or lies)
        failed += bad
        if asked.all or bad:
            cells = [f"{len(result.wrong)}/{len(result.missed)}" for result in results.values()]
            _print_row(f"{'! ' if bad else ''}{scenario.name}", cells, f" untrue {len(lies)}" if lies else "")
    print(f"\n{len(chosen)} stories")
    _print_row("", systems)
    _print_row("wrong withdrawals", [str(wrong[name]) for name in systems])
    _print_row("stories with one", [str(hurt[name]) for name in systems])
    _print_row("missed true withdrawals", [str(missed[name]) for name in systems])
    print(f"Verbund: {untrue} records shown with words that were never true; {failed} stories failed")
    return 1 if failed else 0


def _print_row(name: str, cells: list[str], more: str = "") -> None:
    print(f"{name:64}" + "".join(f"{cell:>11}" for cell in cells) + more)


if __name__ == "__main__":
    with fast_and_quiet():
        sys.exit(main())
