"""Guards: which of a run's decisions look like an accident of the feed, and therefore wait for a person.

Each guard finds the records at risk and leaves all others alone. They are asked in the order of `JUDGES`; a record is
held by the first that fires on it, and a record that a person allowed is held by none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from verbund.event_log import EventLog
from verbund.ingest.judging import Known
from verbund.ingest.pull import PullResult
from verbund.ingest.source_file import SourceFile
from verbund.ingest.traits import published, traits_of

#: What a guard measured, for its sentence. Values are numbers or lists of names, as text.
Facts = dict[str, str]

# One offer that went, came or lost its text is everyday life; two at once may be a pattern.
A_PATTERN = 2
# Fewer changes than this at once are an afternoon of somebody's work.
AN_AFTERNOON = 10
# Fewer new offers than this at once are a new programme.
A_PROGRAMME = 50
# A description that shrinks to less than a fifth lost its text; one this short had none to lose.
BLANK_BELOW = 5
SOME_TEXT = 40

#: Guards of whole parts, whose sets are found before anything is mapped.
OF_PARTS = ("scope", "empty", "suspended")

# Conditions on `scratch.decision d`.
ABSENT = "d.action IN ('miss', 'withdraw_absent') AND NOT d.done"
CALLED_OFF = "d.action = 'withdraw' AND NOT d.done"
GONE = "d.action IN ('miss', 'withdraw_absent', 'withdraw') AND NOT d.done"
PUBLISHED = "d.action = 'publish' AND NOT d.done"
REVISED = "d.action = 'revise' AND NOT d.done"
#: A decision that does what the member `m` of a set says, with the content that was seen then.
AS_HELD = (
    "CASE m.action WHEN 'withdraw' THEN d.action IN ('miss', 'withdraw_absent', 'withdraw') ELSE d.action = m.action"
    " AND m.hash IS (SELECT hash FROM scratch.staged WHERE record = d.record) END"
)

#: Of what would be shown; what goes has none.
HASH = "CASE WHEN d.action IN ('publish', 'revise', 'reopen') THEN (SELECT hash FROM scratch.staged WHERE record = d.record) END"


@dataclass(frozen=True, slots=True)
class Case:
    """What the guards judge: the decisions in `scratch.decision`, and what they compare them with.

    Attributes:
        withheld: parts whose absences wait for a person, with their guard.
    """

    db: Any
    log: EventLog
    feed: int
    source: SourceFile
    pull: PullResult
    known: Known
    withheld: Mapping[str, str]

    @property
    def topic(self) -> str:
        """Where the contents of its offers are."""
        return f"inventory.{self.source.district}"

    def count(self, condition: str) -> int:
        """Decisions that nothing holds or allows yet."""
        return int(self.db.execute(f"SELECT count(*) {self._free(condition)}").fetchone()[0])

    def risk(self, guard: str, condition: str, action: str) -> None:
        """Every free decision of this kind is at risk."""
        self.db.execute(
            f"INSERT OR IGNORE INTO scratch.risk (guard, key, action, hash) SELECT ?, d.key, {action}, {HASH}"
            f" {self._free(condition)}",
            (guard,),
        )

    @staticmethod
    def _free(condition: str) -> str:
        return (
            f"FROM scratch.decision d WHERE {condition} AND d.guard IS NULL"
            " AND NOT EXISTS (SELECT 1 FROM scratch.allowed a WHERE a.key = d.key)"
        )


def judge(case: Case) -> dict[str, Facts]:
    """Mark in `scratch.decision.guard` what is held; facts by guard. The sets are in `scratch.risk`."""
    db = case.db
    db.execute(
        "DELETE FROM scratch.risk WHERE guard NOT IN (SELECT value FROM json_each(?))",
        (orjson.dumps(OF_PARTS).decode(),),
    )
    db.execute("UPDATE scratch.decision SET guard = NULL WHERE guard IS NOT NULL")
    found: dict[str, Facts] = {}
    for guard, judge_one in JUDGES.items():
        facts = judge_one(case) if _is_on(case.source, guard) else None
        _keep(case, guard, fired=facts is not None)
        held = db.execute("SELECT count(*) FROM scratch.risk WHERE guard = ?", (guard,)).fetchone()[0]
        if held:
            _mark(db, guard)
            found[guard] = {
                "source": case.source.source,
                "live": str(case.known.live),
                **(facts or (case.known.holds[guard].facts if guard in case.known.holds else {})),
                "count": str(held),
            }
    return found


def _mark(db: Any, guard: str) -> None:
    """Hold the decisions of a set; that a record would only lose a part is no decision of its own yet."""
    alone = " AND m.action = 'withdraw'" if guard in OF_PARTS else ""
    db.execute(
        "UPDATE scratch.decision AS d SET guard = ?1 WHERE d.guard IS NULL AND NOT d.done AND EXISTS"
        f" (SELECT 1 FROM scratch.risk m WHERE m.guard = ?1 AND m.key = d.key AND {AS_HELD}{alone})",
        (guard,),
    )


def _is_on(source: SourceFile, guard: str) -> bool:
    return bool(getattr(source.guards, guard, "on") != "off")


def _keep(case: Case, guard: str, *, fired: bool) -> None:
    """What an open hold asks about goes on waiting, and what a person rejected stays as it is.

    But when a rejected set of absences has shrunk to what is everyday life, the fault is over: its rest is missed like
    any other, and has its time of grace.
    """
    hold = case.known.holds.get(guard)
    if hold is None or (hold.state == "rejected" and not fired and guard in ("empty", "shrink", "suspended")):
        return
    case.db.execute(
        "INSERT OR IGNORE INTO scratch.risk (guard, key, action, hash) SELECT ?, d.key, m.action, m.hash FROM scratch.member m"
        f" JOIN scratch.decision d ON d.key = m.key WHERE m.hold_id = ? AND NOT d.done AND d.guard IS NULL AND {AS_HELD}"
        " AND NOT EXISTS (SELECT 1 FROM scratch.allowed a WHERE a.key = d.key)",
        (guard, hold.hold_id),
    )


# --- absence -----------------------------------------------------------------------------------------------------------


def find_in_parts(case: Case) -> None:
    """Records with unseen items in parts whose absences wait; a record that has others left would only lose those."""
    if case.source.removal_mode != "full-list":
        return
    elsewhere = orjson.dumps(list(case.withheld)).decode()
    for part, guard in case.withheld.items():
        case.db.execute(
            "INSERT OR IGNORE INTO scratch.risk (guard, key, action) SELECT ?, r.key, CASE WHEN EXISTS (SELECT 1 FROM item x"
            " LEFT JOIN scratch.gone g ON g.item = x.item WHERE x.record = r.record AND g.item IS NULL"
            " AND x.part NOT IN (SELECT value FROM json_each(?))) THEN 'revise' ELSE 'withdraw' END"
            " FROM item i JOIN record r ON r.record = i.record"
            " JOIN offer o ON o.source = ? AND o.record_key = r.key AND o.state IN ('live', 'missed')"
            " LEFT JOIN scratch.seen s ON s.item = i.item WHERE i.feed = ? AND i.part = ? AND s.item IS NULL GROUP BY r.key",
            (guard, elsewhere, case.source.source, case.feed, part),
        )
    case.db.execute(
        "INSERT OR IGNORE INTO scratch.absent SELECT r.record FROM scratch.risk k JOIN record r ON r.feed = ? AND r.key = k.key"
        " WHERE k.action = 'withdraw'",
        (case.feed,),
    )


def _of_parts(guard: str) -> Callable[[Case], Facts | None]:
    def judge_one(case: Case) -> Facts | None:
        """What `find_in_parts` found, less what was allowed meanwhile."""
        parts = [part for part, why in case.withheld.items() if why == guard]
        case.db.execute(
            "DELETE FROM scratch.risk WHERE guard = ? AND key IN (SELECT key FROM scratch.allowed)", (guard,)
        )
        return {"parts": "\n".join(parts)} if parts else None

    return judge_one


def _scope(case: Case) -> Facts | None:
    """The file covers something else than in the last complete run: what is absent now was perhaps only left out."""
    facts = _of_parts("scope")(case) or {}
    before = case.known.scope
    if before is None or dict(before) == case.source.scope:
        return facts
    case.risk("scope", ABSENT, "'withdraw'")
    names = sorted(before.keys() | case.source.scope.keys())
    return {**facts, "settings": ", ".join(name for name in names if before.get(name) != case.source.scope.get(name))}


def _id_churn(case: Case) -> Facts | None:
    """New records that look like ones that go: the source has given its records new ids."""
    absent = case.count(GONE)
    allowed = {key for (key,) in case.db.execute("SELECT key FROM scratch.allowed WHERE guard = 'id_churn'")}
    if not allowed and (absent < A_PATTERN or case.count(PUBLISHED) < A_PATTERN):
        return None
    db = case.db
    db.execute("DELETE FROM scratch.likeness")
    db.executemany("INSERT INTO scratch.likeness VALUES (?, 1, ?)", _new_likenesses(case))
    db.executemany("INSERT INTO scratch.likeness VALUES (?, 0, ?)", _absent_likenesses(case))
    pairs = db.execute(
        "WITH numbered AS (SELECT *, row_number() OVER (PARTITION BY fresh, likeness ORDER BY key) n FROM scratch.likeness)"
        " SELECT old.key, new.key FROM numbered old JOIN numbered new ON new.likeness = old.likeness AND new.n = old.n"
        " WHERE new.fresh AND NOT old.fresh"
    ).fetchall()
    db.executemany(
        "INSERT OR IGNORE INTO scratch.rekey (old_key, new_key) VALUES (?, ?)",
        [(old, new) for old, new in pairs if old in allowed and new in allowed],
    )
    pairs = [(old, new) for old, new in pairs if old not in allowed]
    if len(pairs) < max(A_PATTERN, case.source.guards.share("id_churn") * absent):
        return None
    rows = [row for old, new in pairs for row in ((old, "withdraw", new), (new, "publish", old))]
    db.executemany(
        f"INSERT OR IGNORE INTO scratch.risk SELECT 'id_churn', d.key, ?2, ?3, {HASH} FROM scratch.decision d WHERE d.key = ?1",
        rows,
    )
    return {"pairs": str(len(pairs))}


def _new_likenesses(case: Case) -> Iterator[tuple[str, str]]:
    for key, _, draft in _drafts(case, "publish"):
        yield key, traits_of(draft).likeness


def _absent_likenesses(case: Case) -> Iterator[tuple[str, str]]:
    at = dict(
        case.db.execute(
            "SELECT o.content_position, d.key FROM scratch.decision d JOIN offer o ON o.offer_id = d.offer_id"
            f" WHERE {GONE} AND d.guard IS NULL"
        ).fetchall()
    )
    for position, offer in published(case.log, case.topic, list(at)):
        yield at[position], traits_of(offer).likeness


def _drafts(case: Case, action: str) -> Iterator[tuple[str, int | None, Mapping[str, Any]]]:
    """Record key, place of the published content and draft of the decisions of an action that nothing holds."""
    last = ""
    while rows := case.db.execute(
        "SELECT d.key, o.content_position, s.body FROM scratch.decision d JOIN scratch.staged s ON s.record = d.record"
        " LEFT JOIN offer o ON o.offer_id = d.offer_id WHERE d.action = ? AND NOT d.done AND d.guard IS NULL"
        " AND d.key > ? ORDER BY d.key LIMIT 500",
        (action, last),
    ).fetchall():
        for key, position, body in rows:
            yield key, position, orjson.loads(body)
        last = rows[-1][0]


def _shrink(case: Case) -> Facts | None:
    """Too many went missing within a week, or are called off by their source at once."""
    shrink, live = case.source.guards.shrink, case.known.most_live
    if shrink == "off":
        return None
    called_off = case.count(CALLED_OFF)
    if called_off <= shrink.at_once(live):
        called_off = 0
    missing = _missing(case)
    limit = shrink.within_a_week(live)
    if missing <= limit:
        missing = 0
    if not called_off and not missing:
        return None
    if called_off:
        case.risk("shrink", CALLED_OFF, "'withdraw'")
    if missing:
        case.risk("shrink", ABSENT, "'withdraw'")
    return {"total": str(missing + called_off), "live": str(live), "limit": str(int(limit))}


def _missing(case: Case) -> int:
    """Offers that went missing within a week, if there are new ones among them."""
    new = case.count(ABSENT)
    if not new:
        return 0
    before = case.db.execute(
        "SELECT count(*) FROM offer o LEFT JOIN scratch.decision d ON d.offer_id = o.offer_id"
        f" AND {ABSENT} WHERE o.source = ? AND d.key IS NULL AND o.missed_since > ?"
        " AND (o.state = 'missed' OR o.state = 'withdrawn' AND o.withdrawn_reason = 'missing_from_complete_snapshot')",
        (case.source.source, case.known.window_from),
    ).fetchone()[0]
    return int(new + before)


# --- contents ----------------------------------------------------------------------------------------------------------


def _blanked(case: Case) -> Facts | None:
    """Texts that are emptied, garbled, or lose a language."""
    changes = case.count(REVISED)
    least = max(A_PATTERN, case.source.guards.share("blanked") * case.known.live)
    if changes < least:
        return None
    drafts = {position: (key, traits_of(draft)) for key, position, draft in _drafts(case, "revise")}
    spoilt = []
    for position, offer in published(case.log, case.topic, [at for at in drafts if at is not None]):
        key, now = drafts[position]
        before = traits_of(offer)
        lost = not before.languages <= now.languages
        emptied = before.text_size >= SOME_TEXT and now.text_size * BLANK_BELOW < before.text_size
        if lost or emptied or now.garbled > before.garbled:
            spoilt.append((key,))
    if len(spoilt) < least:
        return None
    case.db.executemany(
        f"INSERT OR IGNORE INTO scratch.risk (guard, key, action, hash) SELECT 'blanked', d.key, 'revise', {HASH}"
        " FROM scratch.decision d WHERE d.key = ?1 AND NOT EXISTS (SELECT 1 FROM scratch.allowed a WHERE a.key = ?1)",
        spoilt,
    )
    return {}


def _revise(case: Case) -> Facts | None:
    """More than half of what is shown changes at once."""
    if not case.known.mapped_alike:
        return None  # a new mapping is looked at before it is applied
    limit = max(float(AN_AFTERNOON), case.source.guards.share("revise") * case.known.live)
    if case.count(REVISED) <= limit:
        return None
    case.risk("revise", REVISED, "'revise'")
    return {"limit": str(int(limit))}


def _growth(case: Case) -> Facts | None:
    """As many new offers as are shown; or new ones while most of what is shown vanishes: perhaps another feed."""
    new, live = case.count(PUBLISHED), case.known.live
    if not new or not live or not case.known.has_run:
        return None
    absent = case.db.execute(f"SELECT count(*) FROM scratch.decision d WHERE {GONE}").fetchone()[0]
    exchanged = new >= A_PATTERN and absent >= A_PATTERN and absent > live / 2
    if not exchanged and new <= max(A_PROGRAMME, case.source.guards.share("growth") * live):
        return None
    case.risk("growth", PUBLISHED, "'publish'")
    return {}


JUDGES: Mapping[str, Callable[[Case], Facts | None]] = {
    "scope": _scope,
    "empty": _of_parts("empty"),
    "suspended": _of_parts("suspended"),
    "id_churn": _id_churn,
    "shrink": _shrink,
    "blanked": _blanked,
    "revise": _revise,
    "growth": _growth,
}
