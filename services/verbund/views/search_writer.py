"""Writes the search index: the latest event of each key becomes one document; position and documents in one commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import structlog
from tantivy import Query

from verbund.errors import VerbundError
from verbund.events import Recorded
from verbund.projection.settle import problem_of
from verbund.views import search_folder
from verbund.views.fold import Folded, district_of, facts_of, fold
from verbund.views.search_document import bare_document, card_of, document_of, stored_in
from verbund.views.search_position import Position, position_document, read_position
from verbund.views.search_schema import POSITION_KEY, VERSION, build_schema, open_index
from verbund.views.search_starts import Horizon

log = structlog.get_logger()

WITH_STATE = frozenset({"OfferPublished", "OfferRevised", "OrganisationPublished", "OrganisationRevised"})
HANDLES = WITH_STATE | {"OfferMissed", "OfferSeenAgain", "OfferWithdrawn", "OrganisationWithdrawn"}

_STATES = {**dict.fromkeys(HANDLES, "live"), "OfferMissed": "missed"}
_STATES |= {"OfferWithdrawn": "withdrawn", "OrganisationWithdrawn": "withdrawn"}

# The writer's buffer; a fuller one makes larger segments and fewer merges.
_HEAP_BYTES = 64_000_000

# Keys asked for in one query.
_KEYS_AT_ONCE = 1000

# Offers of one organisation that are made anew when its name changes; more than any has.
_MOST_OFFERS = 100_000


@dataclass(slots=True)
class _Row:
    """A key as it stands: committed, or staged since.

    Attributes:
        state: live, missed or withdrawn; a withdrawn offer keeps its card, for the row is made of its latest content too.
        card: of an offer, as JSON bytes; None for organisations and for keys without content.
        name: of an organisation.
        organisation: of an offer, the id.
        stored: a document of it is in the index, so it has to be deleted before the next is added.
    """

    revision: int
    state: str
    card: bytes | None = None
    name: str = ""
    organisation: str | None = None
    stored: bool = True


class SearchWriter:
    """The one writer of the index in a folder.

    `apply` is atomic: after a crash the index holds all of a batch and its position, or nothing of it. What it leaves
    is a function of the latest event of each key and of the horizon.
    """

    version = VERSION
    handles = HANDLES
    topics = ("inventory",)

    def __init__(self, folder: Path, *, horizon: Horizon) -> None:
        """Open the index, or begin a new generation when there is none for this version and horizon.

        Raises:
            LockedError: another process writes it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._horizon = horizon
        self._lock = search_folder.lock(folder)
        self._schema = build_schema()
        self._rows: dict[str, _Row | None] = {}
        self._serial = f"v{VERSION}.{horizon.first:%Y%m%d}-{horizon.last:%Y%m%d}"
        mine = [name for name in search_folder.generations(folder) if name.rpartition(".")[0] == self._serial]
        self._open(max(mine, default=f"{self._serial}.1", key=_number))

    def position(self) -> Position:
        """How far the log was read, staged events included."""
        return self._position

    @property
    def staged(self) -> int:
        """Keys touched since the last commit."""
        return len(self._rows)

    def apply(self, batch: Sequence[Recorded]) -> None:
        """Take a batch and its position in, in one commit."""
        self.stage(batch)
        self.commit()

    def stage(self, batch: Sequence[Recorded]) -> None:
        """Take a batch in; `commit` makes it last. What cannot be read is parked with its key, and others go on."""
        try:
            for record in batch:
                self._position.last[record.topic] = (record.position, record.id)
            self._take(self._readable(batch))
        except BaseException:
            self.rollback()
            raise

    def commit(self) -> None:
        """Make what was staged last, together with the position."""
        self._writer.delete_documents_by_term("key", POSITION_KEY)
        self._writer.add_document(position_document(self._position))
        self._writer.commit()
        self._refresh()

    def rollback(self) -> None:
        """Forget what was staged."""
        self._writer.rollback()
        self._refresh()

    def publish(self) -> None:
        """Serve this generation from now on; call it when the index has caught up."""
        if search_folder.current(self._folder) != self._generation:
            search_folder.make_current(self._folder, self._generation)
            log.info("search_index_published", generation=self._generation)

    def reset(self) -> None:
        """Begin a new generation, empty; the old one is served until `publish`."""
        self._close_index()
        self._open(f"{self._serial}.{_number(self._generation) + 1}")

    def close(self) -> None:
        """Forget what was staged and give the lock back."""
        self._close_index()
        self._lock.close()

    def _open(self, generation: str) -> None:
        self._generation = generation
        path = self._folder / generation
        path.mkdir(exist_ok=True)
        self._index = open_index(str(path), create=True)
        self._writer = self._index.writer(_HEAP_BYTES, 1)
        self._searcher = self._index.searcher()
        if read_position(self._searcher).version == VERSION:
            self._refresh()
        else:
            self._position = Position(self._horizon)
            self.commit()
        if search_folder.current(self._folder) is None:
            self.publish()

    def _close_index(self) -> None:
        self._writer.rollback()
        self._writer.wait_merging_threads()

    def _refresh(self) -> None:
        self._index.reload()
        self._searcher = self._index.searcher()
        self._position = read_position(self._searcher)
        self._rows = {}

    # --- taking events -----------------------------------------------------------------------------------------------

    def _readable(self, batch: Iterable[Recorded]) -> list[Recorded]:
        """Events that are for this view; those of keys that have parked ones wait behind them."""
        going = []
        for record in batch:
            if record.type and record.type not in HANDLES:
                continue
            problem = problem_of(record)
            if problem or _key(record) in self._position.parked:
                self._park(record, problem.error_code if problem else "queued")
            else:
                going.append(record)
        return going

    def _take(self, batch: Sequence[Recorded]) -> None:
        folded = fold(batch, WITH_STATE)
        self._load([_key(one.last) for one in folded])
        offers: set[str] = set()
        organisations: set[str] = set()
        for one in folded:
            key = _key(one.last)
            try:
                changed = self._fold_in(key, one)
            except Exception:  # noqa: BLE001 - whatever one record makes a handler raise must not stop the others
                changed = self._one_by_one(key, [record for record in batch if _key(record) == key])
            if changed:
                (organisations if changed.startswith("Organisation") else offers).add(key)
        offers |= self._offers_of(organisations)
        for key in organisations:
            self._write(key, "")
        self._write_offers(offers)

    def _fold_in(self, key: str, folded: Folded) -> str:
        """Bring the row of a key up; the type of the event that decided, or nothing when none was newer."""
        row = self._rows[key]
        held = row.revision if row else 0
        last, body = folded.last, folded.body
        if last.revision <= held:
            return ""
        fresh = _Row(last.revision, _STATES[last.type], stored=row is not None)
        if body is not None and body.revision > held:
            if body.type.startswith("Offer"):
                offer = facts_of(body, "offer_id", "offer")
                card = card_of(offer, horizon=self._horizon, changed_ms=body.appended_ms)
                fresh.card, fresh.organisation = orjson.dumps(card), card["organisation"]
            else:
                fresh.name = facts_of(body, "organisation_id", "organisation")["name"]
        elif row is not None:
            fresh.card, fresh.name, fresh.organisation = row.card, row.name, row.organisation
        self._rows[key] = fresh
        return last.type

    def _one_by_one(self, key: str, records: Sequence[Recorded]) -> str:
        """Take what can be read of a key, up to the first event that cannot; park that and all behind it."""
        decided = ""
        for number, record in enumerate(records):
            try:
                for one in fold([record], WITH_STATE):
                    decided = self._fold_in(key, one) or decided
            except Exception as error:  # noqa: BLE001 - as above
                self._park(record, error.error_code if isinstance(error, VerbundError) else type(error).__name__)
                for later in records[number + 1 :]:
                    self._park(later, "queued")
                break
        return decided

    def retry(self, records: Sequence[Recorded]) -> None:
        """Try parked events again, given as the log holds them, in order; staged, not committed."""
        for key in {_key(record) for record in records}:
            self._position.parked.pop(key, None)
        last = dict(self._position.last)
        self.stage(records)
        self._position.last = last

    def _park(self, record: Recorded, why: str) -> None:
        self._position.parked.setdefault(_key(record), []).append((record.topic, record.position, why))
        log.warning("event_parked", projection="search", topic=record.topic, position=record.position, error=why)

    # --- rows and documents ------------------------------------------------------------------------------------------

    def _load(self, keys: Iterable[str]) -> None:
        """See that the rows of these keys are known."""
        missing = [key for key in dict.fromkeys(keys) if key not in self._rows]
        for at in range(0, len(missing), _KEYS_AT_ONCE):
            some = missing[at : at + _KEYS_AT_ONCE]
            self._rows.update(dict.fromkeys(some))
            for key, row in self._found(Query.term_set_query(self._schema, "key", some), len(some)):
                self._rows[key] = row

    def _found(self, query: Query, most: int) -> list[tuple[str, _Row]]:
        hits = self._searcher.search(query, most, count=False).hits
        documents = (self._searcher.doc(address) for _, address in hits)
        return [(key, _row(stored)) for key, stored in map(stored_in, documents)]

    def _offers_of(self, organisations: set[str]) -> set[str]:
        """Offers that show the name of one of these organisations."""
        by_ident = {key.partition("/")[2]: key for key in organisations}
        for ident in by_ident:
            query = Query.term_query(self._schema, "organisation", ident, index_option="basic")
            for offer, row in self._found(query, _MOST_OFFERS):
                self._rows.setdefault(offer, row)
        if not by_ident:
            return set()
        return {
            offer
            for offer, row in self._rows.items()
            if row
            and row.card
            and row.organisation in by_ident
            and _organisation_key(offer, row.organisation) in organisations
        }

    def _write_offers(self, keys: Iterable[str]) -> None:
        wanted = {key: row.organisation for key in keys if (row := self._rows[key]) and row.organisation}
        names = {key: _organisation_key(key, organisation) for key, organisation in wanted.items()}
        self._load(names.values())
        for key in keys:
            organisation = self._rows[names[key]] if key in names else None
            shown = organisation is not None and organisation.state != "withdrawn"
            self._write(key, organisation.name if organisation and shown else "")

    def _write(self, key: str, organisation_name: str) -> None:
        row = self._rows[key]
        if row is None:
            return
        if row.stored:
            self._writer.delete_documents_by_term("key", key)
        row.stored = True
        card = orjson.loads(row.card) if row.card else None
        if card and row.state != "withdrawn":
            document = document_of(
                key, card, revision=row.revision, state=row.state, organisation_name=organisation_name
            )
        else:
            stored = {"revision": row.revision, "state": row.state, "card": card, "name": row.name}
            document = bare_document(key, "other", stored)
        self._writer.add_document(document)


def _row(stored: dict[str, Any]) -> _Row:
    card = stored.get("card")
    return _Row(
        stored["revision"],
        stored["state"],
        orjson.dumps(card) if card else None,
        stored.get("name", ""),
        card["organisation"] if card else None,
    )


def _key(record: Recorded) -> str:
    """District and subject: a district that used another's id would only get documents of its own."""
    return f"{district_of(record.topic)}/{record.subject}"


def _organisation_key(offer: str, organisation: str) -> str:
    return f"{offer.partition('/')[0]}/{organisation}"


def _number(generation: str) -> int:
    return int(generation.rpartition(".")[2])
