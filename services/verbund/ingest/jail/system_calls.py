"""Which system calls a jailed process may make: all others answer "not permitted" (seccomp, no privileges needed)."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from typing import Final

# Number on x86-64 and on 64-bit ARM; None where a machine has no such call.
_ALLOWED: Final[dict[str, tuple[int, int | None]]] = {
    # what is open already, and files that Landlock lets be opened for reading
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67), "preadv": (295, 69),
    "lseek": (8, 62), "close": (3, 57), "fstat": (5, 80), "newfstatat": (262, 79), "stat": (4, None),
    "lstat": (6, None), "statx": (332, 291), "open": (2, None), "openat": (257, 56), "getdents64": (217, 61),
    "readlink": (89, None), "readlinkat": (267, 78), "access": (21, None), "faccessat": (269, 48),
    "faccessat2": (439, 439), "getcwd": (79, 17), "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24),
    "poll": (7, None), "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72), "sendmsg": (46, 211),
    "sendto": (44, 206), "recvmsg": (47, 212), "recvfrom": (45, 207), "fadvise64": (221, 223),
    # memory, time, itself
    "mmap": (9, 222), "munmap": (11, 215), "mremap": (25, 216), "mprotect": (10, 226), "madvise": (28, 233),
    "brk": (12, 214), "futex": (202, 98), "membarrier": (324, 283), "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "sigaltstack": (131, 132), "restart_syscall": (219, 128),
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "clock_nanosleep": (230, 115), "nanosleep": (35, 101),
    "gettimeofday": (96, 169), "time": (201, None), "times": (100, 153), "getrusage": (98, 165),
    "setitimer": (38, 103), "getitimer": (36, 102), "getrandom": (318, 278), "getpid": (39, 172),
    "getppid": (110, 173), "gettid": (186, 178), "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176),
    "getegid": (108, 177), "uname": (63, 160), "sysinfo": (99, 179), "sched_getaffinity": (204, 123),
    "sched_yield": (24, 124), "getcpu": (309, 168), "arch_prctl": (158, None), "set_robust_list": (273, 99),
    "rseq": (334, 293), "getrlimit": (97, 163), "setrlimit": (160, 164), "exit": (60, 93), "exit_group": (231, 94),
}  # fmt: skip

# Calls that may be made with some values of one argument only: numbers, which argument, its values.
_FCNTL: Final = (72, 25)
_FCNTL_COMMANDS: Final = (0, 1, 2, 3, 4, 1030)  # duplicate, flags; never who is signalled
_IOCTL: Final = (16, 29)
_IOCTL_COMMANDS: Final = (0x5401, 0x541B, 0x5450, 0x5451)  # is it a terminal, how much waits, close on exec
_PRLIMIT: Final = (302, 261)  # of this process alone
_TGKILL: Final = (234, 131)  # abort() of this process alone

_AUDIT_ARCH: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_OTHER_ABI = 0x40000000  # x32 on x86-64 numbers the same calls anew

# Classic BPF: load a word, jump if equal, if greater or equal, return.
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
_NUMBER_AT, _ARCH_AT, _ARGUMENTS_AT = 0, 4, 16

_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2

_Instruction = tuple[int, int, int, int]


def forbid_other_calls(libc: ctypes.CDLL) -> bool:
    """From here on only the listed calls work; whether this kernel and machine can do that.

    Needs PR_SET_NO_NEW_PRIVS. Cannot be taken back.
    """
    if platform.machine() not in _AUDIT_ARCH:
        return False
    program = b"".join(struct.pack("HBBI", *step) for step in _program(platform.machine()))
    code = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(struct.pack("HL", len(program) // 8, ctypes.addressof(code)))
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(header), 0, 0) == 0)


def _program(machine: str) -> list[_Instruction]:
    column = ("x86_64", "aarch64").index(machine)
    own = os.getpid()
    steps: list[_Instruction] = [
        (_LOAD, 0, 0, _ARCH_AT),
        (_EQUAL, 1, 0, _AUDIT_ARCH[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, 0, 1, _OTHER_ABI),
        (_RETURN, 0, 0, _REFUSE),
    ]
    for numbers in _ALLOWED.values():
        if (number := numbers[column]) is not None:
            steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    for numbers, argument, values in (
        (_FCNTL, 1, _FCNTL_COMMANDS),
        (_IOCTL, 1, _IOCTL_COMMANDS),
        (_PRLIMIT, 0, (0, own)),
        (_TGKILL, 0, (own,)),
    ):
        inner: list[_Instruction] = [(_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument)]
        for value in values:
            inner += [(_EQUAL, 0, 1, value), (_RETURN, 0, 0, _ALLOW)]
        inner.append((_RETURN, 0, 0, _REFUSE))
        steps += [(_EQUAL, 0, len(inner), numbers[column]), *inner]
    steps.append((_RETURN, 0, 0, _REFUSE))
    return steps
