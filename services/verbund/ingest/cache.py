"""The source cache: the last raw item of each part and id, so that only what changed is mapped again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from verbund.ingest.inventory import immediate
from verbund.ingest.moment import instant_text
from verbund.ingest.tables import CACHE
from verbund_connectors.kit import Item, Request

# Somewhat longer than the archive keeps bodies by default.
ANSWERS_KEPT = timedelta(days=30)

# Looked up and stored together; large enough to spare statements, small enough to stay small in memory.
BATCH = 500


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """What an earlier pull got for the same request.

    Attributes:
        outputs: everything but items that `read` made of it, or None when it must be read again anyway.
    """

    request: int
    reader: str
    digest: str
    etag: str | None
    last_modified: str | None
    outputs: bytes | None


class SourceCache:
    """The items of one source in `ingest.db`; `scratch` tables hold what this run has seen.

    A record is *dirty* from the moment one of its items changed until its events are durable.
    """

    def __init__(self, db: Any, name: str) -> None:
        self._db = db
        db.executescript(CACHE)
        with immediate(db):
            db.execute("INSERT OR IGNORE INTO feed (name) VALUES (?)", (name,))
        self.feed: int = db.execute("SELECT feed FROM feed WHERE name = ?", (name,)).fetchone()[0]

    def copy(self, name: str) -> None:
        """Take over all that is known of another source: what is asked and read from here on leaves that one alone."""
        row = self._db.execute("SELECT feed, mapping_version FROM feed WHERE name = ?", (name,)).fetchone()
        if row is None:
            return
        names = {"old": row[0], "new": self.feed}
        with immediate(self._db):
            self._db.execute("UPDATE feed SET mapping_version = ? WHERE feed = ?", (row[1], self.feed))
            for statement in _COPY:
                self._db.execute(statement, names)

    # --- requests ------------------------------------------------------------------------------------------------

    def known(self, request: Request) -> KnownRequest | None:
        """The answer that an earlier pull got."""
        row = self._db.execute(
            "SELECT request, reader, digest, etag, last_modified, outputs FROM request WHERE feed = ? AND name = ?",
            (self.feed, name_of(request)),
        ).fetchone()
        return KnownRequest(*row) if row else None

    def begin_request(self, request: Request) -> int:
        """A number for the request; what is known of its answer is forgotten until `end_request`."""
        with immediate(self._db):
            self._db.execute(
                "INSERT INTO request (feed, name, reader, digest) VALUES (?, ?, '', '') ON CONFLICT (feed, name)"
                " DO UPDATE SET reader = '', digest = '', etag = NULL, last_modified = NULL, outputs = NULL",
                (self.feed, name_of(request)),
            )
        row = self._db.execute(
            "SELECT request FROM request WHERE feed = ? AND name = ?", (self.feed, name_of(request))
        ).fetchone()
        return int(row[0])

    def end_request(
        self,
        number: int,
        *,
        reader: str,
        digest: str,
        etag: str | None,
        last_modified: str | None,
        outputs: bytes | None,
    ) -> None:
        """Remember an answer that was read to its end; items that it delivered earlier are not its own any more."""
        with immediate(self._db):
            self._db.execute(
                "UPDATE item SET request = 0 WHERE item IN (SELECT i.item FROM item i LEFT JOIN scratch.seen s"
                " ON s.item = i.item WHERE i.request = ? AND s.item IS NULL)",
                (number,),
            )
            self._db.execute(
                "UPDATE request SET reader = ?, digest = ?, etag = ?, last_modified = ?, outputs = ? WHERE request = ?",
                (reader, digest, etag, last_modified, outputs, number),
            )

    def see_again(self, number: int) -> int:
        """An answer came unchanged: its items are seen; returns how many."""
        before = self._count("scratch.seen")
        self._db.execute("INSERT OR IGNORE INTO scratch.seen SELECT item FROM item WHERE request = ?", (number,))
        self._db.execute(
            "INSERT OR IGNORE INTO scratch.delivered (record)"
            " SELECT record FROM item WHERE request = ? AND record IS NOT NULL",
            (number,),
        )
        return self._count("scratch.seen") - before

    def keep_answer(self, request: Request, digest: str, described: Mapping[str, Any], *, at: str) -> None:
        """Remember what was answered, so that it can be read again; older answers go with the archive."""
        asked = {name: getattr(request, name) for name in ("part", "url", "path", "state")}
        oldest = instant_text(datetime.fromisoformat(at) - ANSWERS_KEPT)
        with immediate(self._db):
            self._db.execute("DELETE FROM answer WHERE feed = ? AND at < ?", (self.feed, oldest))
            self._db.execute(
                "INSERT INTO answer VALUES (NULL, ?, ?, ?, ?, ?)",
                (self.feed, at, digest, orjson.dumps(asked), orjson.dumps(described)),
            )

    def answers(self, *, since: str) -> list[tuple[Request, str, dict[str, Any]]]:
        """What was asked, digest and description of each answer since an instant, in the order they came."""
        rows = self._db.execute(
            "SELECT asked, digest, described FROM answer WHERE feed = ? AND at >= ? ORDER BY answer", (self.feed, since)
        ).fetchall()
        return [(Request(**orjson.loads(asked)), digest, orjson.loads(said)) for asked, digest, said in rows]

    # --- items ---------------------------------------------------------------------------------------------------

    def store(self, items: Sequence[Item], *, number: int, raw: str, anew: bool = False) -> bool:
        """Take items of one answer; returns whether one of them had been seen in this run before.

        Args:
            items: of the answer, or some of them.
            number: of the request.
            raw: digest of the answer.
            anew: the feed is read from its beginning.
        """
        prepared = {(item.part, item.id): (item, *_digested(item)) for item in items}
        repeated = len(prepared) < len(items)
        with immediate(self._db):
            old = self._old(prepared)
            numbers = self._records({item.key for item, _, _ in prepared.values() if item.key is not None})
            fresh: list[tuple[Any, ...]] = []
            moved: list[tuple[int, int]] = []
            seen: list[tuple[int]] = []
            delivered: list[tuple[int, int]] = []
            for at, (item, data, digest) in prepared.items():
                record = numbers.get(item.key) if item.key is not None else None
                known = old.get(at)
                if item.deleted and known is not None and known[3] is not None:
                    record = known[3]  # a tombstone has no data to find its record by
                older = bool(
                    known and item.modified is not None and known[2] is not None and item.modified < int(known[2])
                )
                # A feed that is read from its beginning may count anew; within one reading its order holds.
                stale = older and not (anew and known and not known[5])
                if record is not None:
                    delivered.append((record, int(stale)))
                if known is not None and (stale or (known[1] == digest and known[3] == record)):
                    seen.append((known[0],))
                    repeated = repeated or bool(known[5])
                    if known[4] != number:
                        moved.append((number, known[0]))
                    continue
                fresh.append((item, data, digest, record, known))
            self._db.executemany("UPDATE item SET request = ? WHERE item = ?", moved)
            self._write(fresh, seen, number=number, raw=raw)
            self._db.executemany("INSERT OR IGNORE INTO scratch.seen VALUES (?)", seen)
            self._db.executemany(
                "INSERT INTO scratch.delivered VALUES (?, ?) ON CONFLICT (record) DO UPDATE SET stale = min(stale, excluded.stale)",
                delivered,
            )
        return repeated

    def _old(self, prepared: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[Any, ...]]:
        """Item number, digest, modified, record, request and whether seen, of those that are known."""
        found: dict[tuple[str, str], tuple[Any, ...]] = {}
        by_part: dict[str, list[str]] = {}
        for part, ident in prepared:
            by_part.setdefault(part, []).append(ident)
        for part, idents in by_part.items():
            for ident, *row in self._db.execute(
                "SELECT i.id, i.item, i.digest, i.modified, i.record, i.request, s.item IS NOT NULL FROM json_each(?) j"
                " CROSS JOIN item i ON i.feed = ? AND i.part = ? AND i.id = j.value LEFT JOIN scratch.seen s ON s.item = i.item",
                (orjson.dumps(idents).decode(), self.feed, part),
            ):
                found[part, ident] = tuple(row)
        return found

    def _records(self, keys: set[str]) -> dict[str, int]:
        if not keys:
            return {}
        listed = orjson.dumps(sorted(keys)).decode()
        found = dict(
            self._db.execute(
                "SELECT r.key, r.record FROM json_each(?) j CROSS JOIN record r ON r.feed = ? AND r.key = j.value",
                (listed, self.feed),
            ).fetchall()
        )
        missing = sorted(keys - found.keys())
        if missing:
            self._db.executemany("INSERT INTO record (feed, key) VALUES (?, ?)", [(self.feed, key) for key in missing])
            found.update(
                self._db.execute(
                    "SELECT r.key, r.record FROM json_each(?) j CROSS JOIN record r ON r.feed = ? AND r.key = j.value",
                    (orjson.dumps(missing).decode(), self.feed),
                ).fetchall()
            )
        return found

    def _write(self, fresh: list[tuple[Any, ...]], seen: list[tuple[int]], *, number: int, raw: str) -> None:
        if not fresh:
            return
        following = (self._db.execute("SELECT max(item) FROM item").fetchone()[0] or 0) + 1
        rows: list[tuple[Any, ...]] = []
        bodies: list[tuple[int, bytes]] = []
        needs: list[tuple[int, int, str]] = []
        dirty: list[tuple[int]] = []
        renewed: list[tuple[int]] = []
        for item, data, digest, record, known in fresh:
            if known is None:
                place, following = following, following + 1
            else:
                place = known[0]
                renewed.append((place,))
                if known[3] is not None and known[3] != record:
                    dirty.append((known[3],))
            modified = None if item.modified is None else str(item.modified)
            rows.append(
                (place, self.feed, item.part, item.id, record, digest, modified, int(item.deleted), number, raw)
            )
            bodies.append((place, data))
            seen.append((place,))
            needs.extend((place, self.feed, ident) for ident in dict.fromkeys(item.needs))
            if record is not None:
                dirty.append((record,))
        # Who needs a changed item is dirty too.
        changed_ids = orjson.dumps([item.id for item, *_ in fresh]).decode()
        self._db.execute(
            "UPDATE record SET dirty = 1 WHERE record IN (SELECT i.record FROM json_each(?) j"
            " CROSS JOIN need n ON n.feed = ? AND n.id = j.value JOIN item i ON i.item = n.item)",
            (changed_ids, self.feed),
        )
        if renewed:
            self._db.executemany("DELETE FROM need WHERE item = ?", renewed)
        self._db.executemany(
            "INSERT INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (item) DO UPDATE SET record = excluded.record,"
            " digest = excluded.digest, modified = excluded.modified, deleted = excluded.deleted,"
            " request = excluded.request, raw = excluded.raw",
            rows,
        )
        self._db.executemany("INSERT OR REPLACE INTO body VALUES (?, ?)", bodies)
        if needs:
            self._db.executemany("INSERT OR IGNORE INTO need VALUES (?, ?, ?)", needs)
        self._db.executemany("UPDATE record SET dirty = 1 WHERE record = ? AND dirty = 0", dirty)

    # --- what is to be mapped, what is gone ----------------------------------------------------------------------

    def demand_mapping(self, version: str) -> None:
        """Another mapping version makes every record dirty."""
        with immediate(self._db):
            row = self._db.execute("SELECT mapping_version FROM feed WHERE feed = ?", (self.feed,)).fetchone()
            if row[0] != version:
                self._db.execute("UPDATE record SET dirty = 1 WHERE feed = ?", (self.feed,))
                self._db.execute("UPDATE feed SET mapping_version = ? WHERE feed = ?", (version, self.feed))

    def drop_gone_items(self, proven: Sequence[str]) -> None:
        """Forget items that are absent from parts that are proven complete, where their record has others left.

        The last items of a record stay until it is withdrawn: they say which parts would have to prove its absence.
        """
        with immediate(self._db):
            for table in ("gone", "absent"):
                self._db.execute(f"DELETE FROM scratch.{table}")
            self._db.execute(
                "INSERT INTO scratch.gone SELECT i.item, i.record FROM json_each(?) p CROSS JOIN item i ON i.feed = ?"
                " AND i.part = p.value LEFT JOIN scratch.seen s ON s.item = i.item WHERE s.item IS NULL",
                (orjson.dumps(list(proven)).decode(), self.feed),
            )
            self._db.execute(
                "INSERT INTO scratch.absent SELECT DISTINCT g.record FROM scratch.gone g WHERE g.record IS NOT NULL AND NOT EXISTS"
                " (SELECT 1 FROM item o LEFT JOIN scratch.gone x ON x.item = o.item WHERE o.record = g.record AND x.item IS NULL)"
            )
            partly = "SELECT g.item FROM scratch.gone g LEFT JOIN scratch.absent a ON a.record = g.record WHERE a.record IS NULL"
            self._db.execute(
                f"UPDATE record SET dirty = 1 WHERE record IN (SELECT record FROM item WHERE item IN ({partly}))"
            )
            self._delete(partly)

    def drop_unseen_items(self, parts: Sequence[str], keys: Sequence[str]) -> None:
        """Forget what these records had in these parts and were not delivered there; joins the caller's transaction."""
        which = (
            "SELECT i.item FROM json_each(?) j JOIN record r ON r.feed = ? AND r.key = j.value JOIN item i ON i.record = r.record"
            " LEFT JOIN scratch.seen s ON s.item = i.item WHERE s.item IS NULL AND i.part IN (SELECT value FROM json_each(?))"
        )
        listed = (orjson.dumps(list(keys)).decode(), self.feed, orjson.dumps(list(parts)).decode())
        self._db.execute(
            f"UPDATE record SET dirty = 1 WHERE record IN (SELECT record FROM item WHERE item IN ({which}))", listed
        )
        self._delete(which, listed)

    def forget_records(self, which: str, *parameters: Any) -> None:
        """Drop the items of records that a query names; joins the caller's transaction."""
        self._delete(f"SELECT item FROM item WHERE record IN ({which})", parameters)

    def _delete(self, which: str, parameters: Sequence[Any] = ()) -> None:
        for table in ("body", "need", "item"):
            self._db.execute(f"DELETE FROM {table} WHERE item IN ({which})", parameters)

    def cursors(self) -> dict[str, Any]:
        """Where each part goes on."""
        rows = self._db.execute("SELECT part, value FROM cursor WHERE feed = ?", (self.feed,)).fetchall()
        return {part: orjson.loads(value) for part, value in rows}

    def keep_cursors(self, cursors: dict[str, Any]) -> None:
        """Remember where to go on; called once everything before it is durable."""
        with immediate(self._db):
            self._db.executemany(
                "INSERT OR REPLACE INTO cursor VALUES (?, ?, ?)",
                [(self.feed, part, orjson.dumps(value)) for part, value in cursors.items()],
            )

    def clear(self) -> None:
        """Forget the source; the next pull reads everything."""
        with immediate(self._db):
            self._delete("SELECT item FROM item WHERE feed = ?", (self.feed,))
            for table in ("record", "request", "cursor", "answer", "feed"):
                self._db.execute(f"DELETE FROM {table} WHERE feed = ?", (self.feed,))

    def _count(self, table: str) -> int:
        return int(self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


_COPY = (
    (
        "INSERT INTO request (feed, name, reader, digest, etag, last_modified, outputs)"
        " SELECT :new, name, reader, digest, etag, last_modified, outputs FROM request WHERE feed = :old"
    ),
    "INSERT INTO cursor SELECT :new, part, value FROM cursor WHERE feed = :old",
    (
        "INSERT INTO record (feed, key, dirty, outcome, because, run_id)"
        " SELECT :new, key, dirty, outcome, because, run_id FROM record WHERE feed = :old"
    ),
    (
        "INSERT INTO item (feed, part, id, record, digest, modified, deleted, request, raw)"
        " SELECT :new, i.part, i.id, n.record, i.digest, i.modified, i.deleted, coalesce(m.request, 0), i.raw FROM item i"
        " LEFT JOIN record o ON o.record = i.record LEFT JOIN record n ON n.feed = :new AND n.key = o.key"
        " LEFT JOIN request q ON q.request = i.request LEFT JOIN request m ON m.feed = :new AND m.name = q.name"
        " WHERE i.feed = :old"
    ),
    (
        "INSERT INTO body SELECT n.item, b.data FROM item o JOIN item n ON n.feed = :new AND n.part = o.part AND n.id = o.id"
        " JOIN body b ON b.item = o.item WHERE o.feed = :old"
    ),
    (
        "INSERT INTO need SELECT n.item, :new, d.id FROM item o JOIN item n ON n.feed = :new AND n.part = o.part AND n.id = o.id"
        " JOIN need d ON d.item = o.item WHERE o.feed = :old"
    ),
)


def name_of(request: Request) -> str:
    """Equal for requests that ask the same."""
    said = [request.part, request.url, request.path, dict(request.state)]
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _digested(item: Item) -> tuple[bytes, bytes]:
    """The item's data as it is kept, and the digest that says whether it changed."""
    data = orjson.dumps(item.data, option=orjson.OPT_SORT_KEYS)
    mark = b"deleted" if item.deleted else b"|".join(need.encode() for need in item.needs)
    return data, hashlib.blake2b(data + mark, digest_size=16).digest()
