"""Writes the search index: the latest event of each key becomes one document; position and documents in one commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson
import structlog

from verbund.errors import VerbundError
from verbund.events import Recorded
from verbund.projection.settle import problem_of
from verbund.views import search_folder
from verbund.views.fold import Folded, facts_of, fold
from verbund.views.search_document import Card, bare_document, card_of, document_of
from verbund.views.search_position import Position, position_document, read_position
from verbund.views.search_rows import Row, Rows, key_of, organisation_key
from verbund.views.search_schema import POSITION_KEY, VERSION, build_schema, open_index
from verbund.views.search_starts import Horizon

log = structlog.get_logger()

WITH_STATE = frozenset({"OfferPublished", "OfferRevised", "OrganisationPublished", "OrganisationRevised"})
HANDLES = WITH_STATE | {"OfferMissed", "OfferSeenAgain", "OfferRekeyed", "OfferWithdrawn", "OrganisationWithdrawn"}

_STATES = {**dict.fromkeys(HANDLES, "live"), "OfferMissed": "missed"}
_STATES |= {"OfferWithdrawn": "withdrawn", "OrganisationWithdrawn": "withdrawn"}

# The writer's buffer; a fuller one makes larger segments and fewer merges.
_HEAP_BYTES = 64_000_000


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
        self._serial = f"v{VERSION}.{horizon.first:%Y%m%d}-{horizon.last:%Y%m%d}"
        mine = [name for name in search_folder.generations(folder) if name.rpartition(".")[0] == self._serial]
        self._open(max(mine, default=f"{self._serial}.1", key=_number))

    def position(self) -> Position:
        """How far the log was read, staged events included."""
        return self._position

    @property
    def staged(self) -> int:
        """Keys touched since the last commit."""
        return len(self._rows.known)

    def apply(self, batch: Sequence[Recorded]) -> None:
        """Take a batch and its position in, in one commit."""
        self.stage(batch)
        self.commit()

    def stage(self, batch: Sequence[Recorded]) -> None:
        """Take a batch in; `commit` makes it last. What cannot be read is parked with its key, and others go on."""
        try:
            last = {record.topic: record for record in batch}
            self._position.last.update((topic, (record.position, record.id)) for topic, record in last.items())
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
        # A process that was killed in a commit leaves files behind; the next commit may want to make one of that name.
        self._writer.garbage_collect_files()
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
        self._rows = Rows(self._schema, self._searcher)
        self._fresh_cards: dict[str, Card] = {}  # of one batch, so that what was just made is not read back

    # --- taking events -----------------------------------------------------------------------------------------------

    def _readable(self, batch: Iterable[Recorded]) -> list[Recorded]:
        """Events that are for this view; those of keys that have parked ones wait behind them."""
        going = []
        for record in batch:
            if record.type and record.type not in HANDLES:
                continue
            problem = problem_of(record)
            if problem or key_of(record) in self._position.parked:
                self._park(record, problem.error_code if problem else "queued")
            else:
                going.append(record)
        return going

    def _take(self, batch: Sequence[Recorded]) -> None:
        folded = fold(batch, WITH_STATE)
        self._rows.load([key_of(one.last) for one in folded])
        offers: set[str] = set()
        organisations: set[str] = set()
        for one in folded:
            key = key_of(one.last)
            try:
                changed = self._fold_in(key, one)
            except Exception:  # noqa: BLE001 - whatever one record makes a handler raise must not stop the others
                changed = self._one_by_one(key, [record for record in batch if key_of(record) == key])
            if changed:
                (organisations if changed.startswith("Organisation") else offers).add(key)
        offers |= self._rows.offers_of(organisations)
        for key in organisations:
            self._write(key, "")
        self._write_offers(offers)
        self._fresh_cards.clear()

    def _fold_in(self, key: str, folded: Folded) -> str:
        """Bring the row of a key up; the type of the event that decided, or nothing when none was newer."""
        row = self._rows.known[key]
        held = row.revision if row else 0
        last, body = folded.last, folded.body
        if last.revision <= held:
            return ""
        fresh = Row(last.revision, _STATES[last.type], stored=row is not None)
        if body is not None and body.revision > held:
            if body.type.startswith("Offer"):
                offer = facts_of(body, "offer_id", "offer")
                card = card_of(offer, horizon=self._horizon, changed_ms=body.appended_ms)
                # What orjson makes keeps the buffer it was made in, 8 KiB and more; a row waits for the commit in a copy.
                fresh.card, fresh.organisation = bytes(memoryview(orjson.dumps(card))), card["organisation"]
                self._fresh_cards[key] = card
            else:
                fresh.name = facts_of(body, "organisation_id", "organisation")["name"]
        elif row is not None:
            fresh.card, fresh.name, fresh.organisation = row.card, row.name, row.organisation
        self._rows.known[key] = fresh
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
        for key in {key_of(record) for record in records}:
            self._position.parked.pop(key, None)
        last = dict(self._position.last)
        self.stage(records)
        self._position.last = last

    def _park(self, record: Recorded, why: str) -> None:
        self._position.parked.setdefault(key_of(record), []).append((record.topic, record.position, why))
        log.warning("event_parked", projection="search", topic=record.topic, position=record.position, error=why)

    # --- rows and documents ------------------------------------------------------------------------------------------

    def _write_offers(self, keys: Iterable[str]) -> None:
        wanted = {key: row.organisation for key in keys if (row := self._rows.known[key]) and row.organisation}
        names = {key: organisation_key(key, organisation) for key, organisation in wanted.items()}
        self._rows.load(names.values())
        for key in keys:
            organisation = self._rows.known[names[key]] if key in names else None
            shown = organisation is not None and organisation.state != "withdrawn"
            self._write(key, organisation.name if organisation and shown else "")

    def _write(self, key: str, organisation_name: str) -> None:
        row = self._rows.known[key]
        if row is None:
            return
        if row.stored:
            self._writer.delete_documents_by_term("key", key)
        row.stored = True
        if row.card and row.state != "withdrawn":
            document = document_of(
                key,
                self._fresh_cards.get(key) or orjson.loads(row.card),
                card_json=row.card,
                revision=row.revision,
                state=row.state,
                organisation_name=organisation_name,
            )
        else:
            card = orjson.Fragment(row.card) if row.card else None
            stored = {"revision": row.revision, "state": row.state, "card": card, "name": row.name}
            document = bare_document(key, "other", stored)
        self._writer.add_document(document)


def _number(generation: str) -> int:
    return int(generation.rpartition(".")[2])
