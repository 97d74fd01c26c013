"""What all commands of one call share: who speaks which language, where the home is, how loud to be."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verbund import i18n

if TYPE_CHECKING:
    from verbund.bootstrap import Hub
    from verbund.settings import Configuration


@dataclass(slots=True)
class Session:
    """One call of the command.

    Attributes:
        flags: settings given as flags, by name; None was not given.
        quiet: no talk, no progress.
        debug: tracebacks, and log lines of level debug.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    here: Path = field(default_factory=Path.cwd)
    flags: dict[str, Any] = field(default_factory=dict)
    quiet: bool = False
    debug: bool = False
    _configuration: Configuration | None = None

    def configuration(self, *, create: bool = False) -> Configuration:
        """The settings, read once.

        Raises:
            SettingsError: see `verbund.settings.load`.
        """
        if self._configuration is None:
            from verbund import settings

            self._configuration = settings.load(self.environ, flags=self.flags, here=self.here, create=create)
            if "lang" not in self.flags or self.flags["lang"] is None:
                i18n.use_language(self._configuration.settings.lang)
        return self._configuration

    @contextmanager
    def hub(self, *, create: bool = False, service: bool = False) -> Iterator[Hub]:
        """The wired hub, closed at the end; `service`: a long-running process that logs what it does."""
        from verbund import bootstrap

        configuration = self.configuration(create=create)
        bootstrap.configure_logging(configuration, service=service, debug=self.debug)
        with bootstrap.Hub(configuration.settings, environ=self.environ) as hub:
            yield hub


_current = Session()


def begin(session: Session) -> Session:
    """Make this the session that `current` answers."""
    global _current  # noqa: PLW0603 - one call of the command, one session
    _current = session
    return session


def current() -> Session:
    """The session of this call."""
    return _current
