"""`/v1/sources/{name}/rejects`: what a source could not deliver, for programs and as a file for its provider."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from verbund.views.reject_words import reject_csv
from verbund.web.language import preferred
from verbund.web.models import Rejects
from verbund.web.problems import NOT_FOUND, RESPONSES
from verbund.web.reading import Reading
from verbund.web.sources_api import known, rejected


def rejects_api(reading: Reading) -> APIRouter:
    """The routes."""
    router = APIRouter(responses=RESPONSES)

    @router.get(
        "/v1/sources/{name}/rejects",
        tags=["sources"],
        summary="What a source could not deliver",
        response_model=Rejects,
        responses=NOT_FOUND,
    )
    def groups(request: Request, name: str) -> dict[str, Any]:
        """Rejected records by rule and field: since when, whether they were good before, and what to do."""
        known(reading, name)
        found = rejected(reading, name, preferred(request))
        return {"source": name, "total": sum(group["count"] for group in found), "items": found}

    @router.get(
        "/v1/sources/{name}/rejects.csv",
        tags=["sources"],
        summary="The same for the provider",
        response_class=Response,
        responses={**NOT_FOUND, 200: {"content": {"text/csv": {}}}},
    )
    def file(request: Request, name: str, excel: bool = False) -> Response:
        """One line a rejected record, with what is wrong and what to do; `excel`: semicolons. Values are masked."""
        known(reading, name)
        language = preferred(request)
        text = reject_csv(reading.rejects.records(name), language, delimiter=";" if excel else ",")
        headers = {
            "Content-Disposition": f'attachment; filename="rejects-{name}.csv"',
            "Content-Language": language,
            "Cache-Control": "no-cache",
        }
        # The mark lets spreadsheets read the umlauts.
        return Response(text.encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)

    return router
