"""The parts that real servers need, and the one command that brings a missing one."""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KAFKA_VERSION = "4.3.1"
REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".cache" / "kafka"
JARS = CACHE / f"jars-{KAFKA_VERSION}"

_JAVA_AND_MAVEN = "apt-get install -y default-jre-headless maven"
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


class MissingPartError(Exception):
    """A server cannot be started: what is missing, and the one command that installs it."""

    def __init__(self, what: str, *, command: str) -> None:
        super().__init__(f"{what} is missing; install it with: {command}")
        self.command = command


@functools.cache
def docker_answers() -> bool:
    """Whether a Docker engine can be reached."""
    import docker  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415 - heavy, and few tests need it

    try:
        client = docker.from_env(timeout=2)
        try:
            return bool(client.ping())
        finally:
            client.close()
    except Exception:
        return False


def java() -> str:
    """The program."""
    return _program("java", _JAVA_AND_MAVEN)


def kafka_jars() -> list[Path]:
    """The jars of the broker, fetched by Maven once for this checkout; always in the same order."""
    with locked("jars"):
        if not JARS.exists():
            _fetch(JARS)
    return sorted(JARS.glob("*.jar"))  # the class archive is only valid for one order


def kafka_jars_or_maven() -> Path:
    """Where the jars are, or the program that will fetch them; nothing is fetched."""
    return JARS if JARS.exists() else Path(_maven())


def postgres_programs() -> Path:
    """The folder of `initdb` and `postgres`, the newest where there are several."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3].split(".")[0]))
    if found:
        return found[-1].parent
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    raise MissingPartError("PostgreSQL", command="apt-get install -y postgresql")


@contextmanager
def locked(name: str) -> Iterator[None]:
    """One process at a time: several test runs of one checkout share the cache."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _fetch(folder: Path) -> None:
    building = folder.with_suffix(f".{os.getpid()}")
    pom = Path(__file__).with_name("pom.xml")
    done = subprocess.run(
        [_maven(), "-B", "-q", "-f", str(pom), _COPY, "-DincludeScope=runtime", f"-DoutputDirectory={building}"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode != 0:
        shutil.rmtree(building, ignore_errors=True)
        raise RuntimeError(
            f"Maven could not fetch the jars of Kafka {KAFKA_VERSION}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    building.rename(folder)


def _maven() -> str:
    return _program("mvn", _JAVA_AND_MAVEN)


def _program(name: str, command: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise MissingPartError(f"the program {name}", command=command)
    return found
