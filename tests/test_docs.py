"""What the documents say can be typed: every command and every target exists, every link leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from verbund.cli.main import application

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), ROOT / "bench" / "README.md"])


def said(pattern: str) -> Iterator[Any]:
    for document in DOCUMENTS:
        for found in sorted(set(re.findall(pattern, document.read_text(encoding="utf-8")))):
            yield pytest.param(document, found, id=f"{document.relative_to(ROOT)}: {found}")


@pytest.mark.parametrize(("document", "command"), list(said(r"(?m)(?:^|`)(verbund [a-z]+(?: [a-z]+)?)(?=[\s`])")))
def test_every_command_exists(document: Path, command: str) -> None:
    known: Any = typer.main.get_command(application())
    for word in command.split()[1:]:
        if not hasattr(known, "commands"):
            return  # an argument
        assert word in known.commands, f"{document.name} names `{command}`"
        known = known.commands[word]


@pytest.mark.parametrize(("document", "target"), list(said(r"(?m)(?:^|`)make ([a-z]+)\b")))
def test_every_target_exists(document: Path, target: str) -> None:
    assert re.search(rf"(?m)^{target}:.*##", (ROOT / "Makefile").read_text(encoding="utf-8")), document.name


@pytest.mark.parametrize(("document", "link"), list(said(r"\]\((?!https?:)([^)#]+)")))
def test_every_link_leads_somewhere(document: Path, link: str) -> None:
    assert (document.parent / link).exists()
