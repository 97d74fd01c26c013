"""One request at a time per host, at a distance, and not before the host wants to be asked."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from tests.fetch.conftest import HandClock
from verbund.errors import SourceRefusedError, SourceUnreachableError
from verbund.fetch.politeness import retry_after
from verbund.testing.feed_server import FeedServer, Reply

NOW = datetime(2026, 10, 21, 7, 28, tzinfo=UTC)
DAY_S = 24 * 3600


@pytest.fixture
def clock():
    return HandClock()


def busy(seconds, status=429):
    return Reply(status=status, headers={"Retry-After": str(seconds)})


def test_requests_to_one_host_keep_their_distance(make, clock, server):
    fetch = make(clock=clock, per_host_interval_s=0.5)
    url = server.serve("/feed")
    for _ in range(3):
        fetch.get(url).close()
    assert clock.slept == [0.5, 0.5]


def test_other_hosts_are_not_waited_for(make, clock, server):
    fetch = make(clock=clock, per_host_interval_s=0.5)
    with FeedServer() as other:
        fetch.get(server.serve("/feed")).close()
        fetch.get(other.serve("/feed")).close()
    assert clock.slept == []


def test_one_host_is_asked_by_one_thread_at_a_time(make, server):
    fetch = make()
    inside, most = [0], [0]
    lock = threading.Lock()

    def answer(seen):
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        threading.Event().wait(0.01)
        with lock:
            inside[0] -= 1
        return Reply(body=b"x")

    url = server.serve_by("/feed", answer)
    threads = [threading.Thread(target=lambda: fetch.get(url).close()) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (server.count("/feed"), most[0]) == (8, 1)


def test_a_queue_that_does_not_move_is_left(make, server):
    fetch = make(queue_timeout_s=0.1)
    begun, done = threading.Event(), threading.Event()

    def answer(seen):
        begun.set()
        done.wait(10)
        return Reply(body=b"x")

    url = server.serve_by("/feed", answer)
    thread = threading.Thread(target=lambda: fetch.get(url).close())
    thread.start()
    begun.wait(10)
    with pytest.raises(SourceUnreachableError) as caught:
        fetch.get(url)
    done.set()
    thread.join()
    assert caught.value.error_code == "E217"


@pytest.mark.parametrize("status", [429, 503])
def test_a_host_that_wants_a_moment_gets_it(make, clock, server, status):
    fetch = make(clock=clock)
    url = server.serve_in_turn("/feed", busy(7, status), busy(3, status), Reply(body=b"now"))
    with fetch.get(url) as fetched:
        assert fetched.body.read() == b"now"
    assert clock.slept == [7, 3]


def test_waiting_out_of_politeness_takes_nothing_from_the_deadline(make, clock, server):
    fetch = make(clock=clock, timeout_s=5)
    url = server.serve_in_turn("/feed", busy(7), Reply(body=b"now"))
    fetch.get(url).close()


def test_a_host_is_not_asked_for_ever(make, clock, server):
    fetch = make(clock=clock, retries=2)
    url = server.serve_in_turn("/feed", busy(1))
    with pytest.raises(SourceRefusedError) as caught:
        fetch.get(url)
    assert (caught.value.error_code, server.count("/feed")) == ("E223", 3)


def test_a_host_that_wants_an_hour_is_not_waited_for_and_not_asked_before(make, clock, server):
    fetch = make(clock=clock)
    url = server.serve_in_turn("/feed", busy(3600), Reply(body=b"now"))
    with pytest.raises(SourceRefusedError) as caught:
        fetch.get(url)
    assert caught.value.facts["retry_after_s"] == 3600
    clock.at += 600
    with pytest.raises(SourceRefusedError) as again:
        fetch.get(url)
    assert again.value.facts["retry_after_s"] == 3000
    assert datetime.fromisoformat(again.value.facts["resumes_at"]).tzinfo is UTC
    assert server.count("/feed") == 1
    clock.at += 3000
    fetch.get(url).close()
    assert clock.slept == []


def test_too_many_requests_without_a_time_means_a_little_later(make, clock, server):
    fetch = make(clock=clock)
    fetch.get(server.serve_in_turn("/feed", Reply(status=429), Reply(body=b"now"))).close()
    assert clock.slept == [10]


@pytest.mark.parametrize(
    ("value", "status", "seconds"),
    [
        ("120", 503, 120),
        (" 120 ", 429, 120),
        ("0", 503, 0),
        ("Wed, 21 Oct 2026 07:30:00 GMT", 503, 120),
        ("Wed, 21 Oct 2026 07:00:00 GMT", 503, 0),
        ("Wed, 21 Oct 2026 09:30:00 +0200", 429, 120),
        ("99999999999999999999", 503, DAY_S),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 503, DAY_S),
        (None, 503, None),
        ("soon", 503, None),
        ("-5", 503, None),
        ("1.5", 503, None),
        ("²", 503, None),
        (None, 429, 10),
        ("soon", 429, 10),
    ],
)
def test_when_to_come_back_is_understood(value, status, seconds):
    assert retry_after(value, status=status, now=NOW) == seconds


def test_a_date_is_taken_from_the_clock_that_was_given():
    later = NOW + timedelta(seconds=30)
    assert retry_after("Wed, 21 Oct 2026 07:30:00 GMT", status=503, now=later) == 90
