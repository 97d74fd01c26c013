"""Whoever takes a parser over can do nothing but talk to its parent, and is not believed."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.jail.probe import Probe, ProbeSettings
from verbund.ingest.jail import Allowance, Cell, Jail, ParserLostError
from verbund.ingest.mapping import MappingTask, RawRecord
from verbund_connectors.kit import Broken, Item, PartEnd, Request, Response, SourceContext, UnreadableError

TASK = MappingTask(
    connector=Probe,
    settings=ProbeSettings(url="https://kurse.example"),
    context=SourceContext(source="enr-probe", district="05954"),
    secret=b"x" * 32,
    year=2026,
)
QUICK = Allowance(cpu_s=1, silence_s=3, body_s=5, record_s=0.3, output_bytes=5_000_000)


@pytest.fixture(scope="module")
def jail() -> Iterator[Jail]:
    with Jail() as jail:
        yield jail


@pytest.fixture
def cell(jail: Jail) -> Iterator[Cell]:
    with Cell(jail, TASK, allowance=QUICK) as cell:
        yield cell


def outputs(cell: Cell, order: str) -> list[Any]:
    url = "https://kurse.example/a"
    response = Response(
        request=Request(part="a", url=url), url=url, status=200, headers={}, body=io.BytesIO(order.encode()), digest="0"
    )
    found: list[Any] = []
    for output in cell.read(response):
        found.extend(output if isinstance(output, list) else [output])
    return found


def told(cell: Cell, order: str) -> str:
    item, end = outputs(cell, order)
    assert isinstance(item, Item)
    assert isinstance(end, PartEnd)
    text: str = orjson.loads(orjson.dumps(item.data))["told"]
    return text


def lost(cell: Cell, order: str) -> str:
    with pytest.raises(ParserLostError) as caught:
        outputs(cell, order)
    assert told(cell, "nothing") == "nothing", "the next body gets another child"
    return caught.value.reason


def test_every_wall_stands_on_this_machine(cell: Cell) -> None:
    assert set(cell.walls) >= {"limits", "calls"}


@pytest.mark.parametrize("order", ["connect", "raw-connect"])
def test_no_connection_is_made(cell: Cell, order: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        assert told(cell, f"{order} {listener.getsockname()[1]}").startswith("refused")
        with pytest.raises(TimeoutError):
            listener.accept()


@pytest.mark.parametrize("order", ["listen", "fork", "execute", "kill-parent", "trace-parent", "raise-limits"])
def test_what_a_parser_does_not_need_is_refused(cell: Cell, order: str) -> None:
    assert told(cell, order).startswith("refused")


def test_no_file_is_read_but_its_own_program(cell: Cell, tmp_path: Path) -> None:
    secret = tmp_path / "keys.db"
    secret.write_text("secret")
    paths = [
        str(secret),
        "/etc/passwd",
        "/proc/1/environ",
        "/proc/self/environ",
        f"/proc/{__import__('os').getpid()}/mem",
    ]
    if "files" in cell.walls:
        assert [told(cell, f"open {path}")[:7] for path in paths] == ["refused"] * len(paths)


def test_no_file_is_written(cell: Cell, tmp_path: Path) -> None:
    target = tmp_path / "made"
    assert told(cell, f"write {target}").startswith("refused")
    assert not target.exists() or not target.read_bytes()


def test_it_sees_nothing_of_our_environment(jail: Jail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERBUND_CANARY", "canary")
    with Jail() as new, Cell(new, TASK) as cell:
        assert "canary" not in told(cell, "environment").lower()


def test_nothing_is_open_but_the_channel_and_the_body(cell: Cell) -> None:
    assert told(cell, "descriptors") == "0 1 2 3 4"


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ("memory", "parser_out_of_memory"),
        ("memory-unchecked", "parser_out_of_memory"),
        ("spin", "parser_too_slow"),
        ("regex", "parser_too_slow"),
        ("sleep", "parser_too_slow"),
        ("exit", "parser_killed"),
        ("crash", "parser_killed"),
        ("abort", "parser_killed"),
        ("garbage", "parser_not_believed"),
        ("huge-frame", "parser_not_believed"),
        ("false-items", "parser_not_believed"),
        ("pickle", "parser_not_believed"),
        ("ask-for-file", "parser_not_believed"),
        ("endless", "parser_too_much"),
    ],
)
def test_a_lost_child_is_a_typed_outcome(cell: Cell, order: str, reason: str) -> None:
    assert lost(cell, order) == reason


def test_what_the_connector_says_of_a_body_is_passed_on(cell: Cell) -> None:
    with pytest.raises(UnreadableError) as caught:
        outputs(cell, "unreadable")
    assert (caught.value.reason, caught.value.detail) == ("not_json", "at byte 3")


def test_a_bug_of_a_connector_tells_no_value(cell: Cell, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UnreadableError) as caught:
        outputs(cell, "trip")
    assert str(caught.value) == "connector_error: ValueError"
    assert "canary" not in "".join(capsys.readouterr())
    assert told(cell, "nothing") == "nothing"


@pytest.mark.parametrize("order", ["print", "standard-error"])
def test_what_it_prints_goes_nowhere_and_blocks_nobody(
    cell: Cell, order: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert told(cell, order)
    assert "hello" not in capfd.readouterr().out


def test_an_item_that_is_too_large_is_broken(cell: Cell) -> None:
    broken, _ = outputs(cell, "huge-item")
    assert isinstance(broken, Broken)
    assert broken.rule == "item_too_large"


def record(number: int, key: str) -> RawRecord:
    return (number, key, "raw", [(key, "a", key, None, 0, b'{"told": "A"}', ())])


@pytest.mark.parametrize(
    ("order", "rule"),
    [
        ("memory", "connector_error"),
        ("memory-unchecked", "parser_out_of_memory"),
        ("spin", "record_too_slow"),
        ("regex", "record_too_slow"),
        ("sleep", "parser_too_slow"),
        ("exit", "parser_killed"),
        ("crash", "parser_killed"),
        ("garbage", "parser_not_believed"),
    ],
)
def test_a_record_that_costs_the_child_is_rejected_and_all_others_are_mapped(jail: Jail, order: str, rule: str) -> None:
    batches = [[record(10 * batch + number, f"k{batch}{number}") for number in range(10)] for batch in range(3)]
    batches[1][4] = record(14, f"map-{order}")
    with Cell(jail, TASK, allowance=QUICK) as cell:
        staged = list(cell.map(iter(batches)))
    rows = [row for each in staged for row in each.rows]
    assert [row[0] for row in rows] == list(range(30))
    assert [(row[1], row[3]) for row in rows if row[2] != "mapped"] == [(f"map-{order}", rule)]


def test_too_many_lost_children_end_the_mapping(jail: Jail) -> None:
    batch = [record(number, "map-exit") for number in range(10)]
    with Cell(jail, TASK, allowance=QUICK) as cell, pytest.raises(ParserLostError):
        list(cell.map(iter([batch])))


def test_two_children_map_in_order(jail: Jail) -> None:
    batches = [[record(10 * batch + number, f"k{batch}{number}") for number in range(10)] for batch in range(9)]
    with Cell(jail, TASK, allowance=QUICK) as cell:
        rows = [row for staged in cell.map(iter(batches), children=2) for row in staged.rows]
    assert [row[0] for row in rows] == list(range(90))


def test_a_warm_process_that_is_killed_is_started_anew(jail: Jail) -> None:
    with Jail() as own, Cell(own, TASK) as first:
        assert told(first, "nothing")
        assert own._zygote is not None
        own._zygote.kill()
        own._zygote.wait()
        with Cell(own, TASK) as second:
            assert told(second, "nothing") == "nothing"
