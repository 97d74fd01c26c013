"""Shutting a process in: limits, no network, no other files, no other system calls."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Final

from verbund.ingest.jail.files import forbid_other_files
from verbund.ingest.jail.system_calls import forbid_other_calls

MIB: Final = 1024 * 1024
#: How much memory a child may take beside what it has at its start.
MEMORY_BYTES: Final = 512 * MIB
# A JSON reader asks for twelve times the size of its text in one piece, most of which it never touches.
_MEMORY_PER_BODY_BYTE: Final = 12
#: With the largest body.
MOST_MEMORY_BYTES: Final = 1280 * MIB
# Descriptors are numbered below this: three, the channel, a body, and a few for modules and zones being read.
_OPEN_FILES: Final = 24
# A child works for one run, however long; each single piece of work has a limit of its own, see `allow_cpu`.
_CPU_OF_A_RUN_S: Final = 4 * 3600

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_NEW_IPC, _NEW_USER, _NEW_NET = 0x08000000, 0x10000000, 0x40000000


def confine(*, readable: Collection[str], parent: int) -> list[str]:
    """Shut this process in for good, as tightly as kernel and machine allow; returns which walls stand.

    Any one of `calls`, `network` and `files` may be missing on an old kernel; the limits always hold.

    Args:
        readable: folders and files that may still be read.
        parent: the process whose end ends this one.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    walls = ["limits"]
    _limit()
    if libc.unshare(_NEW_USER | _NEW_NET | _NEW_IPC) == 0:
        walls.append("network")
    # After unshare, which forgets it.
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        walls += ["files"] if forbid_other_files(libc, readable) else []
        walls += ["calls"] if forbid_other_calls(libc) else []
    return walls


def allow_cpu(seconds: float) -> None:
    """The next piece of work may take so much processor time; then the process is ended by SIGXCPU."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + seconds) + 1
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (min(soft, hard) if hard != resource.RLIM_INFINITY else soft, hard))


def allow_memory(base: int, *, body: int = 0) -> None:
    """The next piece of work may take `MEMORY_BYTES` beside `base`, and more for a body of that size."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_AS, (min(hard, base + MEMORY_BYTES + body * _MEMORY_PER_BODY_BYTE), hard))


def _limit() -> None:
    _lower(resource.RLIMIT_AS, address_space() + MOST_MEMORY_BYTES)
    _lower(resource.RLIMIT_CPU, _CPU_OF_A_RUN_S)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _lower(resource.RLIMIT_NPROC, 0)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing to a file is an error, no death


def _lower(which: int, to: int) -> None:
    hard = resource.getrlimit(which)[1]
    if hard != resource.RLIM_INFINITY and hard < to:
        return
    if sys.platform == "darwin" and which == resource.RLIMIT_AS:
        return  # not known there
    resource.setrlimit(which, (to, to))


def address_space() -> int:
    """What this process has mapped, bytes."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[0])
    except OSError:
        return 1024 * MIB
    return pages * resource.getpagesize()
