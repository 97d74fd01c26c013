"""Looks, decides, remembers, sends: the thread that tells people."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import uuid4

import structlog

from verbund.alerts.channel import Channel, NotSentError
from verbund.alerts.due import alerts_due, weekly_due
from verbund.alerts.facts import Look, Message, Told, WeekOfSource
from verbund.alerts.outbox import Outbox
from verbund.errors import VerbundError
from verbund.settings_alerts import AlertSettings

log = structlog.get_logger()

_LOOK_EVERY_S: Final = 30.0


class Sender:
    """Tells people by all channels what `look` finds to be news.

    Args:
        look: how things are.
        week: what happened since an instant, source by source.
    """

    def __init__(
        self,
        outbox: Outbox,
        channels: Sequence[Channel],
        *,
        settings: AlertSettings,
        look: Callable[[], Look],
        week: Callable[[datetime], Sequence[WeekOfSource]],
        clock: Callable[[], datetime],
        new_id: Callable[[], str] = lambda: str(uuid4()),
        look_every_s: float = _LOOK_EVERY_S,
    ) -> None:
        self._outbox = outbox
        self._channels: Mapping[str, Channel] = {channel.name: channel for channel in channels}
        self._settings = settings
        self._look = look
        self._week = week
        self._clock = clock
        self._new_id = new_id
        self._look_every_s = look_every_s
        self._complained = ""

    def run_forever(self, stop: threading.Event) -> None:
        """Tell people until `stop` is set. Trouble here never stops anything else."""
        while not stop.wait(self._look_every_s):
            try:
                self.tell()
                self._complained = ""
            except VerbundError as error:
                self._complain(str(error))
            except Exception as error:  # noqa: BLE001 - whoever tells of trouble must not be the end of the service
                self._complain(f"{type(error).__name__}: {error}")
            self.send_due(stop)

    def tell(self) -> int:
        """Look once and store what is to be said; how many messages that are.

        Raises:
            VerbundError: the views cannot be read now.
        """
        look, now = self._look(), self._clock()

        def decide(before: Told) -> tuple[list[Message], Told]:
            if before.weekly_at is None:
                before = replace(before, weekly_at=now)
            due = alerts_due(before, look, now, self._settings)
            messages = []
            if due.items:
                messages.append(Message(message_id=self._new_id(), kind="alert", made_at=now, items=due.items))
            if not weekly_due(due.told, now, self._settings):
                return messages, due.told
            messages.append(self._weekly(due.told, look, now))
            return messages, replace(due.told, weekly_at=now)

        return self._outbox.tell(decide, channels=list(self._channels))

    def send_due(self, stop: threading.Event | None = None) -> int:
        """Send what waits; how many messages went out. A channel that is down is left alone until later."""
        sent = 0
        while not (stop and stop.is_set()):
            claimed = self._outbox.claim(self._clock())
            if claimed is None:
                return sent
            channel = self._channels.get(claimed.channel)
            if channel is None:
                self._outbox.failed(claimed, "this way is not set any more", self._clock())
                continue
            try:
                channel.send(claimed.message)
            except NotSentError as error:
                self._outbox.failed(claimed, str(error), self._clock(), final=error.final)
                log.warning("alert_not_sent", channel=claimed.channel, kind=claimed.message.kind, reason=str(error))
            else:
                self._outbox.sent(claimed, self._clock())
                log.info("alert_sent", channel=claimed.channel, kind=claimed.message.kind)
                sent += 1
        return sent

    def test(self) -> dict[str, str]:
        """Send a test message over every channel at once: the reason by channel why it did not go out, or nothing."""
        message = Message(message_id=self._new_id(), kind="test", made_at=self._clock())
        answers = {}
        for name, channel in self._channels.items():
            try:
                channel.send(message)
                answers[name] = ""
            except NotSentError as error:
                answers[name] = str(error)
        return answers

    def _weekly(self, told: Told, look: Look, now: datetime) -> Message:
        since = told.weekly_at or now
        return Message(
            message_id=self._new_id(), kind="weekly", made_at=now, week=tuple(self._week(since)), holds=look.holds
        )

    def _complain(self, sentence: str) -> None:
        if sentence != self._complained:  # once, not at every look
            log.warning("alerts_cannot_look", reason=sentence)
            self._complained = sentence
