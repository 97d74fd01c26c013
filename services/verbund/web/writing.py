"""What the web needs in order to write: who may, where it is written, and whom to tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from verbund.desk import Desk
from verbund.state import ApiKeys

#: Asks the scheduler of this machine to run a source soon; whether there is one that will.
Hurry: TypeAlias = Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """Where answers of people go. An application made without it has no writing endpoint at all."""

    keys: ApiKeys
    desk: Desk
    hurry: Hurry
