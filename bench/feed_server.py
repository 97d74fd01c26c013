"""Serves a folder of made-up feeds on loopback: `python -m bench.feed_server FOLDER PORT`, until SIGTERM.

A file `etags-off` beside the editions turns ETags off; the file `edition` names the folder that is served. Bodies are
streamed from disk, so that this process stays small whatever the size of the feed.
"""

from __future__ import annotations

import shutil
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

ETAGS_OFF = "etags-off"
EDITION = "edition"


def handler_of(folder: Path) -> type[BaseHTTPRequestHandler]:
    """Answers from this folder."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            served = (folder / (folder / EDITION).read_text().strip()).resolve()
            path = (served / unquote(urlsplit(self.path).path).strip("/")).resolve()
            path = path / "index.json" if path.is_dir() else path
            if not path.is_file() or not path.is_relative_to(served):
                self.send_error(404)
                return
            about = path.stat()
            tag = None if (folder / ETAGS_OFF).exists() else f'"{about.st_mtime_ns:x}-{about.st_size:x}"'
            known = tag is not None and self.headers.get("If-None-Match") == tag
            self.send_response(304 if known else 200)
            self.send_header("Content-Type", "text/csv" if path.suffix == ".csv" else "application/json")
            if tag is not None:
                self.send_header("ETag", tag)
            if not known:
                self.send_header("Content-Length", str(about.st_size))
            self.end_headers()
            if not known:
                with path.open("rb") as body:
                    shutil.copyfileobj(body, self.wfile, 1 << 20)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
            """Quiet."""

    return Handler


def main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    server = ThreadingHTTPServer(("127.0.0.1", port), handler_of(folder))
    print('{"ready": true}', flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
