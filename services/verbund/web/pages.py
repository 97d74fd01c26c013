"""The pages: search, one offer, the sources; in German and English, without any script."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import nh3
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from starlette.staticfiles import StaticFiles

from verbund.i18n import LANGUAGES
from verbund.offer import HOME_ZONE
from verbund.views.search import next_start
from verbund.views.search_items import instant_text, language_for
from verbund.web.holding import holds_of_record, open_holds
from verbund.web.language import preferred
from verbund.web.offers_api import whole_offer
from verbund.web.problems import GoneError
from verbund.web.reading import Reading
from verbund.web.search_page import search_page
from verbund.web.sources_api import known, source_facts, whole_source
from verbund.web.wording import Wording
from verbund_schemas import BKG_ATTRIBUTION

_STATIC = Path(__file__).parent / "static"

# What descriptions may contain when they are shown; they were sanitised when they came in, and are once more.
_TAGS = {"p", "br", "ul", "ol", "li", "strong", "em", "b", "i", "h2", "h3", "h4", "a", "blockquote", "dl", "dt", "dd"}


class Immutable(StaticFiles):
    """Files whose address carries their content's hash may be kept for ever."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """See `StaticFiles`."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def pages(reading: Reading) -> APIRouter:
    """The routes."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/")
    def start(request: Request) -> RedirectResponse:
        answer = RedirectResponse(f"/{preferred(request)}/", status_code=HTTPStatus.FOUND)
        answer.headers["Vary"] = "Accept-Language"
        return answer

    for language in LANGUAGES:
        _pages_in(router, reading, language)
    return router


def _pages_in(router: APIRouter, reading: Reading, language: str) -> None:
    @router.get(f"/{language}/")
    def search(request: Request) -> HTMLResponse:
        shown, status = search_page(reading, request.query_params.multi_items(), language=language)
        return render("search.html", language, request, reading, status=status, **shown)

    @router.get(f"/{language}/offers/{{offer_id}}")
    def offer(request: Request, offer_id: UUID) -> HTMLResponse:
        row = reading.offers.get(str(offer_id))
        try:
            whole = whole_offer(reading, row)
        except GoneError:
            return render(
                "gone.html", language, request, reading, status=HTTPStatus.GONE, title=row.title if row else ""
            )
        return render("offer.html", language, request, reading, **_offer(reading, whole, language))

    @router.get(f"/{language}/sources")
    def sources(request: Request) -> HTMLResponse:
        scores = reading.quality.scores(reading.clock())
        found = [source_facts(one) for one in reading.health.sources(reading.clock())]
        for one in found:
            one["score"] = scores[one["source"]].points if one["source"] in scores else None
        holds = open_holds(reading, language)
        return render("sources.html", language, request, reading, sources=found, holds=holds)

    @router.get(f"/{language}/sources/{{name}}")
    def source(request: Request, name: str) -> HTMLResponse:
        one = whole_source(reading, known(reading, name), language)
        holds = open_holds(reading, language).get(name, [])
        return render("source.html", language, request, reading, one=one, holds=holds)


def _offer(reading: Reading, offer: dict[str, Any], language: str) -> dict[str, Any]:
    now = reading.clock()
    first = language_for(offer["texts"], language)
    contacts = reading.contacts_of(offer["district"], offer["contact_ids"]) if reading.contacts_of else {}
    return {
        "offer": offer,
        "first": first,
        "others": [code for code in sorted(offer["texts"], key=lambda code: (code != "de", code)) if code != first],
        "next_start": instant_text(next_start(offer, now)),
        "starts": [one for one in offer["starts"] if not _over(one, now)],
        "past_starts": sum(_over(one, now) for one in offer["starts"]),
        "run": next((step.run_id for step in reversed(reading.history.of(offer["offer_id"])) if step.run_id), None),
        "contacts": [contacts[one] for one in offer["contact_ids"] if one in contacts],
        "holds": holds_of_record(reading, offer, language),
    }


def _over(one: Mapping[str, Any], now: datetime) -> bool:
    return datetime.fromisoformat(one["end"] or one["start"]) < now


def render(
    template: str, language: str, request: Request, reading: Reading, *, status: int = HTTPStatus.OK, **shown: Any
) -> HTMLResponse:
    """A page from its template with what is `shown`; its address in the other language is linked."""
    path = request.url.path.removeprefix(f"/{language}/")
    tail = f"{path}?{request.url.query}" if request.url.query else path
    page = _environment(language).get_template(template)
    body = page.render(
        language=language,
        languages=[(code, f"/{code}/{tail}") for code in LANGUAGES],
        today=reading.clock().astimezone(ZoneInfo(HOME_ZONE)).date(),
        version=reading.version,
        bkg=BKG_ATTRIBUTION,
        **shown,
    )
    headers = {"Cache-Control": "no-cache", "Content-Language": language}
    return HTMLResponse(body, status_code=status, headers=headers)


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("verbund.web"),
        autoescape=select_autoescape(),
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    wording = Wording(language)
    environment.install_gettext_translations(wording.catalogue, newstyle=True)  # type: ignore[attr-defined]  # added by the extension
    environment.globals.update(say=wording, static=static_address)
    environment.filters["clean"] = cleaned
    environment.filters["code"] = with_code
    return environment


def cleaned(html: str) -> Markup:
    """HTML of a description, as it may stand in a page."""
    safe = nh3.clean(html, tags=_TAGS, attributes={"a": {"href"}}, url_schemes={"https", "http", "mailto", "tel"})
    return Markup(safe)  # noqa: S704 - sanitised in the line above


def with_code(text: str) -> Markup:
    """A text with what stands in backticks as code."""
    pieces = text.split("`")
    return Markup().join(
        Markup("<code>{}</code>").format(piece) if number % 2 else piece for number, piece in enumerate(pieces)
    )


@cache
def static_address(name: str) -> str:
    """Where a static file is, with its content's hash."""
    digest = hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?{digest}"


def static_files() -> Immutable:
    """The application that serves them."""
    return Immutable(directory=_STATIC)
