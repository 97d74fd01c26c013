"""Where the demo lives: a home that is empty or was the demo's before, never one with somebody's real sources."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from verbund.cli import register, session
from verbund.errors import LockedError, SettingsError

_MARK: Final = "demo"
_FILES: Final = ("log.db", "ingest.db", "views.db", "state.db", "keys.db")
_FOLDERS: Final = ("raw", "search", "sources", "locks", "demo-sources")
_LOOPBACK: Final = "127.0.0.0/8"


@contextmanager
def prepared() -> Iterator[Path]:
    """An empty home for the demo, set in the session; a temporary one is removed at the end.

    Raises:
        SettingsError: the named home belongs to a real hub.
        LockedError: another demo uses the named home.
    """
    from verbund import settings

    now = session.current()
    named = now.flags.get("home") or now.environ.get("VERBUND_HOME")
    with tempfile.TemporaryDirectory(prefix="verbund-demo-") as temporary:
        home = settings.find_home(named, here=now.here, create=True)
        if not named and (_is_real(home) or _is_busy(home)):
            home = Path(temporary)
        if _is_real(home):
            raise SettingsError(
                "{home} is the home of a hub with sources of its own, and the demo begins with an empty one; "
                "name another folder with --home.",
                home=str(home),
            )
        with _lock(home):
            _empty(home)
            (home / _MARK).touch()
            _allow_loopback(home)
            _point_to(home)
            yield home


def _is_real(home: Path) -> bool:
    from verbund.demo.feeds import SOURCES

    own = set(register.names(home / "sources")) - set(SOURCES)
    return bool(own) or ((home / "log.db").exists() and not (home / _MARK).exists())


def _is_busy(home: Path) -> bool:
    try:
        with _lock(home):
            return False
    except LockedError:
        return True


@contextmanager
def _lock(home: Path) -> Iterator[None]:
    """Hold the demo's lock, and that of the search index, which every running hub holds."""
    with (home / f"{_MARK}.lock").open("w") as demo:
        _take(demo, home)
        index = home / "search" / "writer.lock"
        if index.exists():
            with index.open("w") as file:
                _take(file, home)
        yield


def _take(file: IO[str], home: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise LockedError(
            "Another process uses {home}; end it, or name another folder with --home.", home=str(home)
        ) from error


def _empty(home: Path) -> None:
    for name in _FILES:
        for path in home.glob(f"{name}*"):
            path.unlink()
    for name in _FOLDERS:
        shutil.rmtree(home / name, ignore_errors=True)
    (home / "schedule.json").unlink(missing_ok=True)


def _allow_loopback(home: Path) -> None:
    """Let commands of another terminal reach the demo's feeds, too."""
    from verbund.settings import FILE_NAME

    if not (home / FILE_NAME).exists():
        (home / FILE_NAME).write_text(
            f"# The demo's feeds lie on this machine.\nfetch_allow: [{_LOOPBACK}]\n", encoding="utf-8"
        )


def _point_to(home: Path) -> None:
    """Let the session use this home alone, whatever the environment says about logs and databases elsewhere."""
    now = session.current()
    now.flags.update(
        {
            "home": home,
            "event_log": f"sqlite:///{home / 'log.db'}",
            "database": f"sqlite:///{home / 'views.db'}",
            "ingest": home / "ingest.db",
            "state": home / "state.db",
            "keys": home / "keys.db",
            "raw": f"file:{home / 'raw'}",
            "search": home / "search",
            "fetch_allow": _LOOPBACK,
        }
    )
