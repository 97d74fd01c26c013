"""The smallest connector that can do everything, in a module that a child process imports in no time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import orjson

from verbund_connectors.kit import (
    Answer,
    Broken,
    ContactDraft,
    Ignored,
    Item,
    Mapped,
    PartEnd,
    Reject,
    Rejected,
    Request,
    Response,
    Settings,
    SourceContext,
    UnreadableError,
    Withdrawn,
    draft_offer,
    draft_organisation,
    draft_text,
    occurrence,
)


class ListSettings(Settings):
    """One list for each part, by name."""

    url: str
    parts: tuple[str, ...] = ("de",)


class ListFeed:
    """The smallest connector that can do everything: JSON lists of records, one list a part."""

    version: ClassVar[str] = "1"
    settings_model: ClassVar[type[Settings]] = ListSettings
    removal: ClassVar[str] = "full-list"
    volatile_extra: ClassVar[frozenset[str]] = frozenset({"order"})
    scope_settings: ClassVar[tuple[str, ...]] = ("url", "parts")

    def __init__(self, settings: ListSettings, context: SourceContext) -> None:
        self._settings = settings

    def begin(self, cursors: Mapping[str, Any]) -> Sequence[Request]:
        return [Request(part=part, url=f"{self._settings.url}/{part}.json") for part in self._settings.parts]

    def read(self, response: Response) -> Iterator[Any]:
        part = response.request.part
        try:
            records = orjson.loads(response.body.read())
        except orjson.JSONDecodeError as error:
            raise UnreadableError("not_json") from error
        for number, record in enumerate(records):
            if "key" not in record:
                yield Broken(part=part, rule="key_missing", place=str(number), value=record)
                continue
            yield Item(
                part=part,
                id=record["key"],
                key=None if record.get("deleted") else record["key"],  # a tombstone that tells its id only
                data=record,
                deleted=record.get("deleted", False),
                modified=record.get("modified"),
            )
        yield PartEnd(part=part, proof={"count": str(len(records))}, scope={"list": part})

    def map(self, key: str, items: Sequence[Item]) -> Answer:
        if any(item.deleted for item in items):
            return Withdrawn(reason="explicit_delete")
        record = items[0].data
        if record.get("ours"):
            return Ignored(reason="ours")
        if not record.get("title"):
            return Rejected(rejects=(Reject(rule="title_missing", place="title", value=record.get("mail")),))
        texts = {item.part: draft_text(item.data["title"]) for item in items}
        starts = [occurrence(start) for start in record.get("starts", ())]
        contacts = [
            ContactDraft(place_key=key, area=str(rank), rank=rank, data={**_EMPTY_CONTACT, "email": mail})
            for rank, mail in enumerate(record.get("contacts", ()))
        ]
        organisation = record.get("organisation")
        return Mapped(
            offer=draft_offer("course", texts, starts=starts, extra={"order": str(record.get("order", 0))}),
            organisation=(organisation, draft_organisation(organisation)) if organisation else None,
            contacts=tuple(contacts),
        )


_EMPTY_CONTACT: dict[str, Any] = dict.fromkeys(
    ("function", "name", "email", "phone", "mobile", "website", "appointment_url", "opening_hours")
)
