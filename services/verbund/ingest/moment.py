"""The instant a run decides with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Moment:
    """The time a run decides with, passed in once so that a plan can be evaluated again."""

    at: datetime

    @property
    def text(self) -> str:
        """As the log writes instants."""
        return instant_text(self.at)


def instant_text(at: datetime) -> str:
    """UTC with Z and seconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
