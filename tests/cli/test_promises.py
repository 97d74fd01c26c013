"""Every command, option and setting that the operator's page promises is there, and each has its words in German."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from verbund import explanations, i18n
from verbund.cli import exits
from verbund.cli.main import application
from verbund.settings import NAMES

PROMISED = {
    "init": [],
    "demo": ["--once"],
    "doctor": ["--json"],
    "explain": ["--json"],
    "config show": ["--origin", "--json"],
    "source init": ["--connector", "--from", "--json"],
    "source check": ["--json"],
    "source plan": ["--out", "--compare", "--json", "--jsonl"],
    "source apply": ["--json"],
    "source filter-preview": ["--json"],
    "source replay": ["--mapping", "--since", "--json"],
    "source list": ["--json", "--jsonl"],
    "source show": ["--json"],
    "source pause": ["--json"],
    "source resume": ["--json"],
    "source remove": ["--json", "--yes"],
    "run list": ["--json", "--jsonl"],
    "run show": ["--json"],
    "run undo": ["--yes", "--lift", "--note", "--json"],
    "reject list": ["--json", "--jsonl"],
    "reject show": ["--json"],
    "reject export": ["--source", "--lang", "--excel", "--out"],
    "offer list": ["--source", "--state", "--json", "--jsonl"],
    "offer find": ["--district", "--near", "--level", "--json", "--jsonl"],
    "offer show": ["--json"],
    "offer history": ["--json", "--jsonl"],
    "offer withdraw": ["--note", "--json"],
    "offer lift": ["--note", "--json"],
    "offer override": ["--note", "--json"],
    "offer lift-override": ["--note", "--json"],
    "why": ["--json"],
    "hold list": ["--source", "--json", "--jsonl"],
    "hold show": ["--json"],
    "hold allow": ["--once", "--up-to", "--json"],
    "hold reject": ["--json"],
    "key add": ["--role", "--district", "--json"],
    "key list": ["--json", "--jsonl"],
    "key revoke": ["--json"],
    "alert test": [],
    "log verify": ["--json"],
    "view list": ["--json"],
    "view rebuild": ["--json"],
    "view compare": ["--json"],
    "up": [],
    "ingest": [],
    "project": [],
    "serve": [],
    "deliver": [],
}


def commands(group, path=()):
    for name, command in getattr(group, "commands", {}).items():
        inner = list(commands(command, (*path, name)))
        yield from inner or [(" ".join((*path, name)), command)]


@pytest.fixture(scope="module")
def known():
    return dict(commands(typer.main.get_command(application())))


@pytest.mark.parametrize("name", PROMISED)
def test_a_promised_command_has_its_options(known, name):
    options = {option for parameter in known[name].params for option in parameter.opts}
    assert options >= set(PROMISED[name])


def test_there_is_no_command_that_nobody_promised(known):
    assert set(known) == set(PROMISED)


def test_every_command_and_option_explains_itself(known):
    silent = [name for name, command in known.items() if not command.help]
    silent += [
        f"{name} {parameter.opts[0]}"
        for name, command in known.items()
        for parameter in command.params
        if not getattr(parameter, "help", None)
    ]
    assert silent == []


def test_every_help_text_is_in_the_german_catalogue(known):
    german = i18n.translations("de")
    texts = {command.help for command in known.values()}
    texts |= {parameter.help for command in known.values() for parameter in command.params}
    assert [text for text in texts if german.gettext(text) == text] == []


def test_every_promised_setting_is_there():
    promised = (
        "home event_log database ingest state keys raw search listen public_url fetch_allow proxy ca_file log_level "
        "log_format lang runs_at_once alerts_to alerts_from alerts_smtp alerts_smtp_password alerts_webhook "
        "alerts_webhook_secret alerts_quiet alerts_quiet_except alerts_lang alerts_weekly"
    )
    assert set(promised.split()) == set(NAMES)


def test_the_exit_codes_and_their_order_are_those_promised():
    assert exits.PRECEDENCE == (130, 70, 2, 4, 3, 5, 6, 1, 0)


def named_in_documents() -> set[str]:
    """What README and docs write as `verbund ...`, up to the first word that is no command."""
    root = Path(__file__).parents[2]
    documents = [root / "README.md", *root.glob("docs/**/*.md")]
    texts = [path.read_text(encoding="utf-8") for path in documents]
    texts += [
        one.whole
        for language in ("de", "en")
        for kind in explanations.KINDS
        for one in explanations.explanations(kind, language).values()
    ]
    return {
        found for text in texts for found in re.findall(r"(?:`|^|\$ )verbund ([a-z]+(?: [a-z]+)?)", text, re.MULTILINE)
    }


def test_every_command_that_documents_name_is_there(known):
    groups = {name.split()[0] for name in known if " " in name}

    def is_there(named: str) -> bool:
        first = named.split(maxsplit=1)[0]
        return named in known or (first in known and first not in groups) or named in groups

    assert [named for named in sorted(named_in_documents()) if not is_there(named)] == []
