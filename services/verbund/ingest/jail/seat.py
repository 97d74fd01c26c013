"""One child at work: started when it is needed, and asked why when it is gone."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson
import structlog

from verbund.ingest.jail import outcome, wire
from verbund.ingest.jail.channel import HungUpError, ParentChannel, Patience
from verbund.ingest.jail.jail import ChildProcess, Jail
from verbund.ingest.mapping import MappingTask, RawRecord

log = structlog.get_logger()

_START_S = 60


class ParserGone(Exception):  # noqa: N818 - turned into a ParserLostError where its child can be asked why
    """The child has hung up."""


class Seat:
    """A place for one child after the other."""

    def __init__(self, jail: Jail, task: MappingTask, allowance: wire.Allowance, tick: Callable[[], None]) -> None:
        self._jail = jail
        self._task = task
        self._allowance = allowance
        self._tick = tick
        self._child: ChildProcess | None = None
        self._channel: ParentChannel | None = None
        self.walls: tuple[str, ...] = ()

    def close(self, *, has_hung_up: bool = False) -> tuple[int, int] | None:
        """End the child; see `Jail.bury`."""
        child, self._child, self._channel = self._child, None, None
        if child is None:
            return None
        os.close(child.errors)
        return self._jail.bury(child, has_hung_up=has_hung_up)

    def patience(self) -> Patience:
        """For one body or batch."""
        return Patience(whole_s=self._allowance.body_s, silence_s=self._allowance.silence_s)

    def receive(self, patience: Patience, *, beside: Sequence[Seat] = ()) -> tuple[bytes, bytes]:
        """The next frame.

        Raises:
            ParserGone: the child is.
            ParserLostError: see `ParentChannel.receive`.
        """
        others = [seat._channel for seat in beside if seat._channel is not None and seat is not self]  # noqa: SLF001 - our own kind
        try:
            return self.ready().receive(patience, beside=others)
        except HungUpError as error:
            raise ParserGone from error

    def send_records(self, records: Sequence[RawRecord], *, careful: bool = False) -> None:
        """Let the child map these; carefully: each answered by itself, so that it shows which one it is lost over."""
        self.ready().send(wire.MAP, pickle.dumps((careful, list(records)), protocol=pickle.HIGHEST_PROTOCOL))

    def ready(self) -> ParentChannel:
        """The channel of a child that is shut in and waits for work.

        Raises:
            ParserLostError: none can be made.
        """
        if self._channel is not None:
            return self._channel
        try:
            order = pickle.dumps(wire.Order(self._task, self._allowance), protocol=pickle.HIGHEST_PROTOCOL)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise outcome.ParserLostError(outcome.UNAVAILABLE, "a connector that is no class of a module") from error
        self._child = self._jail.child()
        channel = ParentChannel(self._child.channel, tick=self._tick)
        try:
            channel.send(wire.TASK, pickle.dumps((_paths(self._task), order), protocol=pickle.HIGHEST_PROTOCOL))
            kind, payload = channel.receive(Patience(whole_s=_START_S, silence_s=_START_S))
        except HungUpError as gone:
            raise outcome.ParserLostError(outcome.UNAVAILABLE, self.why_gone("start").detail) from gone
        except BaseException:
            self.close()
            raise
        if kind != wire.READY:
            self.close()
            raise outcome.ParserLostError(outcome.UNAVAILABLE)
        self.walls = tuple(orjson.loads(payload))
        self._channel = channel
        return channel

    def why_gone(self, over: str) -> outcome.ParserLostError:
        """Bury the child that has hung up, and say what it died of."""
        said = b"" if self._child is None else self._child.said()
        error = outcome.lost(self.close(has_hung_up=True), said)
        self.note(over, error)
        return error

    def note(self, over: str, error: outcome.ParserLostError) -> None:
        """Say in the log that a child was lost."""
        log.warning(
            "parser_lost", source=self._task.context.source, over=over, reason=error.reason, detail=error.detail
        )


def _paths(task: MappingTask) -> list[str]:
    """Where a child looks for modules: where we do, and where that of the connector was found, by whatever means."""
    module = sys.modules[task.connector.__module__]
    file = Path(module.__file__ or "").resolve()
    depth = module.__name__.count(".") + (file.name == "__init__.py")
    return [*sys.path, *(str(folder) for folder in file.parents[depth : depth + 1])]
