"""Answers that are slow, cut, huge or no HTTP at all: a typed error, bounded time and memory."""

import gzip
import threading
import time
import tracemalloc
import zlib
from typing import Any

import pytest

from verbund.errors import SourceUnreachableError, SourceUnreadableError
from verbund.fetch import FetchSettings
from verbund.fetch.bodies import decoded
from verbund.testing.feed_server import Reply

MIB = 1024 * 1024


def refused(kind, code, get, *arguments, **more):
    with pytest.raises(kind) as caught:
        get(*arguments, **more)
    assert caught.value.error_code == code
    return caught.value


SLOW: dict[str, dict[str, Any]] = {
    "body": {"body": b"x" * 64 * 200, "pace_s": 0.05},
    "chunked body": {"body": b"x" * 64 * 200, "pace_s": 0.05, "chunked": True},
    "headers": {"raw": b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 64 * 200, "pace_s": 0.05},
    "gzip of nothing": {
        "raw": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"") * 500,
        "pace_s": 0.05,
    },
    "never an answer": {"raw": b"HTTP/1.1 1", "pace_s": 30},
}


@pytest.mark.parametrize("how", SLOW)
def test_a_slow_source_is_ended_by_the_deadline_of_the_whole(fetch, server, how):
    url = server.serve_by("/slow", lambda seen: Reply(**SLOW[how]))
    began = time.monotonic()
    error = refused(SourceUnreachableError, "E210", fetch.get, url, timeout_s=0.4)
    assert 0.35 < time.monotonic() - began < 2
    assert "0.4 seconds" in str(error)


def test_redirects_share_one_deadline(fetch, server):
    for hop in range(3):
        server.serve(f"/{hop}", b"x" * 64, status=302, headers={"Location": f"/{hop + 1}"}, pace_s=0)
    server.serve_by("/3", lambda seen: Reply(body=b"x" * 6400, pace_s=0.05))
    began = time.monotonic()
    refused(SourceUnreachableError, "E210", fetch.get, server.url + "/0", timeout_s=0.4)
    assert time.monotonic() - began < 2


def test_a_resolver_that_hangs_is_ended_by_the_deadline(make):
    hanging = threading.Event()
    fetch = make(resolve=lambda host, port: [str(hanging.wait(10))])
    began = time.monotonic()
    refused(SourceUnreachableError, "E210", fetch.get, "http://feeds.example.org/", timeout_s=0.2)
    hanging.set()
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("more", [{}, {"gzip": True}, {"chunked": True}], ids=["plain", "gzip", "chunked"])
def test_a_body_that_breaks_off_is_no_body(fetch, server, more):
    url = server.serve("/feed", bytes(range(256)) * 40, cut_at=50, **more)
    if "chunked" in more:
        url = server.serve("/feed", raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    refused(SourceUnreadableError, "E234", fetch.get, url)


def test_a_gzip_body_without_its_end_is_cut_off_even_if_its_length_is_right(fetch, server):
    packed = gzip.compress(b"feed" * 1000)[:-4]
    url = server.serve("/feed", packed, headers={"Content-Encoding": "gzip"})
    refused(SourceUnreadableError, "E234", fetch.get, url)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "E214"),
        (b"\r\n\r\n", "E235"),
        (b"hello\r\n\r\n", "E235"),
        (b"SSH-2.0-OpenSSH_9.7\r\n", "E214"),
        (b"220 smtp.example.org ESMTP\r\n\r\n", "E235"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "E235"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "E235"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nhello", "E235"),
        (b"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n", "E235"),
        (b"HTTP/1.1 200 OK\r\nX: \x00\r\n\r\n", "E235"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Header: x\r\n" * 20_000 + b"\r\n", "E235"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, "E235"),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else value,
)  # fmt: skip
def test_what_is_no_http_is_said_to_be_none(fetch, server, raw, code):
    with pytest.raises((SourceUnreadableError, SourceUnreachableError)) as caught:
        fetch.get(server.serve("/feed", raw=raw))
    assert caught.value.error_code == code


def test_a_gzip_bomb_is_refused_with_little_memory(make, server):
    fetch = make()
    bomb = zlib.compressobj(9, wbits=31)
    packed = b"".join(bomb.compress(bytes(MIB)) for _ in range(512)) + bomb.flush()
    assert len(packed) < MIB
    url = server.serve("/bomb", packed, headers={"Content-Encoding": "gzip"})
    tracemalloc.start()
    try:
        refused(SourceUnreadableError, "E231", fetch.get, url)
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()


def test_a_bomb_of_bombs_is_refused(make, server):
    packed = gzip.compress(gzip.compress(bytes(100 * MIB)))
    url = server.serve("/bomb", packed, headers={"Content-Encoding": "gzip, gzip"})
    refused(SourceUnreadableError, "E232", make().get, url)


@pytest.mark.parametrize("more", [{}, {"gzip": True}, {"chunked": True}], ids=["plain", "gzip", "chunked"])
def test_a_body_over_the_limit_is_refused_and_one_at_the_limit_is_not(make, server, more):
    fetch = make(max_body=100_000)
    with fetch.get(server.serve("/feed", bytes(100_000), **more)) as fetched:
        assert fetched.size == 100_000
    refused(SourceUnreadableError, "E230", fetch.get, server.serve("/feed", bytes(100_001), **more))


def test_a_body_that_says_it_is_too_large_is_not_even_read(make, server):
    url = server.serve("/feed", raw=b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", pace_s=0)
    refused(SourceUnreadableError, "E230", make().get, url)


def test_an_endless_body_ends_at_the_limit(make, server):
    fetch = make(max_body=100_000)
    url = server.serve("/feed", raw=b"HTTP/1.1 200 OK\r\n\r\n" + bytes(2_000_000))
    refused(SourceUnreadableError, "E230", fetch.get, url)


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, deflate", "aes128gcm", "utf-8"])
def test_an_encoding_that_was_not_asked_for_is_refused(fetch, server, encoding):
    url = server.serve("/feed", b"body", headers={"Content-Encoding": encoding})
    refused(SourceUnreadableError, "E232", fetch.get, url)


@pytest.mark.parametrize("body", [b"no gzip at all", b"\x1f\x8b garbage", gzip.compress(b"feed")[:-8] + bytes(8)])
def test_what_says_it_is_gzip_and_is_not_is_refused(fetch, server, body):
    url = server.serve("/feed", body, headers={"Content-Encoding": "gzip"})
    with pytest.raises(SourceUnreadableError):
        fetch.get(url)


def test_gzip_of_several_members_is_one_body():
    packed = gzip.compress(b"one") + gzip.compress(b"two") + bytes(20)
    for step in (1, 7, len(packed)):
        raw = (packed[at : at + step] for at in range(0, len(packed), step))
        assert b"".join(decoded(raw, encoding="gzip", settings=FetchSettings(), url="")) == b"onetwo"


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 65_536 * 3, 1_000_003])
def test_no_byte_is_lost_at_the_edge_of_a_piece(size):
    body = bytes(size)
    packed = gzip.compress(body)
    pieces = list(decoded([packed], encoding="gzip", settings=FetchSettings(), url=""))
    assert b"".join(pieces) == body
    assert max(map(len, pieces)) <= 65_536


def test_endless_empty_members_end_at_the_limit():
    settings = FetchSettings(max_body=10_000)
    empty = gzip.compress(b"")
    with pytest.raises(SourceUnreadableError):
        list(decoded((empty for _ in range(10_000)), encoding="gzip", settings=settings, url=""))
