"""One run's place in the jail: reads bodies and maps records in children, and takes new ones when they are lost."""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from types import TracebackType
from typing import Self

import orjson
import structlog

from verbund.ingest.jail import outcome, trust, wire
from verbund.ingest.jail.channel import HungUpError
from verbund.ingest.jail.jail import Jail, readable_copy
from verbund.ingest.jail.seat import ParserGone, Seat
from verbund.ingest.mapping import MappingTask, RawRecord, Staged
from verbund_connectors.kit import Item, Response, UnreadableError

log = structlog.get_logger()

# Children lost over records in one run; whoever loses more is not given another.
MAX_LOST = 5


def _patient() -> None:
    return


class Cell:
    """For one run and one thread.

    Args:
        tick: called about twice a second while waiting for the child; may raise to give up.
    """

    def __init__(
        self,
        jail: Jail,
        task: MappingTask,
        *,
        allowance: wire.Allowance | None = None,
        tick: Callable[[], None] = _patient,
    ) -> None:
        self._allowance = allowance or wire.Allowance()
        self._make_seat = partial(Seat, jail, task, self._allowance, tick)
        self._seats = [self._make_seat()]
        self._rows = trust.Rows(task)
        self._lost = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the children."""
        for seat in self._seats:
            seat.close()

    @property
    def walls(self) -> tuple[str, ...]:
        """What shuts the child in: `limits`, and what kernel and machine allow of `network`, `files`, `calls`."""
        self._seats[0].ready()
        return self._seats[0].walls

    # --- reading -------------------------------------------------------------------------------------------------

    def read(self, response: Response) -> Iterator[list[Item] | trust.Other]:
        """What the connector's `read` makes of the response: lists of items as they come, and single other outputs.

        Raises:
            UnreadableError: as the connector says it; `connector_error` when it tripped.
            ParserLostError: the child was lost over this body; the next one gets another child.
        """
        seat = self._seats[0]
        try:
            yield from self._read(seat, response)
        except ParserGone as gone:
            raise seat.why_gone("body") from gone
        except outcome.ParserLostError as error:
            seat.note("body", error)
            seat.close()
            raise
        except UnreadableError:
            raise
        except BaseException:
            seat.close()  # its answers would be taken for those to the next question
            raise

    def _read(self, seat: Seat, response: Response) -> Iterator[list[Item] | trust.Other]:
        self._hand_over(seat, response)
        patience = seat.patience()
        room = self._allowance.output_bytes
        while True:
            kind, payload = seat.receive(patience)
            room -= len(payload)
            if room < 0:
                raise outcome.ParserLostError(outcome.TOO_MUCH)
            match kind:
                case wire.ITEMS:
                    yield trust.items(payload)
                case wire.OTHERS:
                    yield trust.other(payload)
                case wire.END:
                    return
                case wire.UNREADABLE | wire.RAISED:
                    raise _as_said(kind, payload)
                case wire.NO_MEMORY:
                    raise outcome.ParserLostError(outcome.OUT_OF_MEMORY)
                case _:
                    raise outcome.ParserLostError(outcome.NOT_BELIEVED, "a frame of another kind")

    @staticmethod
    def _hand_over(seat: Seat, response: Response) -> None:
        request = {name: getattr(response.request, name) for name in response.request.__dataclass_fields__}
        said = {
            "request": request,
            "url": response.url,
            "status": response.status,
            "headers": dict(response.headers),
            "digest": response.digest,
        }
        body = _descriptor(response)
        try:
            seat.ready().send(wire.READ, orjson.dumps(said, default=dict), descriptor=body)
        except HungUpError as error:
            raise ParserGone from error
        finally:
            os.close(body)

    # --- mapping -------------------------------------------------------------------------------------------------

    def map(self, batches: Iterator[list[RawRecord]], *, children: int = 1) -> Iterator[Staged]:
        """The rows of each batch, in order; the children map some while the caller stores those before.

        A record over which a child is lost is rejected with the reason.

        Args:
            batches: taken as they are needed.
            children: that work side by side, for many records.

        Raises:
            ParserLostError: too many children were lost; all rows before have been given.
        """
        while len(self._seats) < children:
            self._seats.append(self._make_seat())
        under_way: deque[tuple[Seat, list[RawRecord]]] = deque()
        try:
            for number, batch in enumerate(batches):
                seat = self._seats[number % children]
                seat.send_records(batch)
                under_way.append((seat, batch))
                if len(under_way) > children:
                    yield self._mapped(under_way)
            while under_way:
                yield self._mapped(under_way)
        except BaseException:
            self.close()
            raise

    def _mapped(self, under_way: deque[tuple[Seat, list[RawRecord]]]) -> Staged:
        seat, records = under_way.popleft()
        staged = Staged()
        done, careful = 0, False
        while True:
            try:
                for count in self._taken(seat, records, done, staged):
                    done = count
            except ParserGone:
                error = seat.why_gone("records")
            except outcome.ParserLostError as lost:
                error = lost
                seat.note("records", lost)
                seat.close()
            else:
                return staged
            self._lost += 1
            if self._lost > MAX_LOST:
                raise error
            if careful and done < len(records):  # it was lost over the first one that it has not answered
                number, key, raw, _ = records[done]
                body = orjson.dumps([[error.reason, "record", None]])
                staged.rows.append((number, key, "rejected", error.reason, None, None, raw, body))
                done += 1
            careful = True
            seat.send_records(records[done:], careful=True)
            for _, following in (each for each in under_way if each[0] is seat):
                seat.send_records(following)

    def _taken(self, seat: Seat, records: list[RawRecord], done: int, staged: Staged) -> Iterator[int]:
        """Add the rows that come; says after each frame of how many records there are rows."""
        patience = seat.patience()
        while True:
            kind, payload = seat.receive(patience, beside=self._seats)
            if kind == wire.STAGED:
                part = Staged()
                done += self._rows.take(payload, records[done:], part)
                staged.rows += part.rows
                staged.organisations += part.organisations
                staged.contacts += part.contacts
                yield done
            elif kind == wire.TRIPS:
                staged.trips += trust.trips(payload)
            elif kind == wire.END and done == len(records):
                return
            else:
                raise outcome.ParserLostError(outcome.NOT_BELIEVED, "a frame of another kind")


def _as_said(kind: bytes, payload: bytes) -> UnreadableError:
    try:
        said = [str(fact)[:300] for fact in orjson.loads(payload)]
    except (ValueError, TypeError):
        said = []
    if kind == wire.RAISED:
        name, where = (*said, "", "")[:2]
        log.warning("connector_failed", error=where)
        return UnreadableError("connector_error", name)
    reason, detail = (*said, "", "")[:2]
    return UnreadableError(reason or "unreadable", detail)


def _descriptor(response: Response) -> int:
    """The body as a file of its own, for reading alone: what is only in memory becomes one."""
    response.body.seek(0)
    try:
        return readable_copy(response.body.fileno())
    except OSError:
        with os.fdopen(os.memfd_create("body", os.MFD_CLOEXEC), "wb") as copy:
            shutil.copyfileobj(response.body, copy)
            copy.flush()
            return readable_copy(copy.fileno())
