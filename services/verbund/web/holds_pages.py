"""Pages about holds: what waits, one question with its answers, its whole set, and the form that takes the answer."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from verbund.errors import VerbundError
from verbund.explanations import explanations
from verbund.i18n import LANGUAGES, N_, error_sentence, translations
from verbund.web.doors import FormFields, FormKey
from verbund.web.holds_api import AnswerBody, held_records, hold_document, hold_now, take_answer
from verbund.web.pages import render
from verbund.web.problems import GoneError, status_of
from verbund.web.reading import Reading
from verbund.web.writing import Writing

RECORDS_AT_ONCE = 100
SHOWN_HOLDS = 200

_IMPOSSIBLE = N_("Choose one of the answers; with “up to” say a whole number from 1.")


def holds_pages(reading: Reading, writing: Writing | None) -> APIRouter:
    """The routes; the form is taken only where there are keys."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    for language in LANGUAGES:
        _pages_in(router, reading, writing, language)
        if writing is not None:
            _form_in(router, reading, writing, language)
    return router


def _pages_in(router: APIRouter, reading: Reading, writing: Writing | None, language: str) -> None:
    @router.get(f"/{language}/holds")
    def holds(request: Request, all: bool = False) -> HTMLResponse:  # noqa: A002 - its name in the address
        found = [hold_document(reading, hold, language) for hold in reading.holds.listing(every=all)]
        over = [hold for hold in found if hold["state"] not in ("open", "answered")]
        waiting = [hold for hold in found if hold["state"] in ("open", "answered")]
        return render(
            "holds.html", language, request, reading, waiting=waiting, over=over[::-1][:SHOWN_HOLDS], every=all
        )

    @router.get(f"/{language}/holds/{{hold_id}}")
    def hold(request: Request, hold_id: UUID) -> HTMLResponse:
        return _page(reading, writing, language, request, hold_id)

    @router.get(f"/{language}/holds/{{hold_id}}/records")
    def records(request: Request, hold_id: UUID, after: Annotated[int, Query(ge=0)] = 0) -> HTMLResponse:
        one = hold_now(reading, writing, hold_id)
        document = hold_document(reading, one, language)
        status, items = HTTPStatus.OK, list[dict[str, Any]]()
        try:
            items = held_records(reading, one, after=after, limit=RECORDS_AT_ONCE)
        except GoneError:
            status = HTTPStatus.GONE
        following = after + len(items)
        return render(
            "hold_records.html",
            language,
            request,
            reading,
            status=status,
            one=document,
            items=items,
            after=after,
            gone=status == HTTPStatus.GONE,
            following=following if items and following < one.count else None,
        )


def _form_in(router: APIRouter, reading: Reading, writing: Writing, language: str) -> None:
    @router.post(f"/{language}/holds/{{hold_id}}", response_model=None)
    def answer(request: Request, hold_id: UUID, fields: FormFields, key: FormKey) -> Response:
        """After an answer the page is asked for anew, so that reloading it sends nothing again."""
        said = {name: fields.get(name, "") for name in ("answer", "up_to", "note")}
        try:
            if isinstance(key, HTTPException):
                raise key
            body = _body(fields)
            take_answer(reading, writing, hold_id, body.said, key=key, language=language)
        except ValidationError:
            trouble, status = translations(language).gettext(_IMPOSSIBLE), HTTPStatus.UNPROCESSABLE_ENTITY
        except HTTPException as error:
            trouble, status = translations(language).gettext(error.detail), HTTPStatus(error.status_code)
        except VerbundError as error:
            trouble, status = error_sentence(error, language), HTTPStatus(status_of(error))
        else:
            return RedirectResponse(f"/{language}/holds/{hold_id}", status_code=HTTPStatus.SEE_OTHER)
        return _page(reading, writing, language, request, hold_id, trouble=trouble, status=status, said=said)


def _body(fields: Mapping[str, str]) -> AnswerBody:
    """The answer of a form; a number beside another answer than "up to" is left over from a change of mind."""
    up_to = fields.get("up_to", "").strip() if fields.get("answer") == "allow_up_to" else ""
    if fields.get("answer") == "allow_up_to" and not up_to:
        up_to = "0"  # none was said, which is refused like every number below one
    return AnswerBody.model_validate(
        {
            "answer": fields.get("answer"),
            "up_to": up_to or None,
            "note": fields.get("note", ""),
            "set_digest": fields.get("set_digest") or None,
        }
    )


def _page(
    reading: Reading,
    writing: Writing | None,
    language: str,
    request: Request,
    hold_id: UUID,
    *,
    trouble: str = "",
    status: int = HTTPStatus.OK,
    said: Mapping[str, str] | None = None,
) -> HTMLResponse:
    hold = hold_now(reading, writing, hold_id)
    document = hold_document(reading, hold, language)
    meant = explanations("guards", language).get(hold.guard)
    answers = explanations("answers", language)
    page = render(
        "hold.html",
        language,
        request,
        reading,
        status=status,
        one=document,
        meant=pieces(meant.text) if meant else [],
        advice=meant.fix if meant else "",
        answers={code: " ".join(one.text.split()) for code, one in answers.items()},
        takes_answers=writing is not None,
        trouble=trouble,
        said=said or {},
    )
    page.headers["Cache-Control"] = "no-store"  # it takes a key
    return page


def pieces(text: str) -> list[tuple[str, str]]:
    """A text of `verbund explain` in pieces: paragraphs ("p") and points of a list ("li")."""
    found: list[tuple[str, str]] = []
    for line in text.splitlines():
        if line.startswith("- "):
            found.append(("li", line[2:].strip()))
        elif not line.strip():
            found.append(("", ""))
        elif found and found[-1][0]:
            kind, before = found[-1]
            found[-1] = (kind, f"{before} {line.strip()}")
        else:
            found.append(("p", line.strip()))
    return [(kind, piece) for kind, piece in found if kind]
