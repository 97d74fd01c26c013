"""Says what differs when a check of these tests fails."""

import pytest

pytest.register_assert_rewrite("tests.faults.hub", "tests.faults.readings", "tests.faults.processes")
