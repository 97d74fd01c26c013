"""How offers and their history look: as JSON facts, and as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from verbund.cli import differences, output, quality_show
from verbund.i18n import N_, _

if TYPE_CHECKING:
    from rich.console import Console

    from verbund.bootstrap import Hub
    from verbund.views.offers import OfferRow

_SHOWN_STARTS: Final = 5
_USUAL_ZONE: Final = "Europe/Berlin"

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
    "OfferRekeyed": N_("goes on under another key"),
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
    from verbund.ingest import report
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
                "changes": report.differences(before, offer) if offer is not None and before else {},
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
    output.table(console, columns, rows, right=(4,), whole=(0,))
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
            (_("starts"), ", ".join(start_word(start) for start in document["starts"][:_SHOWN_STARTS])),
            (_("licence"), document["licence"]),
            (_("page"), document["source_url"]),
        ],
    )
    for language, text in document["texts"].items():
        console.print(f"\n[{language}] {text['title']}", markup=False)
        if text.get("description_text") or text.get("summary"):
            console.print(text.get("description_text") or text["summary"], markup=False)
    if document["overrides"]:
        from verbund.cli import offer_decide

        offer_decide.show_overrides(console, document["overrides"])
    quality_show.show_findings(console, document["findings"])


def show_history(console: Console, steps: Sequence[Mapping[str, Any]]) -> None:
    """The life of an offer."""
    rows: list[tuple[Any, ...]] = []
    for step in steps:
        lines = differences.lines(step["changes"]) or [""]
        rows.append((step["revision"], local(step["at"]), step["type"], step["run_id"], lines[0]))
        rows += [("", "", "", "", line) for line in lines[1:]]
    columns = (_("revision"), _("at"), _("event"), _("run"), _("difference"))
    output.table(console, columns, rows, right=(0,), title=_("History"))


def start_word(start: Mapping[str, Any]) -> str:
    """A start as the people there say it: in its own zone, a day alone when it is all-day."""
    moment = datetime.fromisoformat(start["start"]).astimezone(ZoneInfo(start.get("zone") or _USUAL_ZONE))
    return moment.strftime("%Y-%m-%d" if start["all_day"] else "%Y-%m-%d %H:%M")


def day(start: str | None) -> str | None:
    """The day of an instant, in Berlin; a day stays a day."""
    if start is None or len(start) == len("2026-01-01"):
        return start
    return datetime.fromisoformat(start).astimezone(ZoneInfo(_USUAL_ZONE)).strftime("%Y-%m-%d")


def local(instant: str) -> str:
    """An instant in the zone of this machine, to the minute, with its offset."""
    try:
        return datetime.fromisoformat(instant).astimezone().strftime("%Y-%m-%d %H:%M %z")
    except ValueError:
        return instant
