"""Every version ever shipped stays as it was."""

import copy
import json
import subprocess
import sys

import pytest

import verbund_schemas
from verbund_schemas import freezing


def test_todays_schemas_are_frozen_and_no_frozen_file_was_touched():
    assert freezing.problems() == []


@pytest.fixture
def folder(tmp_path):
    assert freezing.freeze({"Seat": _seat()}, folder=tmp_path) == ["Seat/1.avsc"]
    return tmp_path


def _seat(**field):
    fields = [{"name": "row", "type": "int", "default": 1, "doc": "Row.", **field}]
    return {"type": "record", "name": "Seat", "namespace": "verbund", "doc": "A seat.", "fields": fields}


def test_freezing_twice_writes_nothing_new(folder):
    assert freezing.freeze({"Seat": _seat()}, folder=folder) == []
    assert freezing.problems({"Seat": _seat()}, folder=folder) == []


def test_a_change_of_docs_is_no_new_version(folder):
    assert freezing.freeze({"Seat": _seat(doc="The row.")}, folder=folder) == []


def test_a_changed_schema_is_a_finding_until_it_is_frozen_beside_the_old_one(folder):
    changed = {"Seat": _seat(type="long")}
    assert "not frozen" in freezing.problems(changed, folder=folder)[0]
    assert freezing.freeze(changed, folder=folder) == ["Seat/2.avsc"]
    assert freezing.problems(changed, folder=folder) == []
    assert json.loads((folder / "Seat/1.avsc").read_text()) == _seat()


def test_an_edited_file_is_found_even_when_only_a_doc_was_edited(folder):
    path = folder / "Seat/1.avsc"
    path.write_text(path.read_text().replace("A seat.", "A chair."))
    assert freezing.problems({"Seat": _seat()}, folder=folder) == [
        "Seat/1.avsc: was edited after it was shipped; bring the old text back"
    ]


def test_a_lost_and_a_slipped_in_file_are_found(folder):
    (folder / "Seat/1.avsc").rename(folder / "Seat/2.avsc")
    found = freezing.problems({"Seat": _seat()}, folder=folder)
    assert any("Seat/1.avsc: was shipped and is gone" in problem for problem in found)
    assert any("Seat/2.avsc: is not in the lock" in problem for problem in found)


def test_a_lock_edited_together_with_its_file_is_found(folder):
    path = folder / "Seat/1.avsc"
    path.write_text(path.read_text().replace('"int"', '"long"'))
    lock = json.loads((folder / "lock.json").read_text())
    lock["Seat/1.avsc"]["file"] = freezing._sha256(path.read_bytes())
    (folder / "lock.json").write_text(json.dumps(lock))
    assert any("the lock names another schema" in problem for problem in freezing.problems({}, folder=folder))


def test_every_shipped_version_can_be_loaded_by_its_digest():
    lock = copy.deepcopy(freezing._lock(freezing.SHIPPED))
    assert {path.partition("/")[0] for path in lock} >= set(verbund_schemas.stored_names())
    for path, entry in lock.items():
        schema = verbund_schemas.shipped(entry["schema"])
        assert verbund_schemas.digest(schema) == entry["schema"]
        assert schema["name"] == f"verbund.{path.partition('/')[0]}"


@pytest.mark.parametrize(("arguments", "code"), [(["check"], 0), ([], 2), (["thaw"], 2)], ids=str)
def test_the_command_says_by_its_exit_code_what_it_found(arguments, code):
    done = subprocess.run(
        [sys.executable, "-m", "verbund_schemas", *arguments], check=False, capture_output=True, text=True
    )
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
