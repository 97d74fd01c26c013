"""`/v1/offers`: find offers, one offer, its history, how it was."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import AwareDatetime

from verbund.i18n import N_
from verbund.offer import HOME_ZONE
from verbund.views.history import Revision
from verbund.views.offers import OfferRow
from verbund.views.overrides import shown
from verbund.views.search_items import found_offers, instant_text
from verbund.web.examples import FOUND, HISTORY, OFFER
from verbund.web.language import preferred
from verbund.web.models import FoundOffers, OfferHistory, WholeOffer
from verbund.web.parameters import OfferFilters
from verbund.web.problems import GONE, NOT_FOUND, RESPONSES, GoneError
from verbund.web.reading import Reading
from verbund_schemas import vocabulary


def offers_api(reading: Reading) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/v1/offers", tags=["offers"], responses=RESPONSES)

    @router.get("", summary="Find offers", response_model=FoundOffers, responses={200: FOUND})
    def find(request: Request, response: Response, filters: Annotated[OfferFilters, Query()]) -> dict[str, Any]:
        """Offers that fit all filters, with exact counts: `total`, and for each facet what choosing a value gives."""
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Vary"] = "Accept-Language"
        return find_offers(reading, filters, language=preferred(request), path=request.url.path)

    @router.get(
        "/{offer_id}",
        summary="One offer",
        response_model=WholeOffer,
        responses={200: OFFER, **NOT_FOUND, **GONE},
    )
    def one(
        request: Request,
        response: Response,
        offer_id: UUID,
        at: Annotated[AwareDatetime | None, Query(description="As the hub knew it at this instant.")] = None,
    ) -> Any:
        """The whole record, with where it stands. 410 when it was withdrawn; its history is still there."""
        if at is not None:
            return offer_at(reading, str(offer_id), at)
        row = reading.offers.get(str(offer_id))
        if row is not None and row.state != "withdrawn":
            tag = f'W/"{row.revision}"'
            response.headers["ETag"] = tag
            response.headers["Cache-Control"] = "no-cache"
            if request.headers.get("if-none-match") == tag:
                return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": tag})
        return whole_offer(reading, row)

    @router.get(
        "/{offer_id}/history",
        summary="Its revisions",
        response_model=OfferHistory,
        responses={200: HISTORY, **NOT_FOUND},
    )
    def history(offer_id: UUID) -> dict[str, Any]:
        """Every revision, the newest first, each with the fields that changed."""
        return offer_history(reading, str(offer_id))

    @router.get("/{offer_id}/at/{instant}", summary="As it was", response_model=WholeOffer, responses=NOT_FOUND)
    def at_instant(offer_id: UUID, instant: AwareDatetime) -> dict[str, Any]:
        """The record as the hub knew it at an instant."""
        return offer_at(reading, str(offer_id), instant)

    return router


def find_offers(reading: Reading, filters: OfferFilters, *, language: str, path: str) -> dict[str, Any]:
    """The answer of `/v1/offers`; `next` is the address of the next page or None."""
    now = reading.clock()
    answer = reading.search.search(filters.query(now.astimezone(ZoneInfo(HOME_ZONE)).date()))
    found = found_offers(
        answer,
        offers=reading.offers,
        organisations=reading.organisations,
        codec=reading.codec,
        now=now,
        language=language,
    )
    following = found.pop("next_cursor")
    found["next"] = f"{path}?{query_string(filters, cursor=following)}" if following else None
    return found


def query_string(filters: OfferFilters, **changed: Any) -> str:
    """The filters as they stand in an address, without those at their defaults."""
    values = filters.model_copy(update=changed).model_dump(by_alias=True, exclude_defaults=True, mode="json")
    return urlencode([(name, _plain(one)) for name, value in values.items() for one in _list(value)])


def whole_offer(reading: Reading, row: OfferRow | None) -> dict[str, Any]:
    """An offer as it stands.

    Raises:
        HTTPException: 404, unknown.
        GoneError: withdrawn.
    """
    offer = row.offer(reading.codec) if row else None
    if row is None or offer is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, N_("There is no offer with this id."))
    if row.state == "withdrawn":
        raise GoneError(N_("This offer was withdrawn. Its history is still there, at /history below it."))
    return {
        **offer,
        "record_key": row.record_key,
        "revision": row.revision,
        "overrides": shown(reading.overrides.of(row.offer_id, district=row.district), offer),
        "state": row.state,
        "first_seen": instant_text(row.first_seen),
        "last_changed": instant_text(row.last_changed),
        "last_seen": instant_text(last_seen(reading, row)),
        "missed_since": instant_text(row.missed_since) if row.state == "missed" else None,
        "organisation": organisation_of(reading, offer),
        "passed_on": may_pass_on(offer["licence"]),
    }


def last_seen(reading: Reading, row: OfferRow) -> datetime:
    """When its source last delivered it: a live offer was in the last complete pull."""
    if row.state == "missed" and row.missed_since:
        return row.last_changed
    health = reading.health.source(row.source, reading.clock())
    complete = health.last_complete if health else None
    return max(row.last_changed, complete.started_at) if complete else row.last_changed


def organisation_of(reading: Reading, offer: Mapping[str, Any]) -> dict[str, Any] | None:
    """Who runs it, with what lists need."""
    row = reading.organisations.get(offer["organisation_id"]) if offer["organisation_id"] else None
    if row is None or row.state == "withdrawn" or row.district != offer["district"]:
        return None
    whole = row.organisation(reading.codec) or {}
    return {name: whole.get(name) for name in ("organisation_id", "name", "kind", "url", "place")}


def may_pass_on(licence: str | None) -> bool:
    """Whether others may have the content: a licence left out means no."""
    term = vocabulary("licences").terms.get(licence or "")
    return bool(licence) and (term is None or bool(term.more.get("pass_on", True)))


def offer_at(reading: Reading, offer_id: str, instant: datetime) -> dict[str, Any]:
    """An offer as the hub knew it at an instant.

    Raises:
        HTTPException: 404, not known then.
    """
    known = reading.history.at(offer_id, instant)
    offer = known.content.offer(reading.codec) if known and known.content else None
    if known is None or offer is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, N_("The hub did not know this offer at that time."))
    return {
        **offer,
        "state": known.step.state,
        "at": instant_text(instant),
        "last_changed": instant_text(known.content.appended_at) if known.content else None,
        "revision": known.step.revision,
        "passed_on": may_pass_on(offer["licence"]),
    }


def offer_history(reading: Reading, offer_id: str) -> dict[str, Any]:
    """All revisions, the newest first.

    Raises:
        HTTPException: 404, unknown.
    """
    revisions = reading.history.of(offer_id)
    if not revisions:
        raise HTTPException(HTTPStatus.NOT_FOUND, N_("There is no offer with this id."))
    items: list[dict[str, Any]] = []
    before: Mapping[str, Any] | None = None
    for step in revisions:
        after = step.offer(reading.codec)
        changes = differences(before, after) if before is not None and after is not None else {}
        items.append({**_step(step, reading), "changes": changes})
        before = after if after is not None else before
    return {"offer_id": offer_id, "total": len(items), "items": items[::-1]}


_OWN = frozenset({"revision", "content_hash", "raw_digest", "mapping_version", "cause"})


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Fields that differ, each with old and new value; texts by language and field."""
    found: dict[str, list[Any]] = {}
    for name in sorted((before.keys() | after.keys()) - _OWN):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found.update({f"{name}.{inner}": pair for inner, pair in differences(old, new).items()})
        else:
            found[name] = [old, new]
    return found


def _step(step: Revision, reading: Reading) -> dict[str, Any]:
    facts = step.data(reading.codec)
    offer = facts.get("offer", {})
    return {
        "revision": step.revision,
        "type": step.type,
        "state": step.state,
        "at": instant_text(step.appended_at),
        "run_id": step.run_id,
        "cause": offer.get("cause"),
        "reason": facts.get("reason"),
    }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
