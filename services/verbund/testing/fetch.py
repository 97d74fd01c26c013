"""A fetch that answers from memory, for tests of those who call one."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from verbund.errors import VerbundError
from verbund.fetch import Fetched, problems

#: A body, a body with a status, or what to raise.
Answer: TypeAlias = bytes | tuple[int, bytes] | VerbundError


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of `get`."""

    url: str
    headers: Mapping[str, str]
    etag: str | None
    last_modified: str | None
    timeout_s: float | None


@dataclass(slots=True)
class MemoryFetch:
    """`Fetch` from a dictionary: an answer by URL, or a function that makes it. An unknown URL is 404.

    Bodies have an ETag, and who has it gets `not_modified`.
    """

    answers: dict[str, Answer | Callable[[Asked], Answer]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        etag: str | None = None,
        last_modified: str | None = None,
        timeout_s: float | None = None,
        expects: tuple[int, ...] = (200,),
    ) -> Fetched:
        asked = Asked(url, headers or {}, etag, last_modified, timeout_s)
        self.asked.append(asked)
        answer = self.answers.get(url, (404, b"not found"))
        if callable(answer):
            answer = answer(asked)
        if isinstance(answer, VerbundError):
            raise answer
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        if status not in expects:
            raise problems.of_status(url, status)
        return _fetched(url, status, body, known=etag)


def _fetched(url: str, status: int, body: bytes, *, known: str | None) -> Fetched:
    digest = hashlib.sha256(body).hexdigest()
    tag = f'"{digest[:32]}"'
    unchanged = known == tag and status == 200
    return Fetched(
        url=url,
        status=304 if unchanged else status,
        headers={"etag": tag},
        body=io.BytesIO(b"" if unchanged else body),
        digest="" if unchanged else digest,
        size=0 if unchanged else len(body),
        not_modified=unchanged,
        etag=tag,
    )
