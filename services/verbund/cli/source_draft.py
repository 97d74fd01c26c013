"""Drafts of source files: what a person fills in is marked, what can be guessed is guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from verbund.cli import output
from verbund.errors import UnknownNameError, UsageError
from verbund.i18n import _

_ROWS: Final = 10

_HEAD: Final = """\
source: my-{connector}                 # a-z, 0-9 and -, unique in the hub
district: "00000"                      # five digits in quotation marks, for example "05954"
connector: {connector}
title: ""                              # for people
# licence: CC-BY-4.0                   # left out: the offers are not passed on
# attribution: ""
contacts: functions                    # none | functions | names
"""
_TAIL: Final = """\
schedule: {every: 1h, jitter: 10m}
"""
_KNOWN: Final[dict[str, dict[str, Any]]] = {
    "integreat": {"base_url": "https://cms.example.org", "region": "my-region", "languages": ["de", "en"]},
    "rpde": {
        "urls": {"series": "https://example.org/session-series", "sessions": "https://example.org/scheduled-sessions"}
    },
    "table": {
        "url": "https://example.org/offers.csv",
        "key": ["ID"],
        "map": {"title": "Titel", "description": "Beschreibung"},
    },
}


def draft(connector: str, file: Path | None) -> dict[str, Any]:
    """The text of a source file, and for a table the first rows as they would be mapped.

    Raises:
        UnknownNameError: no such connector.
        UsageError: the connector cannot guess from a file, or the file is not one of its kind.
    """
    from verbund.bootstrap import Connectors
    from verbund.settings import nearest

    connectors = Connectors()
    if connector not in connectors:
        guess = nearest(connector, tuple(connectors))
        if guess:
            raise UnknownNameError(
                "There is no connector {name}; did you mean {nearest}?", name=connector, nearest=guess
            )
        raise UnknownNameError(
            "There is no connector {name}; there are {known}.", name=connector, known=", ".join(connectors)
        )
    found: dict[str, Any] = {}
    settings = _KNOWN.get(connector, {})
    if file is not None:
        found = _guessed(connectors[connector], connector, file)
        settings = {"path": str(file.resolve()), **found}
    text = yaml.safe_dump({"with": settings}, allow_unicode=True, sort_keys=False, width=120)
    whole = _HEAD.format(connector=connector) + text + ("" if file else _TAIL)
    sample = _sample(connectors[connector], settings, file) if file else []
    return {"connector": connector, "text": whole, "sample": sample}


def show_sample(draft: dict[str, Any]) -> None:
    """The first mapped rows, as talk: stdout holds the file alone."""
    if draft["sample"]:
        rows = [
            (one["record_key"], one["title"] or one["because"], ", ".join(one["fields"])) for one in draft["sample"]
        ]
        output.table(output.talk(), (_("record"), _("title"), _("fields")), rows)


def _guessed(connector: Any, name: str, file: Path) -> dict[str, Any]:
    from verbund_connectors.kit import UnreadableError

    guess = getattr(connector, "draft_from", None)
    if guess is None:
        raise UsageError("The connector {name} cannot guess its settings from a file; leave --from out.", name=name)
    try:
        with file.open("rb") as body:
            guessed: dict[str, Any] = guess(body)
    except OSError as error:
        raise UsageError("{file} cannot be read: {reason}.", file=str(file), reason=error.strerror or "") from error
    except UnreadableError as error:
        raise UsageError(
            "{file} is not what {name} reads: {reason}.", file=str(file), name=name, reason=str(error)
        ) from error
    if "map" in guessed and not guessed["map"]:
        raise UsageError(
            "No heading of {file} was recognised; is it the right file, with its headings on top?", file=str(file)
        )
    return guessed


def _sample(connector: Any, settings: dict[str, Any], file: Path | None) -> list[dict[str, Any]]:
    """The first records as the guessed settings map them."""
    import hashlib

    from pydantic import ValidationError

    from verbund_connectors.kit import Item, Mapped, Request, Response, SourceContext, UnreadableError

    assert file is not None  # noqa: S101 - only files have samples
    try:
        reader = connector(
            connector.settings_model.model_validate(settings), SourceContext(source="draft", district="00000")
        )
    except ValidationError:
        return []  # nothing like a title or a key was found; the draft says what is missing
    found: list[dict[str, Any]] = []
    with file.open("rb") as body:
        digest = hashlib.file_digest(body, "sha256").hexdigest()
        body.seek(0)
        request = Request(part="draft", path=str(file))
        response = Response(
            request=request, url=file.resolve().as_uri(), status=200, headers={}, body=body, digest=digest
        )
        try:
            for item in reader.read(response):
                if isinstance(item, Item) and item.key is not None:
                    answer = reader.map(item.key, [item])
                    found.append(_mapped(item.key, answer, is_mapped=isinstance(answer, Mapped)))
                if len(found) >= _ROWS:
                    break
        except UnreadableError:
            return found
    return found


def _mapped(key: str, answer: Any, *, is_mapped: bool) -> dict[str, Any]:
    if not is_mapped:
        rules = [f"{one.rule} ({one.place})" for one in getattr(answer, "rejects", ())]
        return {"record_key": key, "title": None, "because": ", ".join(rules) or type(answer).__name__, "fields": []}
    texts = answer.offer["texts"]
    title = next(iter(texts.values()))["title"] if texts else None
    fields = sorted(name for name, value in answer.offer.items() if value not in (None, [], (), {}))
    return {"record_key": key, "title": title, "because": None, "fields": fields, "offer": dict(answer.offer)}
