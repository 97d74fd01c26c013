"""The compiled fit of a draft against the walk that names what is wrong."""

import copy
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import verbund_schemas
from verbund.draft_fit import fit_of
from verbund.testing.builders import an_offer, an_organisation
from verbund.value_check import record

YEAR = 2026
NEEDED = {"Offer": ("kind", "texts"), "Organisation": ()}
FITS = {name: fit_of(name, needed=needed) for name, needed in NEEDED.items()}
WALKS = {name: record(verbund_schemas.expanded(name)["fields"], needed=needed) for name, needed in NEEDED.items()}

RECURRENCE = {"rule": "FREQ=WEEKLY;BYDAY=MO", "start": "2026-10-05T18:00:00", "exceptions": ["2026-12-28T18:00:00"]}
HOURS = [{"weekday": 1, "opens": "09:00", "closes": "24:00", "by_appointment": True}]
FULL = {
    "Offer": an_offer(recurrence=RECURRENCE, opening_hours=HOURS, access={"conditions": "B1"}, extra={"a": "b"}),
    "Organisation": an_organisation(),
}
# Values at the edges of every rule, right in some fields and wrong in the others.
EDGES: list[Any] = [
    *(None, True, False, 0, 1, -1, 7, 8, 120, 121, 100_000, 100_001, 2**31 - 1, 2**31, 0.5, float("nan"), float("inf")),
    *(
        1_000_000,
        1_000_001,
        "",
        "x",
        "x" * 20_000,
        "x" * 20_001,
        "2026-10-05",
        "2026-02-30",
        "1999-12-31",
        "2037-01-01",
    ),
    *("2026-10-05T18:00:00Z", "2026-10-05T18:00:00+00", "2026-10-05T18:00:00", "09:00", "24:01", "Europe/Berlin"),
    *("Europe/Nowhere", "course", "language", "A2.1", "A2+", "05954", "99999", "05954020", "de", "original", "full"),
    *("https://a.example/b", "https://a.example/b c", "https://a.example/" + "x" * 2000, "javascript:alert(1)"),
    *(
        [],
        {},
        ["x"],
        ["language"],
        ["2026-10-05"],
        [None],
        [[]],
        {"x": "y"},
        {"x": None},
        {1: "y"},
        {"de": {"title": "x"}},
    ),
]


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every container in a value, with each of its keys."""
    if not isinstance(value, dict | list):
        return []
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    return [(value, key) for key in keys] + [place for key in keys for place in _places(value[key])]


@st.composite
def drafts(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A whole draft in which a few values were replaced, left out or added."""
    name = draw(st.sampled_from(sorted(FULL)))
    draft: dict[str, Any] = copy.deepcopy(FULL[name])
    for _ in range(draw(st.integers(0, 3))):
        container, key = draw(st.sampled_from(_places(draft)))
        change = draw(st.sampled_from(("replace", "leave out", "add")))
        if change == "replace":
            container[key] = copy.deepcopy(draw(st.sampled_from(EDGES)))
        elif change == "leave out":
            del container[key]
        elif isinstance(container, dict):
            container["new"] = copy.deepcopy(draw(st.sampled_from(EDGES)))
    return name, draft


@given(drafts())
@settings(max_examples=2_000, deadline=None)
def test_a_draft_fits_when_and_only_when_the_walk_finds_nothing(drawn):
    name, draft = drawn
    assert FITS[name](draft, YEAR) == (not WALKS[name](draft, YEAR))


@pytest.mark.parametrize("name", sorted(FULL))
@pytest.mark.parametrize("edge", EDGES, ids=range(len(EDGES)))
def test_every_value_at_an_edge_is_judged_alike_in_every_place(name, edge):
    for at in range(len(_places(FULL[name]))):
        draft = copy.deepcopy(FULL[name])
        container, key = _places(draft)[at]
        container[key] = edge
        assert FITS[name](draft, YEAR) == (not WALKS[name](draft, YEAR)), key


def test_what_is_no_plain_json_is_left_to_the_walk():
    offer = FULL["Offer"]
    assert FITS["Offer"](offer, YEAR)
    assert FITS["Offer"]({**offer, "categories": ("language",)}, YEAR)
    assert not FITS["Offer"]({**offer, "extra": MappingProxyType({})}, YEAR)
    assert not FITS["Offer"](MappingProxyType({**offer, "kind": "kurs"}), YEAR)
