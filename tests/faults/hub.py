"""A home with one source, the feed it reads, and what must be true of its log whatever happened."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from tests.faults.ingest_child import apply
from tests.faults.processes import Children, ended
from tests.faults.witness import sent_and_said
from verbund.event_log import EventLog
from verbund.events import Recorded
from verbund.testing.feed_server import FeedServer

RECORDS = 120
DISTRICT = "05954"


class Hub(Children):
    """One district with one source; `log_url` is a SQLite file in the folder unless the test says otherwise.

    Attributes:
        run_s: how long the last whole run took here, so that kills fall into runs on every machine.
    """

    def __init__(self, folder: Path, server: FeedServer, *, log_url: str = "") -> None:
        super().__init__()
        self.folder = folder
        self.server = server
        self.log_url = log_url or f"sqlite:///{folder / 'log.db'}"
        self.version: dict[str, str] = {}
        self.run_s = 0.0
        (folder / "source.yaml").write_text(
            f'source: enr-list\ndistrict: "{DISTRICT}"\nconnector: list\nwith: {{url: "{server.url}"}}\n'
            "grace: {missing_runs: 1, missing_for: 0s}\n"
            # Half of a feed comes and goes here by design; what guards hold is shown elsewhere.
            "guards: {shrink: off, empty: off, id_churn: off, revise: off, blanked: off, growth: off}\n",
            encoding="utf-8",
        )

    def edit(self, chance: random.Random) -> None:
        """Another edition of the feed: records come, change and go."""
        for number in range(RECORDS):
            key = f"record-{number}"
            match chance.randrange(4):
                case 0:
                    self.version[key] = f"Kurs {number} {chance.randrange(10_000)}"
                case 1 if len(self.version) > RECORDS // 2:
                    self.version.pop(key, None)
        records = [
            {"key": key, "title": title, "organisation": f"VHS {len(title)}", "contacts": [f"{title}@example.org"]}
            for key, title in sorted(self.version.items())
        ]
        self.server.serve("/de.json", orjson.dumps(records))

    def ingest(self, memory: str = "ingest.db") -> Any:
        """A run in a process of its own."""
        return self.start(apply, str(self.folder), self.log_url, memory)

    def whole_run(self, memory: str = "ingest.db") -> None:
        """A run that nobody disturbs."""
        began = time.monotonic()
        assert ended(self.ingest(memory)) == 0
        self.run_s = time.monotonic() - began

    def reports(self) -> dict[str, dict[str, Any]]:
        """Reports of all runs that came to their end, by run."""
        found = [orjson.loads(path.read_bytes()) for path in (self.folder / "reports").glob("*.json")]
        return {report["run_id"]: report for report in found}


@dataclass
class Fold:
    """A log as any reader must see it: the first event of each greater revision counts.

    Attributes:
        titles: of live offers, by record key.
        revisions: held, by subject.
        ignored: events about offers that came too late, by run; a repetition of the same event is none.
        counts: events by topic and type, all of them.
    """

    titles: dict[str, str] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)
    organisations: set[str] = field(default_factory=set)
    contacts: set[str] = field(default_factory=set)
    referred: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    ignored: Counter[str] = field(default_factory=Counter)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    ids: dict[tuple[str, int], str] = field(default_factory=dict)
    repeated: list[Recorded] = field(default_factory=list)

    def take(self, event: Recorded) -> None:
        known = event.id in self._seen
        self._seen.add(event.id)
        self.ids[event.topic, event.position] = event.id
        self.counts[event.topic, event.type] += 1
        if known:
            self.repeated.append(event)
        if not event.revision:
            return
        held = self.revisions.get(event.subject, 0)
        if event.revision <= held:
            self.ignored[event.run_id or ""] += event.type.startswith("Offer") and not known
            return
        assert event.revision == held + 1, f"a revision of {event.subject} is left out"
        self.revisions[event.subject] = event.revision
        self._show(event)

    def __post_init__(self) -> None:
        self._seen: set[str] = set()

    def _show(self, event: Recorded) -> None:
        for kind, alive in (("Organisation", self.organisations), ("Contact", self.contacts)):
            if event.type.startswith(kind):
                (alive.discard if event.type.endswith("Withdrawn") else alive.add)(event.subject)
        if event.type in {"OfferPublished", "OfferRevised"}:
            offer = event.data["offer"]
            self.titles[offer["record_key"]] = offer["texts"]["de"]["title"]
            self.referred[offer["record_key"]] = (offer["organisation_id"], offer["contact_ids"])
        elif event.type == "OfferWithdrawn":
            del self.titles[event.data["record_key"]], self.referred[event.data["record_key"]]


def whole_log(log: EventLog) -> Iterator[Recorded]:
    """Every event, topic by topic."""
    for topic, end in log.end().items():
        position = 0
        while position < end:
            page = log.read({topic: position}, wait=timedelta(seconds=20))
            assert page, f"nothing can be read at {position} of {topic}, which ends at {end}"
            assert [event.position for event in page] == list(range(position, position + len(page)))
            yield from page
            position = page[-1].position + 1


def fold(log: EventLog) -> Fold:
    """The whole log, folded."""
    folded = Fold()
    for event in whole_log(log):
        folded.take(event)
    return folded


def check(hub: Hub, log: EventLog, *, repeats: bool = False, leftovers: bool = False) -> Fold:
    """Acknowledged is stored, nothing else is, and the fold by revision is the feed.

    Args:
        hub: after a run that nobody disturbed.
        log: its log.
        repeats: an event may stand there again, which revisions make harmless (a log that cannot know it: Kafka).
        leftovers: several writers may have left an organisation or a contact that the next run withdraws.
    """
    folded = fold(log)
    sent, said = sent_and_said(hub.folder / "books")
    assert {(topic, event_id) for (topic, _), event_id in folded.ids.items()} <= sent, "an event that nobody sent"
    for topic, position, event_id in said:
        assert folded.ids.get((topic, position)) == event_id, "an acknowledged event is not where it was said to be"
    if not repeats:
        assert not folded.repeated, "the same event twice"
    # Of events without a revision only the state of the source may be said twice: the same words, the same state.
    assert {event.type for event in folded.repeated if not event.revision} <= {"SourceChanged"}
    assert folded.titles == hub.version
    if not leftovers:
        assert folded.organisations == {organisation for organisation, _ in folded.referred.values()}
        assert folded.contacts == {contact for _, contacts in folded.referred.values() for contact in contacts}
    return folded


def check_conflicts(hub: Hub, folded: Fold) -> int:
    """Each run whose events came too late has said so, in its report and in the log; how many did."""
    reports = hub.reports()
    told = {run_id: report["counts"]["conflicts"] for run_id, report in reports.items()}
    for run_id, late in folded.ignored.items():
        if run_id in told:
            assert told[run_id] >= late, f"{late} events of a run were ignored, it reported {told[run_id]} conflicts"
    return sum(1 for conflicts in told.values() if conflicts)
