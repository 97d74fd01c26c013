"""Alerts as people read them, in German or English: a subject, and a text that says what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from verbund import hours
from verbund.alerts.facts import Item, Message, WeekOfSource
from verbund.explanations import explained, meanings
from verbund.i18n import N_, translations

_SUBJECTS: Final = {
    "new_hold": N_("{source} waits for a decision"),
    "held": N_("{source} waits for a decision"),
    "hold_grew": N_("more of {source} waits for a decision"),
    "hold_reminder": N_("{source} still waits for a decision"),
    "degraded": N_("{source} is not up to date any more"),
    "recovered": N_("{source} is well again"),
}
_ACTIONS: Final = {
    "publish": N_("new"),
    "reopen": N_("reopened"),
    "revise": N_("changed"),
    "miss": N_("missed"),
    "withdraw": N_("withdrawn"),
}
_MOST_NAMED: Final = 3
_MOST_EXAMPLES: Final = 10


def subject(message: Message, language: str) -> str:
    """One line: what it is about."""
    speak = translations(language)
    if message.kind == "test":
        return "Verbund: " + speak.gettext("a test message")
    if message.kind == "weekly":
        return "Verbund: " + speak.gettext("the week until {day}").format(day=_day(message.made_at, language))
    said = list(dict.fromkeys(speak.gettext(_SUBJECTS[item.kind]).format(source=item.source) for item in message.items))
    more = len(said) - _MOST_NAMED
    named = "; ".join(said[:_MOST_NAMED])
    if more > 0:
        named += speak.ngettext("; and {n} more", "; and {n} more", more).format(n=more)
    return f"Verbund: {named}"


def text(message: Message, language: str, *, public_url: str | None = None) -> str:
    """The whole of it, as plain text."""
    speak = translations(language)
    match message.kind:
        case "test":
            blocks = [speak.gettext("This is a test. Alerts of this hub arrive here.")]
        case "weekly":
            blocks = list(_week(message, language))
        case "alert":
            blocks = ["\n".join(_item(item, language)) for item in message.items]
    if public_url:
        blocks.append(speak.gettext("All sources: {address}").format(address=f"{public_url}/sources"))
    return "\n\n".join(blocks) + "\n"


# --- alerts ----------------------------------------------------------------------------------------------------------


def _item(item: Item, language: str) -> Iterator[str]:
    speak = translations(language)
    yield f"{item.title} ({item.source}, {item.district})"
    yield _sentence(item, language)
    if item.hold is not None:
        yield from _hold(item.hold, language)
    elif item.kind != "recovered":
        yield from (f"- {line}" for line in _because(item.because, language))
        yield speak.gettext("Look at it: {command}").format(command=f"verbund source show {item.source}")


def _sentence(item: Item, language: str) -> str:
    speak = translations(language)
    match item.kind:
        case "degraded":
            return speak.gettext("Its offers are not as fresh any more as they should be; they stay as they last were.")
        case "recovered":
            return speak.gettext("It is well again; nothing is to be done.")
        case "held":
            return speak.gettext("Something of its last run waits for your decision; everything else goes on.")
        case "hold_grew":
            return speak.gettext("What waits for your decision has grown:")
        case "hold_reminder":
            return speak.gettext("This still waits for your decision:")
        case "new_hold":
            return speak.gettext("This waits for your decision; everything else of the source goes on:")


def _hold(hold: Mapping[str, Any], language: str) -> Iterator[str]:
    speak = translations(language)
    message = hold.get("message") or {}
    yield message.get(language) or message.get("en") or explained("guards", hold["guard"], language).title
    counts = hold.get("counts") or {}
    if counts:
        yield ", ".join(f"{number} {_action(action, language)}" for action, number in counts.items())
    examples = list(hold.get("examples") or ())[:_MOST_EXAMPLES]
    if examples:
        yield speak.gettext("For example:")
        yield from (f"- {_example(example, language)}" for example in examples)
    hold_id = hold["hold_id"]
    yield speak.gettext("See all of it: {command}").format(command=f"verbund hold show {hold_id}")
    yield speak.gettext("It is right, do it: {command}").format(command=f"verbund hold allow {hold_id} --once")
    yield speak.gettext("Up to so many: {command}").format(command=f"verbund hold allow {hold_id} --up-to N")
    yield speak.gettext("It is wrong, keep the offers: {command}").format(command=f"verbund hold reject {hold_id}")
    yield speak.gettext("Without an answer it ends on {day}.").format(day=_day(hold["expires_at"], language))


def _example(example: Mapping[str, Any], language: str) -> str:
    named = f"{example['title']} ({example['record_key']})" if example.get("title") else str(example["record_key"])
    action = example.get("action")
    return f"{named}: {_action(action, language)}" if action else named


def _because(codes: tuple[str, ...], language: str) -> Iterator[str]:
    for code in codes:
        meaning = next(iter(meanings(code, language)), None)
        if meaning is None:
            yield code
        else:
            yield f"{meaning.title} ({code})" + (f": {meaning.fix}" if meaning.fix else "")


# --- the week --------------------------------------------------------------------------------------------------------


def _week(message: Message, language: str) -> Iterator[str]:
    speak = translations(language)
    week = message.week
    yield _total(week, language)
    if message.holds:
        lines = [speak.gettext("Waits for your decision:")]
        for hold in message.holds:
            said = (hold.get("message") or {}).get(language) or explained("guards", hold["guard"], language).title
            lines.append(f"- {hold['source']}: {said} (verbund hold show {hold['hold_id']})")
        yield "\n".join(lines)
    unwell = [one for one in week if one.word != "healthy"]
    if unwell:
        yield "\n".join([speak.gettext("Deserves a look:")] + [f"- {_with_reasons(one, language)}" for one in unwell])
    if week:
        yield "\n".join([speak.gettext("Source by source:")] + [f"- {_of_source(one, language)}" for one in week])


def _total(week: tuple[WeekOfSource, ...], language: str) -> str:
    speak = translations(language)
    runs = sum(sum(one.runs.values()) for one in week)
    return speak.gettext(
        "{sources} sources, {runs} runs ({failed} failed). {live} offers are live. New {published}, changed {revised}, "
        "withdrawn {withdrawn}; {rejects} records are rejected now."
    ).format(
        sources=len(week),
        runs=runs,
        failed=sum(one.runs.get("failed", 0) for one in week),
        live=sum(one.live for one in week),
        published=_sum(week, "published", "reopened"),
        revised=_sum(week, "revised"),
        withdrawn=_sum(week, "withdrawn", "withdrawn_by_record"),
        rejects=sum(one.rejects for one in week),
    )


def _of_source(one: WeekOfSource, language: str) -> str:
    speak = translations(language)
    said = speak.gettext("{runs} runs, {live} live, new {published}, changed {revised}, withdrawn {withdrawn}")
    return f"{one.title} ({one.source}): " + said.format(
        runs=sum(one.runs.values()),
        live=one.live,
        published=_sum((one,), "published", "reopened"),
        revised=_sum((one,), "revised"),
        withdrawn=_sum((one,), "withdrawn", "withdrawn_by_record"),
    )


def _with_reasons(one: WeekOfSource, language: str) -> str:
    reasons = ", ".join(
        meaning.title if (meaning := next(iter(meanings(code, language)), None)) else code
        for code in one.because
        if code != one.word
    )
    word = explained("health", one.word, language).title
    return f"{one.source}: {word}" + (f" ({reasons})" if reasons else "")


def _sum(week: tuple[WeekOfSource, ...], *names: str) -> int:
    return sum(one.counts.get(name, 0) for one in week for name in names)


def _action(action: str, language: str) -> str:
    return translations(language).gettext(_ACTIONS[action]) if action in _ACTIONS else action


def _day(value: Any, language: str) -> str:
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return at.astimezone(hours.LOCAL).strftime("%d.%m.%Y" if language == "de" else "%d %B %Y")
