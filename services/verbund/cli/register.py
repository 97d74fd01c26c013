"""The source files of applied sources, kept in the home's `sources/`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from verbund.cli import session
from verbund.errors import UnknownNameError

if TYPE_CHECKING:
    from verbund.bootstrap import Hub
    from verbund.ingest.source_file import SourceFile

_SUFFIX = ".yaml"


def keep(hub: Hub, source: SourceFile) -> Path:
    """Keep the file of an applied source; one that reads a file beside it is linked, since it must stay where it is."""
    folder = hub.settings.sources_folder
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{source.source}{_SUFFIX}"
    original = source.path.resolve()
    if kept.resolve() == original:
        return kept
    fresh = kept.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    if "path" in source.with_:
        fresh.symlink_to(original)
    else:
        fresh.write_text(source.text, encoding="utf-8")
    fresh.replace(kept)
    return kept


def kept(hub: Hub, name: str) -> SourceFile:
    """The source file of a registered source.

    Raises:
        UnknownNameError: none of that name was applied here.
    """
    path = hub.settings.sources_folder / f"{name}{_SUFFIX}"
    if not path.exists():
        from verbund.settings import nearest

        guess = nearest(name, tuple(names(hub.settings.sources_folder)))
        if guess:
            raise UnknownNameError("There is no source {name} here; did you mean {nearest}?", name=name, nearest=guess)
        raise UnknownNameError("There is no source {name} here; `verbund source list` shows all.", name=name)
    return hub.source_file(path.resolve())


def forget(hub: Hub, name: str) -> None:
    """Drop the file of a removed source."""
    (hub.settings.sources_folder / f"{name}{_SUFFIX}").unlink(missing_ok=True)


def names(folder: Path) -> list[str]:
    """Names of the sources that were applied here."""
    return sorted(path.stem for path in folder.glob(f"*{_SUFFIX}"))


def complete(incomplete: str) -> list[str]:
    """Names for the completion of the shell; never an error."""
    from verbund.errors import VerbundError

    try:
        folder = session.current().configuration().settings.sources_folder
    except VerbundError:
        return []
    return [name for name in names(folder) if name.startswith(incomplete)]
