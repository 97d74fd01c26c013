"""The measurements' own data: the same every time, and what they are said to be."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bench import feeds, flat_row, histories
from bench.flat_table import row_digest
from verbund.codec import AvroCodec

EVENTS = 4000


def test_the_flat_history_has_its_shares_of_updates_duplicates_and_late_revisions() -> None:
    newest: dict[str, int] = {}
    kinds: Counter[str] = Counter()
    for event in histories.flat_history(EVENTS):
        held = newest.get(event.subject, 0)
        kinds[
            "new" if not held
            else "update" if event.revision == held + 1
            else "duplicate" if event.revision == held
            else "late"
        ] += 1  # fmt: skip
        newest[event.subject] = max(held, event.revision)

    assert kinds["new"] / EVENTS == pytest.approx(0.70, abs=0.02)
    assert kinds["update"] / EVENTS == pytest.approx(0.20, abs=0.02)
    assert kinds["duplicate"] + kinds["late"] == pytest.approx(0.10 * EVENTS, abs=0.02 * EVENTS)
    assert kinds["late"] > 0.02 * EVENTS


def test_a_history_is_the_same_every_time() -> None:
    assert list(histories.flat_history(300)) == list(histories.flat_history(300))
    assert list(histories.whole_history(300)) == list(histories.whole_history(300))


def test_a_body_has_about_one_and_a_half_kilobytes_and_a_row_without_gaps() -> None:
    codec = AvroCodec()
    sizes = []
    for event in histories.flat_history(200):
        body, schema = codec.encode(event.type, event.data)
        sizes.append(len(body))
        row = flat_row.row_of(codec.decode(event.type, schema, body)["offer"])
        assert len(row) == len(flat_row.COLUMNS) == 30
        assert None not in row
        assert row_digest(row) == row_digest(flat_row.row_of(dict(event.data["offer"])))
    assert 1350 < sum(sizes) / len(sizes) < 1550


@pytest.mark.parametrize("connector", feeds.CONNECTORS)
def test_both_editions_of_a_feed_say_the_same_in_other_bytes(connector: str, tmp_path: Path) -> None:
    written = feeds.write(connector, 30, tmp_path, base="http://127.0.0.1:9")

    def bodies(edition: str) -> dict[str, bytes]:
        root = tmp_path / edition
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    first, same = bodies(feeds.FIRST_EDITION), bodies(feeds.SAME_IN_OTHER_BYTES)
    assert written.records == 30
    assert first.keys() == same.keys()
    assert first != same
    strip = bytes.maketrans(b"", b"")
    assert {name: body.translate(strip, b' "') for name, body in first.items()} == {
        name: body.translate(strip, b' "') for name, body in same.items()
    }
