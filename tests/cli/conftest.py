"""Calls of the command, in this process and in one of their own."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from verbund.cli.main import main


@dataclass(frozen=True, slots=True)
class Answer:
    code: int
    out: str
    err: str
    cpu_s: float = 0.0

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of its own: a folder without a home above it, and an environment without settings."""
    for name in [name for name in os.environ if name.startswith("VERBUND_") and not name.startswith("VERBUND_TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LANGUAGE", "")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".verbund"


@pytest.fixture
def call(home, capsys):
    """Run the command in this process."""

    def run(*arguments: str | Path) -> Answer:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        streams = capsys.readouterr()
        return Answer(int(end.value.code or 0), streams.out, streams.err)

    yield run
    structlog.reset_defaults()  # the command let it write to this test's stderr


@pytest.fixture
def process(home, tmp_path):
    """Run the command in a process of its own; `cpu_s` is what it cost, whatever else the machine does."""

    def run(*arguments: str | Path, code: str | None = None, **environ: str) -> Answer:
        what = ["-c", code] if code else ["-m", "verbund", *map(str, arguments)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, *what],
            cwd=tmp_path,
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Answer(done.returncode, done.stdout, done.stderr, cpu_s)

    return run
