"""What every `EventLog` promises, as tests: subclass `EventLogContract` and say how a log is made."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest

from verbund.errors import (
    AppendFailedError,
    EventRefusedError,
    LogUnavailableError,
    LogUnusableError,
    UnreadableEventError,
)
from verbund.event_log import EventLog
from verbund.event_log.envelope import MAX_BODY_BYTES
from verbund.events import Event, Recorded, event_id

TOPIC = "inventory.05954"
OTHER = "inventory.09188"


class PlainCodec:
    """Bodies as JSON, for tests of logs that are not about schemas."""

    schema = hashlib.sha256(b"plain").hexdigest()

    def encode(self, event_type: str, data: Mapping[str, Any]) -> tuple[bytes, str]:
        """Refuses what is no JSON."""
        try:
            return json.dumps(data).encode(), self.schema
        except TypeError as error:
            raise EventRefusedError("{type} is not JSON", type=event_type) from error

    def decode(self, event_type: str, schema: str, body: bytes) -> dict[str, Any]:
        """Reads what `encode` wrote."""
        if schema != self.schema:
            raise UnreadableEventError("{type} names another schema", type=event_type)
        try:
            decoded: dict[str, Any] = json.loads(body)
        except ValueError as error:
            raise UnreadableEventError("{type} is not JSON", type=event_type) from error
        return decoded


def numbered(number: int, *, subject: str = "a", text: str = "", run_id: str | None = "run-1") -> Event:
    """Revision `number` of a subject; the same number is the same event."""
    return Event(
        id=event_id(subject, "OfferRevised", number, text),
        type="OfferRevised",
        source="05954/starnberg-integreat",
        subject=subject,
        time=datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
        data={"number": number, "text": text},
        revision=number,
        run_id=run_id,
    )


def read_all(log: EventLog, topics: Sequence[str], *, limit: int = 1000) -> list[Recorded]:
    """Everything up to the ends of now."""
    ends = log.end(topics)
    positions = dict.fromkeys(topics, 0)
    found: list[Recorded] = []
    while any(positions[topic] < ends[topic] for topic in topics):
        page = log.read(positions, limit=limit, wait=timedelta(seconds=5))
        assert page, "the log ends earlier than it says"
        for record in page:
            assert record.position >= positions[record.topic], "a position that was read already"
            positions[record.topic] = record.position + 1
        found += page
    return found


def numbers(records: Sequence[Recorded]) -> list[int]:
    """Of the events, in order."""
    return [record.data["number"] for record in records]


class EventLogContract:
    """The promises. A subclass gives the fixtures `make_log` and `plant`, and may set the attributes.

    Attributes:
        known_ids_keep_their_position: False for a log that stores a known id again and leaves it to its readers.
    """

    known_ids_keep_their_position = True

    @pytest.fixture
    def make_log(self) -> Callable[[], EventLog]:
        """Opens a log with `PlainCodec`; every call of one test another one on the same store."""
        raise NotImplementedError

    @pytest.fixture
    def plant(self) -> Callable[[str, bytes], None]:
        """Puts a record without any envelope into a topic that exists, past our code."""
        raise NotImplementedError

    @pytest.fixture
    def log(self, make_log: Callable[[], EventLog]) -> Iterator[EventLog]:
        log = make_log()
        yield log
        log.close()

    # --- appending and reading back ---------------------------------------------------------------------------------

    def test_an_event_comes_back_whole(self, log: EventLog) -> None:
        event = numbered(3, subject="straße", text="Grüße")
        before_ms = time.time_ns() // 1_000_000
        (position,) = log.append(TOPIC, [event])
        (found,) = read_all(log, [TOPIC])
        assert (found.topic, found.position, found.id) == (TOPIC, position, str(event.id))
        assert (found.type, found.source, found.subject) == (event.type, event.source, event.subject)
        assert (found.revision, found.run_id, found.traceparent) == (3, "run-1", None)
        assert datetime.fromisoformat(found.time) == event.time
        assert (found.schema, found.data) == (PlainCodec.schema, event.data)
        assert before_ms - 1000 <= found.appended_ms <= time.time_ns() // 1_000_000 + 1000

    def test_optional_attributes_come_back(self, log: EventLog) -> None:
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        log.append(
            TOPIC,
            [Event(id=uuid4(), type="T", source="s", subject="a", time=datetime.now(UTC), data={}, traceparent=trace)],
        )
        (found,) = read_all(log, [TOPIC])
        assert (found.traceparent, found.run_id, found.revision) == (trace, None, 0)

    def test_times_are_stored_in_utc(self, log: EventLog) -> None:
        summer = timezone(timedelta(hours=2))
        when = datetime(2026, 7, 1, 1, 0, tzinfo=summer)
        log.append(TOPIC, [Event(id=uuid4(), type="T", source="s", subject="a", time=when, data={})])
        assert read_all(log, [TOPIC])[0].time == "2026-06-30T23:00:00Z"

    def test_a_topic_keeps_the_order_of_its_appends(self, log: EventLog) -> None:
        positions = [position for start in range(0, 500, 50) for position in _append_range(log, start, start + 50)]
        assert positions == sorted(set(positions))
        found = read_all(log, [TOPIC], limit=70)
        assert numbers(found) == list(range(500))
        assert [record.position for record in found] == positions

    def test_positions_begin_at_zero(self, log: EventLog) -> None:
        assert log.append(TOPIC, [numbered(1)]) == [0]

    def test_no_events_are_no_work(self, log: EventLog) -> None:
        assert log.append(TOPIC, []) == []
        assert (log.end([TOPIC]), log.topics()) == ({TOPIC: 0}, [])

    def test_a_known_id_is_a_success(self, log: EventLog) -> None:
        first = log.append(TOPIC, [numbered(1), numbered(2)])
        again = log.append(TOPIC, [numbered(2), numbered(3), numbered(3), numbered(1)])
        assert len(again) == 4
        if self.known_ids_keep_their_position:
            assert again == [first[1], 2, 2, first[0]]
            assert numbers(read_all(log, [TOPIC])) == [1, 2, 3]

    def test_the_same_id_in_two_topics_is_two_events(self, log: EventLog) -> None:
        assert log.append(TOPIC, [numbered(1)]) == [0]
        assert log.append(OTHER, [numbered(1)]) == [0]

    def test_a_large_event_comes_back_whole(self, log: EventLog) -> None:
        text = "x" * (MAX_BODY_BYTES - 100)
        log.append(TOPIC, [numbered(1, text=text), numbered(2), numbered(3, text=text)])
        assert [len(record.data["text"]) for record in read_all(log, [TOPIC])] == [len(text), 0, len(text)]

    # --- refusing ---------------------------------------------------------------------------------------------------

    def test_a_refused_event_takes_its_batch_with_it(self, log: EventLog) -> None:
        bad = Event(id=uuid4(), type="T", source="s", subject="a", time=datetime.now(UTC), data={"set": {1}})
        with pytest.raises(EventRefusedError):
            log.append(TOPIC, [numbered(1), bad, numbered(2)])
        assert log.end([TOPIC]) == {TOPIC: 0}

    def test_too_large_an_event_is_refused(self, log: EventLog) -> None:
        with pytest.raises(EventRefusedError):
            log.append(TOPIC, [numbered(1, text="x" * (MAX_BODY_BYTES + 1))])
        assert log.end([TOPIC]) == {TOPIC: 0}

    def test_a_time_without_zone_is_refused(self, log: EventLog) -> None:
        naive = datetime.now(UTC).replace(tzinfo=None)
        with pytest.raises(EventRefusedError):
            log.append(TOPIC, [Event(id=uuid4(), type="T", source="s", subject="a", time=naive, data={})])

    def test_a_misspelt_topic_is_refused(self, log: EventLog) -> None:
        with pytest.raises(EventRefusedError):
            log.append("inventroy.05954", [numbered(1)])
        assert log.topics() == []

    # --- positions --------------------------------------------------------------------------------------------------

    def test_the_end_is_where_the_next_event_goes(self, log: EventLog) -> None:
        _append_range(log, 0, 3)
        assert log.end([TOPIC, OTHER]) == {TOPIC: 3, OTHER: 0}
        assert log.append(TOPIC, [numbered(99)]) == [3]
        assert log.end() == {TOPIC: 4}

    def test_topics_are_listed_without_prefix(self, log: EventLog) -> None:
        for topic in (OTHER, "exchange", TOPIC):
            log.append(topic, [numbered(1)])
        assert log.topics() == ["exchange", TOPIC, OTHER]

    def test_reading_begins_where_it_is_told_to(self, log: EventLog) -> None:
        _append_range(log, 0, 10)
        page = log.read({TOPIC: 7}, wait=timedelta(seconds=5))
        assert numbers(page) == [7, 8, 9]
        assert numbers(log.read({TOPIC: 2}, limit=2, wait=timedelta(seconds=5)))[:2] == [2, 3]

    def test_a_page_is_about_as_long_as_asked(self, log: EventLog) -> None:
        _append_range(log, 0, 300)
        assert 0 < len(log.read({TOPIC: 0}, limit=100, wait=timedelta(seconds=5))) <= 110

    def test_a_page_cannot_fill_the_memory(self, log: EventLog) -> None:
        text = "x" * (MAX_BODY_BYTES - 100)
        for number in range(40):
            log.append(TOPIC, [numbered(number, text=text)])
        page = log.read({TOPIC: 0}, limit=1000, wait=timedelta(seconds=5))
        assert sum(len(record.body) for record in page) < 40 * len(text)
        assert numbers(read_all(log, [TOPIC])) == list(range(40))

    @pytest.mark.parametrize("position", [-1, 4, 1000])
    def test_a_position_outside_the_log_stops_the_reader(self, log: EventLog, position: int) -> None:
        _append_range(log, 0, 3)
        with pytest.raises(LogUnusableError):
            log.read({TOPIC: position}, wait=timedelta(seconds=5))
        assert numbers(log.read({TOPIC: 0}, wait=timedelta(seconds=5))) == [0, 1, 2]

    def test_a_position_in_a_topic_that_is_gone_stops_the_reader(self, log: EventLog) -> None:
        with pytest.raises(LogUnusableError):
            log.read({TOPIC: 1})
        assert log.read({TOPIC: 0}) == []

    def test_many_topics_are_read_together(self, log: EventLog) -> None:
        topics = [f"inventory.{number:05}" for number in range(20)]
        for topic in topics:
            log.append(topic, [numbered(number, subject=topic) for number in range(10)])
        found = read_all(log, topics, limit=17)
        for topic in topics:
            assert numbers([record for record in found if record.topic == topic]) == list(range(10))
        assert all(record.subject == record.topic for record in found)

    def test_a_topic_that_is_not_named_is_not_read(self, log: EventLog) -> None:
        log.append(TOPIC, [numbered(1)])
        log.append(OTHER, [numbered(2)])
        assert numbers(log.read({OTHER: 0}, wait=timedelta(seconds=5))) == [2]

    # --- waiting ----------------------------------------------------------------------------------------------------

    def test_waiting_ends_when_nothing_comes(self, log: EventLog) -> None:
        _append_range(log, 0, 1)
        started = time.monotonic()
        assert log.read({TOPIC: 1}, wait=timedelta(seconds=0.3)) == []
        assert 0.25 < time.monotonic() - started < 3

    def test_a_waiting_reader_gets_what_another_one_appends(self, make_log: Callable[[], EventLog]) -> None:
        reader, writer = make_log(), make_log()
        writer.append(TOPIC, [numbered(0)])
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(reader.read, {TOPIC: 1}, wait=timedelta(seconds=20))
            writer.append(TOPIC, [numbered(1)])
            assert numbers(waiting.result(20)) == [1]
        reader.close()
        writer.close()

    # --- many at once -----------------------------------------------------------------------------------------------

    def test_nothing_is_skipped_while_many_append_and_some_are_refused(self, make_log: Callable[[], EventLog]) -> None:
        logs = [make_log() for _ in range(3)]
        bad = Event(id=uuid4(), type="T", source="s", subject="a", time=datetime.now(UTC), data={"set": {1}})

        def appender(who: int) -> None:
            for batch in range(25):
                events = [numbered(batch * 10 + i, subject=f"appender-{who}") for i in range(10)]
                logs[who % 2].append(TOPIC, events)
                with pytest.raises(EventRefusedError):
                    logs[who % 2].append(TOPIC, [*events, bad])

        stopped = threading.Event()
        with ThreadPoolExecutor(5) as pool:
            following = pool.submit(_follow, logs[2], stopped)
            for done in [pool.submit(appender, who) for who in range(4)]:
                done.result(120)
            stopped.set()
            seen = following.result(60)
        for who in range(4):
            assert numbers([record for record in seen if record.subject == f"appender-{who}"]) == list(range(250))
        assert [record.position for record in seen] == list(range(1000))
        for log in logs:
            log.close()

    # --- bad records and closed logs --------------------------------------------------------------------------------

    def test_garbage_is_readable_as_poison(self, log: EventLog, plant: Callable[[str, bytes], None]) -> None:
        log.append(TOPIC, [numbered(1)])
        plant(TOPIC, b"\x00\xff no envelope")
        log.append(TOPIC, [numbered(2)])
        found = read_all(log, [TOPIC])
        assert [record.type for record in found] == ["OfferRevised", "", "OfferRevised"]
        assert (found[1].subject, found[1].body) == ("", b"\x00\xff no envelope")
        with pytest.raises(UnreadableEventError):
            _ = found[1].data

    def test_a_closed_log_refuses(self, make_log: Callable[[], EventLog]) -> None:
        log = make_log()
        log.append(TOPIC, [numbered(1)])
        log.close()
        log.close()
        with pytest.raises(AppendFailedError):
            log.append(TOPIC, [numbered(2)])
        for reading in (lambda: log.read({TOPIC: 0}), log.end, log.topics):
            with pytest.raises(LogUnavailableError):
                reading()

    def test_what_was_appended_is_there_when_the_log_is_opened_again(self, make_log: Callable[[], EventLog]) -> None:
        log = make_log()
        _append_range(log, 0, 5)
        log.close()
        again = make_log()
        assert numbers(read_all(again, [TOPIC])) == list(range(5))
        again.close()


def _append_range(log: EventLog, start: int, stop: int) -> list[int]:
    return log.append(TOPIC, [numbered(number) for number in range(start, stop)])


def _follow(log: EventLog, stopped: threading.Event) -> list[Recorded]:
    """Reads live until told to stop and the end is reached."""
    seen: list[Recorded] = []
    position = 0
    while not (stopped.is_set() and position >= log.end([TOPIC])[TOPIC]):
        page = log.read({TOPIC: position}, wait=timedelta(milliseconds=50))
        seen += page
        position = page[-1].position + 1 if page else position
    return seen
