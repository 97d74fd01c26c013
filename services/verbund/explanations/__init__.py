"""The long text of every error code, in German and English."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

_HEADING: Final = re.compile(r"## (E\d{3}(?: E\d{3})*): (.+)")


@cache
def explanations(language: str) -> dict[str, tuple[str, str]]:
    """Title and text by code; several codes may share one text."""
    found: dict[str, tuple[str, str]] = {}
    file = Path(__file__).with_name("de.md" if language == "de" else "en.md")
    codes: list[str] = []
    title, lines = "", list[str]()
    for line in (*file.read_text(encoding="utf-8").splitlines(), "## E999: end"):
        if heading := _HEADING.fullmatch(line):
            found.update(dict.fromkeys(codes, (title, "\n".join(lines).strip())))
            codes, title, lines = heading[1].split(), heading[2], []
        else:
            lines.append(line)
    return found
