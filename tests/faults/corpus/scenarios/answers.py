"""The answer is not the feed, or there is none."""

from __future__ import annotations

from datetime import timedelta

from tests.faults.corpus import faults
from tests.faults.corpus.scenarios.telling import scenario
from tests.faults.corpus.story import Fault, Story

JSON_FEEDS = ("integreat", "rpde")


def _week(s: Story, *fault: Fault, nights: int = 3) -> None:
    """Good nights, bad nights while two offers end, good nights."""
    s.night()
    s.ends(2)
    s.nights(nights, *fault)


@scenario("integreat", "rpde", "csv", "xlsx")
def an_error_page_with_status_200(s: Story) -> None:
    """The server apologises in HTML and calls it success."""
    _week(s, faults.answers(200, faults.ERROR_PAGE))


@scenario("integreat", "rpde", "csv", "xlsx")
def a_log_in_page_with_status_200(s: Story) -> None:
    """Somebody put the export behind a password."""
    _week(s, faults.answers(200, faults.LOG_IN_PAGE))


@scenario("csv")
def a_line_of_text_with_status_200(s: Story) -> None:
    """An error without mark-up looks like a table of one heading."""
    _week(s, faults.answers(200, b"Fehler: Verbindung zur Datenbank verloren\r\n", kind="text/csv"))


@scenario("integreat", "csv", "xlsx", "rpde")
def no_bytes_at_all(s: Story) -> None:
    """Status 200, length 0."""
    _week(s, faults.answers(200, b""))


@scenario("integreat", "csv")
def nothing_but_blanks(s: Story) -> None:
    """Status 200, some line ends."""
    _week(s, faults.answers(200, b"\r\n \r\n"))


@scenario("integreat", "csv", "rpde")
def trouble_of_the_server_for_a_week(s: Story) -> None:
    """Status 503 for a week; offers end meanwhile."""
    _week(s, faults.answers(503, b"try later"), nights=7)


@scenario("csv")
def no_entry(s: Story) -> None:
    """Status 401."""
    _week(s, faults.answers(401, b"who are you"))


@scenario("integreat", "csv", "rpde")
def moved_away(s: Story) -> None:
    """Status 404 on every address."""
    _week(s, faults.answers(404, b"not here"))


@scenario("rpde")
def gone_for_good_says_the_server(s: Story) -> None:
    """Status 410 on every address."""
    _week(s, faults.answers(410, b"gone"))


@scenario("integreat")
def connection_reset(s: Story) -> None:
    """The server hangs up."""
    _week(s, faults.fails(faults.RESET))


@scenario("csv")
def no_answer_in_time(s: Story) -> None:
    """The deadline passes."""
    _week(s, faults.fails(faults.TIMEOUT))


@scenario("integreat")
def the_name_is_gone(s: Story) -> None:
    """DNS does not know the host."""
    _week(s, faults.fails(faults.NO_DNS))


@scenario("rpde")
def the_certificate_has_expired(s: Story) -> None:
    """TLS fails."""
    _week(s, faults.fails(faults.BAD_CERTIFICATE))


@scenario("csv", "xlsx")
def the_body_breaks_off_and_http_says_so(s: Story) -> None:
    """Fewer bytes than announced."""
    _week(s, faults.fails(faults.CUT_OFF))


@scenario("integreat")
def a_truncated_gzip(s: Story) -> None:
    """The compressed body cannot be unpacked."""
    _week(s, faults.fails(faults.BROKEN_GZIP))


@scenario("integreat", "rpde", "xlsx")
def cut_in_the_middle_silently(s: Story) -> None:
    """Two thirds of the bytes, and a length that fits them."""
    _week(s, faults.cut(0.67))


@scenario("csv")
def cut_inside_a_line(s: Story) -> None:
    """A CSV file that ends in the middle of a row."""
    _week(s, faults.body(lambda sent: sent[: len(sent) // 2 + 11]))


@scenario("csv")
def cut_between_two_lines(s: Story) -> None:
    """A CSV file that ends after a whole row: nothing in it tells that it is cut."""
    _week(s, faults.body(lambda sent: b"".join(sent.splitlines(keepends=True)[:24])))


@scenario("csv")
def cut_inside_a_quoted_cell(s: Story) -> None:
    """The last quote is never closed."""
    _week(
        s,
        faults.written(lambda rows: [[*row[:2], f"{row[2]}\nmit Umbruch; und Semikolon", *row[3:]] for row in rows[:1] + rows[1:]]),
        faults.body(lambda sent: sent[: sent.rindex(b"mit Umbruch") + 5]),
    )  # fmt: skip


@scenario("integreat", "csv")
def redirected_to_a_log_in_of_another_host(s: Story) -> None:
    """Single sign-on catches the export."""
    _week(s, faults.redirected("https://sso.example/login", faults.LOG_IN_PAGE))


@scenario("rpde")
def redirected_to_a_parking_page(s: Story) -> None:
    """The domain was not paid."""
    _week(s, faults.redirected("https://parking.example/", faults.ERROR_PAGE))


@scenario("integreat", "csv", "rpde")
def a_wrong_content_type_changes_nothing(s: Story) -> None:
    """Right bytes labelled as HTML are right bytes."""
    s.night()
    s.ends(2)
    kind = {"content-type": "text/html"}
    s.nights(3, faults.on_the_way(lambda _url, a: faults.relabelled(a, kind)), clean=True)


@scenario("integreat", "rpde", "csv")
def rate_limited_for_three_nights(s: Story) -> None:
    """429 with Retry-After on every request."""
    _week(s, faults.rate_limited())


@scenario("integreat")
def rate_limited_half_way(s: Story) -> None:
    """German comes, English is answered with 429."""
    _week(s, faults.rate_limited(only="/en/"))


@scenario("rpde", records=70)
def rate_limited_half_way_through_the_first_walk(s: Story) -> None:
    """The first walk is stopped on its third page, twice; then it goes through."""
    s.nights(2, faults.rate_limited(only="afterId=s-4"))
    s.ends(2)


@scenario(*JSON_FEEDS)
def an_empty_object(s: Story) -> None:
    """`{}` instead of the feed."""
    _week(s, faults.json_body({}))


@scenario(*JSON_FEEDS)
def an_empty_array(s: Story) -> None:
    """`[]` on every address."""
    _week(s, faults.json_body([]))


@scenario(*JSON_FEEDS)
def null(s: Story) -> None:
    """`null` on every address."""
    _week(s, faults.json_body(None))


@scenario(*JSON_FEEDS)
def json_of_another_api(s: Story) -> None:
    """A gateway says in JSON that all is well."""
    _week(s, faults.json_body({"status": "ok", "data": [], "message": "maintenance"}))


@scenario(*JSON_FEEDS)
def an_array_of_another_api(s: Story) -> None:
    """Things with ids, but not ours."""
    _week(s, faults.json_body([{"id": number, "label": f"x{number}"} for number in range(40)]))


@scenario("csv")
def json_instead_of_a_table(s: Story) -> None:
    """The export's address now gives an API."""
    _week(s, faults.json_body([{"ID": "A-1", "Titel": "Kurs"}]))


@scenario("csv", "xlsx")
def an_archive_instead_of_a_table(s: Story) -> None:
    """A ZIP file of something else."""
    _week(s, faults.answers(200, b"PK\x05\x06" + bytes(18), kind="application/zip"))


@scenario("integreat", "csv", "rpde")
def back_after_a_week_of_silence(s: Story) -> None:
    """No pull for nine days, then all as before but for what ended."""
    s.night()
    s.ends(2)
    s.night(after=timedelta(days=9))


@scenario("integreat", "csv")
def half_after_a_week_of_failures(s: Story) -> None:
    """Nothing for eight nights, and then only a part: nothing was seen lately, all of it exists."""
    s.nights(2)
    s.nights(8, faults.fails(faults.TIMEOUT))
    s.ends(2)
    s.nights(2, faults.only_share(0.6))


@scenario("integreat", "csv", "rpde")
def good_and_bad_nights_in_turn(s: Story) -> None:
    """Each second night fails; ended offers are found all the same."""
    s.night()
    s.ends(2)
    for _ in range(3):
        s.night(faults.answers(500, b"oops"))
        s.night()
