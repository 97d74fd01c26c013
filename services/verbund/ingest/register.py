"""The source files of applied sources, kept in the home's `sources/`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from verbund.errors import UnknownNameError
from verbund.ingest.source_file import SourceFile
from verbund.settings import nearest

_SUFFIX: Final = ".yaml"
_Stamp = tuple[int, int, int]


class Register:
    """Files of applied sources by name.

    Args:
        folder: where they are kept; made when the first one is.
        load: reads and checks a source file.
    """

    def __init__(self, folder: Path, *, load: Callable[[Path], SourceFile]) -> None:
        self._folder = folder
        self._load = load
        self._known: dict[str, tuple[_Stamp, SourceFile]] = {}

    def keep(self, source: SourceFile) -> Path:
        """Keep the file of an applied source; one that reads a file beside it is linked, since it must stay where it is."""
        self._folder.mkdir(parents=True, exist_ok=True)
        kept = self._folder / f"{source.source}{_SUFFIX}"
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

    def kept(self, name: str) -> SourceFile:
        """The source file of a registered source, read now.

        Raises:
            UnknownNameError: none of that name was applied here.
            SourceFileError: it cannot be used as it is.
        """
        path = self._path(name)
        if not path.exists():
            guess = nearest(name, tuple(self.names()))
            if guess:
                raise UnknownNameError(
                    "There is no source {name} here; did you mean {nearest}?", name=name, nearest=guess
                )
            raise UnknownNameError("There is no source {name} here; `verbund source list` shows all.", name=name)
        return self._load(path.resolve())

    def last_known(self, name: str) -> SourceFile:
        """The source file as it was when it last changed on the disk; for looks that are taken every second.

        Raises:
            UnknownNameError, SourceFileError: see `kept`.
        """
        try:
            found = self._path(name).stat()
        except OSError:
            return self.kept(name)
        stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
        known = self._known.get(name)
        if known is None or known[0] != stamp:
            known = self._known[name] = (stamp, self.kept(name))
        return known[1]

    def forget(self, name: str) -> None:
        """Drop the file of a removed source."""
        self._path(name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Names of the sources that were applied here."""
        return sorted(path.stem for path in self._folder.glob(f"*{_SUFFIX}"))

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{_SUFFIX}"
