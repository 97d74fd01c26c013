"""How offers and their history look: as JSON facts, and as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from verbund.cli import output
from verbund.i18n import N_, _

if TYPE_CHECKING:
    from rich.console import Console

    from verbund.bootstrap import Hub
    from verbund.views.offers import OfferRow

_SHOWN_VALUE: Final = 70

_WORDS: Final = {
    "live": N_("live"),
    "missed": N_("missed"),
    "withdrawn": N_("withdrawn"),
    "published": N_("published"),
    "revised": N_("revised"),
    "reopened": N_("reopened"),
    "unchanged": N_("unchanged"),
    "ignored": N_("ignored"),
    "rejected": N_("rejected"),
    "held": N_("held"),
    "unknown": N_("unknown"),
    "OfferPublished": N_("published"),
    "OfferRevised": N_("revised"),
    "OfferMissed": N_("missed"),
    "OfferSeenAgain": N_("seen again"),
    "OfferWithdrawn": N_("withdrawn"),
}


def word(code: str) -> str:
    """A state or outcome in the language of this process."""
    return _(_WORDS[code]) if code in _WORDS else code


def row_facts(row: OfferRow) -> dict[str, Any]:
    """A line of `offer list`."""
    return {
        "offer_id": row.offer_id,
        "record_key": row.record_key,
        "district": row.district,
        "source": row.source,
        "state": row.state,
        "revision": row.revision,
        "title": row.title,
        "kind": row.kind,
        "last_changed": row.last_changed.isoformat(),
        "first_seen": row.first_seen.isoformat(),
        "missed_since": row.missed_since.isoformat() if row.missed_since else None,
        "withdrawn_reason": row.withdrawn_reason,
    }


def history_of(hub: Hub, offer_id: str) -> list[dict[str, Any]]:
    """Every revision of an offer, oldest first, with what it changed."""
    from verbund.ingest.report import differences
    from verbund.views.history import History

    steps = []
    before: dict[str, Any] = {}
    for revision in History(hub.engine).of(offer_id):
        offer = revision.offer(hub.codec)
        steps.append(
            {
                "revision": revision.revision,
                "type": revision.type,
                "state": revision.state,
                "at": revision.appended_at.isoformat(),
                "run_id": revision.run_id,
                "source": revision.source,
                "event_id": revision.event_id,
                "changes": differences(before, offer) if offer is not None and before else {},
            }
        )
        before = offer or before
    return steps


def show_list(console: Console, items: Sequence[Mapping[str, Any]], total: int) -> None:
    """Offers as a table."""
    rows = [
        (item["offer_id"], item["district"], item["source"], word(item["state"]), item["revision"], item["title"])
        for item in items
    ]
    columns = (_("offer"), _("district"), _("source"), _("state"), _("revision"), _("title"))
    output.table(console, columns, rows, right=(4,))
    output.say(_("{shown} of {total} offers").format(shown=len(items), total=total))


def show_offer(console: Console, document: Mapping[str, Any]) -> None:
    """One offer, the languages one after another."""
    place = document.get("place") or {}
    output.facts(
        console,
        [
            (_("offer"), document["offer_id"]),
            (_("state"), word(document["state"])),
            (_("district"), document["district"]),
            (_("source"), f"{document['source']} {document['record_key']}"),
            (_("revision"), document["revision"]),
            (_("kind"), document["kind"]),
            (_("categories"), ", ".join(document["categories"])),
            (_("level"), " – ".join(level for level in (document["level_from"], document["level_to"]) if level)),
            (
                _("place"),
                ", ".join(str(place[name]) for name in ("name", "street", "postcode", "town") if place.get(name)),
            ),
            (_("starts"), ", ".join(local(start["start"]) for start in document["starts"][:5])),
            (_("licence"), document["licence"]),
            (_("page"), document["source_url"]),
        ],
    )
    for language, text in document["texts"].items():
        console.print(f"\n[{language}] {text['title']}", markup=False)
        if text.get("description_text") or text.get("summary"):
            console.print(text.get("description_text") or text["summary"], markup=False)


def show_history(console: Console, steps: Sequence[Mapping[str, Any]]) -> None:
    """The life of an offer."""
    rows: list[tuple[Any, ...]] = []
    for step in steps:
        lines = difference_lines(step["changes"]) or [""]
        rows.append((step["revision"], local(step["at"]), step["type"], step["run_id"], lines[0]))
        rows += [("", "", "", "", line) for line in lines[1:]]
    columns = (_("revision"), _("at"), _("event"), _("run"), _("difference"))
    output.table(console, columns, rows, right=(0,), title=_("History"))


def difference_lines(changes: Mapping[str, Sequence[Any]]) -> list[str]:
    """Field, old and new value, a line each."""
    return [f"{name}: {_short(old)} -> {_short(new)}" for name, (old, new) in changes.items()]


def local(instant: str) -> str:
    """An instant in the zone of this machine, to the minute, with its offset."""
    try:
        return datetime.fromisoformat(instant).astimezone().strftime("%Y-%m-%d %H:%M %z")
    except ValueError:
        return instant


def _short(value: Any) -> str:
    text = "-" if value is None else value if isinstance(value, str) else repr(value)
    return text if len(text) <= _SHOWN_VALUE else f"{text[:_SHOWN_VALUE]}…"
