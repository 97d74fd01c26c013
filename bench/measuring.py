"""What all measurements share: processes of their own and their peak memory, facts of the machine, results as JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
import structlog
from pysqlite3 import dbapi2 as sqlite

from tests.servers import guard

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "bench" / "results"

MIB = 1024 * 1024
# Often enough to meet a peak that lasts; shorter ones are in the kernel's own high-water mark.
SAMPLE_EVERY_S = 0.05
# How long a process gets to end by itself after SIGTERM.
END_WITHIN_S = 60.0

_PACKAGES = (
    "verbund", "sqlalchemy", "psycopg", "kafka-python", "crc32c", "fastavro", "orjson", "tantivy", "pydantic", "httpx",
)  # fmt: skip


class BenchError(Exception):
    """A result is wrong or a process failed, so its figure does not count."""


class Process:
    """A child that is watched: memory while it runs, one JSON line on its stdout at a time.

    Attributes:
        peak_rss: the kernel's high-water mark of resident memory, bytes; mapped files count.
        peak_private: the same without mapped files (samples), bytes: what the program itself holds.
        peak_together: with the children that it starts itself, shared pages counted once (samples), bytes.
        cpu_s: user and system time so far.
    """

    def __init__(self, name: str, command: Sequence[str], *, environ: dict[str, str] | None = None) -> None:
        self.name = name
        self.peak_rss = self.peak_private = self.peak_together = 0
        self.cpu_s = 0.0
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in `end`
        clean = {key: value for key, value in os.environ.items() if not key.startswith("VERBUND_")}
        self._popen = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env={**clean, **(environ or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        guard.watch(pid=self._popen.pid)
        self._psutil = psutil.Process(self._popen.pid)
        self._lines: list[str] = []
        self._came = threading.Condition()
        for work in (self._sample, self._listen):
            threading.Thread(target=work, daemon=True).start()

    def say(self, line: str) -> None:
        """One line into its stdin."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(line + "\n")
        self._popen.stdin.flush()

    def answer(self, *, within_s: float) -> Any:
        """The next line of its stdout, as JSON.

        Raises:
            BenchError: it ended or said nothing in time.
        """
        with self._came:
            said = self._came.wait_for(lambda: self._lines or self._popen.poll() is not None, within_s)
            if not self._lines:
                time.sleep(0.1 if said else 0)  # the last line may still be on its way
            if self._lines:
                return json.loads(self._lines.pop(0))
        raise BenchError(f"{self.name} {'ended' if said else 'was too slow'}:\n{self.errors()}")

    @property
    def answered(self) -> bool:
        """Whether a line waits to be taken."""
        return bool(self._lines)

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    def errors(self) -> str:
        """The end of its stderr."""
        self._errors.flush()
        with suppress(OSError, ValueError):
            self._errors.seek(0)
            return self._errors.read()[-3000:]
        return ""

    def end(self, *, within_s: float = END_WITHIN_S) -> int:
        """Ask it to end, and wait; its exit code."""
        self.look()
        if self._popen.stdin is not None:
            with suppress(OSError):
                self._popen.stdin.close()
        if self.running:
            self._popen.send_signal(signal.SIGTERM)
        try:
            code = self._popen.wait(within_s)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            code = self._popen.wait(10)
        guard.forget(pid=self._popen.pid)
        self._errors.close()
        return code

    def figures(self) -> dict[str, Any]:
        """Memory and CPU for a result."""
        self.look()
        return {
            "peak_rss_mib": round(self.peak_rss / MIB, 1),
            "peak_private_mib": round(self.peak_private / MIB, 1),
            **({"peak_with_children_mib": round(self.peak_together / MIB, 1)} if self.peak_together else {}),
            "cpu_s": round(self.cpu_s, 2),
        }

    def look(self) -> None:
        """One sample."""
        with suppress(psutil.Error, OSError, ValueError):
            memory, cpu = self._psutil.memory_info(), self._psutil.cpu_times()
            self.peak_rss = max(self.peak_rss, memory.rss, _high_water(self._popen.pid))
            self.peak_private = max(self.peak_private, memory.rss - getattr(memory, "shared", 0))
            self.cpu_s = max(self.cpu_s, cpu.user + cpu.system)
            if children := self._psutil.children(recursive=True):
                together = sum(getattr(one.memory_full_info(), "pss", 0) for one in (self._psutil, *children))
                self.peak_together = max(self.peak_together, together)

    def _sample(self) -> None:
        while self.running:
            self.look()
            time.sleep(SAMPLE_EVERY_S)

    def _listen(self) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            with self._came:
                if line.startswith("{"):
                    self._lines.append(line)
                self._came.notify_all()
        self._popen.wait()
        with self._came:
            self._came.notify_all()


def _high_water(pid: int) -> int:
    """Of this program alone; `ru_maxrss` would also count the parent that it was forked from."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


@contextmanager
def process(
    name: str, *arguments: str, environ: dict[str, str] | None = None, python: str | Path = sys.executable
) -> Iterator[Process]:
    """`python -m ...` as a watched child that is ended with the block."""
    child = Process(name, [str(python), *arguments], environ=environ)
    try:
        yield child
    finally:
        child.end()


@contextmanager
def folder(name: str) -> Iterator[Path]:
    """A new folder, deleted with the block, or by the guard when this program is killed."""
    made = Path(tempfile.mkdtemp(prefix=f"verbund-bench-{name}-"))
    guard.watch(folder=made)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        guard.forget(folder=made)


def wait_until(true: Callable[[], bool], *, what: str, within_s: float, every_s: float = 0.05) -> None:
    """Look again and again.

    Raises:
        BenchError: it did not become true in time.
    """
    deadline = time.monotonic() + within_s
    while not true():
        if time.monotonic() > deadline:
            raise BenchError(f"{what}: not within {within_s:.0f} s")
        time.sleep(every_s)


def check(true: bool, what: str) -> None:
    """A figure counts only when this holds.

    Raises:
        BenchError: it does not.
    """
    if not true:
        raise BenchError(f"wrong result: {what}")


class Stopwatch:
    """Wall and CPU time from its making on; children count once they have ended.

    Attributes:
        seconds, cpu_s: set by `stop`.
    """

    def __init__(self) -> None:
        self._cpu, self._wall = _cpu(), time.perf_counter()
        self.seconds = self.cpu_s = 0.0

    def stop(self) -> dict[str, float]:
        """Both, for a line of JSON."""
        self.seconds, self.cpu_s = time.perf_counter() - self._wall, _cpu() - self._cpu
        return {"seconds": self.seconds, "cpu_s": self.cpu_s}


def _cpu() -> float:
    used = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def tell(**facts: Any) -> None:
    """A line of JSON for the process that waits for it."""
    print(json.dumps(facts), flush=True)


def await_order() -> None:
    """Say that this process is ready, and wait for a line."""
    tell(ready=True)
    sys.stdin.readline()


def spread(values: Sequence[float], digits: int = 0) -> dict[str, Any]:
    """Median and range of several rounds."""
    rounded = [round(value, digits) if digits else round(value) for value in values]
    middle = statistics.median(values)
    return {
        "median": round(middle, digits) if digits else round(middle),
        "low": min(rounded),
        "high": max(rounded),
        "rounds": rounded,
    }


def arguments(doc: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the first line of the module; log lines of this program go to stderr from now on."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger("warning"),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    return argparse.ArgumentParser(description=(doc or "").split("\n", maxsplit=1)[0])


def sizes(text: str) -> list[int]:
    """`10000,100k,1M` as numbers."""
    units = {"k": 1_000, "M": 1_000_000}
    return [int(part[:-1]) * units[part[-1]] if part[-1] in units else int(part) for part in text.split(",")]


def said(text: str) -> None:
    """Progress, on stderr."""
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)


def publish(name: str, results: dict[str, Any], *, command: Sequence[str] | None = None) -> dict[str, Any]:
    """Write the results with the facts of machine and program to `bench/results` and stdout."""
    spoken = " ".join(command if command is not None else ["python", "-m", f"bench.{name}", *sys.argv[1:]])
    document = {"bench": name, "command": spoken, "facts": facts(), **results}
    text = json.dumps(document, indent=1, ensure_ascii=False)
    RESULTS.mkdir(parents=True, exist_ok=True)
    waiting = RESULTS / f"{name}.json.tmp"
    waiting.write_text(text + "\n", encoding="utf-8")
    waiting.replace(RESULTS / f"{name}.json")
    print(text)
    return document


def facts() -> dict[str, Any]:
    """What a figure depends on, beside the program."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": _commit(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 1024**3, 1),
        "load_at_end": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "sqlite": sqlite.sqlite_version,
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def _commit() -> str:
    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=30)
        return done.stdout.strip()

    with suppress(OSError):
        changed = git("status", "--porcelain", "--untracked-files=no", "--", "services", "connectors", "schemas")
        return git("rev-parse", "--short", "HEAD") + (" with changes" if changed else "")
    return "unknown"


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"
