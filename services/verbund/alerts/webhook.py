"""Alerts by webhook, signed as Standard Webhooks 1.0 has it, posted through the guard of all that goes out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import orjson
from pydantic import SecretStr
from standardwebhooks import Webhook as Signature

from verbund.alerts import words
from verbund.alerts.channel import NotSentError
from verbund.alerts.facts import Message
from verbund.errors import VerbundError

_TIMEOUT_S: Final = 15.0


class Post(Protocol):
    """Whoever posts a body somewhere."""

    def post(self, url: str, body: bytes, *, headers: dict[str, str], timeout_s: float) -> int:
        """The status of the answer; redirects are not followed."""
        ...


class Webhook:
    """A channel that posts messages to one address."""

    name = "webhook"

    def __init__(
        self,
        url: str,
        secret: SecretStr,
        *,
        post: Post,
        language: str,
        clock: Callable[[], datetime],
        public_url: str | None = None,
    ) -> None:
        self._url = url
        self._signature = Signature(secret.get_secret_value())
        self._post = post
        self._language = language
        self._clock = clock
        self._public_url = public_url

    def send(self, message: Message) -> None:
        """Post it.

        Raises:
            NotSentError: any answer but 2xx, or none.
        """
        body = orjson.dumps(self._document(message))
        at = self._clock().astimezone(UTC).replace(microsecond=0)
        headers = {
            "content-type": "application/json",
            "webhook-id": message.message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._signature.sign(message.message_id, at, body.decode()),
        }
        try:
            status = self._post.post(self._url, body, headers=headers, timeout_s=_TIMEOUT_S)
        except VerbundError as error:
            raise NotSentError(str(error)) from error
        if not 200 <= status < 300:
            raise NotSentError(f"the receiver answered with status {status}")

    def _document(self, message: Message) -> dict[str, Any]:
        """`type, timestamp, data` as the specification suggests; the same on every attempt."""
        language, document = self._language, message.document()
        return {
            "type": f"verbund.{message.kind}",
            "timestamp": document["made_at"],
            "data": {
                "subject": words.subject(message, language),
                "text": words.text(message, language, public_url=self._public_url),
                **{name: document[name] for name in ("items", "week", "holds") if document[name]},
            },
        }
