"""What the web needs of the rest, filled by bootstrap: only questions, nothing that writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from verbund.codec import Codec
from verbund.views.changes import Changes
from verbund.views.health import Health
from verbund.views.history import History
from verbund.views.offers import Offers
from verbund.views.organisations import Organisations
from verbund.views.search import SearchIndex

#: Opens contacts of a district for showing: fields of the schema `Contact` by id. It leaves out the erased and the
#: withdrawn ones, and those whose licence forbids showing.
ContactsOf: TypeAlias = Callable[[str, Sequence[str]], Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Where answers come from.

    Attributes:
        clock: now, with a zone.
        lag: events of the log that views or search have not read yet; may raise what the log raises.
        version: of the program.
        contacts_of: None: no contacts are shown.
        public_url: address under which people reach this hub, or None.
    """

    search: SearchIndex
    offers: Offers
    history: History
    organisations: Organisations
    changes: Changes
    health: Health
    codec: Codec
    clock: Callable[[], datetime]
    lag: Callable[[], int]
    version: str
    contacts_of: ContactsOf | None = None
    public_url: str | None = None
