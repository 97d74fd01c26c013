"""`verbund explain CODE` knows every code that the program can say, in both languages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import verbund
import verbund_connectors
from verbund import errors
from verbund.explanations import KINDS, codes, explained, explanations, meanings, reason_title
from verbund_schemas import vocabulary

PROGRAM = Path(verbund.__file__).parent
CONNECTORS = Path(verbund_connectors.__file__).parent

# Calls whose first argument or `rule=` is a rule that a record breaks, and those whose `reason` ends a part.
_RULES = {"Reject", "Broken", "Finding", "Refused", "_is", "warn", "add"}
_REASONS = {"UnreadableError", "_suspended", "PartEnd"}

# `add` is a method of sets too.
_NO_RULE = re.compile(r"[^a-z_]|^[a-z]+$")


def all_errors(kind: type[errors.VerbundError] = errors.VerbundError) -> Iterator[type[errors.VerbundError]]:
    yield kind
    for inner in kind.__subclasses__():
        yield from all_errors(inner)


def error_codes() -> set[str]:
    said = {code for path in PROGRAM.rglob("*.py") for code in re.findall(r'code="(E\d{3})"', path.read_text())}
    return said | {kind.code for kind in all_errors()}


def called(root: Path, names: set[str]) -> Iterator[tuple[ast.Call, Path]]:
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in names:
                    yield node, path


def texts_in(node: ast.AST | None) -> Iterator[str]:
    """Texts that an expression may be: constants, branches, the fixed beginning of a formatted one."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=first, orelse=second):
            yield from texts_in(first)
            yield from texts_in(second)
        case ast.JoinedStr(values=[first, *_]):
            yield from texts_in(first)
        case ast.Tuple(elts=inner):
            for one in inner:
                yield from texts_in(one)
        case _:
            return


def said_rules() -> set[str]:
    found = set()
    for root in (PROGRAM, CONNECTORS):
        for call, _path in called(root, _RULES):
            named = next((word.value for word in call.keywords if word.arg == "rule"), None)
            texts = set(texts_in(named or (call.args[0] if call.args else None)))
            found |= {text for text in texts if not _NO_RULE.search(text)}
    return found


def said_reasons() -> set[str]:
    found = set()
    for call, _path in called(CONNECTORS, _REASONS):
        named = next((word.value for word in call.keywords if word.arg == "reasons"), None)
        for argument in (named, *call.args):
            found |= {text.partition(":")[0] for text in texts_in(argument)}
    for path in CONNECTORS.rglob("*.py"):
        text = path.read_text()
        found |= set(re.findall(r'(?:return|yield|cut =) f?"([a-z]+(?:_[a-z]+)+|loop|truncated): ', text))
        found |= set(re.findall(r'(?:return|yield) "(next_\w+|\w+_not_rising)"', text))
    pull = (PROGRAM / "ingest" / "pull.py").read_text()
    found |= set(re.findall(r'reasons\.append\(f?"([a-z_]+)', pull))
    found |= set(re.findall(r'_fail\(part, f"([a-z_]+):', pull))
    found |= set(re.findall(r'Final = "(parser_\w+)"', (PROGRAM / "ingest" / "jail" / "outcome.py").read_text()))
    return {reason for reason in found if re.fullmatch(r"[a-z_]+", reason)} - {"offers", "region", "languages"}


def health_words() -> set[str]:
    """Words and reasons that the function deciding about health can answer."""
    tree = ast.parse((PROGRAM / "views" / "health.py").read_text())
    deciding = [node for node in tree.body if getattr(node, "name", "") in ("health_word", "_lateness")]
    texts = {
        node.value
        for one in deciding
        for node in ast.walk(one)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {text for text in texts if re.fullmatch(r"[a-z_]+", text)} - {"complete", "paused", "removed"}


EVERY = {
    "errors": error_codes,
    "rules": lambda: set(vocabulary("rules").terms),
    "guards": lambda: set(vocabulary("guards").terms),
    "quality": lambda: set(vocabulary("quality").terms),
    "parts": said_reasons,
    "health": health_words,
    "ignored": lambda: {"ours", "stale", "out_of_scope", "past", "refused"},  # operator's page, counts
    "withdrawals": lambda: set(vocabulary("withdrawal_reason").terms),
    "answers": lambda: set(vocabulary("hold_answer").terms),
}


def test_every_kind_of_code_is_looked_for():
    assert set(EVERY) == set(KINDS)


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_code_that_the_program_can_say_has_a_text(kind, language):
    known = explanations(kind, language)
    said = EVERY[kind]()
    assert said
    assert sorted(said - set(known)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_both_languages_explain_the_same_codes_in_the_same_order(kind):
    assert list(explanations(kind, "de")) == list(explanations(kind, "en"))


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_text_has_a_title_and_all_but_errors_say_what_to_do(language):
    for kind in KINDS:
        for one in explanations(kind, language).values():
            assert one.title, one
            assert one.text, one
            assert one.fix or kind == "errors", one


@pytest.mark.parametrize("kind", ["rules", "guards", "quality", "withdrawals", "answers"])
def test_no_text_is_left_of_a_code_that_is_gone(kind):
    assert set(explanations(kind, "en")) - EVERY[kind]() == set()


def test_rules_that_the_code_names_are_in_the_vocabulary():
    said = said_rules()
    assert {"title_missing", "row_shape", "recurrence_unusable", "connector_error", "field_unknown"} <= said
    assert sorted(said - set(vocabulary("rules").terms)) == []


def test_reasons_are_found_where_connectors_and_the_pull_name_them():
    assert {
        "never_ended",
        "too_many_requests",
        "truncated",
        "loop",
        "next_other_host",
        "region_hidden",
    } <= said_reasons()


def test_a_code_with_several_meanings_has_all_of_them_and_case_does_not_matter():
    assert [one.kind for one in meanings("empty", "en")] == ["guards", "parts"]
    assert meanings("e101", "de") == meanings("E101", "de") != []
    assert meanings("nothing_of_that_name", "de") == []


def test_a_code_that_nobody_knows_any_more_is_its_own_title():
    assert explained("rules", "rule_of_long_ago", "de").title == "rule_of_long_ago"
    assert "title_missing" in codes()


def test_every_reason_of_health_has_a_few_words():
    for code in health_words():
        assert reason_title(code, "de") != code
    assert reason_title("E201", "en") == explained("errors", "E201", "en").title
    assert reason_title("frozen", "de") == "Lange unverändert"
    assert reason_title("something_new", "de") == "something_new"
