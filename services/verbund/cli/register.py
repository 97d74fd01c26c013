"""The register of applied sources, as commands use it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from verbund.cli import session

if TYPE_CHECKING:
    from verbund.bootstrap import Hub
    from verbund.ingest.register import Register
    from verbund.ingest.source_file import SourceFile


def of(hub: Hub) -> Register:
    """The register of this hub."""
    from verbund.ingest.register import Register

    return Register(hub.settings.sources_folder, load=hub.source_file)


def keep(hub: Hub, source: SourceFile) -> Path:
    """Keep the file of an applied source; see `Register.keep`."""
    return of(hub).keep(source)


def kept(hub: Hub, name: str) -> SourceFile:
    """The source file of a registered source.

    Raises:
        UnknownNameError: none of that name was applied here.
    """
    return of(hub).kept(name)


def forget(hub: Hub, name: str) -> None:
    """Drop the file of a removed source."""
    of(hub).forget(name)


def names(folder: Path) -> list[str]:
    """Names of the sources that were applied here."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def complete(incomplete: str) -> list[str]:
    """Names for the completion of the shell; never an error."""
    from verbund.errors import VerbundError

    try:
        folder = session.current().configuration().settings.sources_folder
    except VerbundError:
        return []
    return [name for name in names(folder) if name.startswith(incomplete)]
