"""Word lists and the register of districts."""

import re
import subprocess
import sys

import pytest

import verbund_schemas
from verbund_schemas import districts, level_rank, vocabulary, vocabulary_names


def _fields(schema):
    match schema:
        case {"type": "record", "fields": fields}:
            for field in fields:
                yield field
                yield from _fields(field["type"])
        case {"items": inner} | {"values": inner}:
            yield from _fields(inner)
        case list():
            for branch in schema:
                yield from _fields(branch)
        case _:
            return


def _named_by_fields():
    names = verbund_schemas.event_names() + verbund_schemas.type_names()
    return {f["vocabulary"] for name in names for f in _fields(verbund_schemas.expanded(name)) if "vocabulary" in f}


def test_every_vocabulary_that_a_field_names_exists():
    assert _named_by_fields() <= set(vocabulary_names())


# Said of offers by readers; no record holds them.
SAID_BY_READERS = {"quality", "quality_grade"}


def test_every_vocabulary_is_named_by_a_field():
    assert set(vocabulary_names()) - SAID_BY_READERS <= _named_by_fields()


def test_findings_of_quality_have_a_mark_of_their_own_and_a_known_grade():
    findings = vocabulary("quality").terms.values()
    marks = [finding.more["mark"] for finding in findings]
    assert all(re.fullmatch("[a-z0-9]", mark) for mark in marks)  # databases look for them without regard to case
    assert len(set(marks)) == len(marks)
    assert {finding.more["grade"] for finding in findings} == set(vocabulary("quality_grade").terms)


@pytest.mark.parametrize("name", vocabulary_names())
def test_every_term_has_a_label_in_both_languages_and_a_known_parent(name):
    words = vocabulary(name)
    assert words.terms or words.pattern
    for code, term in words.terms.items():
        assert code == term.code
        assert code in words
        assert term.de.strip()
        assert term.en.strip()
        assert term.parent is None or term.parent in words.terms


def test_an_unknown_vocabulary_is_a_key_error():
    with pytest.raises(KeyError):
        vocabulary("kinds")


def test_a_label_is_given_in_the_language_and_an_unknown_code_is_its_own_label():
    kinds = vocabulary("kind")
    assert kinds.label("counselling", "de") == "Beratung"
    assert kinds.label("counselling", "en") == "Counselling"
    assert kinds.label("unheard_of", "de") == "unheard_of"


def test_levels_rise_from_alpha_by_whole_level_and_sublevel():
    ladder = ["alpha", "A1", "A1.1", "A1.2", "A1.9", "A2", "A2.1", "B1", "B2", "C1", "C2", "C2.2"]
    ranks = [level_rank(level) for level in ladder]
    assert None not in ranks
    assert ranks == sorted({rank for rank in ranks if rank is not None})


@pytest.mark.parametrize("level", ["", None, "A0", "A1.0", "A1.10", "a1", "B1+", "A1 "])
def test_what_is_no_level_has_no_rank_and_is_in_no_vocabulary(level):
    assert level_rank(level) is None
    assert level not in vocabulary("levels")


def test_every_listed_level_has_a_rank():
    ranks = [level_rank(level) for level in vocabulary("levels").terms]
    assert ranks == sorted(rank for rank in ranks if rank is not None)


def test_there_are_401_districts_and_each_neighbour_is_mutual():
    register = districts()
    assert len(register) == 401
    for ags, district in register.items():
        assert len(ags) == 5
        assert district.neighbours
        for neighbour in district.neighbours:
            assert ags in register[neighbour].neighbours


def test_a_district_is_known_by_its_full_name_and_lies_in_germany():
    district = districts()["05954"]
    assert district.full_name == "Ennepe-Ruhr-Kreis"
    assert district.state == "Nordrhein-Westfalen"
    assert "05914" in district.neighbours
    assert {d.ags for d in districts().values() if d.name == "Rosenheim"} == {"09163", "09187"}
    assert len({d.full_name for d in districts().values()}) == 401
    for d in districts().values():
        assert 5.8 < d.inside_lon < 15.1
        assert 47.2 < d.inside_lat < 55.1


def test_importing_the_contract_loads_neither_fastavro_nor_anything_of_ours():
    code = "import sys, verbund_schemas; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"fastavro", "orjson", "pydantic", "verbund", "verbund_connectors"} & set(loaded)
