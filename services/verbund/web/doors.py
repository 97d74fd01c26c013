"""Who may write: every endpoint that is no reading one asks for a key, or the application does not start."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.routing import Route

from verbund.i18n import N_
from verbund.state import ApiKey, ApiKeys

READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})

#: Field of a form that carries the key.
KEY_FIELD: Final = "key"

_FORM: Final = "application/x-www-form-urlencoded"
_BEARER: Final = HTTPBearer(
    scheme_name="key",
    description="An API key of this hub: `verbund key add NAME` makes one. Send it as `Authorization: Bearer vbk_…`.",
    auto_error=False,
)
Sent = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


async def form_of_this_site(request: Request) -> Mapping[str, str]:
    """The fields of a form that a page of this hub sent.

    Nothing that a browser sends by itself lets anybody in, so a form on another site cannot write; it is refused even
    so, as nothing good comes from there.

    Raises:
        HTTPException: 403, sent from elsewhere; 415, no form.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(HTTPStatus.FORBIDDEN, N_("This form was sent from another site."))
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, N_("Send this as a form."))
    text = (await request.body()).decode("utf-8", errors="replace")
    return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=20))


FormFields = Annotated[Mapping[str, str], Depends(form_of_this_site)]


class Doors:
    """Lets in who has a living key, and says who that is."""

    def __init__(self, keys: ApiKeys, clock: Callable[[], datetime]) -> None:
        self._keys = keys
        self._clock = clock

    def enter(self, secret: str) -> ApiKey:
        """The living key of this secret.

        Raises:
            HTTPException: 401, there is none.
        """
        key = self._keys.find(secret, now=self._clock())
        if key is None:
            raise _unknown(N_("This API key is not known; perhaps it was mistyped, or revoked."))
        return key


def key_of_header(request: Request, sent: Sent) -> ApiKey:
    """The key of the header `Authorization: Bearer …`.

    Raises:
        HTTPException: 401, no living key.
    """
    if sent is None:
        raise _unknown(N_("This needs an API key: send `Authorization: Bearer KEY`."))
    return _doors(request).enter(sent.credentials)


def key_if_sent(request: Request, sent: Sent) -> ApiKey | None:
    """The key, for readers who see more with one; a wrong one is refused rather than ignored.

    Raises:
        HTTPException: 401, a key that does not live.
    """
    return None if sent is None else _doors(request).enter(sent.credentials)


def key_of_form(request: Request, fields: FormFields) -> ApiKey | HTTPException:
    """The key that a form carries, or what is wrong with it, which the page that takes the form has to say."""
    try:
        return _doors(request).enter(fields.get(KEY_FIELD, ""))
    except HTTPException as refusal:
        return refusal


#: What endpoints write into their signature.
HeaderKey = Annotated[ApiKey, Depends(key_of_header)]
OptionalKey = Annotated[ApiKey | None, Depends(key_if_sent)]
FormKey = Annotated[ApiKey | HTTPException, Depends(key_of_form)]


def must_speak_for(key: ApiKey, district: str) -> None:
    """Refuse a key of another district.

    Raises:
        HTTPException: 403.
    """
    if not key.may_answer_for(district):
        raise HTTPException(HTTPStatus.FORBIDDEN, N_("This key does not speak for the district of this hold."))


def refuse_open_doors(router: APIRouter) -> None:
    """Let no application start that has a writing endpoint without a key.

    Raises:
        RuntimeError: names it.
    """
    for route in router.routes:
        methods = route.methods if isinstance(route, Route) else None
        if methods and not methods - READING:
            continue
        asked = set(_called(route.dependant)) if isinstance(route, APIRoute) else set()
        if not asked & {key_of_header, key_of_form}:
            raise RuntimeError(f"{getattr(route, 'path', route)} may write without asking for a key")


def _called(dependant: Dependant) -> Iterator[Any]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _called(inner)


def _unknown(detail: str) -> HTTPException:
    return HTTPException(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": "Bearer"})


def _doors(request: Request) -> Doors:
    doors: Doors | None = request.app.state.doors
    if doors is None:
        raise _unknown(N_("This process has no API keys and takes no answers."))
    return doors
