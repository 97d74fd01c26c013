"""`verbund log verify`: is the log sound?"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import typer

from verbund.cli import exits, output, session
from verbund.cli.progress import progress
from verbund.i18n import N_, _

if TYPE_CHECKING:
    from rich.console import Console

    from verbund.cli.progress import Report
    from verbund.event_log import EventLog
    from verbund.events import Recorded

_PAGE = 1000
# A shared log may answer an empty page before it has more.
_PATIENCE = timedelta(seconds=10)


def register_commands(app: typer.Typer) -> None:
    """Hang the commands into the application."""
    log = typer.Typer(no_args_is_help=True, help=N_("The event log."))
    log.command("verify", help=N_("Read the whole log and see that every event is whole and where it belongs."))(verify)
    app.add_typer(log, name="log")


def verify(as_json: output.JSON = False) -> None:
    """Read every event."""
    with session.current().hub() as hub, progress() as report:
        document = verified(hub.log, report)
    output.answer(document, as_json=as_json, show=lambda console: _show(console, document))
    exits.finish(exits.DONE if document["ok"] else exits.FINDINGS)


def verified(log: EventLog, report: Report) -> dict[str, Any]:
    """What the log holds, and the first event that is not sound."""
    by_type: Counter[str] = Counter()
    by_topic: Counter[str] = Counter()
    bad: list[dict[str, Any]] = []
    ends = log.end()
    place = dict.fromkeys(ends, 0)
    total = sum(ends.values())
    last: dict[str, int] = {}
    while behind := {topic: at for topic, at in place.items() if at < ends[topic]}:
        page = _page(log, behind, place)
        if not page:
            missing = next(iter(behind))
            bad.append({"topic": missing, "position": behind[missing], "because": "nothing was read there"})
            break
        for record in page:
            by_type[record.type] += 1
            by_topic[record.topic] += 1
            because = _unsound(record, last)
            if because:
                bad.append({"topic": record.topic, "position": record.position, "because": because})
            last[record.topic] = record.position
            place[record.topic] = record.position + 1
        report("verify", sum(by_topic.values()), total)
    return {
        "ok": not bad,
        "events": sum(by_topic.values()),
        "by_type": dict(sorted(by_type.items())),
        "by_topic": dict(sorted(by_topic.items())),
        "first_bad": bad[0] if bad else None,
        "bad": len(bad),
    }


def _page(log: EventLog, behind: dict[str, int], place: dict[str, int]) -> list[Recorded]:
    """The next records; reports of runs that are older than the log keeps them are passed over."""
    from verbund.errors import LogUnusableError

    while True:
        try:
            return log.read(behind, limit=_PAGE, wait=_PATIENCE)
        except LogUnusableError as error:
            topic, start = error.facts.get("topic", ""), error.facts.get("start")
            if not topic.startswith("runs.") or not isinstance(start, int) or start <= behind[topic]:
                raise
            behind[topic] = place[topic] = start


def _unsound(record: Recorded, last: dict[str, int]) -> str | None:
    from verbund.errors import VerbundError

    if record.position <= last.get(record.topic, -1):
        return "its position does not rise"
    if not record.id or not record.type or not record.subject:
        return "its envelope is not whole"
    district = record.topic.partition(".")[2]
    if district and not record.source.startswith(f"{district}/"):
        return f"{record.source} does not write {record.topic}"
    try:
        record.data  # noqa: B018 - decoding is the test
    except VerbundError as error:
        return str(error)
    return None


def _show(console: Console, document: dict[str, Any]) -> None:
    if document["ok"]:
        console.print(_("The log is sound: {events} events.").format(events=document["events"]))
    else:
        first = document["first_bad"]
        console.print(
            _("{bad} of {events} events are not sound; the first at {topic}, position {position}: {because}.").format(
                bad=document["bad"], events=document["events"], **first
            ),
            markup=False,
        )
    output.table(console, (_("topic"), _("events")), list(document["by_topic"].items()), right=(1,))
    output.table(console, (_("type"), _("events")), list(document["by_type"].items()), right=(1,))
