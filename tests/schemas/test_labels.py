"""Every field says what it is."""

import pytest

from verbund_schemas import labels


def test_todays_schemas_are_all_labelled():
    assert labels.problems_with_labels() == []


def _record(*fields, name="Course", doc="A course."):
    return {"type": "record", "name": name, "namespace": "verbund", "doc": doc, "fields": list(fields)}


def _field(name, schema="string", **more):
    return {"name": name, "type": schema, "doc": "Something.", **more}


PERSONAL = (  # noqa: SIM905 - words read best as words
    "email phone mobile contact_person teacher firstName last_name display_name birth_date contactEmail ansprechpartner "
    "telefon user iban home_address nationality photo_url"
).split()


@pytest.mark.parametrize("name", PERSONAL)
def test_an_unlabelled_personal_field_is_found(name):
    (problem,) = labels.problems(_record(_field(name)))
    assert problem.startswith(f"Course.{name}: may hold personal data")


def test_a_personal_field_is_found_inside_unions_lists_maps_and_nested_records():
    nested = _record(_field("phone", ["null", "string"]), name="Desk", doc="A desk.")
    shapes = [["null", nested], {"type": "array", "items": nested}, {"type": "map", "values": ["null", nested]}]
    for shape in shapes:
        assert [p.partition(":")[0] for p in labels.problems(_record(_field("desk", shape)))] == ["Desk.phone"]


@pytest.mark.parametrize("name", ["title", "street", "seats", "name", "phonetics", "organisation_name"])
def test_a_field_that_names_nobody_needs_no_label(name):
    assert labels.problems(_record(_field(name))) == []


def test_a_number_or_flag_is_nobody():
    assert labels.problems(_record(_field("persons", "int"), _field("by_phone", ["null", "boolean"]))) == []


def test_every_text_of_a_record_about_a_person_must_be_labelled():
    (problem,) = labels.problems(_record(_field("remark"), name="Contact", doc="A contact."))
    assert problem.startswith("Contact.remark")


def test_a_labelled_field_needs_purpose_and_retention():
    whole = {"pii": "yes", "purpose": "reach them", "retention": "until erased"}
    assert labels.problems(_record(_field("email", **whole))) == []
    for missing in ("purpose", "retention"):
        less = {label: text for label, text in whole.items() if label != missing}
        assert labels.problems(_record(_field("email", **less))) == [
            f"Course.email: holds personal data and has no {missing}"
        ]
    assert labels.problems(_record(_field("email", pii="no"))) == []
    assert "pii says maybe" in labels.problems(_record(_field("email", **{**whole, "pii": "maybe"})))[0]


def test_a_missing_doc_and_an_unknown_vocabulary_are_found():
    fields = [{"name": "title", "type": "string", "doc": " "}, _field("mood", vocabulary="moods")]
    assert labels.problems(_record(*fields, doc="")) == [
        "Course: has no doc",
        "Course.title: has no doc",
        "Course.mood: names the vocabulary moods, which does not exist",
    ]
