"""The five districts' feeds on loopback, in a first and an edited second edition."""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from verbund.demo import ennepe_ruhr, ludwigslust_parchim, mittelsachsen, starnberg, vulkaneifel
from verbund.demo.rpde_feed import Entry, page
from verbund.testing.feed_server import FeedServer, Reply, Seen

#: Asked for first, so that the sources keep their addresses from one demo to the next.
_USUAL_PORT: Final = 18_471
_PLACEHOLDER: Final = "@FEEDS@"
#: Names of the sources, in the order in which they are pulled.
SOURCES: Final = (
    "parchim-kurse",
    "ennepe-ruhr-sport",
    "starnberg-integreat",
    "mittelsachsen-angebote",
    "vulkaneifel-integreat",
)
_CSV: Final = {"Content-Type": "text/csv"}
_XLSX: Final = {"Content-Type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


class DemoFeeds:
    """A loopback server with all feeds; use it as a context manager."""

    def __init__(self, today: date, *, port: int | None = None) -> None:
        self._today = today
        self._port = port
        self._stack = ExitStack()
        self._server: FeedServer

    def __enter__(self) -> Self:
        self._server = self._stack.enter_context(_server(self._port))
        self.serve(1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """Address of the server, without a slash at its end."""
        return self._server.url

    def serve(self, edition: int) -> None:
        """Serve the first (1) or the edited (2) edition from now on."""
        self._server.serve("/parchim/kurse.xlsx", ludwigslust_parchim.workbook(self._today, edition), headers=_XLSX)
        self._server.serve("/mittelsachsen/angebote.csv", mittelsachsen.table(self._today, edition), headers=_CSV)
        for region in (starnberg.region(self._today, edition), vulkaneifel.region(self._today, edition)):
            for path, body in region.answers().items():
                self._server.serve(f"/{region.slug}{path}", body, gzip=True, etag=False)
        feeds: dict[str, Callable[[date, int], list[Entry]]] = {
            "/ennepe-ruhr/series": ennepe_ruhr.series,
            "/ennepe-ruhr/sessions": ennepe_ruhr.sessions,
            "/ennepe-ruhr/courses": ennepe_ruhr.courses,
        }
        for path, entries in feeds.items():
            self._server.serve_by(path, _rpde(entries(self._today, edition), self._server.url + path))

    def write_sources(self, folder: Path) -> list[Path]:
        """Write the source files of all districts; answer their paths, in the order in which to pull them."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for name in SOURCES:
            text = (resources.files("verbund.demo") / "sources" / f"{name}.yaml").read_text(encoding="utf-8")
            path = folder / f"{name}.yaml"
            path.write_text(text.replace(_PLACEHOLDER, self.url), encoding="utf-8")
            paths.append(path)
        return paths


def _server(port: int | None) -> FeedServer:
    try:
        return FeedServer(port=_USUAL_PORT if port is None else port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE or port is not None:
            raise
        return FeedServer()


def _rpde(entries: list[Entry], address: str) -> Callable[[Seen], Any]:
    return lambda seen: Reply(body=page(entries, address=address, asked=seen.path), etag=False)
