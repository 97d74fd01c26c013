"""Which code a command ends with."""

from __future__ import annotations

import itertools

import pytest

from verbund import errors
from verbund.cli import exits


def a_run(outcome="complete", held=False, conflicts=0):
    return {"outcome": outcome, "held": held, "counts": {"conflicts": conflicts}}


@pytest.mark.parametrize(
    ("run", "new_rejects", "code"),
    [
        (a_run(), False, 0),
        (a_run(), True, 1),
        (a_run("partial"), True, 3),
        (a_run("failed"), False, 3),
        (a_run(held=True), True, 5),
        (a_run("partial", held=True), False, 3),
        (a_run("partial", held=True, conflicts=2), True, 4),
    ],
)
def test_a_run_ends_with_the_gravest_of_its_findings(run, new_rejects, code):
    assert exits.of_run(run, new_rejects=new_rejects) == code


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.SettingsError, 2),
        (errors.SourceFileError, 2),
        (errors.UnknownNameError, 2),
        (errors.SourceUnreachableError, 3),
        (errors.AddressRefusedError, 3),
        (errors.LockedError, 4),
        (errors.BaseMovedError, 4),
        (errors.AppendFailedError, 4),
        (errors.LogUnavailableError, 4),
        (errors.LogUnusableError, 1),
        (errors.EventRefusedError, 70),
        (errors.ViewUnavailableError, 1),
        (errors.ErasedError, 1),
        (errors.VerbundError, 70),
    ],
)
def test_an_error_ends_a_command_with_its_code(kind, code):
    assert exits.of_error(kind("so it is")) == code


def test_of_any_two_the_earlier_in_the_order_is_given():
    for first, second in itertools.combinations(exits.PRECEDENCE, 2):
        assert exits.worst([second, first]) == first
    assert exits.worst([]) == 0
