"""Verbund through every story of the corpus: nothing withdrawn that exists, nothing kept that is gone."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.corpus.measure import fast_and_quiet, measured, ours_alone
from tests.faults.corpus.ours import Verbund
from tests.faults.corpus.scenarios import SCENARIOS
from tests.faults.corpus.story import Scenario


@pytest.fixture(autouse=True, scope="module")
def _fast_and_quiet() -> Iterator[None]:
    with fast_and_quiet():
        yield


def _parameters() -> Iterator[Any]:
    """Each script with one kind of feed in every run, with the others among the long tests."""
    told: set[str] = set()
    for scenario in SCENARIOS:
        script = scenario.name.partition(": ")[2]
        marks = [pytest.mark.faults] if script in told else []
        told.add(script)
        yield pytest.param(scenario, id=scenario.name.replace(": ", "-").replace(" ", "_"), marks=marks)


@pytest.mark.parametrize("scenario", list(_parameters()))
def test_what_exists_stays_and_what_is_gone_goes(scenario: Scenario) -> None:
    with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
        result, ours = ours_alone(scenario, Path(folder))
        ours.close()
    assert result.wrong == [], scenario.says
    assert result.missed == [], scenario.says
    if not scenario.tolerates:
        assert not result.untrue, scenario.says


def test_the_corpus_covers_every_kind_of_feed_and_each_story_has_a_name_of_its_own() -> None:
    feeds = Counter(scenario.feed for scenario in SCENARIOS)
    assert feeds.keys() == {"integreat", "rpde", "csv", "xlsx"}
    assert min(feeds.values()) >= 30
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)


def test_whoever_takes_every_absence_for_a_deletion_is_caught() -> None:
    """The measure itself: it must see both kinds of failure."""
    story = next(scenario for scenario in SCENARIOS if scenario.name == "csv: empty for one night")
    assert len(measured(story)["Integreat"].wrong) == 38
    ends = next(scenario for scenario in SCENARIOS if scenario.name == "csv: the season ends")
    assert len(measured(ends)["DataHub"].missed) == 40


def test_two_sources_with_the_same_ids_do_not_touch_each_other(tmp_path: Path) -> None:
    """One empties, one lives on; what they call by the same key are two offers."""
    stories = {scenario.name: scenario for scenario in SCENARIOS}
    empty, plain = stories["csv: empty for a week"], stories["csv: one ends every night"]
    sources = {Verbund(tmp_path, "vhs"): empty, Verbund(tmp_path, "awo"): plain}
    steps = [list(scenario.steps()) for scenario in sources.values()]
    for nights in zip(*steps, strict=False):
        for system, night in zip(sources, nights, strict=True):
            before = system.live
            system.take(night)
            assert not (before - system.live) & night.truth.keys()
    for system in sources:
        system.close()
