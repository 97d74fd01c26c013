"""How work in the jail can end, beside well."""

from __future__ import annotations

import re
import signal
from typing import Final

from verbund.ingest.jail.confine import MEMORY_BYTES
from verbund_connectors.kit import UnreadableError

KILLED: Final = "parser_killed"
OUT_OF_MEMORY: Final = "parser_out_of_memory"
TOO_SLOW: Final = "parser_too_slow"
NOT_BELIEVED: Final = "parser_not_believed"
TOO_MUCH: Final = "parser_too_much"
UNAVAILABLE: Final = "parser_unavailable"

_NAMES: Final = {each.value: each.name for each in signal.Signals}
_FALLS = frozenset({signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL})
_MUCH_OF_ALL: Final = MEMORY_BYTES // 2
_OUT_OF_TIME = frozenset({signal.SIGXCPU, signal.SIGALRM, signal.SIGPROF, signal.SIGVTALRM})
# What Rust and C++ write before they abort for want of memory.
_WANTED_MEMORY = (b"memory allocation of", b"bad_alloc", b"MemoryError", b"out of memory", b"Cannot allocate memory")
_BUG = re.compile(rb"\w{1,60} at \w{1,60}\.py:\d{1,6}")


class ParserLostError(UnreadableError):
    """The child did not come to an end with this: it hung, ran out of memory, was killed, or said what cannot be.

    Attributes:
        reason: one of the codes above.
    """


def lost(ended: tuple[int, int] | None, said: bytes) -> ParserLostError:
    """Why a child is gone.

    Args:
        ended: its exit status as `waitpid` gives it and the most memory it had, bytes; None when not known.
        said: the beginning of its standard error; a body may have decided what stands there, so only our own word of a
            bug is shown.
    """
    status, most = ended or (0, 0)
    number = status & 0x7F
    if any(word in said for word in _WANTED_MEMORY):
        return ParserLostError(OUT_OF_MEMORY)
    if number in _OUT_OF_TIME:
        return ParserLostError(TOO_SLOW)
    # Libraries that do not look whether they got memory fall over the lack of it.
    if number in _FALLS and most > _MUCH_OF_ALL:
        return ParserLostError(OUT_OF_MEMORY)
    if number:
        return ParserLostError(KILLED, _NAMES.get(number, f"signal {number}"))
    bug = _BUG.search(said)
    return ParserLostError(KILLED, bug[0].decode() if bug else "")
