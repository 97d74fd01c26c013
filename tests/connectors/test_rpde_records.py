"""Which items make one record: split feeds, deletions on either side, ids that differ."""

from __future__ import annotations

from tests.connectors.rpde_feed import HOST, URL, URLS, answers_of, connector, feed, gone, item, offer, one, recorded
from verbund_connectors.kit import Ignored, Item, Rejected, Withdrawn

SPLIT = {"urls": {"series": f"{HOST}/series", "sessions": f"{HOST}/sessions"}}
SERIES = f"{HOST}/api/session-series"


def split(series, sessions):
    answers = feed(series, url=f"{HOST}/series") | feed(sessions, url=f"{HOST}/sessions")
    return answers_of(connector(**SPLIT), answers)[1]


def session(ident, series, start="2027-01-06T18:00:00+01:00", **more):
    return item(ident, kind="ScheduledSession", superEvent=series, startDate=start, **more)


def test_the_made_up_publisher_arrives_whole():
    result, answers = answers_of(connector(urls=URLS), recorded())
    assert all(end.state == "complete" for end in result.ends)
    assert sorted(answers) == [
        "76121",
        "76122",
        "schwimmen-fuer-frauen",
        "ss-gone",
        "{c15814e5-8931-470c-8a16-ef45afedaece}",
    ]
    football = offer(answers["{c15814e5-8931-470c-8a16-ef45afedaece}"])
    assert [(s["start"], s["status"], s["seats_free"]) for s in football["starts"]] == [
        ("2027-01-06T17:00:00Z", None, 5),
        ("2027-01-08T17:00:00Z", "cancelled", 5),
    ]
    assert [s["status"] for s in offer(answers["schwimmen-fuer-frauen"])["starts"]] == ["full"]
    course = offer(answers["76121"])
    assert course["kind"] == "course"
    assert course["texts"]["de"]["title"] == "Schwimmkurs für Erwachsene"
    assert course["texts"]["de"]["description_text"] == "Zehn Abende, vom ersten Zug an."
    assert (course["valid_from"], course["valid_to"]) == ("2027-03-01", "2027-05-10")
    assert answers["ss-gone"] == answers["76122"] == Withdrawn(reason="explicit_delete")


def test_sessions_join_their_series_by_its_address():
    answers = split(
        [item("s1", at_id=f"{SERIES}/s1", name="Yoga")],
        [session("x", f"{SERIES}/s1"), session("y", {"@id": f"{SERIES}/s1"}, "2027-01-13T18:00:00+01:00")],
    )
    assert list(answers) == ["s1"]
    assert len(offer(answers["s1"])["starts"]) == 2


def test_a_series_whose_id_is_not_in_its_address_is_joined_all_the_same():
    answers = split([item("rpde-9", at_id=f"{SERIES}/yoga", name="Yoga")], [session("x", f"{SERIES}/yoga")])
    assert len(offer(answers["yoga"])["starts"]) == 1


def test_deleting_such_a_series_by_its_id_withdraws_the_record_although_sessions_remain():
    made = connector(**SPLIT)
    first = answers_of(
        made,
        feed([item("rpde-9", at_id=f"{SERIES}/yoga", name="Yoga")], url=f"{HOST}/series")
        | feed([session("x", f"{SERIES}/yoga")], url=f"{HOST}/sessions"),
    )[0]
    dead = answers_of(made, feed([gone("rpde-9")], url=f"{HOST}/series") | feed([], url=f"{HOST}/sessions"))[0].items
    # The cache keeps the last item of each id: the deletion stands in place of the series.
    kept = [i for i in first.items if i.id != "rpde-9"]
    own = [i for i in kept if i.key == "yoga"]
    needed = [
        Item(part=i.part, id=i.id, key=None, data=i.data, deleted=True)
        for i in dead
        if i.id in {n for o in own for n in o.needs}
    ]
    assert made.map("yoga", [*own, *needed]) == Withdrawn(reason="explicit_delete")


def test_a_deleted_series_is_withdrawn_although_sessions_remain():
    answers = split([gone("s1")], [session("x", f"{SERIES}/s1")])
    assert answers["s1"] == Withdrawn(reason="explicit_delete")


def test_a_deleted_session_just_leaves_the_starts():
    made = connector(**SPLIT)
    series = Item(part="series", id="s1", key="s1", data=item("s1", name="Yoga")["data"])
    alive = Item(part="sessions", id="x", key="s1", data=session("x", f"{SERIES}/s1")["data"])
    dead = Item(part="sessions", id="y", key="s1", data={"@type": "ScheduledSession"}, deleted=True)
    assert len(offer(made.map("s1", [series, alive, dead]))["starts"]) == 1


def test_the_deletion_of_a_session_makes_no_record_of_its_own():
    (only,) = answers_of(connector(), feed([gone("x", kind="ScheduledSession")]))[0].items
    assert only.key is None


def test_the_deletion_of_a_session_that_held_its_series_names_it():
    (only,) = answers_of(connector(), feed([gone("x", kind="ScheduledSession.SessionSeries")]))[0].items
    assert only.key == "x"


def test_sessions_without_their_series_are_rejected_and_withdraw_nothing():
    answers = split([], [session("x", f"{SERIES}/s1")])
    assert isinstance(answers["s1"], Rejected)
    assert answers["s1"].rejects[0].rule == "parent_missing"


def test_sessions_that_hold_their_series_make_it():
    series = {"@type": "SessionSeries", "@id": f"{SERIES}/s1", "name": "Yoga"}
    _, answers = answers_of(
        connector(), feed([session("x", series), session("y", series, "2027-01-13T18:00:00+01:00", modified=2)])
    )
    assert len(offer(answers["s1"])["starts"]) == 2


def test_addresses_that_end_in_the_name_of_a_kind_are_taken_whole():
    one_, two = f"{HOST}/1/session-series", f"{HOST}/2/session-series"
    answers = split(
        [item("1", at_id=one_, name="A"), item("2", modified=2, at_id=two, name="B")],
        [session("x", one_), session("y", two)],
    )
    assert {key: len(offer(answer)["starts"]) for key, answer in answers.items()} == {one_: 1, two: 1}


def test_one_feed_keeps_the_ids_of_the_feed_as_keys():
    _, answers = answers_of(connector(), feed([item("rpde-9", at_id=f"{SERIES}/yoga", name="Yoga")]))
    assert list(answers) == ["rpde-9"]


def test_two_things_with_one_key_are_rejected_and_named():
    urls = {"a": f"{HOST}/a", "b": f"{HOST}/b"}
    answers = feed([item(1, kind="Event", name="Fest", startDate="2027-01-01")], url=urls["a"])
    answers |= feed([item(1, kind="CourseInstance", name="Kurs")], url=urls["b"])
    (answer,) = answers_of(connector(urls=urls), answers)[1].values()
    assert isinstance(answer, Rejected)
    assert (answer.rejects[0].rule, answer.rejects[0].value) == ("key_duplicate", "CourseInstance 1, Event 1")
    by_kind = answers_of(connector(urls=urls, key_by_kind=True), answers)[1]
    assert sorted(by_kind) == ["CourseInstance/1", "Event/1"]


def test_slots_belong_to_their_facility_and_change_nothing_about_it():
    urls = {"facilities": f"{HOST}/f", "slots": f"{HOST}/s"}
    slot = item(
        "sl1", kind="Slot", facilityUse=f"{HOST}/facility-uses/9", startDate="2027-01-01T10:00:00Z", remainingUses=1
    )
    answers = feed(
        [item(9, kind="FacilityUse", at_id=f"{HOST}/facility-uses/9", name="Tennisplatz")], url=urls["facilities"]
    )
    result, mapped = answers_of(connector(urls=urls), answers | feed([slot], url=urls["slots"]))
    assert list(mapped) == ["9"]
    assert offer(mapped["9"])["starts"] == []
    assert [i.data for i in result.items if i.part == "slots"] == [{"@type": "Slot"}]


def test_kinds_that_nobody_knows_are_accounted_for_and_ignored():
    result, answers = answers_of(
        connector(), feed([item("p1", kind="Place", name="Halle"), item("z", kind="LiveStream", modified=2, name="Z")])
    )
    assert answers == {"Place/p1": Ignored(reason="out_of_scope"), "LiveStream/z": Ignored(reason="out_of_scope")}
    assert len(result.items) == 2


def test_an_updated_item_without_data_is_rejected_not_forgotten():
    answer = one({"state": "updated", "kind": "SessionSeries", "id": "a", "modified": 1})
    assert isinstance(answer, Rejected)
    assert answer.rejects[0].rule == "field_missing"


def test_what_came_from_this_hub_is_ours():
    assert one(item("a", name="A", url="https://hub.example/offers/1")) == Ignored(reason="ours")


def test_a_cancelled_series_is_withdrawn():
    assert one(item("a", name="A", eventStatus="https://schema.org/EventCancelled")) == Withdrawn(reason="cancelled")


def test_the_right_course_is_taken_when_an_id_means_two_things():
    urls = {"courses": f"{HOST}/c", "instances": f"{HOST}/i"}
    courses = [
        item("7", kind="Course", at_id=f"{HOST}/courses/5", name="Falsch"),
        item("5", kind="Course", modified=2, at_id=f"{HOST}/courses/7", name="Richtig"),
    ]
    instance = item(
        1, kind="CourseInstance", instanceOfCourse=f"{HOST}/courses/7", startDate="2027-01-01", endDate="2027-02-01"
    )
    _, answers = answers_of(
        connector(urls=urls), feed(courses, url=urls["courses"]) | feed([instance], url=urls["instances"])
    )
    assert offer(answers["1"])["texts"]["de"]["title"] == "Richtig"


def test_an_event_takes_from_its_series_what_it_does_not_say():
    event = item(
        "e",
        kind="Event",
        startDate="2027-01-01T10:00:00Z",
        superEvent={"@type": "EventSeries", "name": "Radtour", "description": "Eine Runde."},
    )
    assert offer(one(event))["texts"]["de"]["description_text"] == "Eine Runde."


def test_the_address_of_the_feed_is_not_needed_to_map():
    assert URL.startswith(HOST)
    assert (
        offer(
            connector(url=f"{HOST}/elsewhere").map(
                "a", [Item(part="feed", id="a", key="a", data={"@type": "Event", "name": "Fest"})]
            )
        )["kind"]
        == "event"
    )
