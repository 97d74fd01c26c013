"""Which files a jailed process may read: its own program and the time zones, nothing else (Landlock, no privileges needed)."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import struct
import sys
import sysconfig
import zoneinfo
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every machine
_VERSION = 1
_BENEATH = 1
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
# Rights on files known to each version of the interface, the later ones with those before.
_RIGHTS: Final = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_NETWORK_FROM, _SCOPED_FROM = 4, 6
_BIND_AND_CONNECT = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


def programs() -> tuple[str, ...]:
    """Folders and files of all that is imported, of Python itself, and of the time zones."""
    found = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), *zoneinfo.TZPATH, "/dev/null"}
    tables = importlib.util.find_spec("tzdata")
    found.update(tables.submodule_search_locations or () if tables else ())
    for name, module in list(sys.modules.items()):
        if "." not in name:
            file = getattr(module, "__file__", None)
            found.update(getattr(module, "__path__", ()) or ((file,) if file else ()))
    return tuple(sorted(path for path in found if path and Path(path).is_absolute() and Path(path).exists()))


def forbid_other_files(libc: ctypes.CDLL, readable: Iterable[str]) -> bool:
    """From here on only what lies in these places can be opened, and only to be read; whether this kernel can do that.

    Needs PR_SET_NO_NEW_PRIVS. Cannot be taken back. What is open stays open.
    """
    version = libc.syscall(_CREATE_RULESET, None, 0, _VERSION)
    if version < 1:
        return False
    handled = struct.pack("Q", _RIGHTS[min(version, max(_RIGHTS))])
    if version >= _NETWORK_FROM:
        handled += struct.pack("Q", _BIND_AND_CONNECT)
    if version >= _SCOPED_FROM:
        handled += struct.pack("Q", _ABSTRACT_SOCKETS_AND_SIGNALS)
    rules = libc.syscall(_CREATE_RULESET, handled, len(handled), 0)
    if rules < 0:
        return False
    for path in readable:
        _allow(libc, rules, path)
    held = libc.syscall(_RESTRICT_SELF, rules, 0) == 0
    os.close(rules)
    return bool(held)


def _allow(libc: ctypes.CDLL, rules: int, path: str) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # it went away; then it is not needed
    rights = _READ_FILE | _READ_FOLDER if Path(path).is_dir() else _READ_FILE
    libc.syscall(_ADD_RULE, rules, _BENEATH, struct.pack("=Qi", rights, place), 0)
    os.close(place)
