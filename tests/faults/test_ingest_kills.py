"""SIGKILL at random moments of a run: nothing lost, nothing twice, and the next run heals.

The seed of every round is printed; `VERBUND_TEST_SEED` runs one again.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import orjson
import pytest

from tests.faults.ingest_child import apply
from verbund.codec import AvroCodec
from verbund.event_log import EventLog
from verbund.event_log.opening import open_log
from verbund.events import Recorded
from verbund.testing.feed_server import FeedServer

KILLS_IN_CI = 60
KILLS_IN_FAULTS = 200
RECORDS = 120
RUN_S = 0.9  # about as long as a whole run takes; kills fall anywhere in it, and a little behind

SPAWN = multiprocessing.get_context("forkserver")
SPAWN.set_forkserver_preload(["tests.faults.ingest_child"])


class Hub:
    """A home with one source, and the feed it reads."""

    def __init__(self, folder: Path, server: FeedServer) -> None:
        self.folder = folder
        self.server = server
        self.log_url = f"sqlite:///{folder / 'log.db'}"
        self.version: dict[str, str] = {}
        self.processes: list[Any] = []
        (folder / "source.yaml").write_text(
            f'source: enr-list\ndistrict: "05954"\nconnector: list\nwith: {{url: "{server.url}"}}\n'
            "grace: {missing_runs: 1, missing_for: 0s}\n",
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

    def start(self, memory: str = "ingest.db") -> Any:
        process = SPAWN.Process(target=apply, args=(str(self.folder), self.log_url, memory))
        process.start()
        self.processes.append(process)
        return process

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()  # a stopped one too: nothing outlives its test
            process.join()

    def whole_run(self, memory: str = "ingest.db") -> None:
        process = self.start(memory)
        process.join(60)
        assert process.exitcode == 0


def whole_log(log: EventLog) -> Iterator[Recorded]:
    """Every event, topic by topic."""
    for topic, end in log.end().items():
        position = 0
        while position < end:
            page = log.read({topic: position})
            yield from page
            position = page[-1].position + 1


def check(hub: Hub) -> None:
    """Acknowledged once each; the fold by revision is the feed, and no organisation or contact is left over."""
    log = open_log(hub.log_url, codec=AvroCodec())
    ids: set[tuple[str, str]] = set()
    titles: dict[str, str] = {}
    revisions: dict[str, int] = defaultdict(int)
    live: dict[str, set[str]] = {"Organisation": set(), "Contact": set()}
    referred: dict[str, tuple[str, list[str]]] = {}
    for event in whole_log(log):
        assert (event.topic, event.id) not in ids, "the same event twice"
        ids.add((event.topic, event.id))
        if event.revision:
            assert event.revision == revisions[event.subject] + 1, "a revision is left out or doubled"
            revisions[event.subject] = event.revision
        for kind, alive in live.items():
            if event.type.startswith(kind):
                (alive.discard if event.type.endswith("Withdrawn") else alive.add)(event.subject)
        if event.type in {"OfferPublished", "OfferRevised"}:
            offer = event.data["offer"]
            titles[offer["record_key"]] = offer["texts"]["de"]["title"]
            referred[offer["record_key"]] = (offer["organisation_id"], offer["contact_ids"])
        elif event.type == "OfferWithdrawn":
            titles.pop(event.data["record_key"])
            referred.pop(event.data["record_key"])
    log.close()
    assert titles == hub.version
    assert live["Organisation"] == {organisation for organisation, _ in referred.values()}
    assert live["Contact"] == {contact for _, contacts in referred.values() for contact in contacts}


def kills(folder: Path, number: int) -> None:
    seed = int(os.environ.get("VERBUND_TEST_SEED", "20261124"))
    print(f"seed {seed}, {number} kills")
    chance = random.Random(seed)
    with FeedServer() as server, Hub(folder, server) as hub:
        for round_number in range(number):
            hub.edit(chance)
            process = hub.start()
            process.join(chance.uniform(0, RUN_S))
            process.kill()
            process.join()
            if round_number % 5 == 4:
                hub.whole_run()
                check(hub)
        hub.whole_run()
        check(hub)


def test_killed_runs_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    kills(tmp_path, KILLS_IN_CI)


@pytest.mark.faults
def test_many_killed_runs_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    kills(tmp_path, KILLS_IN_FAULTS)


def test_two_runs_at_once_agree_though_they_share_no_lock(tmp_path: Path) -> None:
    """Two hubs of one district, each with its own memory: whoever is first in the log wins, everywhere."""
    chance = random.Random(7)
    with FeedServer() as server, Hub(tmp_path, server) as hub:
        for _ in range(8):
            hub.edit(chance)
            both = [hub.start("one.db"), hub.start("two/ingest.db")]
            for process in both:
                process.join(60)
            assert [process.exitcode for process in both] == [0, 0]
            hub.whole_run("one.db")
            check_revisions_won(hub)


def test_a_run_that_was_stopped_and_goes_on_does_no_harm(tmp_path: Path) -> None:
    """SIGSTOP in the middle of a run, another hub runs, SIGCONT."""
    chance = random.Random(11)
    with FeedServer() as server, Hub(tmp_path, server) as hub:
        for _ in range(8):
            hub.edit(chance)
            stopped = hub.start("one.db")
            stopped.join(chance.uniform(0.1, RUN_S))
            if stopped.is_alive():
                os.kill(stopped.pid, signal.SIGSTOP)
            hub.edit(chance)
            other = hub.start("two/ingest.db")
            other.join(RUN_S * 2)  # done, unless the stopped one holds the log's write lock
            if stopped.is_alive():
                os.kill(stopped.pid, signal.SIGCONT)
            for process in (stopped, other):
                process.join(60)
            assert (stopped.exitcode, other.exitcode) == (0, 0)
            hub.whole_run("one.db")
            hub.whole_run("two/ingest.db")
            check_revisions_won(hub)


def check_revisions_won(hub: Hub) -> None:
    """As `check`, for writers that may append on the same base: what is no greater revision counts for nothing."""
    log = open_log(hub.log_url, codec=AvroCodec())
    held: dict[str, int] = {}
    titles: dict[str, str] = {}
    for event in whole_log(log):
        if not event.type.startswith("Offer") or event.revision <= held.get(event.subject, 0):
            continue
        held[event.subject] = event.revision
        if event.type in {"OfferPublished", "OfferRevised"}:
            titles[event.data["offer"]["record_key"]] = event.data["offer"]["texts"]["de"]["title"]
        elif event.type == "OfferWithdrawn":
            titles.pop(event.data["record_key"])
    log.close()
    assert titles == hub.version
