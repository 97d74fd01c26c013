"""What a way out for alerts promises."""

from __future__ import annotations

from typing import Protocol

from verbund.alerts.facts import Message


class NotSentError(Exception):
    """A message did not go out; the text is the reason, without secrets.

    Attributes:
        final: another attempt would do harm or no good.
    """

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


class Channel(Protocol):
    """A way out; `name` tells it from the others."""

    @property
    def name(self) -> str:
        """One word."""
        ...

    def send(self, message: Message) -> None:
        """Hand the message over; the receiver knows one that comes twice by its id.

        Raises:
            NotSentError: it did not go out.
        """
        ...
