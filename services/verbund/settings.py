"""Settings of one hub: flag over environment over `verbund.yaml` in the home over default, each with its origin."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, field_validator

from verbund.errors import SettingsError
from verbund.i18n import language_of
from verbund.settings_alerts import ALERT_NAMES, SECRETS, AlertSettings
from verbund.settings_layers import PREFIX, from_environment, from_file, nearest, secret_file

__all__ = ["FILE_NAME", "HOME_NAME", "NAMES", "Configuration", "Settings", "find_home", "load", "nearest"]

HOME_NAME: Final = ".verbund"
FILE_NAME: Final = "verbund.yaml"


def _words(value: Any) -> Any:
    """A list, or one string of words parted by commas or blanks."""
    return tuple(re.split(r"[,\s]+", value.strip())) if isinstance(value, str) else value


class Settings(BaseModel):
    """What one process is told. Paths are absolute.

    Attributes:
        home: folder of the one-machine hub.
        event_log: `sqlite:///file` or `kafka://host:port[,host:port]/prefix`.
        database: SQLAlchemy URL of the read models.
        ingest, state, keys: SQLite files: ingest's memory, API keys and sessions, contact keys.
        state_url: database of the API keys, when `state` was said as an address and several machines share them.
        raw: `file:folder` of the raw payloads and run ledgers.
        search: folder of the search index.
        listen: host and port of web and API; port 0 takes a free one.
        public_url: address under which others reach it.
        fetch_allow: networks that may be fetched from although they are not public.
        runs_at_once: how many sources the scheduler pulls side by side.
        kafka: security of the broker, as in `verbund.yaml`; values are secrets.
        alerts: who is told when a source needs a person.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Path
    event_log: str
    database: SecretStr
    ingest: Path
    state: Path
    state_url: SecretStr | None = None
    keys: Path
    raw: str
    search: Path
    listen: str = "127.0.0.1:8080"
    public_url: str | None = None
    fetch_allow: Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(_words)] = ()
    proxy: SecretStr | None = None
    ca_file: Path | None = None
    runs_at_once: Annotated[int, Field(ge=1, le=32)] = 4
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] | None = None
    lang: Literal["de", "en"] = "en"
    kafka: Mapping[str, SecretStr] = Field(default_factory=dict)
    alerts: AlertSettings = AlertSettings()

    @field_validator("event_log")
    @classmethod
    def _known_log(cls, value: str) -> str:
        if not re.fullmatch(r"sqlite:///.+|kafka://[^/]+(/[A-Za-z0-9._-]+)?|memory:", value):
            raise ValueError("sqlite:///file or kafka://host:port[,host:port]/prefix")
        return value

    @field_validator("raw")
    @classmethod
    def _known_raw(cls, value: str) -> str:
        if not value.startswith("file:"):
            raise ValueError("file:folder")
        return value

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        match = re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^:\s]+):(\d{1,5})", value)
        if match is None or int(match[2]) > 65_535:
            raise ValueError("host:port, for example 127.0.0.1:8080")
        return value

    @field_validator("public_url")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", value):
            raise ValueError("an address such as https://verbund.example.org")
        return value.rstrip("/") if value else value

    @property
    def host(self) -> str:
        """Host to listen on, without brackets."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """Port to listen on."""
        return int(self.listen.rpartition(":")[2])

    @property
    def raw_folder(self) -> Path:
        """Folder of the raw archive."""
        return Path(self.raw.removeprefix("file:"))

    @property
    def sources_folder(self) -> Path:
        """Folder of the source files of applied sources."""
        return self.home / "sources"

    @property
    def on_kafka(self) -> bool:
        """Whether the log is shared with other machines."""
        return self.event_log.startswith("kafka:")


#: Settings that may stand in the environment and, but for the home, in `verbund.yaml`.
_PLAIN: Final = tuple(name for name in Settings.model_fields if name not in ("kafka", "alerts", "state_url"))
_ALERTS: Final = "alerts_"
NAMES: Final = (*_PLAIN, *(_ALERTS + name for name in ALERT_NAMES))
_IN_FILE: Final = (*(name for name in _PLAIN if name != "home"), "kafka", "alerts")
_NESTED: Final = {"alerts": ALERT_NAMES}
_SECRET_FILES: Final = frozenset(_ALERTS + name for name in SECRETS)
_PATHS: Final = frozenset({"ingest", "state", "keys", "search", "ca_file"})


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings, and by name where each came from: `flag`, `environment`, `file` or `default`."""

    settings: Settings
    origins: Mapping[str, str]

    def shown(self) -> dict[str, str | list[str] | None]:
        """Values as they may be printed: secrets masked, passwords inside addresses too."""
        alerts = self.settings.alerts.model_dump(by_alias=True)
        shown = {name: _shown(getattr(self.settings, name)) for name in (*_PLAIN, "kafka")}
        if self.settings.state_url is not None:
            shown["state"] = _shown(self.settings.state_url)
        return shown | {_ALERTS + name: _masked(value) for name, value in alerts.items()}


def load(
    environ: Mapping[str, str], *, flags: Mapping[str, Any] | None = None, here: Path, create: bool = False
) -> Configuration:
    """Read the settings; `flags` with the value None were not given.

    A home that is named (flag or `VERBUND_HOME`) is made on demand; the default one only when `create` is true.

    Raises:
        SettingsError: no home, an unknown name (the nearest known one is named), or a value that cannot be.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    in_environment = from_environment(environ, NAMES)
    home = find_home(given.get("home") or in_environment.get("home"), here=here, create=create)
    layers = (
        ("default", {**_defaults(home), "lang": language_of(environ)}, home),
        ("file", from_file(home / FILE_NAME, environ, _IN_FILE, nested=_NESTED), home),
        ("environment", in_environment, here),
        ("flag", given, here),
    )
    for origin, layer, base in layers:
        for name, value in layer.items():
            values[name] = secret_file(name, value, base) if name in _SECRET_FILES else _absolute(name, value, base)
            origins[name] = origin
    values["home"] = home
    if "://" in str(values["state"]):
        values["state_url"], values["state"] = values["state"], home / "state.db"
    values["alerts"] = {name: values.pop(_ALERTS + name) for name in ALERT_NAMES if _ALERTS + name in values}
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise _impossible(error, values, origins, home) from None
    return Configuration(settings, {**dict.fromkeys((*NAMES, "kafka"), "default"), **origins})


def find_home(named: str | Path | None, *, here: Path, create: bool) -> Path:
    """The home: the named one, else the nearest `.verbund` upwards, else (with `create`) a new one here.

    Raises:
        SettingsError: none was found, or it cannot be made.
    """
    if named:
        home = (here / Path(named).expanduser()).resolve()
    else:
        found = (folder / HOME_NAME for folder in (here, *here.parents) if (folder / HOME_NAME).is_dir())
        home = next(found, here / HOME_NAME)
        if not create and not home.is_dir():
            raise SettingsError(
                "No Verbund home here or above {here}; run `verbund init`, or name one with VERBUND_HOME.",
                here=str(here),
            )
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            "The home {home} cannot be made ({reason}); name another folder with VERBUND_HOME.",
            home=str(home),
            reason=error.strerror or str(error),
        ) from error
    return home


def _defaults(home: Path) -> dict[str, Any]:
    return {
        "home": home,
        "event_log": f"sqlite:///{home / 'log.db'}",
        "database": f"sqlite:///{home / 'views.db'}",
        "ingest": home / "ingest.db",
        "state": home / "state.db",
        "keys": home / "keys.db",
        "raw": f"file:{home / 'raw'}",
        "search": home / "search",
    }


def _absolute(name: str, value: Any, base: Path) -> Any:
    if name == "state" and isinstance(value, str) and "://" in value:
        if not value.startswith("sqlite:///"):
            return value
        value = value.removeprefix("sqlite:///")
    if name in _PATHS and isinstance(value, str | Path):
        return Path(os.path.normpath(base / Path(value).expanduser()))
    if name == "raw" and isinstance(value, str) and (value.startswith("file:") or ":" not in value):
        return f"file:{os.path.normpath(base / Path(value.removeprefix('file:')).expanduser())}"
    if name in {"event_log", "database"} and isinstance(value, str) and value.startswith("sqlite:///"):
        file = value.removeprefix("sqlite:///")
        return f"sqlite:///{os.path.normpath(base / Path(file).expanduser())}"
    return value


_SECRET_NAMES = frozenset({"database", "proxy", "kafka", "alerts", *(_ALERTS + name for name in SECRETS)})


def _impossible(
    error: ValidationError, values: Mapping[str, Any], origins: Mapping[str, str], home: Path
) -> SettingsError:
    first = error.errors()[0]
    name = "_".join(str(step) for step in first["loc"][: 2 if first["loc"][0] == "alerts" else 1])
    expected = str(first.get("ctx", {}).get("error") or first["msg"])
    origin = origins.get(name, "default")
    facts: dict[str, Any] = {"file": str(home / FILE_NAME)} if origin == "file" else {}
    given = {**values, **{_ALERTS + key: value for key, value in values["alerts"].items()}}
    shown = "***" if name in _SECRET_NAMES else str(given.get(name))
    label = PREFIX + name.upper() if origin == "environment" else name
    return SettingsError(
        "The setting {name} cannot be {value}; expected: {expected}.",
        name=label,
        value=shown,
        expected=expected,
        **facts,
    )


def without_password(address: str) -> str:
    """The address with its password replaced by stars."""
    return re.sub(r"(://[^/@:]*:)[^@/]+@", r"\1***@", address)


def _masked(value: Any) -> str | list[str] | None:
    """A setting of alerts: of a secret no more than that there is one, or its address without the password."""
    if isinstance(value, SecretStr):
        text = value.get_secret_value()
        return without_password(text) if "://" in text else "***"
    return _shown(value)


def _shown(value: Any) -> str | list[str] | None:
    if value is None:
        return None
    if isinstance(value, SecretStr):
        return without_password(value.get_secret_value())
    if isinstance(value, Mapping):
        return [f"{key}=***" for key in sorted(value)]
    if isinstance(value, tuple):
        return [str(part) for part in value]
    return str(value)
