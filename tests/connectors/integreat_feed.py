"""A stand-in for the runner: answers the connector's requests from a folder or a table and maps what it read."""

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from verbund_connectors.integreat import Integreat, IntegreatSettings
from verbund_connectors.kit import Broken, Item, PartEnd, Request, Response, SourceContext

FEEDS = Path(__file__).parents[1] / "feeds" / "integreat"
BASE = "http://localhost:8765"


def snapshot(name: str) -> dict[str, Any]:
    """The lists of a captured crawl by `region.language.endpoint`."""
    return {path.stem: json.loads(path.read_bytes()) for path in sorted((FEEDS / name).glob("*.json"))}


@dataclass
class Crawl:
    connector: Integreat
    requests: list[Request] = field(default_factory=list)
    items: dict[tuple[str, str], Item] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)
    ends: dict[str, PartEnd] = field(default_factory=dict)

    @property
    def records(self) -> dict[str, list[Item]]:
        keys: dict[str, list[Item]] = {}
        for _, item in sorted(self.items.items()):
            assert item.key is not None
            keys.setdefault(item.key, []).append(item)
        return keys

    @property
    def answers(self) -> dict[str, Any]:
        return {key: self.connector.map(key, items) for key, items in self.records.items()}


def connector(region="landkreis-augsburg", contacts="functions", hub_urls=(), **settings) -> Integreat:
    context = SourceContext(source="test-integreat", district="09772", contacts=contacts, hub_urls=hub_urls)
    return Integreat(IntegreatSettings(**{"base_url": BASE, "region": region, **settings}), context)


def crawl(feed: dict[str, Any], made: Integreat | None = None, **settings) -> Crawl:
    """All answers read; a list that the feed does not have answers 404; bytes are sent as they are."""
    done = Crawl(made or connector(**settings))
    waiting = list(done.connector.begin({}))
    while waiting:
        request = waiting.pop(0)
        done.requests.append(request)
        for output in done.connector.read(answer(request, feed)):
            match output:
                case Request():
                    waiting.append(output)
                case Item():
                    done.items[output.part, output.id] = output
                case Broken():
                    done.broken.append(output)
                case PartEnd():
                    assert output.part not in done.ends, f"{output.part} ended twice"
                    done.ends[output.part] = output
                case _:
                    raise AssertionError(f"no output that Integreat needs: {output}")
    return done


def answer(request: Request, feed: dict[str, Any]) -> Response:
    assert request.url is not None
    path = unquote(request.url.partition("/api/v3/")[2].partition("?")[0]).strip("/").replace("/", ".")
    value = feed.get(path, b'{"error": "No language matches the given query."}')
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    status = 200 if path in feed else 404
    return Response(request=request, url=request.url, status=status, headers={}, body=io.BytesIO(body), digest="0" * 64)
