"""Which language a request wants."""

from __future__ import annotations

from starlette.requests import Request

from verbund.i18n import LANGUAGES


def preferred(request: Request) -> str:
    """`de` or `en`: `?lang=`, else the better liked one of `Accept-Language`, else German."""
    asked = request.query_params.get("lang", "")
    return asked if asked in LANGUAGES else _accepted(request.headers.get("accept-language", ""))


def _accepted(header: str) -> str:
    liked: list[tuple[float, str]] = []
    for part in header.split(","):
        name, _, parameters = part.strip().partition(";")
        language = name.split("-")[0].lower()
        if language in LANGUAGES:
            liked.append((-_quality(parameters), language))
    # Of equally liked ones `min` takes the first named.
    return min(liked, key=lambda pair: pair[0])[1] if liked else LANGUAGES[0]


def _quality(parameters: str) -> float:
    try:
        return float(parameters.strip().removeprefix("q=")) if parameters else 1.0
    except ValueError:
        return 0.0
