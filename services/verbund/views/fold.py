"""Revisions decide: which events of a batch are taken, and what of them a row is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from verbund.errors import UnreadableEventError
from verbund.events import Recorded

#: Topic and subject: a district that used another's id would only get rows of its own.
Key = tuple[str, str]


@dataclass(slots=True)
class Folded:
    """The taken events of one subject in a batch.

    Attributes:
        first: the earliest.
        last: the latest; its revision is that of the row.
        body: the latest that carries the full state, if any does.
    """

    first: Recorded
    last: Recorded
    body: Recorded | None = None


def taken(batch: Iterable[Recorded]) -> list[Recorded]:
    """Events whose revision is greater than all before them in the batch; what is stored may still know better."""
    held: dict[Key, int] = {}
    events = []
    for record in batch:
        key = record.topic, record.subject
        if record.revision > held.get(key, 0):
            held[key] = record.revision
            events.append(record)
    return events


def fold(batch: Iterable[Recorded], with_state: frozenset[str]) -> list[Folded]:
    """One entry for each subject, made from envelopes alone; bodies of older revisions are never decoded."""
    folded: dict[Key, Folded] = {}
    for record in batch:
        if record.revision < 1:
            continue
        key = record.topic, record.subject
        known = folded.get(key)
        if known is None:
            known = folded[key] = Folded(record, record)
        elif record.revision > known.last.revision:
            known.last = record
        else:
            continue
        if record.type in with_state:
            known.body = record
    return list(folded.values())


def district_of(topic: str) -> str:
    """The district whose topic it is."""
    return topic.partition(".")[2]


def source_of(record: Recorded) -> str:
    """The source's name, from the envelope."""
    return record.source.partition("/")[2]


def facts_of(record: Recorded, subject: str, state: str | None = None) -> dict[str, Any]:
    """The event's record, or the state in it, when it speaks of what its envelope says.

    Args:
        record: the event.
        subject: field that holds the id of the subject.
        state: field that holds the full state, for events that carry one.

    Raises:
        UnreadableEventError: it cannot be decoded, or its body is about another subject, source or revision.
    """
    facts: dict[str, Any] = record.data
    if state is not None:
        facts = facts[state]
    if (
        facts[subject] != record.subject
        or facts["district"] != district_of(record.topic)
        or facts["source"] != source_of(record)
        or facts.get("revision", record.revision) != record.revision
    ):
        raise UnreadableEventError(
            "Event {position} of {topic} says in its body another subject, source or revision than on its envelope.",
            topic=record.topic,
            position=record.position,
        )
    return facts
