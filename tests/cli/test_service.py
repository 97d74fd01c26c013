"""Long-running work: one end for all threads, and addresses that are taken are noticed first."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from verbund.cli import exits, service
from verbund.cli.service import Service
from verbund.errors import LogUnusableError, SettingsError

PATIENCE_S = 10


def test_the_first_thread_that_fails_stops_all_and_ends_the_process_with_its_error():
    ended = threading.Event()

    def patient(stop):
        stop.wait(PATIENCE_S)
        ended.set()

    def broken(_stop):
        raise LogUnusableError("another log")

    made = Service()
    made.add("patient", patient)
    made.add("broken", broken)
    with pytest.raises(LogUnusableError, match="another log"):
        made.wait()
    assert ended.is_set()


def test_work_that_is_told_to_stop_ends_well():
    made = Service()

    def patient(stop: threading.Event) -> None:
        stop.wait(PATIENCE_S)

    made.add("patient", patient)
    threading.Timer(0.05, made.stop.set).start()
    assert made.wait() == exits.DONE


def test_a_taken_address_is_a_settings_error_with_the_way_out():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match="VERBUND_LISTEN"):
            service.listening_socket("127.0.0.1", port)


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1")])
def test_the_address_can_be_opened_on_this_machine(host, shown):
    with service.listening_socket(host, 0) as listener:
        assert service.address_of(listener) == f"http://{shown}:{listener.getsockname()[1]}"


def test_a_web_server_ends_with_the_signal():
    async def app(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    listener = service.listening_socket("127.0.0.1", 0)
    made = Service()
    made.add("web", service.serve_web(app, listener))
    with socket.create_connection(listener.getsockname(), timeout=PATIENCE_S) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 204")
    began = time.monotonic()
    made.stop.set()
    assert made.wait() == exits.DONE
    assert time.monotonic() - began < PATIENCE_S
