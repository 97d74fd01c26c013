"""What a pull is answered: by the source itself, or by what was kept of earlier answers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from verbund import errors
from verbund.archive import Archive
from verbund.errors import BaseMovedError, SourceError, SourceFileError, SourceUnreachableError
from verbund.fetch import Fetch, Fetched
from verbund.ingest.cache import KnownRequest, name_of
from verbund_connectors.kit import Request

# Connectors read no other header, and some hold secrets.
KEPT_HEADERS = ("content-type", "content-language", "link")


class Answers(Protocol):
    """Answers requests of a connector."""

    def get(self, request: Request, known: KnownRequest | None) -> Fetched:
        """The answer, or `not_modified` when it is the known one.

        Raises:
            SourceError: there is none.
        """
        ...


@dataclass(frozen=True, slots=True)
class SourceAnswers:
    """The source itself: over the network, or a file beside the source file."""

    fetch: Fetch
    folder: Path

    def get(self, request: Request, known: KnownRequest | None) -> Fetched:
        """See `Answers`."""
        if request.path is not None:
            return self._file(request.path, known)
        if request.url is None:
            raise SourceFileError("the connector asks for neither url nor path in part {part}", part=request.part)
        return self.fetch.get(
            request.url,
            headers=request.headers,
            etag=known.etag if known else None,
            last_modified=known.last_modified if known else None,
            timeout_s=request.timeout_s,
            expects=request.expects,
        )

    def _file(self, path: str, known: KnownRequest | None) -> Fetched:
        try:
            body = (self.folder / path).open("rb")
            digest = hashlib.file_digest(body, "sha256").hexdigest()
        except OSError as error:
            raise SourceUnreachableError(
                "the file {path} cannot be read: {why}; check `path` in the source file",
                path=path,
                why=(error.strerror or type(error).__name__).lower(),
            ) from error
        size = body.seek(0, 2)
        body.seek(0)
        same = known is not None and known.digest == digest
        return Fetched(
            url=Path(path).name, status=200, headers={}, body=body, digest=digest, size=size, not_modified=same
        )


class RecordingAnswers:
    """Passes answers through, and says which they were.

    Attributes:
        said: for each request in order: what was asked, and the digest of the answer in the archive or its error.
    """

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.said: list[dict[str, Any]] = []

    def get(self, request: Request, known: KnownRequest | None) -> Fetched:
        """See `Answers`."""
        asked = name_of(request)
        try:
            fetched = self._answers.get(request, known)
        except SourceError as error:
            said = {"error": type(error).__name__, "code": error.error_code, "template": error.template}
            self.said.append({"asked": asked, **said, "facts": {k: str(v) for k, v in error.facts.items()}})
            raise
        digest = known.digest if known is not None and fetched.not_modified else fetched.digest
        self.said.append({"asked": asked, "digest": digest, **described(fetched)})
        return fetched


class RecordedAnswers:
    """Answers again what `RecordingAnswers` said, from the archive."""

    def __init__(self, said: Sequence[Mapping[str, Any]], archive: Archive) -> None:
        self._said = {answer["asked"]: answer for answer in said}
        self._archive = archive

    def get(self, request: Request, known: KnownRequest | None) -> Fetched:  # noqa: ARG002 - the whole answer is at hand
        """See `Answers`; an answer that is not kept is a `RawGoneError`.

        Raises:
            BaseMovedError: the request was not asked then.
        """
        said = self._said.get(name_of(request))
        if said is None:
            raise BaseMovedError(
                "the plan holds no answer for a request of part {part}; the source goes on from another place by now. "
                "Plan again.",
                part=request.part,
            )
        if "error" in said:
            raise getattr(errors, said["error"])(said["template"], code=said["code"], **said["facts"])
        return from_archive(self._archive, said["digest"], said)


def from_archive(archive: Archive, digest: str, described: Mapping[str, Any]) -> Fetched:
    """An answer as it once came.

    Raises:
        RawGoneError: it is not kept any more.
    """
    body = archive.open(digest)
    size = body.seek(0, 2)
    body.seek(0)
    return Fetched(
        url=described["url"],
        status=described["status"],
        headers=described["headers"],
        body=body,
        digest=digest,
        size=size,
        etag=described["etag"],
        last_modified=described["last_modified"],
    )


def described(fetched: Fetched) -> dict[str, Any]:
    """What is kept of an answer beside its body."""
    return {
        "url": fetched.url,
        "status": 200 if fetched.not_modified else fetched.status,
        "headers": {name: fetched.headers[name] for name in KEPT_HEADERS if name in fetched.headers},
        "etag": fetched.etag,
        "last_modified": fetched.last_modified,
    }
