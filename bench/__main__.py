"""All measurements, one after another: `python -m bench [--full]`; figures go to `bench/results`.

Modest sizes take about a quarter of an hour on two cores, the full ones an hour and more.
"""

from __future__ import annotations

import json
import subprocess
import sys

from bench import measuring
from bench.measuring import REPOSITORY, said

MODEST = (
    ("feed_to_searchable", "--sizes", "10k,100k", "--connectors", "table,rpde,integreat"),
    ("rebuild", "--events", "100k"),
    ("flat_table", "--events", "100k", "--rounds", "3"),
    ("search", "--sizes", "10000,100000"),
)
FULL = (
    ("feed_to_searchable", "--sizes", "10k,100k,1M", "--connectors", "table,rpde,integreat"),
    ("rebuild", "--events", "1M"),
    ("flat_table", "--events", "200k", "--rounds", "5"),
    ("search", "--sizes", "10000,100000,1000000"),
)
WITHIN_S = {MODEST: 1800, FULL: 4 * 3600}


def main() -> int:
    """1 when one of them failed; the others run all the same."""
    parser = measuring.arguments(__doc__)
    parser.add_argument("--full", action="store_true", help="large sizes, too")
    chosen = FULL if parser.parse_args().full else MODEST
    failed = []
    for name, *wishes in chosen:
        said(f"bench.{name} {' '.join(wishes)}")
        try:
            done = subprocess.run(
                [sys.executable, "-m", f"bench.{name}", *wishes],
                cwd=REPOSITORY,
                stdout=subprocess.PIPE,
                text=True,
                check=False,
                timeout=WITHIN_S[chosen],
            )
        except subprocess.TimeoutExpired:
            failed.append(name)
            continue
        if done.returncode:
            failed.append(name)
        elif name == "search":  # the others publish what they found themselves
            found = {key: value for key, value in json.loads(done.stdout).items() if key != "bench"}
            measuring.publish(name, found, command=["python", "-m", f"bench.{name}", *wishes])
        else:
            print(done.stdout, flush=True)
    if failed:
        said(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
