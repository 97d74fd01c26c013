"""Builders of RPDE pages, and the made-up publisher of `tests/feeds/rpde`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from verbund_connectors.kit import Answer, Mapped, SourceContext
from verbund_connectors.rpde import Rpde, RpdeSettings
from verbund_connectors.testing import Pull, pull

FOLDER = Path(__file__).parents[1] / "feeds" / "rpde"
HOST = "https://sport.example"
URL = f"{HOST}/api/feed"
NAMES = ("session-series", "scheduled-sessions", "courses", "course-instances")
URLS = {name: f"{HOST}/api/{name}" for name in NAMES}


def last_page(url: str) -> bytes:
    """The end of a feed: no items, and `next` is its own address."""
    return json.dumps({"next": url, "items": [], "license": "https://creativecommons.org/licenses/by/4.0/"}).encode()


def recorded() -> dict[str, bytes]:
    """All pages of the publisher by address."""
    answers: dict[str, bytes] = {}
    for name, url in URLS.items():
        body = (FOLDER / f"{name}.json").read_bytes()
        after = json.loads(body)["next"]
        answers |= {url: body, after: last_page(after)}
    return answers


def item(ident: Any, *, kind: str = "SessionSeries", modified: Any = 1, **data: Any) -> dict[str, Any]:
    """An updated item; names with `at_` become `@`."""
    body = {"@type": kind, **{name.replace("at_", "@"): value for name, value in data.items()}}
    return {"state": "updated", "kind": kind, "id": ident, "modified": modified, "data": body}


def gone(ident: Any, *, kind: str = "SessionSeries", modified: Any = 9) -> dict[str, Any]:
    """A deletion."""
    return {"state": "deleted", "kind": kind, "id": ident, "modified": modified}


def feed(*pages: list[Any], url: str = URL) -> dict[str, bytes]:
    """A walkable feed of these pages and a last one."""
    answers: dict[str, bytes] = {}
    at = url
    for number, items in enumerate(pages, 1):
        after = f"{url}?afterChangeNumber={number}"
        answers[at] = json.dumps({"next": after, "items": items}).encode()
        at = after
    return answers | {at: last_page(at)}


def connector(contacts: Any = "functions", **settings: Any) -> Rpde:
    """The connector; one feed unless told otherwise."""
    settings = settings or {"url": URL}
    return Rpde(
        RpdeSettings(**settings),
        SourceContext(source="s", district="05954", contacts=contacts, hub_urls=("https://hub.example/",)),
    )


def answers_of(made: Rpde, answers: dict[str, bytes]) -> tuple[Pull, dict[str, Answer]]:
    """A pull, and what became of each record."""
    result = pull(made, answers)
    return result, {key: made.map(key, items) for key, items in result.records().items()}


def offer(answer: Answer) -> dict[str, Any]:
    """The offer of a record that was taken."""
    assert isinstance(answer, Mapped), answer
    return dict(answer.offer)


def one(entry: dict[str, Any], **settings: Any) -> Answer:
    """What becomes of the one item of a feed."""
    _, answers = answers_of(connector(**settings), feed([entry]))
    (answer,) = answers.values()
    return answer
