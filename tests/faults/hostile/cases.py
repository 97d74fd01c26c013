"""All hostile feeds."""

from tests.faults.hostile import feeds, tables
from tests.faults.hostile.case import Case

CASES: tuple[Case, ...] = (*tables.CASES, *feeds.CASES)
