"""How good many offers are together, and what to mend first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from verbund.quality import REJECTED, findings_of, order
from verbund_schemas import vocabulary

_BEST: Final = 100


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the offers have a finding.

    Attributes:
        count: offers with it; `share` of all, 0 to 1.
        gain: points that the score would rise by if nobody had it.
    """

    code: str
    grade: str
    count: int
    share: float
    gain: float


@dataclass(frozen=True, slots=True)
class Score:
    """The quality of many offers.

    Attributes:
        points: 0 to 100; None when there is nothing to judge.
        offers: how many were judged, rejected records among them.
        shares: every finding that occurs, the most rewarding to mend first; of equal ones the more frequent.
    """

    points: float | None
    offers: int
    shares: tuple[Share, ...]

    @property
    def first(self) -> Share | None:
        """What to mend first: the finding without which the score would be highest; None when nothing costs points."""
        return next((share for share in self.shares if share.gain > 0), None)


def score(groups: Iterable[tuple[str, int]]) -> Score:
    """The score of offers that are given as marks and how many have exactly these.

    An offer begins with 100 points and loses those of the grade of each finding (`points` in the vocabulary
    `quality_grade`: error 25, warning 10, tip 4, notice 1), but never more than 100. The score of many is the mean. A
    rejected record counts as one more offer with 0 points, since nobody can find it. What mending a finding would bring
    is the mean without it, less the mean as it is; rejected records, once mended, are taken to be like the others.
    """
    tally = _Tally()
    for found, number in groups:
        if number > 0:
            tally.add(_finding_codes(found), number)
    if not tally.offers:
        return Score(None, 0, ())
    points = tally.points / tally.offers
    shares = [tally.share(code, points) for code in order() if code in tally.counts]
    shares.sort(key=lambda share: (-share.gain, -share.count))
    return Score(round(points, 1), tally.offers, tuple(shares))


class _Tally:
    """Sums over groups of offers: one pass, since a hub asks for all sources at once."""

    def __init__(self) -> None:
        self.offers = 0
        self.points = 0
        self.counts: Counter[str] = Counter()
        self._gains: Counter[str] = Counter()

    def add(self, codes: tuple[str, ...], number: int) -> None:
        """So many offers with exactly these findings."""
        self.offers += number
        self.counts.update(dict.fromkeys(codes, number))
        if REJECTED in codes:
            return
        weights = _weights()
        lost = sum(weights[code] for code in codes)
        self.points += max(0, _BEST - lost) * number
        for code in codes:
            # Who has lost more than all gains only what then is left.
            regained = max(0, _BEST - lost + weights[code]) - max(0, _BEST - lost)
            self._gains[code] += regained * number

    def share(self, code: str, points: float) -> Share:
        """How many have the finding, and what mending it brings to a mean of so many points."""
        count = self.counts[code]
        if code == REJECTED:
            others = self.offers - count
            gain = (self.points / others if others else _BEST) - points
        else:
            gain = self._gains[code] / self.offers
        return Share(code, _grade(code), count, count / self.offers, round(gain, 2))


@lru_cache(maxsize=10_000)
def _finding_codes(found: str) -> tuple[str, ...]:
    return tuple(one.code for one in findings_of(found))


@cache
def _grade(code: str) -> str:
    return str(vocabulary("quality").terms[code].more["grade"])


@cache
def _weights() -> dict[str, int]:
    points = {grade.code: int(grade.more["points"]) for grade in vocabulary("quality_grade").terms.values()}
    return {term.code: points[term.more["grade"]] for term in vocabulary("quality").terms.values()}
