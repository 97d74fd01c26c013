"""What can go wrong, as small pieces that a story puts into a night."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tests.faults.corpus.story import Answer, Fault, Record, Reply, Serve
from verbund.errors import VerbundError
from verbund.fetch import problems

ERROR_PAGE = (
    b"<!doctype html><html><head><title>500</title></head><body><h1>Da ist etwas schiefgelaufen</h1></body></html>"
)
LOG_IN_PAGE = b'<html><body><form action="/login"><input name="user"><input type="password"></form></body></html>'

# --- in the source's database ----------------------------------------------------------------------------------------


def lists(change: Callable[[list[Record]], list[Record]]) -> Fault:
    """The source itself lists other records than there are."""
    return Fault(records=change)


def only_share(share: float) -> Fault:
    """The first part of the records, the rest left out."""
    return lists(lambda records: records[: int(len(records) * share)])


def without(keys: Sequence[str]) -> Fault:
    """These left out."""
    gone = frozenset(keys)
    return lists(lambda records: [record for record in records if record.key not in gone])


def none_at_all() -> Fault:
    """A list of nothing."""
    return lists(lambda _records: [])


def rewritten(change: Callable[[Record], Record], *, share: float = 1.0) -> Fault:
    """The first part of the records say something else."""
    return lists(
        lambda records: [
            change(record) if index < len(records) * share else record for index, record in enumerate(records)
        ]
    )


def renamed(new_key: Callable[[str], str], *, share: float = 1.0) -> Fault:
    """The first part of the records goes by other ids, everything else as it was."""
    return rewritten(lambda record: replace(record, key=new_key(record.key)), share=share)


def plus_a_million(key: str) -> str:
    """`event/7` as `event/1000007`, `A-7` as `A-1000007`."""
    digits = "".join(letter for letter in key if letter.isdigit())
    return key.removesuffix(digits) + str(1_000_000 + int(digits))


def of_another_district(count: int = 45) -> Fault:
    """A whole other list, whose ids have nothing to do with ours."""
    return lists(lambda records: strangers(records, count))


def strangers(records: Sequence[Record], count: int) -> list[Record]:
    """Records of somebody else, with keys of the same form."""
    first = records[0].key.rstrip("0123456789") if records else "A-"
    return [Record(f"{first}{70_000 + n}", f"Schwimmen in Nachbarstadt {n}", f"Bad {n}.") for n in range(count)]


def mojibake(text: str) -> str:
    """UTF-8 read as Windows-1252 and written as UTF-8 again: `Ã¼` for `ü`."""
    return text.encode().decode("cp1252", errors="replace")


def question_marks(text: str) -> str:
    """Everything that is not ASCII lost."""
    return text.encode("ascii", errors="replace").decode()


# --- in what is written ----------------------------------------------------------------------------------------------


def written(change: Callable[[list[Any]], list[Any]], *, only: str = "") -> Fault:
    """Another list than should be, where the list's name has `only` in it."""
    return Fault(entries=lambda name, entries: change(entries) if only in name else entries)


def each(change: Callable[[int, Any], Any], *, only: str = "") -> Fault:
    """Every entry changed by its place in the list; None leaves it out."""

    def all_of(entries: list[Any]) -> list[Any]:
        changed = [change(index, entry) for index, entry in enumerate(entries)]
        return [entry for entry in changed if entry is not None]

    return written(all_of, only=only)


# --- on the way ------------------------------------------------------------------------------------------------------


def on_the_way(change: Callable[[str, Answer], Answer], *, only: str = "") -> Fault:
    """Another answer than was sent, where the address has `only` in it."""

    def between(serve: Serve) -> Serve:
        return lambda url: change(url, serve(url)) if only in url else serve(url)

    return Fault(wire=between)


def answers(status: int = 200, body: bytes = b"", *, only: str = "", kind: str = "text/html", **headers: str) -> Fault:
    """This answer instead; header names with `_` for `-`."""
    said = {"content-type": kind} | {name.replace("_", "-"): value for name, value in headers.items()}
    return on_the_way(lambda _url, _answer: Reply(status=status, body=body, headers=said), only=only)


def fails(error: Callable[[str], VerbundError], *, only: str = "") -> Fault:
    """No answer at all."""
    return on_the_way(lambda url, _answer: error(url), only=only)


def body(change: Callable[[bytes], bytes], *, only: str = "") -> Fault:
    """Other bytes than were sent, where there was an answer."""

    def other(_url: str, answer: Answer) -> Answer:
        return replace(answer, body=change(answer.body)) if isinstance(answer, Reply) else answer

    return on_the_way(other, only=only)


def cut(share: float, *, only: str = "") -> Fault:
    """The rest of the body is missing, and the server says nothing of it."""
    return body(lambda sent: sent[: int(len(sent) * share)], only=only)


def json_body(value: Any, *, only: str = "") -> Fault:
    """This JSON instead."""
    return answers(200, json.dumps(value).encode(), only=only, kind="application/json")


def rate_limited(retry_after_s: int = 3600, *, only: str = "") -> Fault:
    """429, and when to come back."""
    return answers(429, b"slow down", only=only, retry_after=str(retry_after_s))


def redirected(url: str, page: bytes) -> Fault:
    """Sent on to another host, which answers with a page of its own."""
    return on_the_way(lambda _url, _answer: Reply(body=page, headers={"content-type": "text/html"}, url=url))


def frozen(serve: Serve) -> Fault:
    """What another night delivered, again."""
    return Fault(wire=lambda _serve: serve)


RESET = problems.hung_up
NO_DNS = lambda url: problems.no_such_host(url, "feed.example")  # noqa: E731 - a word of the stories
TIMEOUT = lambda url: problems.timed_out(url, 60.0)  # noqa: E731 - a word of the stories
BAD_CERTIFICATE = lambda url: problems.tls_failed(url, "certificate has expired")  # noqa: E731 - a word of the stories
CUT_OFF = lambda url: problems.cut_off(url, 1_234)  # noqa: E731 - a word of the stories
BROKEN_GZIP = problems.broken_encoding


def relabelled(answer: Answer, headers: dict[str, str]) -> Answer:
    """The same bytes under other headers."""
    return replace(answer, headers=headers) if isinstance(answer, Reply) else answer


def replaced(record: Record, **fields: Any) -> Record:
    """The record with other fields."""
    return replace(record, **fields)


def renamed_region(slug: str) -> Fault:
    """The region goes by another slug, in the listing and in every address; the old one answers 404."""
    old = "kreis-beispiel"

    def between(serve: Serve) -> Serve:
        def answer(url: str) -> Answer:
            if f"/{old}/" in url:
                return Reply(status=404, body=b"{}")
            given = serve(url.replace(f"/{slug}/", f"/{old}/"))
            return replace(given, body=given.body.replace(old.encode(), slug.encode())) if isinstance(given, Reply) else given  # fmt: skip

        return answer

    return Fault(wire=between)


def instead(asked: str, given: str) -> Fault:
    """The answer of one address for another: `asked` in the address is read as `given`."""

    def between(serve: Serve) -> Serve:
        return lambda url: serve(url.replace(asked, given) if url.endswith(asked) else url)

    return Fault(wire=between)


def served_as(name: str, other: str) -> Fault:
    """The file of one name lies under another."""
    return Fault(wire=lambda serve: lambda url: serve(url.replace(other, name)))
