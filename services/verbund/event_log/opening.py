"""The log that a URL names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from verbund.codec import Codec
from verbund.errors import SettingsError
from verbund.event_log import EventLog


def open_log(url: str, *, codec: Codec, kafka_settings: Mapping[str, Any] | None = None) -> EventLog:
    """`sqlite:///path`, `kafka://host:port[,host:port][/prefix]` or `memory:`, opened; the caller closes it.

    Args:
        url: of the log.
        codec: of the events.
        kafka_settings: the section `kafka:` of the settings file, by name; see `KafkaSettings`.

    Raises:
        SettingsError: none of these, an unknown setting, a SQLite that loses commits.
        LogUnavailableError, LogUnusableError: see `KafkaEventLog`.
    """
    # Each log brings libraries of its own: only the one that is used is loaded.
    if url == "memory:":
        from verbund.event_log.memory import MemoryEventLog  # noqa: PLC0415 - see above

        return MemoryEventLog(codec=codec)
    if path := re.fullmatch(r"sqlite:///(.+)", url):
        from verbund.event_log.sqlite import SqliteEventLog  # noqa: PLC0415 - see above

        return SqliteEventLog(path[1], codec=codec)
    if cluster := re.fullmatch(r"kafka://([^/]+)(?:/(.*))?", url):
        from verbund.event_log import kafka_settings as settings  # noqa: PLC0415 - see above
        from verbund.event_log.kafka import KafkaEventLog  # noqa: PLC0415 - see above

        made = settings.kafka_settings(cluster[1], prefix=cluster[2], further=kafka_settings)
        return KafkaEventLog(made, codec=codec)
    raise SettingsError(
        "the event log {url} cannot be opened; say sqlite:///file, kafka://host:port/prefix or memory:", url=url
    )
