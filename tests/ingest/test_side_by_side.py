"""Runs of several sources of one district at once: each counts what it did itself."""

from __future__ import annotations

import threading

from tests.ingest.conftest import balanced

RECORDS = [{"key": f"k{number}", "title": f"Deutschkurs {number}"} for number in range(25)]
# Long enough for a thread to fold a few events if nothing keeps it from that.
A_MOMENT_S = 0.3


def test_what_another_run_folds_first_is_no_conflict_of_the_one_that_appended_it(world):
    """Between an append and its reading back, somebody else of the same home catches the district up."""
    append, readers = world.log.append, []

    def and_somebody_looks(topic, events):
        positions = append(topic, events)
        if topic.startswith("inventory."):
            reader = threading.Thread(target=world.ingest.sources, args=("05954",))
            reader.start()
            reader.join(A_MOMENT_S)
            readers.append(reader)
        return positions

    world.log.append = and_somebody_looks
    world.serve(*RECORDS)
    counts = world.apply()["counts"]
    for reader in readers:
        reader.join()
    assert readers
    assert (counts["published"], counts["conflicts"]) == (len(RECORDS), 0)
    assert balanced(counts)


def test_sources_of_one_district_run_at_once_without_conflicts(world):
    for part in ("de", "en", "ar"):
        world.serve(*RECORDS, part=part)
    sources = []
    for part in ("de", "en", "ar"):
        made = world.source(parts=[part])
        sources.append(made.model_copy(update={"source": f"enr-{part}"}))
    together, reports = threading.Barrier(len(sources), timeout=10), []

    def run(source):
        together.wait()
        reports.append(world.ingest.apply(source).document["counts"])

    threads = [threading.Thread(target=run, args=(source,)) for source in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(counts["published"], counts["conflicts"]) for counts in reports] == [(len(RECORDS), 0)] * 3
