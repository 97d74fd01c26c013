"""API keys: who may write. The secret is shown once; only its hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    Column,
    Engine,
    Index,
    LargeBinary,
    MetaData,
    Row,
    Table,
    Text,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from verbund.errors import UnknownNameError, UsageError
from verbund_schemas import districts

#: A key for a district answers for its districts alone; a key for the hub for all.
ROLES: Final = ("district", "hub")

#: What every secret begins with, so that scanners find one that was published by mistake.
MARK: Final = "vbk"
SECRET_BYTES: Final = 32
_PREFIX_BYTES: Final = 4  # enough to tell keys apart in a list; no part of the secret

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,62}")
# `by` of what the command line decides: a key of that name would blur who decided.
_TAKEN: Final = frozenset({"cli"})

metadata = MetaData()

api_keys = Table(
    "api_keys",
    metadata,
    Column("prefix", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("districts", JSON, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("created_on", Text, nullable=False),
    Column("last_used_on", Text),
    Column("revoked_on", Text),
)
# One living key a name; a revoked one keeps its name in the list, and the name may be given again.
Index(
    "api_keys_living_name",
    api_keys.c.name,
    unique=True,
    sqlite_where=api_keys.c.revoked_on.is_(None),
    postgresql_where=api_keys.c.revoked_on.is_(None),
)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret.

    Attributes:
        name: of a role or a system, never of a person; it stands as `by` in the log.
        prefix: public part of the secret, for lists.
        role: district or hub.
        districts: that it may answer for; empty for the hub, which may for all.
        created_on, last_used_on, revoked_on: days, UTC; None when that has not happened.
    """

    name: str
    prefix: str
    role: str
    districts: tuple[str, ...]
    created_on: str
    last_used_on: str | None
    revoked_on: str | None

    def may_answer_for(self, district: str) -> bool:
        """Whether it speaks for this district."""
        return self.role == "hub" or (self.role == "district" and district in self.districts)


class ApiKeys:
    """The keys of one hub, in SQLite or PostgreSQL; its table is made when missing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        metadata.create_all(engine)

    def add(self, name: str, *, role: str, of_districts: Collection[str], now: datetime) -> tuple[ApiKey, str]:
        """A new key and its secret, which nobody can ask for again.

        Raises:
            UsageError: the name, the role or a district cannot be, or a living key has the name.
        """
        _check(name, role, of_districts)
        prefix = secrets.token_hex(_PREFIX_BYTES)
        secret = f"{MARK}_{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"
        key = ApiKey(name, prefix, role, tuple(sorted(set(of_districts))), now.date().isoformat(), None, None)
        try:
            with self._engine.begin() as tx:
                tx.execute(
                    insert(api_keys).values(
                        prefix=prefix,
                        name=name,
                        role=role,
                        districts=list(key.districts),
                        secret_hash=_hash(secret),
                        created_on=key.created_on,
                    )
                )
        except IntegrityError as error:
            raise UsageError(
                "There is a key with the name {name} already; revoke it first, or choose another name.", name=name
            ) from error
        return key, secret

    def listing(self) -> list[ApiKey]:
        """All keys, revoked ones too, by name and day."""
        query = select(api_keys).order_by(api_keys.c.name, api_keys.c.created_on, api_keys.c.prefix)
        with self._engine.connect() as tx:
            return [_key(row) for row in tx.execute(query)]

    def revoke(self, name: str, *, now: datetime) -> ApiKey:
        """End the living key of this name, at once and for ever.

        Raises:
            UnknownNameError: no living key has this name.
        """
        living = (api_keys.c.name == name) & api_keys.c.revoked_on.is_(None)
        with self._engine.begin() as tx:
            row = tx.execute(select(api_keys).where(living)).first()
            if row is None:
                raise UnknownNameError("There is no living key {name}; `verbund key list` shows all.", name=name)
            day = now.date().isoformat()
            tx.execute(update(api_keys).where(api_keys.c.prefix == row.prefix).values(revoked_on=day))
        return ApiKey(row.name, row.prefix, row.role, tuple(row.districts), row.created_on, row.last_used_on, day)

    def find(self, secret: str, *, now: datetime) -> ApiKey | None:
        """The living key of a secret, and note that it was used today; None for every other text."""
        mark, _, rest = secret.strip().partition("_")
        prefix = rest.partition("_")[0]
        with self._engine.connect() as tx:
            row = tx.execute(select(api_keys).where(api_keys.c.prefix == prefix)).first()
        known = row.secret_hash if row is not None else bytes(hashlib.sha256().digest_size)
        fits = hmac.compare_digest(known, _hash(secret.strip()))  # also when there is none: both take equally long
        if row is None or not fits or mark != MARK or row.revoked_on is not None:
            return None
        today = now.date().isoformat()
        if row.last_used_on != today:  # once a day: reading a key must not cost a write each time
            with self._engine.begin() as tx:
                tx.execute(update(api_keys).where(api_keys.c.prefix == prefix).values(last_used_on=today))
        return _key(row)


def _hash(secret: str) -> bytes:
    # 256 random bits cannot be guessed, so no slow hash for passwords is needed.
    return hashlib.sha256(secret.encode()).digest()


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        row.name, row.prefix, row.role, tuple(row.districts), row.created_on, row.last_used_on, row.revoked_on
    )


def _check(name: str, role: str, of_districts: Collection[str]) -> None:
    if not _NAME.fullmatch(name) or name in _TAKEN:
        raise UsageError(
            "A key cannot be called {name}; take small letters, digits and hyphens, the name of a role or a system.",
            name=name,
        )
    if role not in ROLES:
        raise UsageError("There is no role {role}; a key is for a `district` or for the `hub`.", role=role)
    if (role == "district") != bool(of_districts):
        raise UsageError(
            "A key of the role `district` needs at least one district; a key of the role `hub` speaks for all and takes none."
        )
    unknown = sorted(set(of_districts) - districts().keys())
    if unknown:
        raise UsageError(
            "{district} is no district; districts are five digits, for example 05954.", district=unknown[0]
        )
