"""quixstreams in an environment of its own, with locked versions, beside the project's."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from bench.measuring import REPOSITORY

LOCK = REPOSITORY / "bench" / "requirements-quixstreams.txt"
FOLDER = REPOSITORY / ".cache" / "quixstreams-venv"
INSTALL_WITHIN_S = 600


def python() -> Path:
    """Its interpreter; the environment is made when it is missing or its lock has changed."""
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    stamp = FOLDER / "lock.sha256"
    program = FOLDER / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != digest:
        _run(sys.executable, "-m", "venv", "--clear", str(FOLDER))
        options = ["--quiet", "--disable-pip-version-check", "--require-hashes", "-r", str(LOCK)]
        _run(str(program), "-m", "pip", "install", *options)
        stamp.write_text(digest)
    return program


def version() -> str:
    """Of quixstreams, as locked."""
    line = next(line for line in LOCK.read_text().splitlines() if line.startswith("quixstreams=="))
    return line.partition("==")[2].split()[0]


def _run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=INSTALL_WITHIN_S, stdout=sys.stderr)
