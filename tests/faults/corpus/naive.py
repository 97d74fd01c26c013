"""A straightforward reader of each format, for the systems we compare with: the ids, and what went wrong.

What such a reader does is what a programmer writes in an hour with the standard library: it looks at the status, parses
by the book, takes the id from where the format has it, and fails as a whole when the body does not parse or has not
the fields it must have. An entry without usable id is a failed item. It walks every page and every language each time
and honours deletions that the source names. Nothing in it is made to look bad: where two ways are usual, the safer one
was taken.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import openpyxl

from tests.faults.corpus.story import Reply, Serve, Step

MAX_PAGES = 500


class FeedFailedError(Exception):
    """The read as a whole failed."""


@dataclass(slots=True)
class Reading:
    """What one pull gave.

    Attributes:
        ids: records that were read well.
        broken: ids of entries that have one but could not be taken.
        unkeyed: entries without any id.
        failure: why the read failed, when it did.
    """

    ids: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    unkeyed: int = 0
    failure: str | None = None


def read(step: Step) -> Reading:
    """The delivery of the step as a straightforward reader sees it."""
    reading = Reading()
    settings = step.source["with"]
    try:
        match step.source["connector"]:
            case "integreat":
                _integreat(settings, step.serve, reading)
            case "rpde":
                _rpde(settings, step.serve, reading)
            case _:
                _table(settings, step.serve, reading)
    except FeedFailedError as error:
        reading.failure = str(error)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OSError) as error:
        reading.failure = f"{type(error).__name__}: {error}"
    return reading


def _get(serve: Serve, url: str) -> Reply:
    answer = serve(url)
    if not isinstance(answer, Reply):
        raise FeedFailedError(str(answer))
    if answer.status != 200:
        raise FeedFailedError(f"status {answer.status}")
    return answer


def _integreat(settings: Mapping[str, Any], serve: Serve, reading: Reading) -> None:
    root = f"{settings['base_url']}/api/v3/{settings['region']}/"
    codes = settings.get("languages") or [one["code"] for one in json.loads(_get(serve, f"{root}languages/").body)]
    for code in codes:
        for path, kind, holder in (
            ("events/?combine_recurring=True", "event", "event"),
            ("locations/", "place", "location"),
        ):
            for entry in json.loads(_get(serve, f"{root}{code}/{path}").body):
                try:
                    key = f"{kind}/{entry[holder]['id']}"
                except (KeyError, TypeError):
                    reading.unkeyed += 1
                    continue
                (reading.ids if entry.get("title") else reading.broken).add(key)


def _rpde(settings: Mapping[str, Any], serve: Serve, reading: Reading) -> None:
    url, seen = settings["url"], set[str]()
    while True:
        if url in seen or len(seen) >= MAX_PAGES:
            raise FeedFailedError("pagination does not end")
        seen.add(url)
        page = json.loads(_get(serve, url).body)
        for item in page["items"]:
            if item.get("id") in (None, ""):
                reading.unkeyed += 1
            elif item.get("state") == "deleted":
                reading.ids.discard(str(item["id"]))
            elif (item.get("data") or {}).get("name"):
                reading.ids.add(str(item["id"]))
            else:
                reading.broken.add(str(item["id"]))
        if not page["items"] and page["next"] == url:
            return
        url = page["next"]


def _table(settings: Mapping[str, Any], serve: Serve, reading: Reading) -> None:
    answer = _get(serve, settings.get("url") or settings["path"])
    for row in _rows(settings, answer.body):
        key, title = row[settings["key"][0]], row["Titel"]
        if key in (None, ""):
            reading.unkeyed += 1
        elif row["Status"] in ("inaktiv", "fällt aus"):
            continue
        else:
            (reading.ids if title else reading.broken).add(str(key))


def _demand(settings: Mapping[str, Any], headings: Sequence[Any]) -> None:
    if settings["key"][0] not in headings:
        raise FeedFailedError("the table has no such column")


def _rows(settings: Mapping[str, Any], body: bytes) -> list[dict[str, Any]]:
    if not str(settings.get("url") or settings["path"]).endswith(".xlsx"):
        table = csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""), delimiter=";")
        _demand(settings, table.fieldnames or ())
        return list(table)
    try:
        book = openpyxl.load_workbook(io.BytesIO(body), data_only=True)
    except Exception as error:
        raise FeedFailedError(str(error)) from error
    sheet: Any = book[settings["sheet"]] if settings.get("sheet") else book.worksheets[0]
    rows = sheet.iter_rows(values_only=True)
    headings = next(rows, ())
    _demand(settings, headings)
    return [dict(zip(headings, row, strict=False)) for row in rows]
