"""Hostile JSON feeds: OpenActive and Integreat."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.faults.hostile.case import Case
from verbund.testing.feed_server import Reply

MIB = 1024 * 1024


# --- OpenActive ------------------------------------------------------------------------------------------------------


def _item(ident: Any = "1", /, *, modified: Any = 1, **data: Any) -> dict[str, Any]:
    body = {"@type": "Event", "name": "Lauftreff", **data}
    return {"state": "updated", "kind": "Event", "id": ident, "modified": modified, "data": body}


def _page(*items: Any, following: str = "{base}/end") -> bytes:
    return json.dumps({"next": following, "items": list(items)}).encode()


_END = {"/end": _page()}


def _rpde(name: str, danger: str, page: Any, outcome: str, **more: Any) -> Case:
    def build() -> Mapping[str, bytes | Reply]:
        made = page() if callable(page) else page
        return {**_END, **(made if isinstance(made, dict) else {"/feed": made})}

    return Case(name=name, danger=danger, connector="rpde", build=build, outcome=outcome, **more)


def _in(text: str) -> bytes:
    """A page whose one item has this JSON in its data."""
    return _page(_item()).replace(b'"name": "Lauftreff"', f'"name": "Lauftreff", {text}'.encode())


def _deep(levels: int) -> bytes:
    return _in('"extra": ' + '{"a":' * levels + "1" + "}" * levels)


def _schedule(**more: Any) -> bytes:
    plan = {
        "@type": "Schedule",
        "startDate": "2027-01-04",
        "startTime": "18:00",
        "scheduleTimezone": "Europe/Berlin",
        **more,
    }
    return _page(_item(eventSchedule=[plan]))


def _endless() -> dict[str, bytes | Reply]:
    """Each page has one more item and leads on: 40 of them, the source file allows 20."""
    pages = {"/feed": _page(_item("0"), following="{base}/p1")}
    for number in range(1, 41):
        pages[f"/p{number}"] = _page(_item(str(number), modified=number), following=f"{{base}}/p{number + 1}")
    return {**pages}


def _sessions() -> bytes:
    sub = [{"@type": "ScheduledSession", "@id": f"x{n}", "startDate": "2027-01-04T18:00:00Z"} for n in range(50_000)]
    return _page(_item(subEvent=sub))


RPDE: tuple[Case, ...] = (
    _rpde("NaN", "D07", _in('"maximumAttendeeCapacity": NaN'), "part not_json"),
    _rpde("a number beyond all", "D07", _in('"maximumAttendeeCapacity": 1e999'), "part not_json"),
    _rpde("half a surrogate pair", "D07", _in('"description": "\\ud800"'), "part not_json"),
    _rpde("a byte order mark", "D07", b"\xef\xbb\xbf" + _page(_item()), "taken", taken=1),
    _rpde("ids of 400 digits", "D07", _page(_item(10**400)), "part not_json"),
    _rpde("a count of 30 digits", "D07", _page(_item(remainingAttendeeCapacity=10**30)), "taken", taken=1),
    _rpde("versions beyond 64 bits", "D07", _page(_item(modified=10**40)), "taken", taken=1),
    _rpde("objects 100,000 deep", "D06", lambda: _deep(100_000), "part not_json"),
    _rpde("objects 900 deep", "D06", lambda: _deep(900), "reject item_too_large"),
    _rpde("lists 500,000 deep", "D06", lambda: b'{"next":"x","items":' + b"[" * 500_000, "part not_json"),
    _rpde("one name twice", "D08", _page(_item()).replace(b'"items"', b'"items": [], "items"'), "taken", taken=1),
    _rpde("NUL in a name", "D09", _page(_item(name="Lauf\x00treff")), "taken", taken=1, titles=("Lauftreff",)),
    _rpde("bidi controls in a name", "D10", _page(_item(name="\u202eLauf\u2066treff")), "taken", taken=1, titles=("Lauftreff",)),
    _rpde("a script in a description", "D12", _page(_item(description="<svg/onload=alert(1)><p>x")), "taken", taken=1),
    _rpde("a page that leads to itself", "D19", _page(_item(), following="{base}/feed"), "part loop"),
    _rpde("two pages in a circle", "D19", {"/feed": _page(_item("1", modified=1), following="{base}/b"), "/b": _page(_item("2", modified=2), following="{base}/feed")}, "part loop"),
    _rpde("pages without end", "D19", _endless, "part max_pages", settings={"max_pages": 20}),
    _rpde("a page that leads to another host", "D16", _page(_item(), following="http://169.254.169.254/x"), "part next_other_host"),
    _rpde("a page that leads to a file", "D16", _page(_item(), following="file:///etc/passwd"), "part next_relative"),
    _rpde("a page that leads to a user", "D16", _page(_item(), following="http://a:b@127.0.0.1/x"), "part next_unusable"),
    _rpde("a page that leads to an address of 1 MiB", "D22", lambda: _page(_item(), following="{base}/" + "a" * MIB), "part next_unusable"),
    _rpde("a second every second", "D14", _schedule(repeatFrequency="PT1S"), "taken", taken=1),
    _rpde("every nothing", "D14", _schedule(repeatFrequency="P0D"), "taken", taken=1),
    _rpde("a billion times", "D14", _schedule(repeatFrequency="P1D", repeatCount=10**9), "taken", taken=1),
    _rpde("until the year 9999", "D15", _schedule(repeatFrequency="P1D", endDate="9999-12-31"), "taken", taken=1),
    _rpde("a zone that is a path", "D15", _schedule(repeatFrequency="P1W", scheduleTimezone="../../../etc/passwd"), "taken", taken=1),
    _rpde("a start in the year 1", "D15", _page(_item(startDate="0001-01-01T00:00:00+14:00")), "taken", taken=1),
    _rpde("50,000 sessions of one record", "D22", _sessions, "reject item_too_large"),
    _rpde("a record of 30 MiB", "D22", lambda: _page(_item("1", description="x" * 30 * MIB), _item("2", modified=2)), "reject item_too_large", taken=1),
    _rpde("ids that are paths", "D21", _page(_item("../../etc/passwd"), _item("a/../b", modified=2), _item("CON", modified=3)), "taken", taken=3),
    _rpde("an id of white space", "D20", _page(_item("   ")), "reject key_missing"),
    _rpde("an id of 100,000 characters", "D21", _page(_item("k" * 100_000), _item("2", modified=2)), "reject key_too_long", taken=1),
    _rpde("items that are no objects", "D07", _page(1, None, "x", [], _item()), "reject wrong_type", taken=1),
    _rpde("data of all the wrong types", "D07", _page(_item(name=["a"], description={"a": 1}, location=[1], offers="x", organizer=7)), "reject title_missing"),
    _rpde("no envelope", "D07", b"[1, 2, 3]", "part not_a_feed"),
    _rpde("cut in the middle", "D07", _page(_item())[:60], "part not_json"),
    _rpde("200,000 tiny items", "D22", lambda: b'{"next":"{base}/end","items":[' + b",".join([b"{}"] * 200_000) + b"]}", "reject key_missing"),
)  # fmt: skip


# --- Integreat -------------------------------------------------------------------------------------------------------

_REGION = "kreis-beispiel"


def _event(number: Any = 1, /, *, when: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    path = f"/{_REGION}/de/events/{number}/"
    span = {"id": number, "start": "2027-06-01T16:00:00+02:00", "end": "2027-06-01T18:00:00+02:00", "all_day": False}
    return {
        "id": 10, "path": path, "url": f"https://web.example{path}", "title": "Sprachtreff", "content": "<p>Offen.</p>",
        "event": {**span, "timezone": "Europe/Berlin", **(when or {})}, "location": None, "recurrence_rule": None, **more,
    }  # fmt: skip


def _integreat(name: str, danger: str, events: Any, outcome: str, **more: Any) -> Case:
    def build() -> Mapping[str, bytes | Reply]:
        made = events() if callable(events) else events
        body = made if isinstance(made, bytes | Reply) else json.dumps(made).encode()
        own = f"/api/v3/{_REGION}"
        return {
            "/api/v3/regions/": json.dumps([{"id": 1, "path": _REGION, "live": True}]).encode(),
            f"{own}/languages/": b'[{"id": 1, "code": "de"}]',
            f"{own}/de/events/": body,
            f"{own}/de/locations/": b"[]",
            f"{own}/offers/": b"[]",
        }

    return Case(name=name, danger=danger, connector="integreat", build=build, outcome=outcome, **more)


def _rule(rule: str) -> list[Any]:
    return [_event(recurrence_rule=rule)]


INTEGREAT: tuple[Case, ...] = (
    _integreat("a rule for every second", "D14", _rule("DTSTART:20270601T160000\nRRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"), "reject recurrence_unusable", taken=0),
    _integreat("a rule for every minute", "D14", _rule("RRULE:FREQ=MINUTELY"), "reject recurrence_unusable", taken=0),
    _integreat("a rule for every hour", "D14", _rule("RRULE:FREQ=HOURLY;COUNT=1000000"), "reject recurrence_unusable", taken=0),
    _integreat("a rule with no step", "D14", _rule("RRULE:FREQ=DAILY;INTERVAL=0"), "reject recurrence_unusable", taken=0),
    _integreat("a rule that steps back", "D14", _rule("RRULE:FREQ=DAILY;INTERVAL=-1"), "reject recurrence_unusable", taken=0),
    _integreat("a rule a billion times", "D14", _rule("RRULE:FREQ=DAILY;COUNT=1000000000"), "reject recurrence_unusable", taken=0),
    _integreat("a rule that never comes", "D14", _rule("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), "taken", taken=1),
    _integreat("a rule of a megabyte", "D14", lambda: _rule("RRULE:FREQ=WEEKLY;BYDAY=" + ",".join(["MO"] * 350_000)), "taken", taken=1),
    _integreat("a rule until the year 99999", "D14", _rule("RRULE:FREQ=DAILY;UNTIL=99999999T999999Z"), "reject recurrence_unusable", taken=0),
    _integreat("a start in the year 0", "D15", [_event(when={"start": "0000-00-00T00:00:00"})], "reject no_usable_start"),
    _integreat("a start in the year 275760", "D15", [_event(when={"start": "+275760-09-13T00:00:00Z"})], "reject no_usable_start"),
    _integreat("an hour that does not exist", "D15", [_event(when={"start": "2027-03-28T02:30:00", "end": "2027-03-28T02:45:00"})], "taken", taken=1),
    _integreat("a zone that is a path", "D15", [_event(when={"timezone": "/etc/localtime"})], "taken", taken=1),
    _integreat("a list 300,000 deep", "D06", lambda: b"[" * 300_000 + b"]" * 300_000, "part not_json"),
    _integreat("a million numbers", "D07", lambda: b"[" + b",".join([b"1"] * 1_000_000) + b"]", "reject wrong_type"),
    _integreat("an object instead of a list", "D07", {"detail": "Not found"}, "part not_a_feed"),
    _integreat("a log-in page", "D07", b"<html><form><input type='password'></form></html>", "part log_in_page"),
    _integreat("NaN as an id", "D07", b'[{"event": {"id": NaN}}]', "part not_json"),
    _integreat("an id of 400 digits", "D07", [_event(10**400)], "part not_json"),
    _integreat("ids that are texts, lists and negative", "D20", [_event(n) for n in ("TODO", [1], -1, 0, True, None)], "reject key_junk"),
    _integreat("one id, two events", "D20", [_event(1), _event(1, title="Anderes")], "reject key_duplicate"),
    _integreat("one name twice", "D08", b'[{"title": "A", "event": {"id": 1}, "event": {"id": 2}}]', "reject no_usable_start"),
    _integreat("a script in the content", "D12", [_event(content="<p onclick=alert(1)>x</p><script>alert(1)</script><iframe src=//x>")], "taken", taken=1),
    _integreat("comments in comments", "D12", lambda: [_event(content="<!--" * 100_000 + "-->" + "<p>x")], "taken", taken=1),
    _integreat("a tag of 5 MiB", "D12", lambda: [_event(content="<p " + "a=1 " * 300_000 + ">x</p>"), _event(2)], "taken", taken=2),
    _integreat("quotes that never end", "D12", lambda: [_event(content="<a " + "=\"'" * 200_000)], "taken", taken=1),
    _integreat("a title of 1 MiB", "D22", lambda: [_event(title="t" * MIB)], "taken", taken=1),
    _integreat("a title of invisible characters", "D10", [_event(title="\u200b\u2060\u202e")], "reject title_missing"),
    _integreat("tag characters", "D10", [_event(title="Treff" + "".join(chr(0xE0000 + ord(c)) for c in "ignore"))], "taken", taken=1, titles=("Treff",)),
    _integreat("a place beyond the world", "D22", [_event(location={"id": 1, "name": "x", "latitude": 1e300, "longitude": -1e300})], "taken", taken=1),
    _integreat("3,000 events of one title", "D22", lambda: [_event(n, title="Treff") for n in range(1, 3001)], "taken", taken=3000),
)  # fmt: skip

CASES = (*RPDE, *INTEGREAT)
