"""`/v1/holds`: what waits for a person, the whole set, and the answer, which needs a key."""

from __future__ import annotations

from http import HTTPStatus
from itertools import islice
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from verbund.alerts.due import reminders
from verbund.desk import LONGEST_NOTE, Answer
from verbund.errors import RawGoneError
from verbund.i18n import N_, translations
from verbund.state import ApiKey
from verbund.views.holds import Hold
from verbund.views.search_items import instant_text
from verbund.web.doors import HeaderKey, OptionalKey, must_speak_for
from verbund.web.examples import ANSWERED, HOLD, HOLDS
from verbund.web.language import preferred
from verbund.web.models import Answered, HoldDocument, HoldRecords, Holds
from verbund.web.problems import GONE, KEY, NOT_FOUND, RESPONSES, GoneError
from verbund.web.reading import Reading
from verbund.web.writing import Writing
from verbund_schemas import districts, vocabulary

MOST_HOLDS = 500
MOST_RECORDS = 1000

_SOON = N_("The answer is written down. The source is run again in a moment; its first complete run carries it out.")
_LATER = N_("The answer is written down. The source's next complete run carries it out.")
_DONE = N_("The answer was carried out.")


class AnswerBody(BaseModel):
    """What a person says to a hold."""

    model_config = ConfigDict(extra="forbid")

    answer: Literal["allow_once", "allow_up_to", "reject"]
    up_to: Annotated[int | None, Field(ge=1, description="For allow_up_to: at most so many records.")] = None
    note: Annotated[str, Field(max_length=LONGEST_NOTE, description="Why; kept in the log. No names of persons.")] = ""
    set_digest: Annotated[
        str | None, Field(description="`set_digest` as you saw it: the answer is refused when the set is another now.")
    ] = None

    @property
    def said(self) -> Answer:
        """As the desk takes it."""
        return Answer(answer=self.answer, up_to=self.up_to, note=self.note.strip(), set_digest=self.set_digest)


def holds_api(reading: Reading, writing: Writing | None) -> APIRouter:
    """The routes; the one that writes only where there are keys."""
    router = APIRouter(prefix="/v1/holds", tags=["holds"], responses=RESPONSES)

    @router.get("", summary="What waits for a person", response_model=Holds, responses={200: HOLDS})
    def holds(
        request: Request,
        source: Annotated[str | None, Query(description="Only of this source.")] = None,
        district: Annotated[str | None, Query(description="Only of this district.")] = None,
        all: Annotated[bool, Query(description="Also those that are over.")] = False,  # noqa: A002 - its name in the address
        limit: Annotated[int, Query(ge=1, le=MOST_HOLDS)] = 100,
        skip: Annotated[int, Query(ge=0, description="So many of the oldest are left out.")] = 0,
    ) -> dict[str, Any]:
        """Holds that are open or answered, the oldest first."""
        found = reading.holds.listing(source=source, district=district, every=all)
        language = preferred(request)
        items = [hold_document(reading, hold, language) for hold in found[skip : skip + limit]]
        return {"total": len(found), "items": items}

    _readers(router, reading, writing)
    if writing is not None:
        _answering(router, reading, writing)
    return router


def _readers(router: APIRouter, reading: Reading, writing: Writing | None) -> None:
    @router.get("/{hold_id}", summary="One hold", response_model=HoldDocument, responses={200: HOLD, **NOT_FOUND})
    def one(request: Request, hold_id: UUID, key: OptionalKey) -> dict[str, Any]:
        """The question, counts and examples. With a key of its district also the note of whoever answered."""
        hold = hold_now(reading, writing, hold_id)
        document = hold_document(reading, hold, preferred(request))
        return {**document, "note": hold.note} if key and key.may_answer_for(hold.district) else document

    @router.get(
        "/{hold_id}/records", summary="Its whole set", response_model=HoldRecords, responses={**NOT_FOUND, **GONE}
    )
    def records(
        hold_id: UUID,
        after: Annotated[int, Query(ge=0, description="So many records are left out.")] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_RECORDS)] = 100,
    ) -> dict[str, Any]:
        """All records of the set as it stands, page by page. 410: the set is not kept on this machine."""
        hold = hold_now(reading, writing, hold_id)
        items = held_records(reading, hold, after=after, limit=limit)
        following = after + len(items)
        return {
            "hold_id": hold.hold_id,
            "set_digest": hold.set_digest,
            "total": hold.count,
            "items": items,
            "next": f"/v1/holds/{hold.hold_id}/records?after={following}&limit={limit}"
            if items and following < hold.count
            else None,
        }


def _answering(router: APIRouter, reading: Reading, writing: Writing) -> None:
    @router.post(
        "/{hold_id}/answer",
        summary="Answer it",
        status_code=HTTPStatus.ACCEPTED,
        response_model=Answered,
        responses={202: ANSWERED, **NOT_FOUND, **KEY},
    )
    def answer(
        request: Request,
        hold_id: UUID,
        body: AnswerBody,
        key: HeaderKey,
        idempotency_key: Annotated[  # noqa: ARG001 - named for the description; the decision itself is idempotent
            str | None, Header(description="May be sent; the same answer is one decision with it and without.")
        ] = None,
    ) -> dict[str, Any]:
        """Let the set through once, up to a number, or reject it; the source's next complete run carries it out.

        The same answer again changes nothing and is answered alike; another one after the first is refused (409).
        """
        return take_answer(reading, writing, hold_id, body.said, key=key, language=preferred(request))


def take_answer(
    reading: Reading, writing: Writing, hold_id: UUID, said: Answer, *, key: ApiKey, language: str
) -> dict[str, Any]:
    """Write an answer down and say what happens next.

    Raises:
        HTTPException: 404, no such hold; 403, the key is of another district.
        VerbundError: see `Desk.answer`.
    """
    must_speak_for(key, hold_now(reading, writing, hold_id).district)
    hold = writing.desk.answer(str(hold_id), said, by=key.name)
    soon = hold.state == "answered" and writing.hurry(hold.source)
    sentence = _DONE if hold.state != "answered" else _SOON if soon else _LATER
    return {
        "hold_id": hold.hold_id,
        "source": hold.source,
        "state": hold.state,
        "answer": hold.answer,
        "up_to": hold.up_to,
        "by": hold.by,
        "soon": soon,
        "next": translations(language).gettext(sentence),
    }


def hold_now(reading: Reading, writing: Writing | None, hold_id: UUID) -> Hold:
    """A hold as it stands, with the answer that was just given.

    Raises:
        HTTPException: 404.
    """
    hold = writing.desk.hold(str(hold_id)) if writing else reading.holds.get(str(hold_id))
    if hold is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, N_("There is no hold with this id."))
    return hold


def hold_document(reading: Reading, hold: Hold, language: str) -> dict[str, Any]:
    """A hold as JSON values, with words in `de` or `en`; its note is for those who may answer it."""
    of_district = districts().get(hold.district)
    expired = hold.state == "open" and hold.expires_at <= reading.clock()
    reminded = reminders(hold.opened_at, hold.expires_at) if reading.reminding and hold.state == "open" else []
    return {
        "hold_id": hold.hold_id,
        "source": hold.source,
        "district": hold.district,
        "district_name": of_district.full_name if of_district else None,
        "guard": hold.guard,
        "guard_label": vocabulary("guards").label(hold.guard, language),
        "state": "expired" if expired else hold.state,
        "sentence": hold.message.get(language) or hold.message.get("en") or "",
        "message": hold.message,
        "count": hold.count,
        "counts": hold.counts,
        "examples": hold.examples,
        "set_digest": hold.set_digest,
        "run_id": hold.run_id,
        "opened_at": instant_text(hold.opened_at),
        "expires": instant_text(hold.expires_at),
        "reminders": [instant_text(moment) for moment in reminded],
        "answer": hold.answer,
        "up_to": hold.up_to,
        "by": hold.by,
        "ended_at": instant_text(hold.ended_at),
        "released": hold.released,
    }


def held_records(reading: Reading, hold: Hold, *, after: int, limit: int) -> list[dict[str, Any]]:
    """A page of the set: action, record, and the offer that shows it, if there is one.

    Raises:
        GoneError: this machine does not keep the set.
    """
    try:
        page = list(islice(reading.set_of(hold.set_digest), after, after + limit)) if reading.set_of else None
    except RawGoneError:
        page = None
    if page is None:
        raise GoneError(
            N_(
                "The whole set is not kept on this machine; `verbund hold show ID --whole` shows it where the source runs."
            )
        )
    offers = reading.offers.by_records(hold.source, [key for _action, key in page], district=hold.district)
    return [
        {
            "action": action,
            "record_key": key,
            "offer_id": offers[key].offer_id if key in offers else None,
            "title": offers[key].title if key in offers else None,
        }
        for action, key in page
    ]
