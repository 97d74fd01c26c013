"""What people decide at the hub, written into the desk's topics; it needs the event log and the view, and no ingest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Any, Final

import structlog
from sqlalchemy import Engine

from verbund.errors import BaseMovedError, ConflictError, LogUnavailableError, UnknownNameError, UsageError
from verbund.event_log import EventLog
from verbund.events import Event, event_id
from verbund.i18n import N_
from verbund.projection import positions
from verbund.views.holds import Hold, Holds, HoldsView

log = structlog.get_logger()

ANSWERS: Final = ("allow_once", "allow_up_to", "reject")

#: A reason, not a report.
LONGEST_NOTE: Final = 500

_PAGE: Final = 1000

# Why a hold takes no answer, by how it ended.
_OVER: Final = {
    "resolved": N_("Nothing is at risk any more, so hold {hold_id} is over; it needs no answer."),
    "expired": N_("Hold {hold_id} has expired; the next run asks anew, with the set as it is then."),
}
_CARRIED_OUT: Final = N_("Hold {hold_id} is over: the answer to it was carried out.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a person says to a hold.

    Attributes:
        answer: allow_once, allow_up_to or reject.
        up_to: for allow_up_to: at most so many records in the next complete run.
        note: why, without names of persons.
        set_digest: the set that the person saw; None: whichever there is now.
    """

    answer: str
    up_to: int | None = None
    note: str = ""
    set_digest: str | None = None


class Desk:
    """Takes answers to holds: one decision, however often and by whomever it is sent.

    Whoever rejected a set may still let it through later; every other answer is the last word.
    """

    def __init__(self, log: EventLog, views: Engine, *, clock: Callable[[], datetime]) -> None:
        self._log = log
        self._views = views
        self._holds = Holds(views)
        self._clock = clock
        self._one_at_a_time = Lock()

    def hold(self, hold_id: str) -> Hold | None:
        """A hold as it stands now, with a decision that the view has not read yet."""
        found = self._holds.get(hold_id)
        return None if found is None else self._with_news(found)

    def answer(self, hold_id: str, said: Answer, *, by: str) -> Hold:
        """Append the decision; the same one again changes nothing. The source's next complete run carries it out.

        Two that answer at once through different processes are both in the log; then the later one counts.

        Raises:
            UsageError: the answer cannot be.
            UnknownNameError: there is no such hold.
            ConflictError: it was answered otherwise, has expired or is over.
            BaseMovedError: the set is not the one that was seen.
            AppendFailedError: not known to be written; sending the same again is safe.
        """
        check(said)
        with self._one_at_a_time:
            hold = self.hold(hold_id)
            if hold is None:
                raise UnknownNameError("There is no hold {hold_id}; `verbund hold list` shows all.", hold_id=hold_id)
            if (hold.answer, hold.up_to) == (said.answer, said.up_to):
                return hold
            self._refuse(hold, said)
            now = self._clock()
            decision = hold_decided(hold, said, by=by, decided_at=now)
            self._log.append(_topic(hold), [decision])
        log.info("hold_answered", hold_id=hold_id, source=hold.source, answer=said.answer, by=by)
        return replace(hold, state="answered", answer=said.answer, up_to=said.up_to, by=by, note=said.note)

    def _refuse(self, hold: Hold, said: Answer) -> None:
        facts = {"hold_id": hold.hold_id}
        if hold.state == "closed":
            raise ConflictError(_OVER.get(hold.answer or "", _CARRIED_OUT), **facts)
        if hold.state == "answered":
            raise ConflictError(
                "Hold {hold_id} was answered otherwise before, by {by}; the first answer counts.", by=hold.by, **facts
            )
        if hold.state == "open" and hold.expires_at <= self._clock():
            raise ConflictError(_OVER["expired"], **facts)
        if said.set_digest is not None and said.set_digest != hold.set_digest:
            raise BaseMovedError(
                "The set of hold {hold_id} has changed since you looked; look again before you answer.", **facts
            )

    def _with_news(self, hold: Hold) -> Hold:
        """The hold with what the log has of it beyond the view."""
        topic = _topic(hold)
        with self._views.connect() as tx:
            following = positions.load(tx, HoldsView.name).get(topic, positions.START).next_position
        end = self._log.end([topic])[topic]
        while following < end:
            page = self._log.read({topic: following}, limit=_PAGE, wait=positions.ANSWER_WITHIN)
            if not page:
                raise LogUnavailableError(
                    "The log handed out nothing at position {position} of {topic}, although it goes further. Try again; "
                    "look at the log's own messages if it stays so.",
                    topic=topic,
                    position=following,
                )
            for record in page:
                if record.type == "HoldDecided" and record.subject == hold.hold_id:
                    hold = _decided(hold, record.data)
            following = page[-1].position + 1
        return hold


def _decided(hold: Hold, data: Mapping[str, Any]) -> Hold:
    """The hold with this decision, which a hold that is over does not heed."""
    if hold.state == "closed":
        return hold
    said = {name: data[name] for name in ("answer", "up_to", "by", "note")}
    same = hold.state == "rejected" and said["answer"] == "reject"
    return replace(hold, state=hold.state if same else "answered", **said)


def check(said: Answer) -> None:
    """Refuse what no hold can be answered with.

    Raises:
        UsageError: says what to change.
    """
    if said.answer not in ANSWERS:
        raise UsageError("An answer is allow_once, allow_up_to or reject, not {answer}.", answer=said.answer)
    if (said.answer == "allow_up_to") != (said.up_to is not None):
        raise UsageError("`up_to` belongs to the answer allow_up_to, and to no other.")
    if said.up_to is not None and said.up_to < 1:
        raise UsageError("`up_to` is at least 1; to let nothing through, reject.")
    if len(said.note) > LONGEST_NOTE:
        raise UsageError("A note has {most} characters at most.", most=LONGEST_NOTE)


def hold_decided(hold: Hold, said: Answer, *, by: str, decided_at: datetime) -> Event:
    """The event of a decision: the same decision of the same set has the same id."""
    data: Mapping[str, Any] = {
        "district": hold.district,
        "source": hold.source,
        "hold_id": hold.hold_id,
        "guard": hold.guard,
        "set_digest": hold.set_digest,
        "answer": said.answer,
        "up_to": said.up_to,
        "by": by,
        "note": said.note,
    }
    return Event(
        id=event_id(hold.hold_id, "HoldDecided", 0, f"{hold.set_digest}\n{said.answer}\n{said.up_to}"),
        type="HoldDecided",
        source=f"{hold.district}/{hold.source}",
        subject=hold.hold_id,
        time=decided_at,
        data=data,
    )


def _topic(hold: Hold) -> str:
    return f"desk.{hold.district}"
