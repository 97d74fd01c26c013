"""One flat table, ours beside quixstreams and beside bare COPY: `python -m bench.flat_table [--events 200k] [--rounds 3]`.

All read the same topic of one broker (Avro bodies of about 1.45 KB; 70 % new offers, 20 % updates, 5 % duplicates, 5 %
late older revisions) into equal tables of thirty columns and two indexes in one PostgreSQL with durable commits, in
turn, each in a new process and a new database. Before a figure counts, the whole table is compared with what it must
be; keys that are wrong are counted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg

import verbund_schemas
from bench import flat_row, histories, measuring, quixstreams_environment, servers
from bench.measuring import Process, check, said
from tests.servers import opening
from verbund.codec import AvroCodec
from verbund.event_log.opening import open_log

TOPIC = "inventory.05954"
APPEND_AT_ONCE = 2000
# The slowest an event may be before a run is given up.
SLOWEST_EVENT_S = 0.005

Oracle = dict[str, tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where all of them work.

    Attributes:
        oracle: revision and digest of the right row, by key.
    """

    kafka: opening.Kafka
    prefix: str
    postgres: opening.Postgres
    folder: Path
    events: int
    oracle: Oracle

    @property
    def log(self) -> str:
        return f"kafka://{self.kafka.bootstrap}/{self.prefix}"

    @property
    def within_s(self) -> float:
        return 60 + self.events * SLOWEST_EVENT_S


def fill(url: str, events: int) -> tuple[Oracle, float]:
    """Append the history; what must be in the table, and the mean size of a body."""
    codec = AvroCodec()
    log = open_log(url, codec=codec)
    oracle: Oracle = {}
    size = 0
    history = histories.flat_history(events)
    while page := list(islice(history, APPEND_AT_ONCE)):
        log.append(TOPIC, page)
        for event in page:
            size += len(codec.encode(event.type, event.data)[0])
            if event.revision > oracle.get(event.subject, (0, b""))[0]:
                oracle[event.subject] = event.revision, row_digest(flat_row.row_of(dict(event.data["offer"])))
    log.close()
    return oracle, size / events


def row_digest(row: Iterable[Any]) -> bytes:
    """Equal for equal rows."""
    return hashlib.blake2b(repr(tuple(row)).encode(), digest_size=12).digest()


def wrong_keys(database: str, oracle: Oracle) -> dict[str, int]:
    """The whole table against what it must be."""
    found = {"older_revision": 0, "other_content": 0, "missing": 0, "unknown": 0}
    seen = 0
    with psycopg.connect(database) as link, link.cursor(name="all") as cursor:
        cursor.execute(f"SELECT {', '.join(flat_row.NAMES)} FROM {flat_row.TABLE}")  # type: ignore[arg-type, unused-ignore] # names are ours
        for row in cursor:
            seen += row[0] in oracle
            revision, digest = oracle.get(row[0], (0, b""))
            if not revision:
                found["unknown"] += 1
            elif row[1] != revision:
                found["older_revision"] += 1
            elif row_digest(row) != digest:
                found["other_content"] += 1
    found["missing"] = len(oracle) - seen
    return found


def ours(stage: Stage, url: str, _name: str) -> dict[str, Any]:
    """A projection in the runner of Verbund."""
    with measuring.process("ours", "-m", "bench.flat_view", stage.log, url) as child:
        child.answer(within_s=60)
        child.say("go")
        done = child.answer(within_s=stage.within_s)
        check(done["parked"] == 0, f"{done['parked']} events were parked")
        return _figures(child, done, stage.events)


def peer(stage: Stage, url: str, name: str) -> dict[str, Any]:
    """quixstreams and its sink."""
    where = psycopg.conninfo.conninfo_to_dict(_plain(url))
    schemas = stage.folder / "schemas.json"
    if not schemas.exists():
        schemas.write_text(json.dumps(_schemas()))
    arguments = [stage.kafka.bootstrap, f"{stage.prefix}.{TOPIC}", str(schemas), where["host"], where["port"], name]
    arguments += [str(stage.events)]
    python = quixstreams_environment.python()
    with measuring.process("quixstreams", "-m", "bench.flat_quixstreams", *map(str, arguments), python=python) as child:
        child.say(str(where.get("password") or ""))
        child.answer(within_s=60)
        child.say("go")
        return _figures(child, child.answer(within_s=stage.within_s), stage.events)


def limit(how: str) -> Callable[[Stage, str, str], dict[str, Any]]:
    """Rows ready in memory."""

    def run(stage: Stage, url: str, _name: str) -> dict[str, Any]:
        with measuring.process(how, "-m", "bench.flat_copying", how, stage.log, url) as child:
            child.answer(within_s=stage.within_s)
            child.say("go")
            done = child.answer(within_s=stage.within_s)
            return _figures(child, done, done["rows"])

    return run


Contender = Callable[[Stage, str, str], dict[str, Any]]

CONTENDERS: dict[str, Contender] = {
    "ours": ours,
    "quixstreams": peer,
    "limit_copy_and_upsert": limit("merge"),
    "limit_bare_copy": limit("copy"),
}


def round_of(stage: Stage, contenders: Mapping[str, Contender]) -> dict[str, dict[str, Any]]:
    """Each of them once."""
    figures = {}
    for name, run in contenders.items():
        database = stage.postgres.new_database()
        try:
            url = stage.postgres.url(database)
            with psycopg.connect(_plain(url), autocommit=True) as link:
                for statement in flat_row.CREATE:
                    link.execute(statement)  # type: ignore[call-overload, unused-ignore] # names are ours
            figures[name] = {**run(stage, url, database), "wrong_keys": wrong_keys(_plain(url), stage.oracle)}
        finally:
            stage.postgres.drop_database(database)
        wrong = sum(figures[name]["wrong_keys"].values())
        said(f"{name}: {figures[name]['per_s']:.0f}/s, {figures[name]['cpu_us']:.0f} us CPU, {wrong} wrong keys")
        check(name == "quixstreams" or not wrong, f"{name} left wrong rows: {figures[name]['wrong_keys']}")
    return figures


def summary(rounds: list[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """Median and range of each contender, and how we compare round by round."""
    found: dict[str, Any] = {}
    for name in CONTENDERS:
        some = [one[name] for one in rounds]
        found[name] = {
            "per_s": measuring.spread([one["per_s"] for one in some]),
            "cpu_us": measuring.spread([one["cpu_us"] for one in some], 1),
            "peak_rss_mib": max(one["peak_rss_mib"] for one in some),
            "wrong_keys": some[-1]["wrong_keys"],
        }
    found["ours_by_quixstreams"] = {
        "wall": measuring.spread([one["ours"]["per_s"] / one["quixstreams"]["per_s"] for one in rounds], 2),
        "cpu": measuring.spread([one["quixstreams"]["cpu_us"] / one["ours"]["cpu_us"] for one in rounds], 2),
    }
    return found


def _figures(child: Process, done: dict[str, Any], count: int) -> dict[str, Any]:
    figures = child.figures()
    return {
        "per_s": count / done["seconds"],
        "cpu_us": done["cpu_s"] / count * 1e6,
        "peak_rss_mib": figures["peak_rss_mib"],
    }


def _schemas() -> dict[str, Any]:
    marks = {}
    for name in ("OfferPublished", "OfferRevised"):
        schema = verbund_schemas.expanded(name)
        marks[(b"\xc3\x01" + verbund_schemas.fingerprint(schema)).hex()] = schema
    return marks


def _plain(url: str) -> str:
    return url.replace("+psycopg", "")


def main() -> None:
    parser = measuring.arguments(__doc__)
    parser.add_argument("--events", default="200k")
    parser.add_argument("--rounds", type=int, default=3)
    wishes = parser.parse_args()
    events = measuring.sizes(wishes.events)[0]
    quixstreams_environment.python()
    with measuring.folder("flat") as folder, servers.kafka() as kafka, servers.postgres() as postgres:
        prefix = kafka.prefix()
        said(f"filling the topic with {events} events")
        oracle, mean = fill(f"kafka://{kafka.bootstrap}/{prefix}", events)
        stage = Stage(kafka, prefix, postgres, folder, events, oracle)
        rounds = [round_of(stage, CONTENDERS) for _ in range(wishes.rounds)]
    measuring.publish(
        "flat_table",
        {
            "events": events,
            "keys": len(oracle),
            "mean_body_bytes": round(mean),
            "postgres": servers.DURABLE,
            "quixstreams": quixstreams_environment.version(),
            "results": summary(rounds),
        },
    )


if __name__ == "__main__":
    main()
