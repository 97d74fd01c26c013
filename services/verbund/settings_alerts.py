"""Settings of alerts: who is told by which way, in which language, and when not."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from verbund import hours

_ADDRESS: Final = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+")
_SCHEMES: Final = {"smtp": 587, "smtps": 465, "smtp-plain": 25}
_WEEKLY: Final = re.compile(r"[a-z]{3} \d\d:\d\d", re.IGNORECASE)
# What the Standard Webhooks specification asks of a secret, in bytes.
_SECRET_BYTES: Final = range(24, 65)

#: Settings that may be `file:PATH`: what lies there is the value.
SECRETS: Final = ("smtp", "smtp_password", "webhook_secret")


def _listed(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _a_mail_address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError("addresses such as it@kreis.example")
    return text


def _a_span(text: str) -> str:
    hours.parsed(text)
    return text


def _a_mail_server(secret: SecretStr) -> SecretStr:
    MailServer.of(secret.get_secret_value(), None)
    return secret


def _a_moment(value: Any) -> Any:
    if value is False or value == "off":  # YAML reads a bare `off` as false
        return None
    if isinstance(value, str) and _WEEKLY.fullmatch(value):
        day, clock = value.split()
        hours.parsed(f"{day} {clock}-24:00")
        return value
    raise ValueError("a day and a time such as `mon 07:00`, or off")


def _a_signing_key(secret: SecretStr) -> SecretStr:
    try:
        key = base64.b64decode(secret.get_secret_value().removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) not in _SECRET_BYTES:
        raise ValueError("whsec_ and 24 to 64 random bytes in base64")
    return secret


class MailServer(BaseModel):
    """Where mail is handed in. `smtp` asks for TLS after the greeting, but on this machine itself; `smtps` is TLS at once."""

    model_config = ConfigDict(frozen=True)

    scheme: Literal["smtp", "smtps", "smtp-plain"]
    host: str
    port: int
    user: str | None = None
    password: SecretStr | None = None

    @classmethod
    def of(cls, url: str, password: SecretStr | None) -> Self:
        """The server of an address such as `smtp://user@mail.kreis.example:587`.

        Raises:
            ValueError: it is none.
        """
        expected = "smtp://[user@]host[:port], smtps://... or smtp-plain://..."
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ValueError(expected) from None
        if parts.scheme not in _SCHEMES or not host or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(expected)
        inside = SecretStr(unquote(parts.password)) if parts.password else None
        user = unquote(parts.username) if parts.username else None
        if parts.scheme == "smtp-plain" and user:
            raise ValueError("no user with smtp-plain://, since the password would travel in the open")
        return cls(
            scheme=parts.scheme,
            host=host,
            port=port or _SCHEMES[parts.scheme],
            user=user,
            password=password or inside,
        )


class AlertSettings(BaseModel):
    """Who is told what; nobody unless `to` or `webhook` is set.

    Attributes:
        to: mail addresses.
        sender: address that mails come from.
        smtp: mail server as an address; the password may stand apart in `smtp_password`.
        webhook: address that alerts are posted to, signed with `webhook_secret` (Standard Webhooks 1.0).
        quiet: spans of local time in which alerts wait, such as `20:00-07:00` or `sat-sun`.
        quiet_except: `held`: the first hold of a quiet time is told at once; `nothing`: all waits.
        weekly: when the summary of the week is sent, local; None: never.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    to: Annotated[tuple[Annotated[str, AfterValidator(_a_mail_address)], ...], BeforeValidator(_listed)] = ()
    sender: Annotated[str | None, AfterValidator(lambda text: text and _a_mail_address(text))] = Field(
        default=None, alias="from"
    )
    smtp: Annotated[SecretStr, AfterValidator(_a_mail_server)] | None = None
    smtp_password: SecretStr | None = None
    webhook: Annotated[str | None, Field(pattern=r"^https?://\S+$")] = None
    webhook_secret: Annotated[SecretStr, AfterValidator(_a_signing_key)] | None = None
    quiet: Annotated[tuple[Annotated[str, AfterValidator(_a_span)], ...], BeforeValidator(_listed)] = ()
    quiet_except: Literal["held", "nothing"] = "held"
    lang: Literal["de", "en"] | None = None
    weekly: Annotated[str | None, BeforeValidator(_a_moment)] = "mon 07:00"

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.to and not (self.smtp and self.sender):
            raise ValueError("with alerts.to also alerts.from and alerts.smtp")
        if self.webhook and not self.webhook_secret:
            raise ValueError("with alerts.webhook also alerts.webhook_secret")
        return self

    @property
    def are_on(self) -> bool:
        """Whether anybody is told."""
        return bool(self.to or self.webhook)

    @property
    def mail_server(self) -> MailServer | None:
        """Where mail is handed in."""
        return MailServer.of(self.smtp.get_secret_value(), self.smtp_password) if self.smtp else None


#: Names of the settings, as they are written.
ALERT_NAMES: Final = tuple(field.alias or name for name, field in AlertSettings.model_fields.items())
