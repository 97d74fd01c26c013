"""How good many offers are together, and what to mend first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from verbund.quality import REJECTED, Finding, findings_of, order
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
    known = [(findings_of(marks_), number) for marks_, number in groups if number > 0]
    total = sum(number for _, number in known)
    if not total:
        return Score(None, 0, ())
    points = sum(_points(found) * number for found, number in known) / total
    shares = [_share(code, known, total, points) for code in order() if any(_has(found, code) for found, _ in known)]
    shares.sort(key=lambda share: (-share.gain, -share.count))
    return Score(round(points, 1), total, tuple(shares))


def _share(code: str, known: Sequence[tuple[tuple[Finding, ...], int]], total: int, points: float) -> Share:
    count = sum(number for found, number in known if _has(found, code))
    if code == REJECTED:
        others = total - count
        mended = points * total / others if others else float(_BEST)
    else:
        without = [(tuple(one for one in found if one.code != code), number) for found, number in known]
        mended = sum(_points(found) * number for found, number in without) / total
    return Share(code, _grade(code), count, count / total, round(mended - points, 2))


def _points(found: Sequence[Finding]) -> int:
    if _has(found, REJECTED):
        return 0
    return max(0, _BEST - sum(_weights()[one.grade] for one in found))


def _has(found: Sequence[Finding], code: str) -> bool:
    return any(one.code == code for one in found)


@cache
def _grade(code: str) -> str:
    return str(vocabulary("quality").terms[code].more["grade"])


@cache
def _weights() -> dict[str, int]:
    return {term.code: int(term.more["points"]) for term in vocabulary("quality_grade").terms.values()}
