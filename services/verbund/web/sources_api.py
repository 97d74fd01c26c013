"""`/v1/districts`, `/v1/sources`, and whether this process is alive and ready."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response

from verbund.errors import VerbundError
from verbund.i18n import N_
from verbund.views.health import Run, SourceHealth
from verbund.views.quality import quality_document
from verbund.views.reject_words import group_document
from verbund.views.search_items import instant_text
from verbund.web.examples import DISTRICTS, SOURCES
from verbund.web.language import preferred
from verbund.web.models import Alive, Districts, Source, Sources
from verbund.web.problems import NOT_FOUND, RESPONSES, Problem, problem
from verbund.web.reading import Reading
from verbund_schemas import BKG_ATTRIBUTION, districts

#: Events that may come in while this process answers; more than that means that it still catches up.
READY_LAG = 1_000


def sources_api(reading: Reading) -> APIRouter:
    """The routes."""
    router = APIRouter(responses=RESPONSES)

    @router.get(
        "/v1/districts", tags=["sources"], summary="All districts", response_model=Districts, responses={200: DISTRICTS}
    )
    def all_districts(response: Response) -> dict[str, Any]:
        """The 401 districts with their neighbours, and how many offers each has here."""
        response.headers["Cache-Control"] = "no-cache"
        counts = {one.district: one for one in reading.offers.districts_with_counts()}
        items = []
        for ags, district in districts().items():
            known = counts.get(ags)
            items.append(
                {
                    "district": ags,
                    "name": district.name,
                    "full_name": district.full_name,
                    "state": district.state,
                    "lon": district.inside_lon,
                    "lat": district.inside_lat,
                    "neighbours": list(district.neighbours),
                    "offers": known.live if known else 0,
                    "sources": list(known.sources) if known else [],
                }
            )
        return {"total": len(items), "items": items, "attribution": BKG_ATTRIBUTION}

    @router.get(
        "/v1/sources", tags=["sources"], summary="All sources", response_model=Sources, responses={200: SOURCES}
    )
    def all_sources() -> dict[str, Any]:
        """Every source with one truthful word about its health, why, its last run, its freshness and its quality."""
        now = reading.clock()
        scores = reading.quality.scores(now)
        found = [
            {**source_facts(one), "score": scores[one.source].points if one.source in scores else None}
            for one in reading.health.sources(now)
        ]
        return {"total": len(found), "items": found}

    @router.get(
        "/v1/sources/{name}", tags=["sources"], summary="One source", response_model=Source, responses=NOT_FOUND
    )
    def one_source(request: Request, name: str) -> dict[str, Any]:
        """One source, with its quality, what to mend first, and what it could not deliver, grouped."""
        return whole_source(reading, known(reading, name), preferred(request))

    @router.get("/healthz", tags=["process"], summary="Alive", response_model=Alive)
    def alive() -> dict[str, str]:
        """This process answers."""
        return {"status": "ok", "version": reading.version}

    @router.get("/readyz", tags=["process"], summary="Ready", response_model=Alive, responses={503: {"model": Problem}})
    def ready() -> Any:
        """Views and search have caught up with the log."""
        try:
            reading.search.position()
            lag = reading.lag()
        except VerbundError as error:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), code=error.error_code)
        if lag > READY_LAG:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, f"Catching up: {lag} events of the log are not read yet.")
        return {"status": "ready", "version": reading.version}

    return router


def source_facts(health: SourceHealth) -> dict[str, Any]:
    """A source as JSON values."""
    facts = health.facts
    return {
        "source": health.source,
        "district": health.district,
        "district_name": districts()[health.district].full_name if health.district in districts() else None,
        "title": facts.title if facts else None,
        "connector": facts.connector if facts else None,
        "licence": facts.licence if facts else None,
        "attribution": facts.attribution if facts else None,
        "every_s": facts.every_s if facts else None,
        "state": facts.change if facts and facts.change in ("paused", "removed") else "active",
        "health": health.word,
        "because": list(health.because),
        "last_run": _run(health.last_run),
        "fresh_at": instant_text(health.last_complete.finished_at) if health.last_complete else None,
        "resumes_at": instant_text(health.resumes_at) if health.resumes_at else None,
        "rejects": health.rejects,
        "totals": health.last_run.totals if health.last_run else {},
    }


def known(reading: Reading, name: str) -> SourceHealth:
    """A source with its health.

    Raises:
        HTTPException: there is none of that name.
    """
    health = reading.health.source(name, reading.clock())
    if health is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, N_("There is no source with this name."))
    return health


def whole_source(reading: Reading, health: SourceHealth, language: str) -> dict[str, Any]:
    """A source with its quality and what became of what it delivers, with words in `de` or `en`."""
    name = health.source
    quality = quality_document(reading.quality, name, reading.clock(), language)
    return {
        **source_facts(health),
        "score": quality["score"],
        "quality": quality,
        "rejected": rejected(reading, name, language),
        "dropped": list(reading.dropped_of(name, language)) if reading.dropped_of else [],
    }


def rejected(reading: Reading, name: str, language: str) -> list[dict[str, Any]]:
    """What a source could not deliver, by rule and field."""
    return [group_document(group, language) for group in reading.rejects.groups(name)]


def _run(run: Run | None) -> dict[str, Any] | None:
    if run is None:
        return None
    return {
        "run_id": run.run_id,
        "outcome": run.outcome,
        "held": run.held,
        "started_at": instant_text(run.started_at),
        "finished_at": instant_text(run.finished_at),
        "counts": run.counts,
        "reason": run.reason,
    }
