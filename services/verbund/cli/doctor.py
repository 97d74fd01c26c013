"""`verbund doctor`: what is well, what is not, and how to mend it."""

from __future__ import annotations

import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

import typer

from verbund.cli import exits, output, session
from verbund.errors import VerbundError
from verbund.i18n import N_, _, error_sentence

if TYPE_CHECKING:
    from rich.console import Console

    from verbund.bootstrap import Hub

State = Literal["ok", "warn", "fail"]

_OLDEST_PYTHON: Final = (3, 11)
_GIB: Final = 1024**3
_LITTLE_SPACE: Final = 2 * _GIB
_NO_SPACE: Final = _GIB // 4
_MUCH_LAG: Final = 10_000
# A clock that is further off than this makes "last run" and "next start" wrong for people.
_CLOCK_LEEWAY_S: Final = 120
_SECRETS_MODE: Final = 0o077
_ANSWER_WITHIN: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `fix` is a command or a sentence, empty when all is well."""

    name: str
    state: State
    message: str
    fix: str = ""


def register_commands(app: typer.Typer) -> None:
    """Hang the command into the application."""
    app.command("doctor", help=N_("Check this machine and this hub; each finding with its fix."))(doctor)


def doctor(as_json: output.JSON = False, as_jsonl: output.JSONL = False) -> None:
    """Look at everything, change nothing."""
    checks = list(examine())
    document = {"checks": [{"name": c.name, "state": c.state, "message": c.message, "fix": c.fix} for c in checks]}

    def show(console: Console) -> None:
        rows = [(output.sign(check.state), check.name, check.message, check.fix) for check in checks]
        output.table(console, ("", _("check"), _("finding"), _("fix")), rows)

    output.answer(document, as_json=as_json, as_jsonl=as_jsonl, items="checks", show=show)
    exits.finish(exits.FINDINGS if any(check.state == "fail" for check in checks) else exits.DONE)


def examine() -> Iterator[Check]:
    """All checks, from the machine to the sources; without a home only those of the machine."""
    yield _python()
    yield _sqlite()
    yield _crc32c()
    try:
        session.current().configuration()
    except VerbundError as error:
        yield Check("home", "fail", error_sentence(error), "verbund init")
        return
    with session.current().hub() as hub:
        for name, look in _OF_HUB:
            yield _guarded(name, look, hub)


def _guarded(name: str, look: Callable[[Hub], Check], hub: Hub) -> Check:
    try:
        return look(hub)
    except VerbundError as error:
        return Check(name, "fail", error_sentence(error), f"verbund explain {error.error_code}")
    except Exception as error:  # noqa: BLE001 - a check that breaks is a finding, not the end of the others
        return Check(name, "fail", f"{type(error).__name__}: {error}")


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _OLDEST_PYTHON:
        return Check("python", "fail", version, _("install Python 3.11 or newer"))
    return Check("python", "ok", version)


def _sqlite() -> Check:
    from pysqlite3 import dbapi2

    from verbund import sqlite

    try:
        sqlite.check_library()
    except VerbundError as error:
        return Check("sqlite", "fail", error_sentence(error), "pip install -U pysqlite3")
    return Check("sqlite", "ok", dbapi2.sqlite_version)


def _crc32c() -> Check:
    try:
        import crc32c  # noqa: F401 - being there is the check
    except ImportError:
        return Check("crc32c", "warn", _("missing; Kafka will be several times slower"), "pip install crc32c")
    return Check("crc32c", "ok", _("compiled"))


def _writable(hub: Hub) -> Check:
    home = hub.settings.home
    try:
        with tempfile.TemporaryFile(dir=home):
            return Check("home", "ok", str(home))
    except OSError as error:
        return Check("home", "fail", f"{home}: {error.strerror}", f"chown $USER {home}")


def _disk(hub: Hub) -> Check:
    free = shutil.disk_usage(hub.settings.home).free
    message = _("{free:.1f} GiB free").format(free=free / _GIB)
    if free < _NO_SPACE:
        return Check("disk", "fail", message, _("free some space"))
    return Check(
        "disk", "warn" if free < _LITTLE_SPACE else "ok", message, _("free some space") if free < _LITTLE_SPACE else ""
    )


def _log(hub: Hub) -> Check:
    ends = hub.log.end()
    return Check("log", "ok", _("{topics} topics, {events} events").format(topics=len(ends), events=sum(ends.values())))


def _views(hub: Hub) -> Check:
    hub.runner.start()
    lag = hub.runner.lag()
    worst = max(lag.values(), default=0)
    message = _("at most {events} events behind").format(events=worst)
    return Check(
        "views", "warn" if worst > _MUCH_LAG else "ok", message, "verbund project --once" if worst > _MUCH_LAG else ""
    )


def _search(hub: Hub) -> Check:
    lag = hub.search_lag()
    message = _("{events} events behind").format(events=lag)
    return Check(
        "search", "warn" if lag > _MUCH_LAG else "ok", message, "verbund project --once" if lag > _MUCH_LAG else ""
    )


def _clock(hub: Hub) -> Check:
    """The log's latest append time must not lie in the future."""
    from verbund.bootstrap import now

    ahead = 0.0
    for topic, end in hub.log.end().items():
        if end:
            for record in hub.log.read({topic: end - 1}, limit=1, wait=_ANSWER_WITHIN):
                ahead = max(ahead, record.appended_ms / 1000 - now().timestamp())
    if ahead > _CLOCK_LEEWAY_S:
        message = _("the log is {seconds:.0f} s ahead of this clock").format(seconds=ahead)
        return Check("clock", "fail", message, _("set the clock, or start a time service"))
    return Check("clock", "ok", now().isoformat(timespec="seconds"))


def _sources(hub: Hub) -> Check:
    from verbund.cli import register

    names = register.names(hub.settings.sources_folder)
    for name in names:
        try:
            register.kept(hub, name)
        except VerbundError as error:
            return Check("sources", "fail", error_sentence(error), f"verbund explain {error.error_code}")
    return Check("sources", "ok", _("{n} source files are readable").format(n=len(names)))


def _secrets(hub: Hub) -> Check:
    for path in (hub.settings.keys, hub.settings.state):
        with suppress(FileNotFoundError):
            if stat.S_IMODE(path.stat().st_mode) & _SECRETS_MODE:
                return Check(
                    "secrets", "fail", _("{file} can be read by others").format(file=path), f"chmod 600 {path}"
                )
    return Check("secrets", "ok", _("readable by their owner only"))


def _alerts(hub: Hub) -> Check:
    """Whether anybody would be told, and whether what was to be told went out."""
    from verbund.alerts.outbox import Outbox

    settings = hub.settings.alerts
    if not settings.are_on:
        return Check("alerts", "ok", _("nobody is told of trouble; see `alerts` in verbund.yaml"))
    troubles = []
    if hub.settings.state.exists():  # a look makes no files
        outbox = Outbox(hub.settings.state)
        try:
            troubles = outbox.troubles()
        finally:
            outbox.close()
    if not troubles:
        ways = [name for name, is_set in (("mail", settings.to), ("webhook", settings.webhook)) if is_set]
        return Check("alerts", "ok", ", ".join(ways))
    said = _("{channel}: {waiting} messages wait since {since}, {lost} were given up: {error}")
    message = "; ".join(
        said.format(
            channel=one.channel,
            waiting=one.waiting,
            since=one.since.astimezone().strftime("%Y-%m-%d %H:%M"),
            lost=one.given_up,
            error=one.error,
        )
        for one in troubles
    )
    return Check("alerts", "fail" if any(one.given_up for one in troubles) else "warn", message, "verbund alert test")


_OF_HUB: Final[tuple[tuple[str, Callable[[Any], Check]], ...]] = (
    ("home", _writable),
    ("disk", _disk),
    ("log", _log),
    ("clock", _clock),
    ("views", _views),
    ("search", _search),
    ("sources", _sources),
    ("secrets", _secrets),
    ("alerts", _alerts),
)
