"""The contract of a connector as tests: subclass `ConnectorContract`, name the class `Test…`, run pytest.

    class TestMyFeed(ConnectorContract):
        connector = MyFeed
        settings = {"url": "https://example.org/feed.json"}
        answers = {"https://example.org/feed.json": RECORDED.read_bytes()}
        canaries = ("Erika Beispiel", "erika@example.org")

`answers` are recorded bodies by the url or path that the connector asks for. No network is touched.
"""
# ruff: noqa: S101 — tests say what must hold by assert

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, get_args

import fastavro.validation
import orjson

import verbund_schemas
from verbund_connectors.kit import (
    Answer,
    Broken,
    Connector,
    ContactPolicy,
    Cursor,
    Item,
    Mapped,
    PartEnd,
    Request,
    Response,
    Settings,
    SourceContext,
    UnreadableError,
)

MAX_REQUESTS = 2_000  # a recorded sample that asks for more goes in circles

# What the runner adds to an offer, an organisation and a contact; the draft has the rest.
_STAND_IN = "00000000-0000-0000-0000-000000000000"
_SUBJECT: Mapping[str, Any] = {
    "district": "05954", "source": "contract", "record_key": "k", "revision": 1, "content_hash": "", "licence": None,
    "attribution": None, "raw_digest": None, "mapping_version": None, "cause": "source",
}  # fmt: skip
_ORIGIN: Mapping[str, Any] = {"system": "contract", "record_key": "k", "hub": None, "hops": []}
_CODES = {"kind": "kind", "categories": "categories", "target_groups": "target_groups", "level_from": "levels", "level_to": "levels", "gender": "gender", "availability": "availability"}  # noqa: E501 # fmt: skip


@dataclass(slots=True)
class Pull:
    """What a pull of recorded answers brought.

    Attributes:
        failed: reason by part whose answer was unreadable.
    """

    items: list[Item] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    ends: list[PartEnd] = field(default_factory=list)
    cursors: dict[str, Any] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def is_proven(self, part: str) -> bool:
        """Whether absence would count in the part."""
        ends = [end for end in self.ends if end.part == part]
        whole = all(end.state == "complete" and end.covers == "all" for end in ends)
        return bool(ends) and whole and part not in self.failed and not any(b.part == part for b in self.broken)

    def records(self) -> dict[str, list[Item]]:
        """The items of each record as `map` gets them: the last of an id, in order of part and id, needed ones after."""
        last = {(item.part, item.id): item for item in self.items}
        ordered = [last[at] for at in sorted(last)]
        by_id: dict[str, list[Item]] = {}
        found: dict[str, list[Item]] = {}
        for item in ordered:
            by_id.setdefault(item.id, []).append(item)
            if item.key is not None:
                found.setdefault(item.key, []).append(item)
        for items in found.values():
            needs = dict.fromkeys(need for item in items for need in item.needs)
            items.extend(replace(other, key=None, needs=()) for need in needs for other in by_id.get(need, ()))
        return found


def pull(
    connector: Connector,
    answers: Mapping[str, bytes],
    *,
    cursors: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Pull:
    """Answer every request of a connector from recorded bodies; one that was not recorded gets 404."""
    result = Pull()
    queue = deque(connector.begin(cursors or {}))
    while queue:
        request = queue.popleft()
        result.requests.append(request)
        assert len(result.requests) <= MAX_REQUESTS, "the connector asks for ever"
        body = answers.get(request.url or request.path or "")
        status = 404 if body is None else 200
        if status not in request.expects:
            result.failed[request.part] = f"status {status}"
            continue
        body = body or b""
        response = Response(
            request=request,
            url=request.url or "",
            status=status,
            headers=headers or {},
            body=io.BytesIO(body),
            digest=hashlib.sha256(body).hexdigest(),
        )
        try:
            for output in connector.read(response):
                match output:
                    case Item():
                        result.items.append(output)
                    case Broken():
                        result.broken.append(output)
                    case Request():
                        queue.append(output)
                    case PartEnd():
                        result.ends.append(output)
                    case Cursor():
                        result.cursors[output.part] = output.value
        except UnreadableError as error:
            result.failed[request.part] = error.reason
    return result


def faults(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Recorded ways in which an answer goes wrong, by name."""
    yield "empty", b""
    yield "blank", b" \n"
    for eighth in range(1, 8):
        yield f"cut after {eighth}/8", body[: len(body) * eighth // 8]
    yield "web page", b"<!DOCTYPE html><html><head><title>Anmeldung</title></head><body>Bitte anmelden.</body></html>"
    yield "error text", b"Service temporarily unavailable"
    wrong: dict[bytes, Any] = {b"{": [], b"[": {"error": "maintenance"}}
    yield "wrong JSON type", json.dumps(wrong.get(body.lstrip()[:1], {})).encode()
    yield "JSON text", b'"maintenance"'
    yield "null", b"null"
    if body.lstrip()[:1] in {b"{", b"["}:
        yield "NaN", re.sub(rb":\s*-?\d+(\.\d+)?", b": NaN", body, count=1)
    yield "byte order mark", b"\xef\xbb\xbf" + body
    yield "compressed twice", gzip.compress(body, mtime=0)
    yield "compressed garbage", b"\x1f\x8b\x08\x00" + bytes(range(256)) * 4


class ConnectorContract:
    """What every connector must hold.

    Attributes:
        connector: the class under test.
        settings: what stands under `with:`.
        answers: recorded bodies by url or path; together one complete pull.
        canaries: names, phone numbers and mail addresses in the answers that must never stand in an offer.
        names: those of them that are names of persons; no contact carries one but under the policy `names`.
    """

    connector: ClassVar[type[Any]]
    settings: ClassVar[Mapping[str, Any]]
    answers: ClassVar[Mapping[str, bytes]]
    canaries: ClassVar[tuple[str, ...]] = ()
    names: ClassVar[tuple[str, ...]] = ()
    district: ClassVar[str] = "05954"

    def cut_shows(self, body: bytes, cut: bytes) -> bool:
        """Whether the format can show that `body` was cut to `cut`; a CSV cut between two rows can not."""
        return bool(body) and cut != body

    # --- tools ---------------------------------------------------------------------------------------------------

    def made(self, contacts: ContactPolicy = "functions") -> Any:
        """A connector with these settings."""
        model: type[Settings] = self.connector.settings_model
        context = SourceContext(source="contract", district=self.district, contacts=contacts)
        return self.connector(model(**self.settings), context)

    def pulled(self, contacts: ContactPolicy = "functions") -> tuple[Pull, dict[str, Answer]]:
        """A pull of the recorded answers and what became of each record."""
        connector = self.made(contacts)
        result = pull(connector, self.answers)
        return result, {key: connector.map(key, items) for key, items in result.records().items()}

    def mapped(self, contacts: ContactPolicy = "functions") -> dict[str, Mapped]:
        """The records that can be taken."""
        _, answers = self.pulled(contacts)
        return {key: answer for key, answer in answers.items() if isinstance(answer, Mapped)}

    # --- begin and read ------------------------------------------------------------------------------------------

    def test_begin_gives_requests_that_can_be_made(self) -> None:
        """Each has a part, exactly one of url and path, and a state that is JSON."""
        requests = self.made().begin({})
        assert requests
        for request in requests:
            assert request.part
            assert bool(request.url) != bool(request.path)
            assert orjson.loads(orjson.dumps(dict(request.state))) == dict(request.state)

    def test_unknown_settings_are_refused(self) -> None:
        """A misspelt setting is an error, not a silence."""
        try:
            self.connector.settings_model(**self.settings, no_such_setting=1)
        except ValueError:
            return
        raise AssertionError("the settings take anything")

    def test_the_recorded_answers_are_a_complete_pull(self) -> None:
        """Every part asked for ends complete, with a proof."""
        result, _ = self.pulled()
        assert not result.failed
        assert {request.part for request in result.requests} == {end.part for end in result.ends}
        for end in result.ends:
            assert end.state == "complete", end
            assert end.proof, f"part {end.part} does not say how it was proven"

    def test_reading_twice_gives_the_same(self) -> None:
        """`read` looks at nothing but the answer."""
        connector = self.made()
        once, again, other = (
            pull(connector, self.answers),
            pull(connector, self.answers),
            pull(self.made(), self.answers),
        )
        assert once.items
        assert once == again == other

    def test_items_can_be_kept(self) -> None:
        """They are JSON, named by texts, and their versions fit 64 bits."""
        for item in pull(self.made(), self.answers).items:
            assert item.id
            assert item.key is None or item.key.strip() == item.key != ""
            assert orjson.loads(orjson.dumps(item.data)) == item.data
            assert item.modified is None or abs(item.modified) < 1 << 63

    def test_a_kept_cursor_is_taken_up(self) -> None:
        """The next pull begins where the last one ended, and says that it read changes only."""
        first = pull(self.made(), self.answers)
        cursors = orjson.loads(orjson.dumps(first.cursors))
        if not cursors:
            return
        second = pull(self.made(), self.answers, cursors=cursors)
        assert not second.failed
        assert all(end.covers == "changes" for end in second.ends if end.part in cursors)

    # --- map -----------------------------------------------------------------------------------------------------

    def test_mapping_is_a_function_of_the_items(self) -> None:
        """The same items give the same answer, in another order of records, in another process, years later."""
        first, second = self.made(), self.made()
        records = pull(first, self.answers).records()
        answers = {key: first.map(key, items) for key, items in records.items()}
        for key in reversed(records):
            kept = [replace(item, data=orjson.loads(orjson.dumps(item.data))) for item in records[key]]
            assert second.map(key, kept) == answers[key]

    def test_some_record_is_taken(self) -> None:
        """The sample shows something."""
        assert self.mapped()

    def test_offers_fit_the_schema(self) -> None:
        """A draft with what the runner adds is a whole `Offer`."""
        for key, mapped in self.mapped().items():
            whole = {
                "origin": _ORIGIN,
                **mapped.offer,
                **_SUBJECT,
                "offer_id": _STAND_IN,
                "organisation_id": None,
                "contact_ids": [],
            }
            _fits("Offer", whole, key)

    def test_organisations_and_contacts_fit_the_schema(self) -> None:
        """So are organisations, and contacts under every policy."""
        for policy in get_args(ContactPolicy):
            for key, mapped in self.mapped(policy).items():
                if mapped.organisation is not None:
                    assert mapped.organisation[0]
                    _fits("Organisation", {**mapped.organisation[1], **_SUBJECT, "organisation_id": _STAND_IN}, key)
                for contact in mapped.contacts:
                    _fits("Contact", {**_no_contact(), **contact.data, "contact_id": _STAND_IN}, key)

    def test_codes_are_those_of_the_vocabularies(self) -> None:
        """A word that no vocabulary has stays with the foreign codes."""
        for key, mapped in self.mapped().items():
            for name, vocabulary in _CODES.items():
                said = mapped.offer.get(name)
                for code in said if isinstance(said, list | tuple) else [said]:
                    assert code is None or code in verbund_schemas.vocabulary(vocabulary), f"{key}: {name} {code}"

    def test_times_are_utc_and_starts_ascend(self) -> None:
        """Instants end in Z; an end is not before its start."""
        for mapped in self.mapped().values():
            starts = [start["start"] for start in mapped.offer["starts"]]
            assert starts == sorted(starts)
            for start in mapped.offer["starts"]:
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", start["start"])
                assert start["end"] is None or start["start"] <= start["end"]

    def test_an_empty_record_breaks_nothing(self) -> None:
        """`map` answers, whatever an item holds: a cache may be older than the connector."""
        connector = self.made()
        for key, items in pull(connector, self.answers).records().items():
            for data in ({}, {"@type": "Unknown"}, {"title": None}):
                connector.map(key, [replace(items[0], data=data)])

    # --- persons -------------------------------------------------------------------------------------------------

    def test_nothing_personal_stands_in_an_offer(self) -> None:
        """Not in its texts, its extra, its organisation, its warnings, under no policy."""
        for policy in get_args(ContactPolicy):
            _, answers = self.pulled(policy)
            for key, answer in answers.items():
                if not isinstance(answer, Mapped):
                    continue
                shown = orjson.dumps([answer.offer, answer.organisation, answer.content]).decode()
                for canary in self.canaries:
                    assert canary not in shown, f"{key}: {canary!r} stands in the offer"

    def test_the_policy_for_contacts_is_kept(self) -> None:
        """`none` gives no contact, `functions` gives none with a person's name."""
        assert not any(mapped.contacts for mapped in self.mapped("none").values())
        for key, mapped in self.mapped("functions").items():
            for contact in mapped.contacts:
                assert not contact.data.get("name"), f"{key} has a name"
                said = orjson.dumps(dict(contact.data)).decode()
                assert not any(name in said for name in self.names), f"{key} names a person"

    def test_contacts_are_told_apart_without_their_data(self) -> None:
        """Place, area and rank make the id; they repeat nothing and hold neither mail nor phone nor name."""
        for mapped in self.mapped("names").values():
            ids = [(contact.place_key, contact.area, contact.rank) for contact in mapped.contacts]
            assert len(set(ids)) == len(ids)
            for contact, made_of in zip(mapped.contacts, ids, strict=True):
                for secret in (contact.data.get(name) for name in ("name", "email", "phone", "mobile")):
                    assert not secret or secret not in str(made_of)

    # --- faults --------------------------------------------------------------------------------------------------

    def test_a_broken_answer_never_proves_absence(self) -> None:
        """Whatever goes wrong with one answer: a part that lost items does not end as proven complete."""
        whole = pull(self.made(), self.answers)
        for name, body in self.answers.items():
            for fault, changed in faults(body):
                if fault.startswith("cut") and not self.cut_shows(body, changed):
                    continue
                _loses_nothing_silently(whole, pull(self.made(), {**self.answers, name: changed}), f"{fault} of {name}")

    def test_a_missing_answer_never_proves_absence(self) -> None:
        """An answer that does not come fails its part."""
        whole = pull(self.made(), self.answers)
        for name in self.answers:
            rest = {other: body for other, body in self.answers.items() if other != name}
            _loses_nothing_silently(whole, pull(self.made(), rest), f"no {name}")


def _loses_nothing_silently(whole: Pull, other: Pull, fault: str) -> None:
    for part in dict.fromkeys(request.part for request in whole.requests):
        before = {item.id for item in whole.items if item.part == part}
        after = {item.id for item in other.items if item.part == part}
        assert not (before - after) or not other.is_proven(part), (
            f"{fault}: part {part} lost items and is called complete"
        )


def _fits(schema: str, datum: Mapping[str, Any], key: str) -> None:
    plain = orjson.loads(orjson.dumps(datum))
    try:
        fastavro.validation.validate(plain, verbund_schemas.load(schema), strict=True)
    except fastavro.validation.ValidationError as error:
        raise AssertionError(f"{key} is no {schema}: {error}") from error


def _no_contact() -> dict[str, Any]:
    fields: Sequence[Mapping[str, Any]] = verbund_schemas.expanded("Contact")["fields"]
    return {entry["name"]: entry["default"] for entry in fields if "default" in entry}
