"""What a run needs for itself lies on the disk, so that memory does not grow with a feed."""

from __future__ import annotations

from pathlib import Path

from tests.ingest.conftest import World
from verbund.ingest.rooms import opened


def test_the_scratch_of_a_run_is_a_file_that_is_gone_afterwards(world: World) -> None:
    with opened(world.ingest._rooms) as db:
        files = {name: file for _, name, file in db.execute("PRAGMA database_list")}
        assert Path(files["scratch"]).is_file()
    assert not Path(files["scratch"]).exists()
