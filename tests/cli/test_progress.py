"""Progress: a line every ten seconds where there is no terminal, nothing when quiet, never on stdout."""

from __future__ import annotations

from verbund.cli import session
from verbund.cli.progress import lines, progress


def test_a_line_every_ten_seconds_to_stderr(capsys):
    session.begin(session.Session())
    clock = iter([0.0, 1.0, 9.9, 10.0, 10.0, 15.0, 20.5, 20.5])
    report = lines(lambda: next(clock))
    for done in range(1, 6):
        report("map", done, 100)
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.splitlines() == ["mapping: 3/100", "mapping: 5/100"]


def test_nothing_is_said_when_quiet(capsys):
    session.begin(session.Session(quiet=True))
    with progress(monotonic=iter(range(0, 1000, 100)).__next__) as report:
        report("fetch", 1, None)
        report("fetch", 2, None)
    assert capsys.readouterr().err == ""
