"""Every measurement runs, at a size where only its checks matter, and notices a wrong result."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import psycopg
import pytest

from bench import feed_to_searchable, flat_row, flat_table, histories, measuring, rebuild
from bench.measuring import BenchError


@pytest.mark.parametrize("connector", ["table", "rpde", "integreat"])
def test_a_small_feed_becomes_searchable_and_pulling_it_again_appends_one_event(connector: str) -> None:
    found = feed_to_searchable.measure(connector, 40, contacts="functions")

    assert found["records"] == 40
    assert found["first"]["events"] > 40
    assert {name: one["events_appended"] for name, one in found["unchanged"].items()} == {
        "etag": 1, "whole_body": 1, "other_bytes": 1,
    }  # fmt: skip
    assert found["first"]["ingest"]["peak_rss_mib"] > 10
    assert found["first"]["project"]["cpu_s"] > 0


def test_views_and_search_made_again_from_a_log_have_the_rows_of_its_history(tmp_path: Path) -> None:
    urls = {"sqlite": f"sqlite:///{tmp_path / 'log.db'}"}
    expected = rebuild.fill(urls, 600)
    results, rows = rebuild.compare(urls, None, tmp_path, 600)

    assert [one["what"] for one in results] == ["offers", "all", "search"]
    assert {view: rows[view] for view in expected} == expected
    assert results[1]["events"] == 600


@pytest.mark.postgres
def test_a_table_that_is_not_what_it_must_be_is_seen(postgres_url: str) -> None:
    database = postgres_url.replace("+psycopg", "")
    offers = [dict(event.data["offer"]) for event in histories.flat_history(3) if event.revision == 1]
    rows = [flat_row.row_of(offer) for offer in offers]
    oracle = {row[0]: (row[1], flat_table.row_digest(row)) for row in rows}
    marks = ", ".join(["%s"] * len(flat_row.NAMES))
    with psycopg.connect(database, autocommit=True) as link:
        for statement in flat_row.CREATE:
            link.execute(statement)
        for row in rows:
            link.execute(f"INSERT INTO {flat_row.TABLE} VALUES ({marks})", row)
        assert not any(flat_table.wrong_keys(database, oracle).values())

        link.execute(f"UPDATE {flat_row.TABLE} SET title = 'another' WHERE offer_id = %s", (rows[0][0],))
        link.execute(f"DELETE FROM {flat_row.TABLE} WHERE offer_id = %s", (rows[1][0],))
        oracle[rows[2][0]] = (2, b"newer")
        assert flat_table.wrong_keys(database, oracle) == {
            "older_revision": 1, "other_content": 1, "missing": 1, "unknown": 0,
        }  # fmt: skip


@pytest.mark.kafka
@pytest.mark.postgres
def test_our_flat_table_is_right_and_so_are_its_limits(kafka_server, postgres_server, tmp_path: Path) -> None:
    prefix = kafka_server.prefix()
    oracle, mean = flat_table.fill(f"kafka://{kafka_server.bootstrap}/{prefix}", 500)
    stage = flat_table.Stage(kafka_server, prefix, postgres_server, tmp_path, 500, oracle)
    without_peer = {name: run for name, run in flat_table.CONTENDERS.items() if name != "quixstreams"}

    figures = flat_table.round_of(stage, without_peer)

    assert 1350 < mean < 1550
    assert figures.keys() == without_peer.keys()
    assert not any(sum(one["wrong_keys"].values()) for one in figures.values())


def test_a_process_that_fails_ends_the_measurement_with_what_it_said() -> None:
    with (
        measuring.process("broken", "-c", "raise SystemExit('no such feed')") as child,
        pytest.raises(BenchError, match="no such feed"),
    ):
        child.answer(within_s=20)


def test_memory_of_a_process_is_its_own_and_not_that_of_who_started_it() -> None:
    ballast = bytearray(150 * measuring.MIB)
    ballast[:: os.sysconf("SC_PAGE_SIZE")] = b"1" * len(ballast[:: os.sysconf("SC_PAGE_SIZE")])
    script = "from bench import measuring; measuring.await_order(); x = bytearray(b'1') * (60 << 20); measuring.tell(n=len(x)); input()"
    with measuring.process("small", "-c", script) as child:
        child.answer(within_s=20)
        child.say("go")
        assert child.answer(within_s=20) == {"n": 60 << 20}
        peak = child.figures()["peak_rss_mib"]
    assert 60 < peak < 140


def test_a_process_is_ended_with_its_block_even_when_it_will_not() -> None:
    script = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('{}', flush=True); time.sleep(600)"
    )
    child = measuring.Process("stubborn", [sys.executable, "-c", script])
    child.answer(within_s=20)
    assert child.end(within_s=0.2) == -signal.SIGKILL
    assert not child.running


def test_results_carry_the_facts_and_the_command(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(measuring, "RESULTS", tmp_path)
    measuring.publish("nothing", {"figure": 1}, command=["python", "-m", "bench.nothing"])

    document = json.loads((tmp_path / "nothing.json").read_text())
    assert document == json.loads(capsys.readouterr().out)
    assert document["figure"] == 1
    assert document["command"] == "python -m bench.nothing"
    assert document["facts"].keys() >= {"date", "commit", "cores", "python", "sqlite", "packages", "processor"}
    assert str(Path.home()) not in json.dumps(document)


def test_sizes_are_read_with_their_units() -> None:
    assert measuring.sizes("500,10k,1M") == [500, 10_000, 1_000_000]
