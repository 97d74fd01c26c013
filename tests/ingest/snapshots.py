"""A loopback CMS that serves one crawl of the Integreat sample."""

from __future__ import annotations

from pathlib import Path

from verbund.testing.feed_server import FeedServer

SAMPLES = Path(__file__).parents[1] / "feeds" / "integreat"
LANGUAGES = ("de", "en", "ar")


def serve_snapshot(server: FeedServer, number: int, region: str = "landkreis-augsburg") -> None:
    """The answers of one crawl, at the addresses of the API."""
    folder = SAMPLES / f"snapshot-{number}"
    server.serve("/api/v3/regions/", (folder / "regions.json").read_bytes(), etag=False)
    for name in ("languages", "offers"):
        server.serve(f"/api/v3/{region}/{name}/", (folder / f"{region}.{name}.json").read_bytes(), etag=False)
    for language in LANGUAGES:
        for name in ("events", "locations", "pages"):
            path = folder / f"{region}.{language}.{name}.json"
            if path.exists():
                server.serve(f"/api/v3/{region}/{language}/{name}/", path.read_bytes(), etag=False)
