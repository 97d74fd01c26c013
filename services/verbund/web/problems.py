"""Errors as `application/problem+json` (RFC 9457): one place decides the status, and trouble is never an empty list."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from verbund import i18n
from verbund.errors import ConflictError, LogError, ReadError, UnknownNameError, UsageError, VerbundError
from verbund.web.headers import ALWAYS
from verbund.web.language import preferred

log = structlog.get_logger()

_RETRY_AFTER_S = "5"


class Problem(BaseModel):
    """What went wrong."""

    type: str = Field(default="about:blank", examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["A page has 1 to 100 offers, not 500."])
    code: str | None = Field(default=None, description="Code for `verbund explain`.", examples=["E100"])
    errors: list[dict[str, str]] = Field(default_factory=list, description="Parameter by parameter.")
    resync: str | None = Field(default=None, description="Where to begin anew after 410.")


class GoneError(Exception):
    """What was asked for was there and is not any more."""

    def __init__(self, detail: str, *, resync: str | None = None) -> None:
        self.detail = detail
        self.resync = resync
        super().__init__(detail)


def problem(status: int, detail: str, **more: Any) -> JSONResponse:
    """An answer that says what went wrong."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, **more)
    headers = {**ALWAYS, "Cache-Control": "no-store"}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = _RETRY_AFTER_S
    return JSONResponse(
        body.model_dump(exclude_none=True), status, headers=headers, media_type="application/problem+json"
    )


def status_of(error: Exception) -> int:
    """The HTTP status of an error."""
    match error:
        case UnknownNameError():
            return HTTPStatus.NOT_FOUND
        case ConflictError():
            return HTTPStatus.CONFLICT
        case UsageError():
            return HTTPStatus.UNPROCESSABLE_ENTITY
        case ReadError() | LogError() | SQLAlchemyError():
            return HTTPStatus.SERVICE_UNAVAILABLE
        case GoneError():
            return HTTPStatus.GONE
        case HTTPException():
            return error.status_code
        case _:
            return HTTPStatus.INTERNAL_SERVER_ERROR


def install(app: FastAPI) -> None:
    """Let every error of the app become a problem."""

    async def verbund_error(request: Request, error: Exception) -> Response:
        detail = i18n.error_sentence(error, preferred(request)) if isinstance(error, VerbundError) else str(error)
        code = error.error_code if isinstance(error, VerbundError) else None
        return problem(status_of(error), detail, code=code)

    async def gone(request: Request, error: Exception) -> Response:
        detail = i18n.translations(preferred(request)).gettext(str(error))
        return problem(HTTPStatus.GONE, detail, resync=getattr(error, "resync", None))

    async def http_error(request: Request, error: Exception) -> Response:
        detail = str(getattr(error, "detail", ""))
        answer = problem(status_of(error), i18n.translations(preferred(request)).gettext(detail))
        answer.headers.update(getattr(error, "headers", None) or {})
        return answer

    async def invalid(_request: Request, error: Exception) -> Response:
        found = error.errors() if isinstance(error, RequestValidationError) else []
        errors = [{"parameter": str(one["loc"][-1]), "message": str(one["msg"])} for one in found]
        sentence = "; ".join(f"{one['parameter']}: {one['message']}" for one in errors)
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentence, errors=errors)

    async def unexpected(request: Request, error: Exception) -> Response:
        _ = i18n.translations(preferred(request)).gettext
        # The error's own text may hold data, so it goes nowhere; the class is enough to find it in the log.
        unavailable = isinstance(error, SQLAlchemyError)
        log.error("request_failed", error=type(error).__name__, exc_info=not unavailable)
        if unavailable:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, _("The database does not answer. Try again in a moment."))
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, _("This is a fault of the program; it has been logged."))

    app.add_exception_handler(VerbundError, verbund_error)
    app.add_exception_handler(GoneError, gone)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(SQLAlchemyError, unexpected)
    app.add_exception_handler(Exception, unexpected)


#: For the API description: what every endpoint may answer beside its own.
RESPONSES: dict[int | str, dict[str, Any]] = {
    422: {"model": Problem, "description": "A parameter that cannot be."},
    503: {"model": Problem, "description": "Not ready; try again. Never an empty list."},
}
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "Nothing has this name."}}
KEY: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "No API key, or none that lives."},
    403: {"model": Problem, "description": "The key speaks for another district."},
    409: {"model": Problem, "description": "Answered otherwise, expired, over, or the set is another one now."},
    413: {"model": Problem, "description": "Too large."},
}
GONE: dict[int | str, dict[str, Any]] = {410: {"model": Problem, "description": "Not there any more."}}
