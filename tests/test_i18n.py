"""The German catalogue is whole, fits its English sentences, and is compiled."""

from __future__ import annotations

import ast
import gettext
import re
from io import BytesIO

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from verbund import errors, i18n
from verbund.locale import __main__ as catalogue

PO = i18n.LOCALE_FOLDER / "de" / "LC_MESSAGES" / "verbund.po"


@pytest.fixture(scope="module")
def german() -> Catalog:
    with PO.open("rb") as file:
        return read_po(file, locale="de")


def test_every_sentence_has_german(german):
    missing = []
    for message in catalogue.extracted():
        if not message.id:
            continue
        known = german.get(message.id, message.context)
        if known is None or known.fuzzy or not all(catalogue.strings(known)):
            missing.append(message.id)
    assert missing == []


def test_german_fills_the_same_placeholders(german):
    def holes(text: str) -> set[str]:
        return {found[0] or found[1] for found in re.findall(r"\{(\w*)[^}]*\}|%\((\w+)\)", text)}

    for message in german:
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        for text in filter(None, catalogue.strings(message) if message.id else []):
            assert holes(text) <= set().union(*map(holes, ids)), message.id
            assert holes(text) == holes(ids[-1]) or len(ids) > 1, message.id


def test_the_compiled_catalogue_is_that_of_the_written_one(german):
    compiled = gettext.GNUTranslations(BytesIO(catalogue.compiled(german)))
    shipped = gettext.GNUTranslations(BytesIO(PO.with_suffix(".mo").read_bytes()))
    assert vars(shipped)["_catalog"] == vars(compiled)["_catalog"]


def test_sentences_that_errors_say_are_collected():
    found = {message.id for message in catalogue.extracted() if message.id}
    assert "No Verbund home here or above {here}; run `verbund init`, or name one with VERBUND_HOME." in found


def test_no_sentence_hides_inside_an_f_string_where_it_is_not_collected():
    hidden = []
    for path in i18n.LOCALE_FOLDER.parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                calls = [inner for inner in ast.walk(node) if isinstance(inner, ast.Call)]
                marked = [call for call in calls if getattr(call.func, "id", "") in ("_", "N_", "ngettext", "gettext")]
                hidden += [f"{path.name}:{call.lineno}" for call in marked]
    assert hidden == []


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({"VERBUND_LANG": "en", "LANG": "de_DE.UTF-8"}, "en"),
        ({"VERBUND_LANG": "DE"}, "de"),
        ({"LANG": "de_AT.UTF-8"}, "de"),
        ({"LANGUAGE": "", "LC_ALL": "fr_FR", "LANG": "de_DE"}, "en"),
        ({"LANGUAGE": "de:en", "LANG": "C"}, "de"),
        ({}, "en"),
    ],
)
def test_the_language_comes_from_the_setting_else_from_the_locale(environ, language):
    assert i18n.language_of(environ) == language


def test_a_language_without_catalogue_speaks_english():
    assert i18n.translations("fr").gettext("Options") == "Options"


def test_an_error_speaks_german_with_its_facts():
    error = errors.SettingsError(
        "No Verbund home here or above {here}; run `verbund init`, or name one with VERBUND_HOME.", here="/srv"
    )
    assert "/srv" in i18n.error_sentence(error, "de")
    assert i18n.error_sentence(error, "de") != str(error)
    assert i18n.error_sentence(error, "en") == str(error)
