"""What the child says, checked as if somebody else had taken it over: whatever passes here could have stood in the feed.

Ids that tie a record to others are made here, never taken. Values are held to the same rules that the child's own
check holds them to; HTML is what our sanitiser writes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
import structlog

from verbund.draft_check import check_draft, check_organisation
from verbund.draft_fit import fit_of
from verbund.ingest.jail import outcome, wire
from verbund.ingest.jail.markup import is_sanitised
from verbund.ingest.mapping import MappingTask, RawRecord, Staged
from verbund.keys import contact_id
from verbund.offer import organisation_id
from verbund_connectors.kit import Broken, Cursor, Item, PartEnd, Request

log = structlog.get_logger()

_LONGEST_SAID: Final = 2_000
_MOST_LISTED: Final = 1_000  # rejects of a record, organisations, contacts
_MAX_CURSOR: Final = 16 * 1024
_MAX_OTHER: Final = 256 * 1024
_REMEMBERED: Final = 1_000

_REASONS: Final = {
    "ignored": frozenset({"ours", "out_of_scope"}),
    "withdrawn": frozenset({"explicit_delete", "cancelled"}),
}
_DIGEST = re.compile(r"[0-9a-f]{64}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)
_RULE = re.compile(r"[a-z0-9_]{1,60}")
_TRIP = re.compile(r"[^\w., /-]")
_WHOLE = re.compile(r"-?\d{1,30}", re.ASCII)

Other = Broken | Request | PartEnd | Cursor


def _no(what: str) -> outcome.ParserLostError:
    return outcome.ParserLostError(outcome.NOT_BELIEVED, what)


def _name(value: Any) -> str:
    if value.__class__ is not str or len(value) > wire.MAX_NAME:
        raise _no("a name")
    name: str = value
    return name


# --- what was read ---------------------------------------------------------------------------------------------------


def items(payload: bytes) -> list[Item]:
    """The items of a frame; their data is JSON that only children will ever read.

    Raises:
        ParserLostError: not believed.
    """
    try:
        entries, data = wire.opened(payload)
        at = 0
        found = []
        for part, ident, key, deleted, modified, needs, size in entries:
            if size.__class__ is not int or not 0 <= size <= len(data) - at:
                raise _no("the length of an item")
            if deleted.__class__ is not bool or not (modified is None or _WHOLE.fullmatch(modified)):
                raise _no("an item")
            found.append(
                Item(
                    part=_name(part),
                    id=_name(ident),
                    key=None if key is None else _name(key),
                    data=orjson.Fragment(bytes(data[at : at + size])),
                    deleted=deleted,
                    modified=None if modified is None else int(modified),
                    needs=tuple(map(_name, needs)),
                )
            )
            at += size
    except (ValueError, TypeError) as error:
        raise _no("a list of items") from error
    return found


def other(payload: bytes) -> Other:
    """Anything but an item.

    Raises:
        ParserLostError: not believed.
    """
    try:
        if len(payload) > _MAX_OTHER:
            raise _no("an output that is too large")
        kind, fields = orjson.loads(payload)
        made: Other
        match kind:
            case "Broken":
                made = Broken(
                    part=_name(fields["part"]),
                    rule=_said(fields["rule"]),
                    place=_said(fields["place"]),
                    value=fields["value"],
                )
            case "Request":
                made = _request(fields)
            case "PartEnd":
                made = _part_end(fields)
            case "Cursor":
                if len(payload) > _MAX_CURSOR:
                    raise _no("a cursor")
                made = Cursor(part=_name(fields["part"]), value=fields["value"])
            case _:
                raise _no("an output")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _no("an output") from error
    return made


def _request(fields: Mapping[str, Any]) -> Request:
    """Files are named by the source file alone: a body never leads to one."""
    if fields["path"] is not None:
        raise _no("a request for a file")
    if not isinstance(fields["timeout_s"], int | float | None) or len(fields["expects"]) > 20:
        raise _no("a request")
    return Request(
        part=_name(fields["part"]),
        url=_name(fields["url"]),
        headers=_texts(fields["headers"]),
        state=dict(fields["state"]),
        expects=tuple(int(status) for status in fields["expects"]),
        timeout_s=fields["timeout_s"],
    )


def _part_end(fields: Mapping[str, Any]) -> PartEnd:
    if fields["state"] not in {"complete", "partial", "failed"} or fields["covers"] not in {"all", "changes"}:
        raise _no("the end of a part")
    return PartEnd(
        part=_name(fields["part"]),
        state=fields["state"],
        covers=fields["covers"],
        scope=_texts(fields["scope"]),
        proof=_texts(fields["proof"]),
        reasons=tuple(map(_said, fields["reasons"][:100])),
    )


def _said(value: Any) -> str:
    if not isinstance(value, str):
        raise _no("a word")
    return value[:_LONGEST_SAID]


def _texts(value: Mapping[Any, Any]) -> dict[str, str]:
    if len(value) > 100:
        raise _no("a list of texts")
    return {_name(name): _said(text) for name, text in value.items()}


# --- what was mapped -------------------------------------------------------------------------------------------------


class Rows:
    """Turns what a child says of the records that were sent into rows to be stored."""

    def __init__(self, task: MappingTask) -> None:
        self._task = task
        self._organisations: set[tuple[str, str, bytes]] = set()
        self._fits_offer = fit_of("Offer", needed=("kind", "texts"))
        self._fits_contact = fit_of("Contact", needed=())

    def take(self, payload: bytes, records: Sequence[RawRecord], staged: Staged) -> int:
        """Add the rows of a frame, which speaks of the first of these records; returns of how many.

        Raises:
            ParserLostError: not believed.
        """
        try:
            entries, blobs = wire.opened(payload)
            if len(entries) > len(records):
                raise _no("more rows than records")
            at = 0
            for record, entry in zip(records, entries, strict=False):
                at = self._row(record, entry, blobs, at, staged)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise _no("a row") from error
        return len(entries)

    def _row(self, record: RawRecord, entry: Sequence[Any], blobs: memoryview, at: int, staged: Staged) -> int:
        number, key, raw, _ = record
        kind, said, digest, ends, size, organisations, contacts = entry
        if len(organisations) + len(contacts) > _MOST_LISTED:
            raise _no("a list")
        body = None
        if size >= 0:
            body, at = _blob(blobs, at, size)
        if kind in _REASONS:
            if said not in _REASONS[kind] or body is not None:
                raise _no("a reason")
            staged.rows.append((number, key, kind, said, None, None, raw, None))
            return at
        if body is None:
            raise _no("a row")
        if kind == "rejected":
            staged.rows.append((number, key, kind, _rule_of(body), None, None, raw, body))
            return at
        if kind != "mapped" or not _DIGEST.fullmatch(digest) or not (ends is None or _INSTANT.fullmatch(ends)):
            raise _no("a row")
        try:
            given, at_end = self._mapped(record, entry, body, blobs, at)
        except outcome.ParserLostError as error:
            log.warning("record_not_believed", source=self._task.context.source, what=error.detail)
            listed = orjson.dumps([[outcome.NOT_BELIEVED, "record", None]])
            staged.rows.append((number, key, "rejected", outcome.NOT_BELIEVED, None, None, raw, listed))
            for *_, length in (*organisations, *contacts):
                _, at = _blob(blobs, at, length)
            return at
        staged.rows += given.rows
        staged.organisations += given.organisations
        staged.contacts += given.contacts
        return at_end

    def _mapped(
        self, record: RawRecord, entry: Sequence[Any], body: bytes, blobs: memoryview, at: int
    ) -> tuple[Staged, int]:
        number, key, raw, _ = record
        kind, said, digest, ends, _, organisations, contacts = entry
        given = Staged()
        organisation, idents = None, []
        for name, hashed, length in organisations:
            written, at = _blob(blobs, at, length)
            organisation = self._organisation(_name(name), hashed, written, raw, given)
        for place_key, area, rank, length in contacts:
            written, at = _blob(blobs, at, length)
            idents.append(self._contact(key, _name(place_key), _name(area), rank, written, given))
        self._believe(body, key, organisation, sorted(idents))
        given.rows.append((number, key, kind, None if said is None else _said(said), digest, ends, raw, body))
        return given, at

    def _believe(self, body: bytes, key: str, organisation: str | None, contacts: list[str]) -> None:
        draft = orjson.loads(body)
        if draft.pop("organisation_id") != organisation or draft.pop("contact_ids") != contacts:
            raise _no("an id")
        # Whether it fits its schema decides what can be written; rules of taste are the child's to look at.
        fits = b"\\u0000" not in body and self._fits_offer(draft, self._task.year)
        if not fits and check_draft(draft, year=self._task.year, record_key=key, written=body):
            raise _no("a draft")
        if len(draft["texts"]) > _MOST_LISTED:
            raise _no("texts")
        for text in draft["texts"].values():
            html = text.get("description_html")
            if html is not None and not is_sanitised(html):
                raise _no("a text")

    def _organisation(self, key: str, hashed: str, written: bytes, raw: str, staged: Staged) -> str:
        ident = organisation_id(self._task.context.district, self._task.context.source, key)
        known = (key, hashed, written)
        if known not in self._organisations:
            draft = orjson.loads(written)
            if not _DIGEST.fullmatch(hashed) or check_organisation(draft, year=self._task.year):
                raise _no("an organisation")
            if len(self._organisations) >= _REMEMBERED:
                self._organisations.clear()
            self._organisations.add(known)
        staged.organisations.append((ident, key, hashed, raw, written))
        return ident

    def _contact(self, key: str, place_key: str, area: str, rank: Any, written: bytes, staged: Staged) -> str:
        if rank.__class__ is not int:
            raise _no("a contact")
        ident = contact_id(self._task.secret, place_key, area, rank)
        data = orjson.loads(written)
        if data.get("contact_id") != ident or not self._fits_contact(data, self._task.year):
            raise _no("a contact")
        staged.contacts.append((ident, key, written))
        return ident


def trips(payload: bytes) -> list[str]:
    """Over which kinds of errors a connector tripped, and where: for the log.

    Raises:
        ParserLostError: not believed.
    """
    try:
        return [_TRIP.sub("?", _said(trip))[:200] for trip in orjson.loads(payload)[:20]]
    except (ValueError, TypeError) as error:
        raise _no("a list") from error


def _blob(blobs: memoryview, at: int, size: Any) -> tuple[bytes, int]:
    if size.__class__ is not int or not 0 <= size <= len(blobs) - at:
        raise _no("a length")
    return bytes(blobs[at : at + size]), at + size


def _rule_of(body: bytes) -> str:
    """The first rule of a list of rejects."""
    listed = orjson.loads(body)
    if not 0 < len(listed) <= _MOST_LISTED:
        raise _no("rejects")
    for rule, place, value in listed:
        if not _RULE.fullmatch(rule) or not isinstance(place, str) or not (value is None or isinstance(value, str)):
            raise _no("a reject")
    rule_of_all: str = listed[0][0]
    return rule_of_all
