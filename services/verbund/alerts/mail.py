"""Alerts by e-mail: over TLS wherever there is a network between, with an id that stays the same over all attempts."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import format_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from verbund.alerts import words
from verbund.alerts.channel import NotSentError
from verbund.alerts.facts import Message
from verbund.settings_alerts import MailServer

_TIMEOUT_S: Final = 30.0
# Answers of servers go into logs and findings; a long one says no more.
_LONGEST_REASON: Final = 200


class Mail:
    """A channel that hands messages to a mail server.

    Args:
        ca_file: certificates in PEM that are trusted beside those of this machine.
    """

    name = "mail"

    def __init__(
        self,
        server: MailServer,
        *,
        sender: str,
        to: tuple[str, ...],
        language: str,
        public_url: str | None = None,
        ca_file: Path | None = None,
    ) -> None:
        self._server = server
        self._sender = sender
        self._to = to
        self._language = language
        self._public_url = public_url
        self._ca_file = ca_file

    def send(self, message: Message) -> None:
        """Hand it in.

        Raises:
            NotSentError: nobody, or not everybody, will get it.
        """
        mail = self._mail(message)
        try:
            with self._session() as session:
                refused = session.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            raise NotSentError("the server refused every address") from error
        except smtplib.SMTPResponseException as error:
            said = (
                error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
            )
            raise NotSentError(f"{error.smtp_code} {said}"[:_LONGEST_REASON]) from error
        except (OSError, smtplib.SMTPException) as error:
            raise NotSentError(_reason(error)) from error
        if refused:
            # The others have it; asking again would send it to them twice.
            raise NotSentError(f"the server refused {len(refused)} of {len(self._to)} addresses", final=True)

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = words.subject(message, self._language)
        mail["From"] = self._sender
        mail["To"] = ", ".join(self._to)
        mail["Date"] = format_datetime(message.made_at)
        mail["Message-ID"] = f"<{message.message_id}@{self._sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"  # so that no out-of-office note comes back
        mail.set_content(words.text(message, self._language, public_url=self._public_url))
        return mail

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        server = self._server
        trust = ssl.create_default_context()
        if self._ca_file is not None:
            trust.load_verify_locations(cafile=self._ca_file)
        if server.scheme == "smtps":
            session: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=_TIMEOUT_S, context=trust)
        else:
            session = smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT_S)
        with session:
            session.ehlo_or_helo_if_needed()
            if server.scheme == "smtp" and (session.has_extn("starttls") or not _is_this_machine(server.host)):
                session.starttls(context=trust)  # an error where the server has none: then nothing is sent
                session.ehlo()
            if server.user and server.password:
                session.login(server.user, server.password.get_secret_value())
            yield session


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reason(error: Exception) -> str:
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(said)[:_LONGEST_REASON]
