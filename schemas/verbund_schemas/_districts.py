"""The register of the 401 German districts, state of 2026-01-01."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from verbund_schemas._files import read_json

#: Must stand wherever the register's points or neighbours are shown, and beside every map made of them.
BKG_ATTRIBUTION = "© GeoBasis-DE / BKG 2025 (Daten verändert), dl-de/by-2-0"
#: What `BKG` in the attribution links to on web pages.
BKG_URL = "https://www.bkg.bund.de"
#: The licence that the attribution names.
BKG_LICENCE_URL = "https://www.govdata.de/dl-de/by-2-0"


class District(NamedTuple):
    """A Landkreis or a kreisfreie Stadt.

    Attributes:
        ags: five-digit district key; a string, since leading zeros count.
        name: short; 22 of them are shared by a city and the rural district around it.
        full_name: for people.
        kind: as it calls itself: Landkreis, Kreis, Kreisfreie Stadt, Stadtkreis.
        state, state_code: name and two-digit key of its Land.
        lon, lat: centroid, WGS 84; may lie outside of a district with a hole.
        inside_lon, inside_lat: a point surely inside, for labels and joins.
        neighbours: keys of the districts with a shared border longer than 50 m.
    """

    ags: str
    name: str
    full_name: str
    kind: str
    state: str
    state_code: str
    lon: float
    lat: float
    inside_lon: float
    inside_lat: float
    neighbours: tuple[str, ...]


@cache
def districts() -> Mapping[str, District]:
    """All districts by key, ascending."""
    register = read_json("data", "districts.json")
    states: dict[str, str] = register["states"]
    found = (
        District(ags, name, full_name, kind, states[ags[:2]], ags[:2], lon, lat, inside_lon, inside_lat, tuple(beside))
        for ags, name, full_name, kind, lon, lat, inside_lon, inside_lat, beside in register["districts"]
    )
    return MappingProxyType({district.ags: district for district in found})
