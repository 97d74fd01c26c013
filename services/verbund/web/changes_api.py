"""`/v1/changes`: the pull feed. A reader keeps `next` and asks with it again; nothing is skipped, nothing invented."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query

from verbund.errors import UsageError, ViewUnavailableError
from verbund.i18n import N_
from verbund.views.changes import Change
from verbund.views.search_items import instant_text
from verbund.web.examples import CHANGES
from verbund.web.models import ChangeFeed
from verbund.web.offers_api import may_pass_on
from verbund.web.problems import GONE, RESPONSES, GoneError
from verbund.web.reading import Reading

_PATH = "/v1/changes"
_MOST_CHANGES = 1000


def changes_api(reading: Reading) -> APIRouter:
    """The route."""
    router = APIRouter(tags=["changes"], responses=RESPONSES)

    @router.get(
        _PATH, summary="What changed after a position", response_model=ChangeFeed, responses={200: CHANGES, **GONE}
    )
    def changes(
        after: Annotated[
            str | None,
            Query(description="`after` of the page before; left out: from the start.", pattern=r"^\d+\.\d+$"),
        ] = None,
        limit: Annotated[int, Query(ge=1, le=_MOST_CHANGES)] = 500,
        district: Annotated[list[str], Query(description="Only of these districts.")] = [],  # noqa: B006 - FastAPI copies it
        source: Annotated[list[str], Query(description="Only of these sources.")] = [],  # noqa: B006 - the same
    ) -> dict[str, Any]:
        """Changes in the order of the feed, each with the content as it stands now.

        `deleted` marks a tombstone. `data` is null for tombstones, for what was withdrawn since (its tombstone
        follows), and where the licence does not allow passing on (`withheld` says so). 410: the feed was numbered
        anew; begin again at `resync` and drop what you no longer meet.
        """
        epoch, number = _place(reading, after)
        page = reading.changes.after(number, limit=limit, districts=district, sources=source)
        if page.epoch != epoch and after is not None:
            raise _other_epoch()
        position = f"{page.epoch}.{page.next_number}"
        wishes = [("after", position), ("limit", str(limit))]
        wishes += [("district", one) for one in district] + [("source", one) for one in source]
        return {
            "epoch": page.epoch,
            "items": _items(reading, page.items),
            "after": position,
            "next": f"{_PATH}?{urlencode(wishes)}",
            "more": page.more,
        }

    return router


def _place(reading: Reading, after: str | None) -> tuple[int, int]:
    epoch = reading.changes.epoch()
    if not epoch:
        raise ViewUnavailableError("The change feed is not built yet. It fills as soon as the log is read.")
    if after is None:
        return epoch, 0
    asked, number = (int(part) for part in after.split("."))
    if asked != epoch:
        raise _other_epoch()
    if number > reading.changes.last_number():
        raise UsageError(
            "There is no change {number} yet; go on with the position that the last page gave.", number=number
        )
    return epoch, number


def _other_epoch() -> GoneError:
    return GoneError(N_("The feed was numbered anew; this position means nothing any more. Begin again."), resync=_PATH)


def _items(reading: Reading, changes: list[Change]) -> list[dict[str, Any]]:
    offers = reading.offers.by_ids(one.subject for one in changes if one.kind == "offer")
    wanted = {one.subject for one in changes if one.kind == "organisation"}
    organisations = reading.organisations.by_ids(wanted) if wanted else {}
    items = []
    for one in changes:
        data: dict[str, Any] | None = None
        state = "withdrawn"
        if one.kind == "offer" and (offer := offers.get(one.subject)) and offer.district == one.district:
            state, data = offer.state, offer.offer(reading.codec)
        elif one.kind == "organisation" and (row := organisations.get(one.subject)) and row.district == one.district:
            state, data = row.state, row.organisation(reading.codec)
        shown = data if state != "withdrawn" and not one.tombstone else None
        withheld = shown is not None and not may_pass_on(shown["licence"])
        items.append(
            {
                "number": one.number,
                "kind": one.kind,
                "id": one.subject,
                "type": one.type,
                "revision": one.revision,
                "district": one.district,
                "source": one.source,
                "deleted": one.tombstone,
                "state": "withdrawn" if one.tombstone else state,
                "changed_at": instant_text(one.changed_at),
                "data": None if withheld else shown,
                "withheld": "licence" if withheld else None,
            }
        )
    return items
