"""`python -m verbund_schemas check` and `freeze`: what whoever edits a schema runs.

Exit 0 when all is well, 1 with findings, 2 for wrong usage.
"""

from __future__ import annotations

import sys

from verbund_schemas import compatibility, freezing, labels, stored_names

_USAGE = """\
usage: python -m verbund_schemas check     labels, compatibility with all shipped versions, frozen files
       python -m verbund_schemas freeze    the same, then write a version of each schema that changed
"""


def main(arguments: list[str]) -> int:
    """Run one of the two commands; sentences on stderr, new files on stdout."""
    if arguments not in (["check"], ["freeze"]):
        sys.stderr.write(_USAGE)
        return 2
    found = labels.problems_with_labels()
    for name in stored_names():
        found += compatibility.problems_with_shipped(name)
    if arguments == ["check"]:
        found += freezing.problems()
    elif not found:
        for path in freezing.freeze():
            sys.stdout.write(f"{path}\n")
    for problem in found:
        sys.stderr.write(f"{problem}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
