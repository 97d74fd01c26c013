"""Made-up sources: the same offers as an Integreat region, an OpenActive feed, a CSV or an XLSX file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import openpyxl

from tests.faults.corpus.story import Fault, Record, Reply, Serve

HOST = "https://feed.example"
NOT_FOUND = Reply(status=404, body=b"not found", headers={"content-type": "text/plain"})


def _as_listed(records: Sequence[Record], faults: Iterable[Fault]) -> list[Record]:
    listed = list(records)
    for fault in faults:
        if fault.records is not None:
            listed = fault.records(listed)
    return listed


def _as_written(name: str, entries: list[Any], faults: Iterable[Fault]) -> list[Any]:
    for fault in faults:
        if fault.entries is not None:
            entries = fault.entries(name, entries)
    return entries


def _as_sent(serve: Serve, faults: Iterable[Fault]) -> Serve:
    for fault in faults:
        if fault.wire is not None:
            serve = fault.wire(serve)
    return serve


# --- Integreat -------------------------------------------------------------------------------------------------------


class IntegreatRegion:
    """Two places for each event; German and English."""

    connector = "integreat"
    region = "kreis-beispiel"

    def keys(self, numbers: Sequence[int]) -> list[str]:
        return [f"event/{number}" if number % 3 == 0 else f"place/{number}" for number in numbers]

    def settings(self) -> dict[str, Any]:
        return {"base_url": HOST, "region": self.region}

    def deliver(self, records: Sequence[Record], faults: Sequence[Fault]) -> Serve:
        listed = _as_listed(records, faults)
        root, codes = f"{HOST}/api/v3/", ("de", "en")
        flags = {"live": True, "extras": True, "events": True, "pois": True, "contacts": True}
        region = {"id": 1, "name": "Kreis Beispiel", "path": self.region, **flags}
        lists: dict[str, list[Any]] = {
            "regions/": [region],
            f"{self.region}/languages/": [{"id": n, "code": code} for n, code in enumerate(codes, 1)],
            f"{self.region}/offers/": [],
        }
        for code in codes:
            events = [_event(r, code) for r in listed if r.key.startswith("event/")]
            places = [_place(r, code) for r in listed if r.key.startswith("place/")]
            lists |= {
                f"{self.region}/{code}/events/?combine_recurring=True": events,
                f"{self.region}/{code}/locations/": places,
            }
        written = {root + path: _as_written(path, list(entries), faults) for path, entries in lists.items()}

        def serve(url: str) -> Reply:
            if url not in written:
                return NOT_FOUND
            return Reply(body=json.dumps(written[url]).encode(), headers={"content-type": "application/json"})

        return _as_sent(serve, faults)


def _shared(record: Record, code: str) -> dict[str, Any]:
    number = _number(record.key)
    path = f"/{IntegreatRegion.region}/{code}/x/{number}/"
    return {
        "id": number * 10,
        "path": path,
        "url": HOST + path,
        "title": record.title if code == "de" else f"Course no. {number}",
        "content": f"<p>{record.text}</p>" if code == "de" else "<p>Twice a week.</p>",
    }


def _place(record: Record, code: str) -> dict[str, Any]:
    location = {"id": _number(record.key), "name": record.title, "address": "Markt 1", "town": "Beispielstadt"}
    return {**_shared(record, code), "location": location, "contacts": [], "temporarily_closed": False}


def _event(record: Record, code: str) -> dict[str, Any]:
    day = record.last_day or "2027-06-01"
    when = {"id": _number(record.key), "start": f"{day}T16:00:00+02:00", "end": f"{day}T18:00:00+02:00"}
    when |= {"all_day": False, "timezone": "Europe/Berlin"}
    return {**_shared(record, code), "event": when, "location": None, "recurrence_rule": None}


def _number(key: str) -> int:
    return int("".join(letter for letter in key if letter.isdigit()) or "0")


# --- OpenActive ------------------------------------------------------------------------------------------------------


class RpdeFeed:
    """Pages of twenty items ordered by (modified, id); what leaves the list leaves a tombstone."""

    connector = "rpde"
    page_size = 20
    url = f"{HOST}/api/sessions"

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.modified = 1_000

    def keys(self, numbers: Sequence[int]) -> list[str]:
        return [f"s-{number}" for number in numbers]

    def settings(self) -> dict[str, Any]:
        return {"url": self.url}

    def deliver(self, records: Sequence[Record], faults: Sequence[Fault]) -> Serve:
        self._take(_as_listed(records, faults))
        ordered = sorted(self.items.values(), key=lambda item: (item["modified"], str(item["id"])))
        written = _as_written("items", ordered, faults)

        def serve(url: str) -> Reply:
            if not url.startswith(self.url):
                return NOT_FOUND
            page = json.dumps(self._page(url, written)).encode()
            return Reply(body=page, headers={"content-type": "application/json"})

        return _as_sent(serve, faults)

    def _take(self, listed: Sequence[Record]) -> None:
        """The server's own memory of what changed since it last looked."""
        now = {record.key: _session(record) for record in listed}
        for key, data in now.items():
            known = self.items.get(key)
            if known is None or known.get("data") != data:
                self._write(key, {"state": "updated", "data": data})
        for key, known in list(self.items.items()):
            if key not in now and known["state"] == "updated":
                self._write(key, {"state": "deleted"})

    def touch(self) -> None:
        """Everything is saved again: same words, new versions."""
        for key, item in list(self.items.items()):
            self._write(key, {name: item[name] for name in ("state", "data") if name in item})

    def _write(self, key: str, said: dict[str, Any]) -> None:
        self.modified += 1
        self.items[key] = {"kind": "SessionSeries", "id": key, "modified": self.modified, **said}

    def _page(self, url: str, ordered: Sequence[dict[str, Any]]) -> dict[str, Any]:
        query = parse_qs(urlsplit(url).query)
        after = (int(query.get("afterTimestamp", ["0"])[0]), query.get("afterId", [""])[0])
        rest = [item for item in ordered if (_modified(item), str(item.get("id"))) > after]
        page = rest[: self.page_size]
        if not page:
            return {"next": url, "items": [], "license": "https://creativecommons.org/licenses/by/4.0/"}
        last = page[-1]
        follow = f"{self.url}?afterTimestamp={_modified(last)}&afterId={quote(str(last.get('id')))}"
        return {"next": follow, "items": page, "license": "https://creativecommons.org/licenses/by/4.0/"}


def _modified(item: dict[str, Any]) -> int:
    return int(item.get("modified") or 0)


def _session(record: Record) -> dict[str, Any]:
    data: dict[str, Any] = {
        "@type": "SessionSeries",
        "@id": f"{HOST}/s/{record.key}",
        "name": record.title,
        "description": record.text,
        "url": f"{HOST}/s/{record.key}",
    }
    if record.last_day:
        day = record.last_day
        session = {"@type": "ScheduledSession", "@id": f"{HOST}/d/{record.key}"}
        data["subEvent"] = [{**session, "startDate": f"{day}T16:00:00Z", "endDate": f"{day}T18:00:00Z"}]
    if record.cancelled:
        data["eventStatus"] = "https://schema.org/EventCancelled"
    return data


# --- tables ----------------------------------------------------------------------------------------------------------

HEADINGS = ("ID", "Titel", "Beschreibung", "Status", "Ende", "Ort")


class TableFile:
    """One row for each offer; `rows` begins with the headings."""

    connector = "table"
    name = "angebote.csv"

    def keys(self, numbers: Sequence[int]) -> list[str]:
        return [f"A-{number}" for number in numbers]

    def settings(self) -> dict[str, Any]:
        status = {"aktiv": "active", "inaktiv": "withdrawn", "fällt aus": "cancelled"}
        return {
            "url": f"{HOST}/{self.name}",
            "key": ["ID"],
            "map": {
                "title": "Titel",
                "description": "Beschreibung",
                "status": {"column": "Status", "values": status},
                "valid_to": "Ende",
                "place.town": "Ort",
            },
        }

    def deliver(self, records: Sequence[Record], faults: Sequence[Fault]) -> Serve:
        rows: list[list[Any]] = [list(HEADINGS)]
        for record in _as_listed(records, faults):
            status = "fällt aus" if record.cancelled else "aktiv"
            last_day = record.last_day or "2027-07-31"
            rows.append([record.key, record.title, record.text, status, last_day, "Beispielstadt"])
        body = self.body(_as_written("rows", rows, faults))

        def serve(url: str) -> Reply:
            known = url in (f"{HOST}/{self.name}", self.name)
            return Reply(body=body, headers={"content-type": self.content_type}) if known else NOT_FOUND

        return _as_sent(serve, faults)

    content_type = "text/csv"

    def body(self, rows: Sequence[Sequence[Any]]) -> bytes:
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=";").writerows(rows)
        return out.getvalue().encode()


class TableWorkbook(TableFile):
    """The same as a workbook; a row whose first cell is `sheet:NAME` begins another sheet."""

    name = "angebote.xlsx"
    content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def body(self, rows: Sequence[Sequence[Any]]) -> bytes:
        return _workbook(tuple(map(tuple, rows)))


@lru_cache(maxsize=64)
def _workbook(rows: Sequence[Sequence[Any]]) -> bytes:
    """Slow to write, and most nights are alike."""
    book = openpyxl.Workbook()
    sheet: Any = book.worksheets[0]
    sheet.title = "Angebote"
    for row in rows:
        if row and str(row[0]).startswith("sheet:"):
            sheet = book.create_sheet(str(row[0]).removeprefix("sheet:"))
            continue
        sheet.append(list(row))
    empty = [one for one in book.worksheets if one.max_row <= 1 and one.cell(1, 1).value is None]
    for one in empty[: len(book.worksheets) - 1]:
        book.remove(one)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
