"""A hostile feed, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from verbund.testing.feed_server import FeedServer, Reply

#: Makes the answers of a feed, by path. Called when the case runs, so that nothing large is kept.
Build: TypeAlias = Callable[[], Mapping[str, bytes | Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One hostile feed.

    Attributes:
        name: what it is, in a few words.
        danger: row of the table of dangers, D01 to D26.
        connector: table, rpde or integreat.
        build: its answers by path; `{base}` in a JSON or redirect is the server's address.
        outcome: what must come of it: `part CODE` (a part ends with this reason or error), `reject CODE` (a record is
            rejected by this rule), `refused` (the source file is), `taken` (all of it is clean and taken).
        settings: more under `with:`.
        taken: how many records are taken beside.
        titles: as they are stored, when that is the point.
    """

    name: str
    danger: str
    connector: str
    build: Build
    outcome: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    taken: int | None = None
    titles: tuple[str, ...] | None = None

    def serve(self, server: FeedServer) -> None:
        """Put its answers on a server."""
        for path, answer in self.build().items():
            if isinstance(answer, Reply):
                server.serve_by(path, lambda _seen, reply=answer: reply)  # type: ignore[misc]
            else:
                server.serve(path, answer)
