"""How to reach a Kafka cluster, and how long to wait for it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from verbund.errors import SettingsError

DEFAULT_PREFIX = "verbund"


class KafkaSettings(BaseModel):
    """Where the cluster is and who we are there; the password is masked wherever the settings are printed.

    Attributes:
        bootstrap: `host:port[,host:port]`.
        prefix: stands before each topic's name and a dot.
        sasl_mechanism: `SCRAM-SHA-512`, `SCRAM-SHA-256` or `PLAIN`; left out with a user: `SCRAM-SHA-512`.
        cafile, certfile, keyfile: PEM files: the authority of the brokers; our own certificate and its key.
        replication_factor: of topics that we make; left out: three, or as many as there are brokers.
        reach_within_s: how long a first connection may take.
        deliver_within_s: how long an append may take, outages of the cluster included.
        watchdog_s: how long nothing may come before a reader is compared with the end of the log.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    bootstrap: str
    prefix: str = Field(default=DEFAULT_PREFIX, pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] | None = None
    username: str | None = None
    password: SecretStr | None = None
    cafile: str | None = None
    certfile: str | None = None
    keyfile: str | None = None
    replication_factor: int | None = Field(default=None, ge=1)
    reach_within_s: float = Field(default=10.0, gt=0)
    deliver_within_s: float = Field(default=60.0, ge=1)
    watchdog_s: float = Field(default=10.0, gt=0)

    @property
    def servers(self) -> list[str]:
        """The addresses, one by one."""
        return [address.strip() for address in self.bootstrap.split(",")]

    @property
    def logs_in(self) -> bool:
        """Whether the broker asks for user and password."""
        return self.security_protocol.startswith("SASL_")

    def client(self) -> dict[str, Any]:
        """Arguments that every client of kafka-python takes."""
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.servers,
            "bootstrap_timeout_ms": int(self.reach_within_s * 1000),
            "security_protocol": self.security_protocol,
            "ssl_cafile": self.cafile,
            "ssl_certfile": self.certfile,
            "ssl_keyfile": self.keyfile,
            "client_id": "verbund",
            # The default of 30 s doubles the length of an outage.
            "reconnect_backoff_max_ms": 1000,
            # New topics and leaders are seen after this.
            "metadata_max_age_ms": 10_000,
        }
        if self.logs_in:
            arguments["sasl_mechanism"] = self.sasl_mechanism or "SCRAM-SHA-512"
            arguments["sasl_plain_username"] = self.username
            arguments["sasl_plain_password"] = self.password.get_secret_value() if self.password else None
        return arguments


def kafka_settings(
    bootstrap: str, *, prefix: str | None = None, further: Mapping[str, Any] | None = None
) -> KafkaSettings:
    """Settings from the URL of the log and the section `kafka:` of the settings file.

    Raises:
        SettingsError: an unknown name (the nearest known one is named) or an impossible value.
    """
    values = {name: _plain(value) for name, value in (further or {}).items()}
    known = KafkaSettings.model_fields.keys() - {"bootstrap", "prefix"}
    for name in values.keys() - known:
        nearest = difflib.get_close_matches(name, known, n=1) or sorted(known)
        raise SettingsError(
            "kafka: has no setting {name}; did you mean {nearest}?", name=name, nearest=" or ".join(nearest)
        )
    try:
        return KafkaSettings(bootstrap=bootstrap, prefix=prefix or DEFAULT_PREFIX, **values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise SettingsError(
            "the setting {name} of Kafka cannot be used: {problem}",
            name=".".join(map(str, first["loc"])),
            problem=first["msg"],
        ) from None  # the cause would show the values


def _plain(value: Any) -> Any:
    """The settings file hands everything over as a secret."""
    return value.get_secret_value() if isinstance(value, SecretStr) else value
