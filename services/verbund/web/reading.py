"""What the web needs of the rest, filled by bootstrap: only questions, nothing that writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from verbund.codec import Codec
from verbund.views.changes import Changes
from verbund.views.health import Health
from verbund.views.history import History
from verbund.views.holds import Holds
from verbund.views.offers import Offers
from verbund.views.organisations import Organisations
from verbund.views.overrides import Overrides
from verbund.views.quality import Quality
from verbund.views.reject_report import RejectReport
from verbund.views.search import SearchIndex

#: Opens contacts of a district for showing: fields of the schema `Contact` by id. It leaves out the erased and the
#: withdrawn ones, and those whose licence forbids showing.
ContactsOf: TypeAlias = Callable[[str, Sequence[str]], Mapping[str, Mapping[str, Any]]]

#: Values of a source that its mapping left out, as JSON values, in the language `de` or `en`.
DroppedOf: TypeAlias = Callable[[str, str], Sequence[Mapping[str, Any]]]

#: Action and record key of each record of the held set with this digest; raises `RawGoneError` when it is not here.
SetOf: TypeAlias = Callable[[str], Iterator[tuple[str, str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Where answers come from.

    Attributes:
        clock: now, with a zone.
        lag: events of the log that views or search have not read yet; may raise what the log raises.
        version: of the program.
        contacts_of: None: no contacts are shown.
        dropped_of: None: this process does not know what mappings left out.
        set_of: None: this process has no archive of held sets.
        reminding: people are reminded of open holds, by mail or webhook.
        public_url: address under which people reach this hub, or None.
    """

    search: SearchIndex
    offers: Offers
    history: History
    organisations: Organisations
    changes: Changes
    health: Health
    quality: Quality
    rejects: RejectReport
    holds: Holds
    overrides: Overrides
    codec: Codec
    clock: Callable[[], datetime]
    lag: Callable[[], int]
    version: str
    contacts_of: ContactsOf | None = None
    dropped_of: DroppedOf | None = None
    set_of: SetOf | None = None
    reminding: bool = False
    public_url: str | None = None
