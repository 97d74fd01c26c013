"""Search around a point: exact to the metre, though an index of terms knows no distances.

The circle is cut into the cells of a grid. Rows of cells that lie inside count whole; offers in cells on the edge
are looked at one place at a time.
"""

from __future__ import annotations

from math import asin, cos, floor, radians, sin, sqrt

import tantivy
from tantivy import FieldType, Occur, Query

from verbund.errors import UsageError
from verbund.views.search_schema import CELLS_PER_DEGREE

#: Beyond this a search around a point is none; districts do better.
MOST_KM = 200.0

_EARTH_KM = 6371.0088
_COLUMNS = 360 * CELLS_PER_DEGREE
_POINTS_PER_DEGREE = 100_000  # about one metre
_POINT_COLUMNS = 360 * _POINTS_PER_DEGREE
_EDGE_CELLS_AT_ONCE = 400
_MOST_PLACES = 60_000  # tantivy counts at most 65,000 buckets in one call


def cell_of(lon: float, lat: float) -> int:
    """Number of the cell; cells of one row follow each other."""
    return _cell(floor(lat * CELLS_PER_DEGREE), floor(lon * CELLS_PER_DEGREE))


def point_of(lon: float, lat: float) -> int:
    """A place to the metre as one number below 2**53 (tantivy hands numbers back as doubles)."""
    row, column = round((lat + 90) * _POINTS_PER_DEGREE), round((lon + 180) * _POINTS_PER_DEGREE)
    return row * _POINT_COLUMNS + column


def place_of(point: int) -> tuple[float, float]:
    """Longitude and latitude of a point."""
    row, column = divmod(point, _POINT_COLUMNS)
    return column / _POINTS_PER_DEGREE - 180, row / _POINTS_PER_DEGREE - 90


def distance_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Great-circle distance of two (lon, lat)."""
    (lon_a, lat_a), (lon_b, lat_b) = a, b
    h = sin(radians(lat_b - lat_a) / 2) ** 2
    h += cos(radians(lat_a)) * cos(radians(lat_b)) * sin(radians(lon_b - lon_a) / 2) ** 2
    return 2 * _EARTH_KM * asin(min(1.0, sqrt(h)))


def circle(
    schema: tantivy.Schema, searcher: tantivy.Searcher, near: tuple[float, float, float], *, within: Query
) -> Query:
    """Offers within `km` of (lon, lat), given `near` as longitude, latitude, kilometres.

    `within` is what else every offer of the question must match: only places of such offers are measured.

    Raises:
        UsageError: no such place, or a radius that is none.
    """
    lon, lat, km = near
    if not (-180 <= lon <= 180 and -85 <= lat <= 85 and 0 < km <= MOST_KM):
        raise UsageError(
            "Around {lon}, {lat} within {km} km cannot be searched: the longitude comes first, "
            "and the radius is above 0 and at most {most} km.",
            lon=lon, lat=lat, km=km, most=MOST_KM,
        )  # fmt: skip
    inside: list[tuple[Occur, Query]] = []
    edge: list[int] = []
    low, high = floor((lat - _degrees(km)) * CELLS_PER_DEGREE), floor((lat + _degrees(km)) * CELLS_PER_DEGREE)
    for row in range(low, high + 1):
        whole, parts = _row((lon, lat), km, row)
        edge += parts
        if whole:
            first, last = whole
            inside.append((Occur.Should, _between(schema, first, last)))
    places = _places_on_the_edge(schema, searcher, edge, within)
    points = [point for point in places if distance_km((lon, lat), place_of(point)) <= km]
    if points:
        inside.append((Occur.Should, Query.term_set_query(schema, "point", points)))
    return Query.boolean_query(inside) if inside else Query.empty_query()


def _row(center: tuple[float, float], km: float, row: int) -> tuple[tuple[int, int] | None, list[int]]:
    """Cells of one row: first and last of those inside, and those on the edge."""
    lon, lat = center
    south, north = row / CELLS_PER_DEGREE, (row + 1) / CELLS_PER_DEGREE
    nearest = min(max(lat, south), north)
    reach = max(_half_width(lat, nearest, km), _half_width(lat, south, km), _half_width(lat, north, km))
    surely = min(_half_width(lat, south, km), _half_width(lat, north, km))
    # One cell of slack on both sides: the widest chord may lie between the row's ends.
    first, last = floor((lon - reach) * CELLS_PER_DEGREE) - 1, floor((lon + reach) * CELLS_PER_DEGREE) + 1
    inner_first = floor((lon - surely) * CELLS_PER_DEGREE) + 2
    inner_last = floor((lon + surely) * CELLS_PER_DEGREE) - 2
    if surely <= 0 or inner_first > inner_last:
        return None, [_cell(row, column) for column in range(first, last + 1)]
    edge = [*range(first, inner_first), *range(inner_last + 1, last + 1)]
    return (_cell(row, inner_first), _cell(row, inner_last)), [_cell(row, column) for column in edge]


def _half_width(lat_center: float, lat: float, km: float) -> float:
    """Half the chord of the circle at a latitude, degrees of longitude; 0 when the circle does not reach it."""
    rest = sin(km / _EARTH_KM / 2) ** 2 - sin(radians(lat - lat_center) / 2) ** 2
    if rest <= 0:
        return 0.0
    share = rest / (cos(radians(lat_center)) * cos(radians(lat)))
    return float(2 * asin(min(1.0, sqrt(share))) / radians(1))


def _places_on_the_edge(
    schema: tantivy.Schema, searcher: tantivy.Searcher, cells: list[int], within: Query
) -> list[int]:
    """All places in these cells; fewer cells at once where a city is too dense for one call."""
    found: list[int] = []
    waiting = [cells[at : at + _EDGE_CELLS_AT_ONCE] for at in range(0, len(cells), _EDGE_CELLS_AT_ONCE)]
    while waiting:
        some = waiting.pop()
        wish = {"places": {"terms": {"field": "point", "size": _MOST_PLACES, "segment_size": _MOST_PLACES}}}
        there = Query.boolean_query([(Occur.Must, within), (Occur.Must, Query.term_set_query(schema, "cell", some))])
        answer = searcher.aggregate(there, wish)["places"]
        if answer["sum_other_doc_count"] and len(some) > 1:
            waiting += [some[: len(some) // 2], some[len(some) // 2 :]]
        else:
            found += [int(bucket["key"]) for bucket in answer["buckets"]]
    return found


def _between(schema: tantivy.Schema, first: int, last: int) -> Query:
    return Query.range_query(schema, "cell", FieldType.Integer, first, last, use_inverted_index=True)


def _cell(row: int, column: int) -> int:
    return (row + 90 * CELLS_PER_DEGREE) * _COLUMNS + column + 180 * CELLS_PER_DEGREE


def _degrees(km: float) -> float:
    return km / (_EARTH_KM * radians(1))
