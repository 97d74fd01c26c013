"""The web application: reading for all, answers of people with a key."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from verbund.web import problems
from verbund.web.body_limit import BodyLimit
from verbund.web.changes_api import changes_api
from verbund.web.doors import Doors, refuse_open_doors
from verbund.web.headers import SecurityHeaders
from verbund.web.holds_api import holds_api
from verbund.web.holds_pages import holds_pages
from verbund.web.offers_api import offers_api
from verbund.web.pages import pages, static_files
from verbund.web.reading import Reading
from verbund.web.rejects_api import rejects_api
from verbund.web.sources_api import sources_api
from verbund.web.writing import Writing

# Smaller answers would grow.
_GZIP_FROM_BYTES = 1_000

_ABOUT = """
Offers of education, counselling and sports that German districts run for newcomers, in one inventory.

Reading needs no key. Answering a hold does: `Authorization: Bearer KEY`. Times are UTC (RFC 3339). Errors are
`application/problem+json`; on trouble an endpoint answers 503, never an empty list. Contacts are not in this API.
"""


def create_app(reading: Reading, writing: Writing | None = None) -> FastAPI:
    """The application over these questions; without `writing` nothing can be answered over it.

    Raises:
        RuntimeError: an endpoint writes without asking for a key.
    """
    app = FastAPI(
        title="Verbund",
        version=reading.version,
        description=_ABOUT,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        servers=[{"url": reading.public_url}] if reading.public_url else None,
    )
    app.state.doors = Doors(writing.keys, reading.clock) if writing else None
    problems.install(app)
    for router in (
        offers_api(reading),
        changes_api(reading),
        sources_api(reading),
        rejects_api(reading),
        holds_api(reading, writing),
        pages(reading),
        holds_pages(reading, writing),
    ):
        refuse_open_doors(router)
        app.include_router(router)
    app.mount("/static", static_files())
    app.add_middleware(BodyLimit)
    app.add_middleware(GZipMiddleware, minimum_size=_GZIP_FROM_BYTES)
    app.add_middleware(SecurityHeaders)
    return app
