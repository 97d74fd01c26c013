"""A second process that maps: the other core works while the first one waits for the disk."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Self

import structlog

from verbund.collecting import quiet_collector
from verbund.ingest.mapping import MappingTask, RawRecord, RecordMapper, Staged

log = structlog.get_logger()

# How long the child may take to end once its input is closed; it holds nothing that matters.
END_S = 5


class MappingProcess:
    """Maps one batch at a time beside the caller. What goes through its pipes comes from our own code only.

    `send` and `receive` alternate, so that neither side ever waits for the other to read. When the child is lost, the
    batch that it had is mapped here, and so are all others.
    """

    def __init__(self, task: MappingTask) -> None:
        self._here = RecordMapper(task)
        self._sent: Sequence[RawRecord] = ()
        self._child: subprocess.Popen[bytes] | None = subprocess.Popen(
            [sys.executable, "-m", "verbund.ingest.mapping_process"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._write((sys.path, task))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def send(self, records: Sequence[RawRecord]) -> None:
        """Let the child map these."""
        self._sent = records
        self._write(list(records))

    def here(self, records: Sequence[RawRecord]) -> Staged:
        """Map these in the caller's process."""
        return self._here.map(records)

    def receive(self) -> Staged:
        """The rows of what was sent last."""
        if self._child is not None:
            try:
                staged: Staged = pickle.load(_pipe(self._child.stdout))  # noqa: S301 — our own child's answer
            except (EOFError, OSError, pickle.UnpicklingError) as error:
                self._lost(error)
            else:
                return staged
        return self._here.map(self._sent)

    def _write(self, what: object) -> None:
        if self._child is None:
            return
        try:
            pipe = _pipe(self._child.stdin)
            pickle.dump(what, pipe, protocol=pickle.HIGHEST_PROTOCOL)
            pipe.flush()
        except (OSError, pickle.PicklingError, AttributeError, TypeError) as error:  # a task of a local class, say
            self._lost(error)

    def _lost(self, error: Exception) -> None:
        log.warning("mapping_process_lost", error=type(error).__name__)
        self._end()

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        for pipe in (child.stdin, child.stdout):
            try:
                _pipe(pipe).close()
            except OSError:
                continue  # it ended first
        try:
            child.wait(END_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise OSError("no pipe")
    return pipe


def main() -> None:
    """Answer batches until the input ends."""
    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # a connector that prints must not write into the answers
    path, task = pickle.load(incoming)  # noqa: S301 — from our own parent
    sys.path[:] = path
    mapper = RecordMapper(task)
    with quiet_collector():
        while True:
            try:
                records = pickle.load(incoming)  # noqa: S301 — from our own parent
            except EOFError:
                return
            pickle.dump(mapper.map(records), outgoing, protocol=pickle.HIGHEST_PROTOCOL)
            outgoing.flush()


if __name__ == "__main__":
    main()
