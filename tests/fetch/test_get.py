"""What a get gives, over a real server on loopback."""

import hashlib
import zlib

import pytest

from verbund.errors import SourceRefusedError, SourceUnreachableError
from verbund.testing.feed_server import FeedServer, Reply

BODY = b'{"items": [1, 2, 3]}' * 500


def refused(kind, code, get, *arguments, **more):
    with pytest.raises(kind) as caught:
        get(*arguments, **more)
    assert caught.value.error_code == code
    return caught.value


def test_a_body_arrives_whole_with_its_digest_and_headers_in_lower_case(fetch, server):
    url = server.serve("/feed?page=1", BODY, headers={"X-Total": "3"})
    with fetch.get(url) as fetched:
        assert fetched.body.read() == BODY
        assert (fetched.url, fetched.status, fetched.size) == (url, 200, len(BODY))
        assert fetched.digest == hashlib.sha256(BODY).hexdigest()
        assert fetched.headers["x-total"] == "3"
    assert fetched.body.closed


def test_a_gzip_body_arrives_unpacked(fetch, server):
    with fetch.get(server.serve("/feed", BODY, gzip=True)) as fetched:
        assert fetched.body.read() == BODY
        assert "content-encoding" not in fetched.headers


def test_only_gzip_is_asked_for(fetch, server):
    fetch.get(server.serve("/feed", BODY)).close()
    assert server.requests[0].headers["accept-encoding"] == "gzip"


def test_a_deflate_body_arrives_unpacked(fetch, server):
    url = server.serve("/feed", zlib.compress(BODY), headers={"Content-Encoding": "deflate"})
    with fetch.get(url) as fetched:
        assert fetched.body.read() == BODY


def test_a_chunked_body_arrives_whole(fetch, server):
    with fetch.get(server.serve("/feed", BODY, chunked=True)) as fetched:
        assert fetched.body.read() == BODY


def test_an_empty_body_is_an_answer(fetch, server):
    with fetch.get(server.serve("/feed", b"")) as fetched:
        assert (fetched.size, fetched.body.read()) == (0, b"")


def test_a_large_body_lies_on_disk_and_can_be_read_from_any_place(make, server):
    fetch = make(spool_limit=1000)
    with fetch.get(server.serve("/feed", BODY)) as fetched:
        assert fetched.body.fileno() > 0
        fetched.body.seek(-5, 2)
        assert fetched.body.read() == BODY[-5:]


def test_a_known_version_is_not_sent_again(fetch, server):
    url = server.serve("/feed", BODY)
    with fetch.get(url) as first, fetch.get(url, etag=first.etag) as second:
        assert (second.not_modified, second.status, second.size, second.digest) == (True, 304, 0, "")
        assert second.etag == first.etag
        assert second.body.read() == b""


def test_a_date_is_given_back_to_the_source_and_kept_over_304(fetch, server):
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    url = server.serve_by("/feed", lambda seen: Reply(status=304, etag=False))
    fetched = fetch.get(url, last_modified=date)
    assert server.requests[0].headers["if-modified-since"] == date
    assert (fetched.not_modified, fetched.last_modified) == (True, date)


def test_304_to_who_knows_nothing_is_no_answer(fetch, server):
    refused(SourceRefusedError, "E220", fetch.get, server.serve("/feed", status=304))


def test_a_changed_version_is_sent_with_its_new_mark(fetch, server):
    server.serve("/feed", BODY)
    first = fetch.get(server.url + "/feed")
    server.serve("/feed", b"changed")
    with fetch.get(server.url + "/feed", etag=first.etag) as second:
        assert (second.not_modified, second.body.read()) == (False, b"changed")
        assert second.etag != first.etag


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (204, SourceRefusedError, "E220"),
        (400, SourceRefusedError, "E220"),
        (401, SourceRefusedError, "E221"),
        (403, SourceRefusedError, "E221"),
        (404, SourceRefusedError, "E222"),
        (410, SourceRefusedError, "E222"),
        (407, SourceUnreachableError, "E216"),
        (500, SourceUnreachableError, "E215"),
        (503, SourceUnreachableError, "E215"),
        (302, SourceRefusedError, "E226"),
    ],
)
def test_a_status_that_is_not_expected_is_an_error_of_its_own(fetch, server, status, kind, code):
    url = server.serve("/feed?key=secret", status=status, headers={"Content-Length": "0"})
    error = refused(kind, code, fetch.get, url)
    assert str(status) in str(error)
    assert "/feed?…" in str(error)
    assert "secret" not in str(error)
    assert "secret" not in repr(error.facts)


def test_an_expected_status_is_an_answer(fetch, server):
    with fetch.get(server.serve("/feed", b"none", status=404), expects=(200, 404)) as fetched:
        assert (fetched.status, fetched.body.read()) == (404, b"none")


def test_headers_of_the_source_are_sent_but_none_that_are_ours(fetch, server):
    url = server.serve("/feed", BODY)
    mine = {"X-Api-Key": "k", "Accept": "text/csv", "Host": "elsewhere", "Accept-Encoding": "br", "Connection": "close"}
    fetch.get(url, headers=mine).close()
    seen = server.requests[0].headers
    assert (seen["x-api-key"], seen["accept"]) == ("k", "text/csv")
    assert seen["host"] == f"127.0.0.1:{server.port}"
    assert seen["accept-encoding"] == "gzip"
    assert "connection" not in seen


def test_one_connection_serves_many_requests(fetch, server):
    url = server.serve("/feed", BODY)
    for _ in range(5):
        fetch.get(url).close()
    assert server.connections == 1


def test_no_cookie_is_ever_sent_back(fetch, server):
    url = server.serve("/feed", BODY, headers={"Set-Cookie": "session=1; Path=/"})
    fetch.get(url).close()
    fetch.get(url).close()
    assert "cookie" not in server.requests[1].headers


def test_a_connection_that_the_server_dropped_meanwhile_is_made_anew(fetch, server):
    url = server.serve_in_turn("/feed", Reply(body=b"one"), Reply(raw=b""), Reply(body=b"three"))
    fetch.get(url).close()
    with fetch.get(url) as fetched:
        assert fetched.body.read() == b"three"


def test_a_redirect_is_followed(fetch, server):
    server.serve("/new/feed?page=1", BODY)
    server.redirect("/old", "new/feed?page=1", status=301)
    with fetch.get(server.url + "/old") as fetched:
        assert fetched.url == server.url + "/new/feed?page=1"
        assert fetched.body.read() == BODY


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_redirect_may_have_umlauts(fetch, server, encoding):
    server.serve("/gr%C3%B6%C3%9Fe", BODY)
    server.redirect("/old", "/größe".encode(encoding).decode("latin-1"))
    with fetch.get(server.url + "/old") as fetched:
        assert fetched.body.read() == BODY


def test_a_mark_that_is_no_ascii_goes_back_as_it_came(fetch, server):
    url = server.serve("/feed", BODY, headers={"ETag": '"größe"'.encode().decode("latin-1")})
    first = fetch.get(url)
    fetch.get(url, etag=first.etag).close()
    assert server.requests[1].headers["if-none-match"] == '"größe"'.encode().decode("latin-1")


def test_three_redirects_are_followed_and_a_fourth_is_not(fetch, server):
    for hop in range(5):
        server.redirect(f"/{hop}", f"/{hop + 1}")
    server.serve("/5", BODY)
    fetch.get(server.url + "/2").close()
    refused(SourceRefusedError, "E224", fetch.get, server.url + "/1")


def test_a_redirect_loop_ends(fetch, server):
    refused(SourceRefusedError, "E224", fetch.get, server.redirect("/loop", "/loop"))
    assert server.count("/loop") == 4


def test_secrets_stay_with_the_server_they_were_meant_for(fetch, server):
    with FeedServer() as other:
        other.serve("/feed", BODY)
        server.redirect("/here", "/there")
        server.redirect("/there", other.url + "/feed")
        secrets = {"Authorization": "Bearer s", "X-Api-Key": "s", "Cookie": "s", "Accept-Language": "de"}
        fetch.get(server.url + "/here", headers=secrets).close()
        assert server.requests[1].headers["authorization"] == "Bearer s"
        assert {"authorization", "x-api-key", "cookie"} & other.requests[0].headers.keys() == set()
        assert other.requests[0].headers["accept-language"] == "de"


def test_a_server_that_is_down_is_unreachable(fetch):
    with FeedServer() as server:
        url = server.url
    refused(SourceUnreachableError, "E212", fetch.get, url)


def test_a_header_that_would_smuggle_is_not_sent(fetch, server):
    error = refused(Exception, "E102", fetch.get, server.serve("/feed"), headers={"X-Key": "a\r\nX-Evil: secret"})
    assert "secret" not in str(error)
    assert server.requests == []
