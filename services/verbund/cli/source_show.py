"""How sources, plans and runs look: as JSON facts, and as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from verbund import hours
from verbund.cli import differences, output, quality_show, reject_show
from verbund.i18n import N_, _, current_language, ngettext

if TYPE_CHECKING:
    from rich.console import Console

    from verbund.views.health import Run, SourceHealth

_SHOWN_CHANGES: Final = 40
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400

_WORDS: Final = {
    "healthy": N_("healthy"),
    "warning": N_("warning"),
    "degraded": N_("degraded"),
    "held": N_("held"),
    "never_run": N_("never run"),
    "complete": N_("complete"),
    "partial": N_("partial"),
    "failed": N_("failed"),
    "publish": N_("publish"),
    "revise": N_("revise"),
    "reopen": N_("reopen"),
    "seen_again": N_("seen again"),
    "miss": N_("missed"),
    "withdraw": N_("withdraw"),
    "reject": N_("reject"),
}

_COUNTS: Final = {
    "items": N_("items read"),
    "delivered": N_("records delivered"),
    "published": N_("new"),
    "revised": N_("changed"),
    "unchanged": N_("unchanged"),
    "reopened": N_("reopened"),
    "rejected": N_("rejected"),
    "ignored": N_("ignored"),
    "withdrawn_by_record": N_("withdrawn by the source"),
    "held": N_("held"),
    "missed": N_("missed"),
    "withdrawn": N_("withdrawn"),
    "conflicts": N_("conflicts"),
}


def word(code: str) -> str:
    """A code in the language of this process."""
    return _(_WORDS[code]) if code in _WORDS else code


def run_facts(run: Run) -> dict[str, Any]:
    """A run as promised: the keys of `source apply`, and when."""
    state = run.outcome
    return {
        "run_id": run.run_id,
        "source": run.source,
        "district": run.district,
        "outcome": run.outcome,
        "held": run.held,
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat(),
        "completeness": {"state": state, "parts": run.parts},
        "counts": run.counts,
        "related": run.related,
        "totals": run.totals,
        "reason": run.reason,
        "facts": run.facts,
        "ledger_digest": run.ledger_digest,
    }


def source_facts(health: SourceHealth, now: datetime) -> dict[str, Any]:
    """A source with its health, last run and freshness."""
    facts, last, complete = health.facts, health.last_run, health.last_complete
    return {
        "source": health.source,
        "district": health.district,
        "title": facts.title if facts else None,
        "connector": facts.connector if facts else None,
        "licence": facts.licence if facts else None,
        "state": {"paused": "paused", "removed": "removed"}.get(facts.change, "active") if facts else "active",
        "health": health.word,
        "because": list(health.because),
        "rejects": health.rejects,
        "every_s": facts.every_s if facts else None,
        "last_run": run_facts(last) if last else None,
        "last_complete_at": complete.finished_at.isoformat() if complete else None,
        "fresh_for_s": round((now - complete.finished_at).total_seconds()) if complete else None,
        "resumes_at": health.resumes_at.isoformat() if health.resumes_at else None,
        "unchanged_since": health.unchanged_since.isoformat() if health.unchanged_since else None,
    }


def age(seconds: float | None) -> str | None:
    """How long ago, short: `31 h`."""
    if seconds is None:
        return None
    for unit, size in ((_("d"), _DAY_S), (_("h"), _HOUR_S), (_("min"), _MINUTE_S)):
        if seconds >= 2 * size or (size == _MINUTE_S and seconds >= size):
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def show_sources(console: Console, items: Sequence[Mapping[str, Any]]) -> None:
    """All sources as a table."""
    if not items:
        output.say(_("No source was applied yet. Next: `verbund source init`, or `verbund demo`."))
        return
    rows = [
        (
            item["source"],
            item["district"],
            ", ".join([word(item["health"]), *_resumption(item)]),
            item["state"] if item["state"] != "active" else None,
            age(item["fresh_for_s"]),
            item["rejects"] or None,
            None if item["score"] is None else f"{item['score']:.0f}",
            item["title"],
        )
        for item in items
    ]
    columns = (_("source"), _("district"), _("health"), _("state"), _("fresh"), _("rejects"), _("quality"), _("title"))
    output.table(console, columns, rows, right=(4, 5, 6), whole=(0,))


def _health(document: Mapping[str, Any]) -> str:
    """The word, and why; `verbund explain` knows each reason."""
    from verbund.explanations import reason_title

    reasons = [f"{reason_title(code, current_language())} ({code})" for code in document["because"]]
    return " – ".join([word(document["health"]), *reasons, *_resumption(document)])


def _resumption(item: Mapping[str, Any]) -> list[str]:
    """That a source asked to be left alone, and until when."""
    return [_("resumes at {time}").format(time=_moment(item["resumes_at"]))] if item["resumes_at"] else []


def _moment(instant: str | None) -> str | None:
    """An instant as one reads it in this language."""
    if instant is None:
        return None
    return hours.shown(datetime.fromisoformat(instant), current_language(), now=datetime.now(UTC))


def show_source(console: Console, document: Mapping[str, Any]) -> None:
    """One source in full."""
    output.facts(
        console,
        [
            (_("source"), document["source"]),
            (_("title"), document["title"]),
            (_("district"), document["district"]),
            (_("connector"), document["connector"]),
            (_("licence"), document["licence"]),
            (_("health"), _health(document)),
            (_("next run"), _moment(document["next_run_at"])),
            (_("fresh"), age(document["fresh_for_s"])),
            (_("offers"), ", ".join(f"{state} {count}" for state, count in document["offers"].items())),
            (_("quality"), quality_show.score_word(document["quality"])),
        ],
    )
    show_runs(console, document["runs"])
    if document["rejects_by_rule"]:
        reject_show.show_groups(console, document["rejects_by_rule"], title=_("Rejects"))
    quality_show.show_dropped(console, document["dropped_values"])
    quality_show.show_quality(console, document["quality"])


def show_runs(console: Console, runs: Sequence[Mapping[str, Any]]) -> None:
    """Runs as a table, the latest first."""
    rows = [
        (
            run["run_id"],
            run["source"],
            datetime.fromisoformat(run["finished_at"]).astimezone().strftime("%Y-%m-%d %H:%M:%S %z"),
            word(run["outcome"]) + (f" ({word('held')})" if run["held"] else ""),
            run["counts"].get("delivered", 0),
            run["counts"].get("published", 0),
            run["counts"].get("revised", 0),
            run["counts"].get("missed", 0),
            run["counts"].get("withdrawn", 0) + run["counts"].get("withdrawn_by_record", 0),
            run["counts"].get("rejected", 0),
        )
        for run in runs
    ]
    columns = (_("run"), _("source"), _("finished"), _("outcome"), _("records delivered"), _("new"), _("changed"))
    more = (_("missed"), _("withdrawn"), _("rejected"))
    output.table(console, (*columns, *more), rows, right=(4, 5, 6, 7, 8, 9), whole=(0,), title=_("Runs"))


def show_run(console: Console, document: Mapping[str, Any]) -> None:
    """One run in full."""
    outcome = word(document["outcome"]) + (f", {word('held')}" if document["held"] else "")
    output.facts(
        console,
        [(_("run"), document["run_id"]), (_("source"), document["source"]), (_("outcome"), outcome)]
        + [(_(label), document["counts"][name]) for name, label in _COUNTS.items() if document["counts"].get(name)],
    )
    show_parts(console, document["completeness"])
    if document.get("rejects"):
        _show_rejects(console, document["rejects"])
    for hold in document.get("holds", ()):
        console.print(f"{hold['guard']}: {hold['message'][current_language()]}", markup=False)
    if document.get("holds"):
        output.say(_("Next: `verbund hold show ID`, then `hold allow ID --once` or `hold reject ID`."))


def show_plan(console: Console, document: Mapping[str, Any]) -> None:
    """A plan: the changes with their fields, then the counts."""
    changes = document["changes"]
    rows = []
    for change in changes[:_SHOWN_CHANGES]:
        fields = change.get("fields") or {}
        fresh = change["action"] == "publish"
        first, *rest = [_title(fields)] if fresh else differences.lines(fields) or [change.get("because") or ""]
        rows.append((word(change["action"]), change["record_key"], first))
        rows += [("", "", line) for line in rest]
    if rows:
        output.table(console, (_("action"), _("record"), _("difference")), rows)
    if len(changes) > _SHOWN_CHANGES:
        more = len(changes) - _SHOWN_CHANGES
        console.print(ngettext("and {n} more change", "and {n} more changes", more).format(n=more))
    if not changes and document["completeness"]["state"] != "failed":
        console.print(_("Nothing would change."))
    output.facts(
        console,
        [(_(label), document["counts"][name]) for name, label in _COUNTS.items() if document["counts"].get(name)],
    )
    show_parts(console, document["completeness"])
    for hold in document.get("would_hold", ()):
        sentence = hold["message"][current_language()]
        console.print(_("Would wait for a person: {message}").format(message=sentence), markup=False)


def show_removal(console: Console, document: Mapping[str, Any]) -> None:
    """What removing a source would withdraw."""
    rows = [(change["record_key"], change["title"]) for change in document["changes"][:_SHOWN_CHANGES]]
    output.table(console, (_("record"), _("title")), rows)
    count = document["counts"]["withdrawn"]
    sentence = ngettext(
        "{n} offer of {source} would be withdrawn.", "{n} offers of {source} would be withdrawn.", count
    )
    console.print(sentence.format(n=count, source=document["source"]), markup=False)
    output.say(_("Run the command again with --yes to carry it out."))


def show_parts(console: Console, completeness: Mapping[str, Any]) -> None:
    """The parts of a pull, when one of them is not complete."""
    if completeness["state"] == "complete":
        return
    rows = [(part["part"], word(part["state"]), "; ".join(part["reasons"])) for part in completeness["parts"]]
    output.table(console, (_("part"), _("state"), _("reasons")), rows)


def _show_rejects(console: Console, rejects: Sequence[Mapping[str, Any]]) -> None:
    rows = [(one["record_key"], one["rule"], one["place"], one["value"]) for one in rejects[:_SHOWN_CHANGES]]
    output.table(console, (_("record"), _("rule"), _("place"), _("value")), rows, title=_("Rejects"))


def _title(fields: Mapping[str, Any]) -> str:
    """The title of an offer that is new."""
    titles = {name: pair[1] for name, pair in fields.items() if name.endswith(".title")}
    return str(titles.get("texts.de.title") or next(iter(titles.values()), ""))
