"""From a look to a message that is out: nothing is lost or said twice, and trouble stays where it is."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from tests.alerts.conftest import NOON
from tests.alerts.test_due import hold, look, source
from verbund.alerts.channel import NotSentError
from verbund.alerts.facts import Look, WeekOfSource
from verbund.alerts.outbox import CLAIM, GIVE_UP_AFTER, Outbox
from verbund.alerts.sender import Sender
from verbund.errors import ViewUnavailableError
from verbund.settings_alerts import AlertSettings

WEEK = (
    WeekOfSource(source="a", title="Quelle a", word="healthy", runs={"complete": 7}, counts={"published": 3}, live=40),
)


class Way:
    """A channel in memory; `reasons` are why it does not work, one by one."""

    def __init__(self, name="mail"):
        self.name = name
        self.got = []
        self.reasons = []

    def send(self, message):
        if self.reasons:
            raise self.reasons.pop(0)
        self.got.append(message)


class Hub:
    """A look that the test sets, and senders over one state database."""

    def __init__(self, path, clock):
        self.path = path
        self.clock = clock
        self.seen = look(source("a"))
        self.asked_since = []
        self.opened = []

    def outbox(self):
        self.opened.append(Outbox(self.path))
        return self.opened[-1]

    def sender(self, *ways, outbox=None, **settings):
        def week(since):
            self.asked_since.append(since)
            return WEEK

        return Sender(
            outbox or self.outbox(),
            ways,
            settings=AlertSettings(**settings),
            look=lambda: self.seen,
            week=week,
            clock=self.clock,
        )


@pytest.fixture
def hub(tmp_path, clock):
    made = Hub(tmp_path / "state.db", clock)
    yield made
    for outbox in made.opened:
        outbox.close()


def test_a_change_is_told_once_over_every_channel_whatever_restarts(hub):
    mail, hook = Way("mail"), Way("webhook")
    hub.seen = look(source("a", "degraded"))
    for _restart in range(3):
        sender = hub.sender(mail, hook)
        sender.tell()
        sender.send_due()
    assert [len(mail.got), len(hook.got)] == [1, 1]
    assert mail.got[0] == hook.got[0]


def test_several_changes_of_one_look_are_one_message(hub):
    mail = Way()
    hub.seen = look(source("a", "held"), source("b", "degraded"), holds=[hold()])
    sender = hub.sender(mail)
    sender.tell()
    sender.send_due()
    assert [[item.kind for item in message.items] for message in mail.got] == [["new_hold", "degraded"]]


def test_a_message_that_was_stored_before_a_crash_is_sent_after_it(hub):
    hub.seen = look(source("a", "degraded"))
    hub.sender(Way()).tell()
    mail = Way()
    hub.sender(mail).send_due()
    assert len(mail.got) == 1


def test_a_message_whose_sender_died_is_sent_by_another_under_the_same_id_and_not_before(hub, clock):
    hub.seen = look(source("a", "degraded"))
    outbox = hub.outbox()
    hub.sender(Way(), outbox=outbox).tell()
    dying = outbox.claim(clock())
    mail = Way()
    other = hub.sender(mail)
    assert other.send_due() == 0
    clock.later(seconds=CLAIM.total_seconds())
    assert other.send_due() == 1
    assert mail.got[0].message_id == dying.message.message_id


def test_two_processes_send_a_message_once(hub):
    hub.seen = look(*(source(f"s{n}", "degraded") for n in range(5)))
    mail = Way()
    senders = [hub.sender(mail) for _ in range(4)]
    together = threading.Barrier(len(senders), timeout=10)

    def work(sender):
        together.wait()
        sender.tell()
        sender.send_due()

    threads = [threading.Thread(target=work, args=(sender,)) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(mail.got) == 1


def test_a_channel_that_is_down_is_tried_again_later_and_the_other_is_not_held_up(hub, clock):
    mail, hook = Way("mail"), Way("webhook")
    mail.reasons = [NotSentError("451 later"), NotSentError("451 later")]
    hub.seen = look(source("a", "degraded"))
    sender = hub.sender(mail, hook)
    sender.tell()
    assert (sender.send_due(), len(hook.got), len(mail.got)) == (1, 1, 0)
    assert sender.send_due() == 0
    clock.later(minutes=1)
    assert sender.send_due() == 0
    clock.later(minutes=4)
    assert sender.send_due() == 0
    clock.later(minutes=1)
    assert (sender.send_due(), len(mail.got)) == (1, 1)


def test_trouble_of_a_channel_is_seen_until_it_works_again(hub, clock):
    mail = Way()
    mail.reasons = [NotSentError("451 later")]
    hub.seen = look(source("a", "degraded"))
    outbox = hub.outbox()
    sender = hub.sender(mail, outbox=outbox)
    sender.tell()
    sender.send_due()
    (trouble,) = outbox.troubles()
    assert (trouble.channel, trouble.waiting, trouble.error, trouble.since) == ("mail", 1, "451 later", NOON)
    clock.later(minutes=1)
    sender.send_due()
    assert outbox.troubles() == []


def test_a_message_is_given_up_after_some_days_and_that_is_seen(hub, clock):
    mail = Way()
    mail.reasons = [NotSentError("451 later")] * 200
    hub.seen = look(source("a", "degraded"))
    outbox = hub.outbox()
    sender = hub.sender(mail, outbox=outbox, weekly="off")
    sender.tell()
    while clock() <= NOON + GIVE_UP_AFTER + timedelta(hours=2):
        sender.send_due()
        clock.later(hours=1)
    (trouble,) = outbox.troubles()
    assert (trouble.waiting, trouble.given_up) == (0, 1)


def test_what_another_attempt_would_make_worse_is_not_tried_again(hub, clock):
    mail = Way()
    mail.reasons = [NotSentError("refused 1 of 2", final=True)]
    hub.seen = look(source("a", "degraded"))
    outbox = hub.outbox()
    sender = hub.sender(mail, outbox=outbox)
    sender.tell()
    sender.send_due()
    clock.later(days=1)
    assert sender.send_due() == 0
    assert outbox.troubles()[0].given_up == 1


def test_the_summary_of_the_week_comes_on_its_day_with_the_week_since_the_last(hub, clock):
    mail = Way()
    sender = hub.sender(mail)
    assert sender.tell() == 0
    clock.later(days=6)  # Monday, 30 November, noon
    assert sender.tell() == 1
    sender.send_due()
    assert (mail.got[0].kind, mail.got[0].week, hub.asked_since) == ("weekly", WEEK, [NOON])
    assert sender.tell() == 0
    clock.later(days=7)
    assert sender.tell() == 1
    assert hub.asked_since[1] == NOON + timedelta(days=6)


def test_views_that_cannot_be_read_stop_nothing(hub):
    stop = threading.Event()
    looks = []

    def broken():
        looks.append(1)
        if len(looks) == 2:
            stop.set()
        raise ViewUnavailableError("not now")

    sender = Sender(
        hub.outbox(),
        [Way()],
        settings=AlertSettings(),
        look=broken,
        week=lambda _since: (),
        clock=hub.clock,
        look_every_s=0.001,
    )
    sender.run_forever(stop)
    assert len(looks) >= 2


def test_a_test_message_says_what_came_of_it(hub):
    mail, hook = Way("mail"), Way("webhook")
    hook.reasons = [NotSentError("status 404")]
    assert hub.sender(mail, hook).test() == {"mail": "", "webhook": "status 404"}
    assert mail.got[0].kind == "test"


def test_the_state_can_be_read_by_its_owner_only(hub):
    hub.outbox()
    assert hub.path.stat().st_mode & 0o077 == 0


def test_an_empty_hub_has_nothing_to_say(hub):
    hub.seen = Look()
    mail = Way()
    sender = hub.sender(mail)
    assert (sender.tell(), sender.send_due(), mail.got) == (0, 0, [])
