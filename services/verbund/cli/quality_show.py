"""How quality looks to people: what an offer lacks, the score of a source, what to mend first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from verbund.cli import output
from verbund.i18n import _, current_language

if TYPE_CHECKING:
    from rich.console import Console

# Findings of a source that are shown; the others cost little.
_SHOWN: Final = 12


def show_findings(console: Console, findings: Sequence[Mapping[str, Any]]) -> None:
    """What one offer lacks, the gravest first, and how to mend it."""
    if not findings:
        return
    rows = [(_grade(one["grade"]), one["title"], one["fix"]) for one in findings]
    console.print()
    output.table(console, (_("grade"), _("finding"), _("how to mend it")), rows, title=_("Quality"))


def show_quality(console: Console, quality: Mapping[str, Any]) -> None:
    """The score of a source, what to mend first, and every finding."""
    if quality["score"] is None:
        return
    console.print()
    first = quality["mend_first"]
    if first is not None:
        said = _("Mend this first: {title} ({count} of {judged}; brings {gain} points)")
        console.print(
            said.format(
                title=first["title"], count=first["count"], judged=quality["judged"], gain=_points(first["gain"])
            ),
            markup=False,
        )
        examples = ", ".join(_example(one) for one in first["examples"])
        console.print(f"→ {first['fix']}", markup=False)
        console.print(_("For example: {examples}").format(examples=examples), markup=False)
    rows = [
        (one["count"], f"{100 * one['share']:.0f} %", _grade(one["grade"]), one["title"], _points(one["gain"]))
        for one in quality["findings"][:_SHOWN]
    ]
    if rows:
        console.print()
        columns = ("", _("share"), _("grade"), _("finding"), _("brings points"))
        output.table(console, columns, rows, right=(0, 1, 4), title=_("Quality"))


def show_dropped(console: Console, dropped: Sequence[Mapping[str, Any]]) -> None:
    """Values that were left out of records that are taken."""
    if not dropped:
        return
    rows = [(one["count"], one["title"], one["place"], ", ".join(one["examples"])) for one in dropped]
    columns = ("", _("rule"), _("place"), _("for example"))
    console.print()
    output.table(console, columns, rows, right=(0,), title=_("Values left out"))
    console.print()
    for title, fix in {one["title"]: one["fix"] for one in dropped}.items():
        console.print(f"{title} → {fix}", markup=False)


def score_word(quality: Mapping[str, Any]) -> str | None:
    """The score as people say it."""
    if quality["score"] is None:
        return None
    return _("{score} of 100").format(score=f"{quality['score']:.0f}")


def _grade(code: str) -> str:
    from verbund_schemas import vocabulary

    return vocabulary("quality_grade").label(code, current_language())


def _points(gain: float) -> str:
    said = f"{gain:.1f}"
    return said.replace(".", ",") if current_language() == "de" else said


def _example(one: Mapping[str, Any]) -> str:
    return f"{one['record_key']} ({one['title']})" if one["title"] else str(one["record_key"])
