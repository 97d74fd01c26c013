"""A second process that maps: the other core works while the first one waits for the disk."""

from __future__ import annotations

import pickle
import select
import subprocess
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Self

import structlog

from verbund.ingest.mapping import MappingTask, RawRecord, RecordMapper, Staged

log = structlog.get_logger()


class MappingProcess:
    """Maps one batch at a time beside the caller. What goes through its pipes comes from our own code only.

    `receive` and `send` alternate, so that neither side ever waits for the other to read. The first `receive` has no rows:
    it says that the child has started. When the child is lost, the batch that it had is mapped here, and so are all others.

    Attributes:
        sent: what the child maps now.
    """

    def __init__(self, task: MappingTask) -> None:
        self.sent: Sequence[RawRecord] = ()
        self._here = RecordMapper(task)
        self._child: subprocess.Popen[bytes] | None = subprocess.Popen(
            [sys.executable, "-m", "verbund.ingest.mapping_child"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._write((sys.path, task))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def answered(self) -> bool:
        """Whether `receive` has an answer without waiting for the child."""
        return self._child is None or bool(select.select([_pipe(self._child.stdout)], [], [], 0)[0])

    def send(self, records: Sequence[RawRecord]) -> None:
        """Let the child map these."""
        self.sent = records
        self._write(records)

    def here(self, records: Sequence[RawRecord]) -> Staged:
        """Map these in the caller's process."""
        return self._here.map(records)

    def receive(self) -> Staged:
        """The rows of what was sent last."""
        sent, self.sent = self.sent, ()
        if self._child is not None:
            try:
                staged: Staged = pickle.load(_pipe(self._child.stdout))  # noqa: S301 — our own child's answer
            except (EOFError, OSError, pickle.UnpicklingError) as error:
                self._lost(error)
            else:
                return staged
        return self._here.map(sent)

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
        child.kill()  # it holds nothing that matters, and may still be starting
        child.wait()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise OSError("no pipe")
    return pipe
