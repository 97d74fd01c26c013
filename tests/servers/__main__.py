"""`python -m tests.servers check`: what the tests on real servers would use here, and what is missing.

Exit code 0: everything is there; 1: a part is missing, and the command that installs it was printed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.servers import parts


def check() -> int:
    """Print a line for each part."""
    if parts.docker_answers():
        print("ok       a Docker engine answers: Kafka and PostgreSQL run in containers")
        return 0
    print("--       no Docker engine answers: Kafka and PostgreSQL run as processes")
    looks: dict[str, Callable[[], object]] = {
        "java": parts.java,
        f"jars of Kafka {parts.KAFKA_VERSION}": parts.kafka_jars_or_maven,
        "PostgreSQL": parts.postgres_programs,
    }
    missing = [name for name, look in looks.items() if not _there(name, look)]
    return 1 if missing else 0


def _there(name: str, look: Callable[[], object]) -> bool:
    try:
        found = look()
    except parts.MissingPartError as error:
        print(f"missing  {name}: {error}")
        return False
    print(f"ok       {name}: {found}")
    return True


if __name__ == "__main__":
    if sys.argv[1:] != ["check"]:
        print(__doc__)
        sys.exit(2)
    sys.exit(check())
