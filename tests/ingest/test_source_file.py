"""Source files: what is written is understood, and what is misspelt is named with its line."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.ingest.conftest import CONNECTORS
from verbund.errors import SourceFileError
from verbund.ingest.source_file import SourceFile
from verbund.ingest.source_loading import load_source

WHOLE = """
source: enr-list
district: "05954"
connector: list
title: Kursliste
licence: CC-BY-4.0
attribution: Ennepe-Ruhr-Kreis
contacts: functions
with: {url: "https://kurse.example"}
schedule: {every: 1h, jitter: 10m, not_between: ["07:00-09:00"]}
removal: full-list
grace: {missing_runs: 3, missing_for: 2d}
guards: {shrink: {count: 3, share: 0.10}, empty: hold, id_churn: {share: 0.5}, revise: off, growth: {share: 1.0}}
"""


def load(tmp_path: Path, text: str, **environ: str) -> SourceFile:
    path = tmp_path / "source.yaml"
    path.write_text(text, encoding="utf-8")
    return load_source(path, connectors=CONNECTORS, environ=environ)


def test_a_whole_file_is_understood(tmp_path: Path) -> None:
    source = load(tmp_path, WHOLE)
    assert source.effective_grace.missing_for == timedelta(days=2)
    assert source.guards.revise == "off"
    assert source.schedule is not None
    assert source.schedule.every == timedelta(hours=1)
    assert source.scope == {"url": "https://kurse.example", "parts": '["de"]'}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("licence:", "lizence:", "line 6: unknown key 'lizence'; did you mean 'licence'?"),
        ("missing_runs", "mising_runs", "line 12: unknown key 'mising_runs'; did you mean 'missing_runs'?"),
        ("connector: list", "connector: lst", "there is no connector 'lst'; did you mean 'list'?"),
        ("url:", "ulr:", "did you mean 'url'?"),
        ('"05954"', "07233", "write its five digits in quotes"),
        ('"05954"', '"05999"', "05999 is no district key"),
        ("every: 1h", "every: hourly", "a duration is a number"),
        ("source: enr-list", "source: ENR", "line 2"),
        ("title: Kursliste", "title: A\ntitle: B", "title is given twice"),
        ("title: Kursliste", "title: [", "this is not YAML"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(SourceFileError) as caught:
        load(tmp_path, WHOLE.replace(old, new, 1))
    assert said in str(caught.value)


def test_a_reference_is_resolved_and_its_value_is_not_in_the_digest(tmp_path: Path) -> None:
    text = WHOLE.replace("https://kurse.example", "https://kurse.example/${CANARY}")
    one, two = load(tmp_path, text, CANARY="one"), load(tmp_path, text, CANARY="two")
    assert (one.settings.url, one.digest) == ("https://kurse.example/one", two.digest)


def test_a_reference_to_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceFileError, match="the environment has no MISSING"):
        load(tmp_path, WHOLE.replace("https://kurse.example", "${MISSING}"))


def test_a_secret_in_the_file_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceFileError, match="a secret is written as"):
        load(tmp_path, WHOLE.replace("with: {", "with: {api_key: abc, "))


def test_a_file_that_a_person_hands_in_has_no_grace(tmp_path: Path) -> None:
    text = WHOLE.replace("url:", "path: liste.csv, url:").replace("grace: {missing_runs: 3, missing_for: 2d}\n", "")
    with pytest.raises(SourceFileError, match="unknown key 'path'"):
        load(tmp_path, text)


def test_what_a_file_covers_or_grants_makes_records_mapped_again(tmp_path: Path) -> None:
    plain, other = load(tmp_path, WHOLE), load(tmp_path, WHOLE.replace("CC-BY-4.0", "CC0-1.0"))
    assert plain.mapping_version != other.mapping_version
    assert plain.mapping_version == load(tmp_path, WHOLE.replace("1h", "2h")).mapping_version
