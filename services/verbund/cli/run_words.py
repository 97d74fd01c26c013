"""A run in a sentence for a person: what it brought, what could not be taken, and when the next one is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from verbund import hours
from verbund.explanations import explained, meanings
from verbund.i18n import LANGUAGES, N_, translations
from verbund.patience import resumes_at

_BROUGHT: Final = (
    (("published", "reopened"), N_("{n} new")),
    (("revised",), N_("{n} changed")),
    (("withdrawn", "withdrawn_by_record"), N_("{n} withdrawn")),
    (("missed",), N_("{n} missing")),
)


def sentences(run: Mapping[str, Any], *, rules: Mapping[str, int], next_run_at: datetime | None) -> dict[str, str]:
    """The sentence in every language; `rules` counts the records that this run was the first to reject."""
    return {language: _sentence(run, rules, next_run_at, language) for language in LANGUAGES}


def rules_of(rejects: Iterable[Any], run_id: str) -> dict[str, int]:
    """How many open rejects this run was the first to meet, by rule."""
    return dict(Counter(one.rule for one in rejects if one.run_id == run_id).most_common())


def _sentence(run: Mapping[str, Any], rules: Mapping[str, int], next_run_at: datetime | None, language: str) -> str:
    speak = translations(language)
    counts = run["counts"]
    parts = [_outcome(run, language)]
    if counts.get("rejected"):
        said = speak.ngettext("{n} record rejected", "{n} records rejected", counts["rejected"])
        parts.append(said.format(n=counts["rejected"]) + _new_rules(rules, language))
    if counts.get("held"):
        said = speak.ngettext("{n} record waits for a decision", "{n} records wait for a decision", counts["held"])
        parts.append(said.format(n=counts["held"]))
    elif run["held"]:
        parts.append(speak.gettext("something waits for a decision"))
    if counts.get("conflicts"):
        parts.append(speak.gettext("another run was faster with {n}").format(n=counts["conflicts"]))
    if next_run_at is not None:
        ended = datetime.fromisoformat(run["finished_at"])
        parts.append(speak.gettext("next run at {time}").format(time=hours.shown(next_run_at, language, now=ended)))
    return "; ".join(parts) + "."


def _outcome(run: Mapping[str, Any], language: str) -> str:
    speak = translations(language)
    until = resumes_at(run["completeness"]["parts"])
    brought = ", ".join(_brought(run["counts"], language))
    match run["outcome"]:
        case "failed" if until is not None:
            ended = datetime.fromisoformat(run["finished_at"])
            said = speak.gettext("The source asked to be left alone until {time}").format(
                time=hours.shown(until, language, now=ended)
            )
        case "failed":
            said = speak.gettext("The source could not be read ({reason}); its offers stay as they are").format(
                reason=_reason(run, language)
            )
        case "partial":
            said = speak.gettext("Read in part ({reason}); nothing counts as gone there").format(
                reason=_reason(run, language)
            )
        case _:
            return speak.gettext("Read completely: {brought}").format(
                brought=brought or speak.gettext("nothing has changed")
            )
    return f"{said}: {brought}" if brought else said


def _brought(counts: Mapping[str, int], language: str) -> Iterator[str]:
    for names, said in _BROUGHT:
        number = sum(counts.get(name, 0) for name in names)
        if number:
            yield translations(language).gettext(said).format(n=number)


def _reason(run: Mapping[str, Any], language: str) -> str:
    """The title of the run's reason, or of the first reason of its parts."""
    reasons = [run["reason"]] if run.get("reason") else []
    reasons += [reason.partition(":")[0] for part in run["completeness"]["parts"] for reason in part["reasons"]]
    for code in reasons:
        meaning = next(iter(meanings(code, language)), None)
        return meaning.title if meaning else code
    return translations(language).gettext("no reason was given")


def _new_rules(rules: Mapping[str, int], language: str) -> str:
    if not rules:
        return ""
    named = ", ".join(f"{number} × {explained('rules', rule, language).title}" for rule, number in rules.items())
    return " " + translations(language).gettext("(new: {rules})").format(rules=named)
