"""A connector that does what the body says: everything that somebody would try who has taken a parser over."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from verbund_connectors.kit import (
    Answer,
    Item,
    Mapped,
    PartEnd,
    Request,
    Response,
    Settings,
    SourceContext,
    UnreadableError,
    draft_offer,
    draft_text,
)


class ProbeSettings(Settings):
    """Where the orders come from, a part each."""

    url: str
    parts: tuple[str, ...] = ("a",)


class Probe:
    """Does what it is told and says what came of it."""

    version: ClassVar[str] = "1"
    settings_model: ClassVar[type[Settings]] = ProbeSettings
    removal: ClassVar[str] = "full-list"
    volatile_extra: ClassVar[frozenset[str]] = frozenset()
    scope_settings: ClassVar[tuple[str, ...]] = ("url",)

    def __init__(self, settings: ProbeSettings, context: SourceContext) -> None:
        self._settings = settings

    def begin(self, cursors: Mapping[str, Any]) -> Sequence[Request]:
        return [Request(part=part, url=f"{self._settings.url}/{part}") for part in self._settings.parts]

    def read(self, response: Response) -> Iterator[Any]:
        """One item that tells how it went."""
        part = response.request.part
        order, *arguments = response.body.read().decode().split()
        told = _try(order, arguments)
        if isinstance(told, list):
            yield from told
        else:
            yield Item(part=part, id=order, key=order, data={"told": told})
        yield PartEnd(part=part, proof={"order": order})

    def map(self, key: str, items: Sequence[Item]) -> Answer:
        """An offer whose title is what was told; `map-…` keys do it here."""
        told = items[0].data.get("told")
        if key.startswith("map-"):
            told = _try(key.removeprefix("map-"), [])
        return Mapped(offer=draft_offer("course", {"de": draft_text(str(told)[:200] or "-")}))


def _try(order: str, arguments: list[str]) -> Any:
    try:
        return _ORDERS[order](*arguments)
    except OSError as error:
        return f"refused: {type(error).__name__}"


def _connect(port: str) -> str:
    with socket.create_connection(("127.0.0.1", int(port)), timeout=1):
        return "connected"


def _listen() -> str:
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return "listening"


def _raw_connect(port: str) -> str:
    """Without Python's own way of doing it."""
    libc = ctypes.CDLL(None, use_errno=True)
    own = libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
    address = (
        socket.AF_INET.to_bytes(2, sys.byteorder) + int(port).to_bytes(2, "big") + bytes([127, 0, 0, 1]) + bytes(8)
    )
    if own < 0 or libc.connect(own, address, 16) < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return "connected"


def _open(path: str) -> str:
    return f"read {len(Path(path).read_bytes())} bytes"


def _write(path: str) -> str:
    Path(path).write_text("taken over")
    return "written"


def _fork() -> str:
    if os.fork() == 0:
        os._exit(0)
    return "forked"


def _execute() -> str:
    return str(subprocess.run(["/bin/true"], check=True).args)


def _kill_parent() -> str:
    os.kill(os.getppid(), signal.SIGTERM)
    return "killed"


def _trace_parent() -> str:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, os.getppid(), 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return "traced"


def _raise_limits() -> str:
    import resource  # noqa: PLC0415 - imported late on purpose: that must work in the jail

    try:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_NOFILE, (10_000, 10_000))
    except ValueError as error:
        raise OSError from error
    return "raised"


def _environment() -> str:
    return " ".join(sorted(f"{name}={value}" for name, value in os.environ.items()))


def _descriptors() -> str:
    """Numbers of what is open."""
    found = []
    for number in range(64):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(str(number))
    return " ".join(found)


def _memory() -> str:
    held = [bytearray(64 << 20) for _ in range(200)]
    return f"held {len(held)}"


def _memory_unchecked() -> str:
    """As a library that does not look whether it got memory."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    while address := libc.malloc(16 << 20):
        ctypes.memset(address, 1, 16 << 20)
    ctypes.memset(0, 1, 1)
    return "held"


def _spin() -> str:
    while True:
        pass


def _regex() -> str:
    return str(re.fullmatch(r"(a+)+b", "a" * 64))


def _sleep() -> str:
    time.sleep(3600)
    return "slept"


def _exit() -> str:
    os._exit(0)


def _crash() -> str:
    ctypes.string_at(0)
    return "alive"


def _abort() -> str:
    os.abort()


def _garbage() -> str:
    os.write(3, os.urandom(4096))
    time.sleep(3600)
    return "written"


def _huge_frame() -> str:
    os.write(3, b"I\xff\xff\xff\xff" + bytes(1000))
    time.sleep(3600)
    return "written"


def _false_items() -> str:
    os.write(3, b"I\x00\x00\x00\x10\x00\x00\x00\x0c[[1,2,3,4]]x")
    time.sleep(3600)
    return "written"


def _pickle() -> str:
    """A pickle that would run something, where a list is awaited."""
    os.write(3, b"O\x00\x00\x00\x16cos\nsystem\n(S'true'\ntR.")
    time.sleep(3600)
    return "written"


def _ask_for_file() -> list[Any]:
    return [Request(part="a", path="/etc/hostname")]


def _endless() -> list[Any]:
    class Endless(list[Any]):
        def __iter__(self) -> Iterator[Any]:
            number = 0
            while True:
                number += 1
                yield Item(part="a", id=str(number), key=None, data="x" * 1000)

    return Endless()


def _huge_item() -> list[Any]:
    return [Item(part="a", id="huge", key="huge", data="x" * 5_000_000)]


def _print() -> str:
    print("hello " * 100_000)
    return "printed"


def _standard_error() -> str:
    os.write(2, b"x" * 10_000_000)
    return "written"


def _unreadable() -> str:
    raise UnreadableError("not_json", "at byte 3")


def _trip() -> str:
    raise ValueError("canary@example.org")


def _nothing() -> str:
    return "nothing"


_ORDERS: dict[str, Any] = {
    name.removeprefix("_").replace("_", "-"): order
    for name, order in list(globals().items())
    if name.startswith("_") and not name.startswith("__") and callable(order) and name != "_try"
}
