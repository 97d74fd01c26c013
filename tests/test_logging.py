"""Log lines: their form, what is masked, and the libraries that are quiet."""

import copy
import io
import json
import logging
import pickle
import re
import subprocess
import sys

import pytest
import structlog

from verbund.errors import SourceUnreachableError
from verbund.logging import Personal, Secret, configure

CANARY = "canary-4711"


@pytest.fixture(autouse=True)
def _undone():
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def stream():
    return io.StringIO()


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_line_is_json_with_level_and_utc_time(stream):
    configure(stream=stream)
    structlog.get_logger().info("feed_pulled", source="starnberg", items=3)
    (line,) = lines(stream)
    assert line.items() >= {"event": "feed_pulled", "level": "info", "source": "starnberg", "items": 3}.items()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["timestamp"])


def test_umlauts_stay_readable(stream):
    configure(stream=stream)
    structlog.get_logger().info("x", place="Göttingen")
    assert "Göttingen" in stream.getvalue()


def test_a_terminal_gets_the_console_form():
    terminal = Terminal()
    configure(stream=terminal)
    structlog.get_logger().info("feed_pulled", source="starnberg")
    assert "\x1b[" in terminal.getvalue()
    assert "feed_pulled" in terminal.getvalue()


def test_the_form_can_be_chosen(stream):
    terminal = Terminal()
    configure(format="json", stream=terminal)
    structlog.get_logger().info("one")
    assert lines(terminal)[0]["event"] == "one"
    configure(format="console", stream=stream)
    structlog.get_logger().info("two")
    assert "\x1b[" not in stream.getvalue()
    assert "two" in stream.getvalue()


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
    ids=["debug", "info", "warning", "error"],
)
def test_lines_below_the_level_are_left_out(stream, level, shown):
    configure(level, stream=stream)
    for name in ("debug", "info", "warning", "error"):
        getattr(structlog.get_logger(), name)("x")
    assert [line["level"] for line in lines(stream)] == shown


def test_what_is_bound_to_a_run_stands_in_its_lines(stream):
    configure(stream=stream)
    with structlog.contextvars.bound_contextvars(run_id="r1"):
        structlog.get_logger().info("x")
    structlog.get_logger().info("y")
    assert [line.get("run_id") for line in lines(stream)] == ["r1", None]


@pytest.mark.parametrize("shape", ["json", "console"])
@pytest.mark.parametrize("kind", [Secret, Personal])
def test_a_secret_is_masked_wherever_it_stands(stream, shape, kind):
    configure(format=shape, stream=stream)
    log = structlog.get_logger()
    secret = kind(CANARY)
    log.info(
        "x", value=secret, inner={"deep": [{"deeper": (secret, {secret})}]}, text=f"with {secret}", also=str(secret)
    )
    log.info("raw %s", secret)
    log.bind(value=secret).warning("y")
    with structlog.contextvars.bound_contextvars(value=secret):
        log.info("z")
    logging.getLogger("library").warning("with %s and %r", secret, [secret])
    assert CANARY not in stream.getvalue()
    assert repr(secret) in stream.getvalue()


def test_bytes_are_never_shown(stream):
    configure(stream=stream)
    structlog.get_logger().info("x", key=CANARY.encode(), inner=[bytearray(CANARY.encode())])
    assert CANARY not in stream.getvalue()
    assert lines(stream)[0]["key"] == "<11 bytes>"


@pytest.mark.parametrize("shape", ["json", "console"])
def test_a_traceback_shows_no_values_of_variables(stream, shape):
    configure(format=shape, stream=stream)

    def fails():
        password = "canary-" + "4711"
        raise ValueError("broken" if password else "")

    try:
        fails()
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "ValueError: broken" in stream.getvalue()
    assert "in fails" in stream.getvalue()
    assert CANARY not in stream.getvalue()


def test_an_error_of_ours_is_its_code_and_sentence(stream):
    configure(stream=stream)
    error = SourceUnreachableError("{url} is slow", code="E210", url="http://example.org")
    structlog.get_logger().warning("run_failed", error=error)
    assert lines(stream)[0]["error"] == "E210: http://example.org is slow"


def test_endless_values_end(stream):
    configure(stream=stream)
    loop: list[object] = []
    loop.append(loop)
    structlog.get_logger().info("x", loop=loop)
    assert "…" in stream.getvalue()


def test_libraries_write_in_the_same_form_and_only_when_it_matters(stream):
    configure("debug", stream=stream)
    for name in ("kafka.client", "httpx", "httpcore.connection", "uvicorn.access", "sqlalchemy.engine"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).debug("chatter")
        logging.getLogger(name).warning("it matters")
    assert [line["event"] for line in lines(stream)] == ["it matters"] * 5
    assert lines(stream)[0].items() >= {"logger": "kafka.client", "level": "warning"}.items()
    assert lines(stream)[0]["timestamp"].endswith("Z")


def test_the_server_tells_where_it_listens(stream):
    configure("info", stream=stream)
    logging.getLogger("uvicorn.error").info("running")
    configure("warning", stream=stream)
    logging.getLogger("uvicorn.error").info("running")
    assert [line["event"] for line in lines(stream)] == ["running"]


def test_configuring_twice_writes_once(stream):
    configure(stream=io.StringIO())
    configure(stream=stream)
    logging.getLogger("library").warning("once")
    structlog.get_logger().info("once")
    assert [line["event"] for line in lines(stream)] == ["once", "once"]


def test_lines_go_to_stderr_and_never_to_stdout(capsys):
    configure()
    structlog.get_logger().info("x")
    out, err = capsys.readouterr()
    assert (out, json.loads(err)["event"]) == ("", "x")


def test_a_secret_shows_itself_to_who_asks_for_it():
    secret = Secret(CANARY)
    assert secret.reveal() == CANARY
    assert bool(Secret("")) is False
    assert (secret == Secret(CANARY), secret == Secret("other"), secret == CANARY, secret == Personal(CANARY)) == (
        True, False, False, False,
    )  # fmt: skip
    assert len({secret, Secret(CANARY), Secret("other")}) == 2


@pytest.mark.parametrize("way", ["{}", "{0!r:>20}", "{0!s:>20}", "{:>30}"])
def test_a_secret_hides_in_every_text(way):
    for one in (Secret(CANARY), Personal(CANARY)):
        assert CANARY not in way.format(one)
        assert CANARY not in repr([one]) + str(one)


@pytest.mark.parametrize("way", [json.dumps, pickle.dumps, copy.copy, "".join], ids=["json", "pickle", "copy", "join"])
def test_a_secret_does_not_travel_by_mistake(way):
    with pytest.raises(TypeError):
        way(Secret(CANARY))


def test_importing_it_is_cheap():
    code = "import sys, verbund.logging; print(sorted({'structlog', 'rich', 'asyncio'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
