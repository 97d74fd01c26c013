"""Reading one page ahead changes when a page is read, and nothing else."""

from datetime import timedelta

import pytest

from verbund.errors import LogUnavailableError
from verbund.event_log import NO_WAIT
from verbund.event_log.memory import MemoryEventLog
from verbund.projection.pages import Pages
from verbund.testing.builders import a_published_offer
from verbund.views.history import HistoryView
from verbund.views.offers import OffersView

TOPIC = "inventory.05954"


@pytest.fixture
def event_log(codec):
    log = Watched(codec=codec)
    log.append(TOPIC, [a_published_offer(record_key=f"k{at}") for at in range(10)])
    return log


class Watched(MemoryEventLog):
    """Remembers what was asked, and can be away."""

    def __init__(self, **wishes):
        super().__init__(**wishes)
        self.asked = []
        self.away = False

    def read(self, positions, **wishes):
        self.asked.append(dict(positions))
        if self.away:
            raise LogUnavailableError("away")
        return super().read(positions, **wishes)


def positions_of(records):
    return [record.position for record in records]


def test_the_next_page_is_read_and_decoded_ahead_and_used_once(event_log):
    with Pages(event_log, limit=4) as pages:
        assert positions_of(pages.read({TOPIC: 0}, [OffersView()], wait=NO_WAIT)) == [0, 1, 2, 3]
        following = pages.read({TOPIC: 4}, [OffersView()], wait=NO_WAIT)
        assert positions_of(following) == [4, 5, 6, 7]
        assert all(record._data for record in following)
        assert positions_of(pages.read({TOPIC: 4}, [OffersView()], wait=NO_WAIT)) == [4, 5, 6, 7]
    assert event_log.asked.count({TOPIC: 4}) == 2


def test_a_page_for_another_place_is_thrown_away(event_log):
    with Pages(event_log, limit=4) as pages:
        pages.read({TOPIC: 0}, [OffersView()], wait=NO_WAIT)
        assert positions_of(pages.read({TOPIC: 2}, [OffersView()], wait=NO_WAIT)) == [2, 3, 4, 5]


def test_a_page_that_was_cut_short_is_read_on_from_where_the_reader_stands(event_log):
    event_log.append("inventory.09188", [a_published_offer(district="09188", record_key=f"k{at}") for at in range(3)])
    with Pages(event_log, limit=4) as pages:
        pages.read({TOPIC: 0, "inventory.09188": 0}, [OffersView()], wait=NO_WAIT)
        page = pages.read({"inventory.09188": 0}, [OffersView()], wait=NO_WAIT)
        assert positions_of(page) == [0, 1, 2]
        assert {record.topic for record in page} == {"inventory.09188"}


def test_views_that_never_decode_cause_no_decoding_ahead(event_log):
    with Pages(event_log, limit=4) as pages:
        pages.read({TOPIC: 0}, [HistoryView()], wait=NO_WAIT)
        assert not any(record._data for record in pages.read({TOPIC: 4}, [HistoryView()], wait=NO_WAIT))


def test_nothing_is_read_beyond_the_wanted_end(event_log):
    with Pages(event_log, limit=4) as pages:
        pages.read({TOPIC: 0}, [OffersView()], wait=timedelta(0), ends={TOPIC: 4})
    assert event_log.asked == [{TOPIC: 0}]


def test_a_failure_of_reading_ahead_is_raised_by_the_read_that_needs_it(event_log):
    with Pages(event_log, limit=4) as pages:
        pages.read({TOPIC: 0}, [OffersView()], wait=NO_WAIT)
        assert pages._page is not None
        pages._page.result()
        event_log.away = True
        pages.read({TOPIC: 4}, [OffersView()], wait=NO_WAIT)
        with pytest.raises(LogUnavailableError):
            pages.read({TOPIC: 8}, [OffersView()], wait=NO_WAIT)
