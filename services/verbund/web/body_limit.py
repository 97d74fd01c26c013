"""No answer of a person is long: a body beyond the limit is refused before it is read."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from verbund.i18n import N_, translations
from verbund.web.language import preferred
from verbund.web.problems import problem

#: An answer with its note has at most a few kilobytes, whatever its encoding.
MOST_BYTES: Final = 64 * 1024

_SENTENCE: Final = N_("What was sent is too large.")


class BodyLimit:
    """Refuses larger bodies, by their declared length or while they come."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not declared.isdigit() or int(declared) > MOST_BYTES:
            sentence = translations(preferred(Request(scope))).gettext(_SENTENCE)
            await problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence)(scope, receive, send)
            return
        came = 0

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > MOST_BYTES:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _SENTENCE)
            return message

        await self._app(scope, counted, send)
