"""How a run says that its source asked to be left alone for a while: a reason of the part, read by machine and man."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

#: The reason's code; what stands behind it is the instant, in UTC.
RATE_LIMITED: Final = "rate_limited"
_UNTIL: Final = f"{RATE_LIMITED}: resumes at "


def reason(resumes_at: str) -> str:
    """The reason of a part that ended so."""
    return f"{_UNTIL}{resumes_at}"


def resumes_at(parts: Iterable[Mapping[str, Any]]) -> datetime | None:
    """Until when a source wants to be left alone, from the reports of a run's parts: the latest of their times."""
    found = [instant for part in parts for text in part["reasons"] if (instant := _instant(text))]
    return max(found, default=None)


def _instant(text: str) -> datetime | None:
    if not text.startswith(_UNTIL):
        return None
    try:
        instant = datetime.fromisoformat(text.removeprefix(_UNTIL))
    except ValueError:
        return None
    return instant if instant.tzinfo else None
