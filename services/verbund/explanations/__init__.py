"""What every code means, and what to do about it, in German and English: one Markdown file for each kind and language."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from verbund_schemas import vocabulary

#: Kinds of codes, in the order in which the meanings of one code are told.
KINDS: Final = ("errors", "rules", "guards", "quality", "parts", "health", "ignored", "withdrawals", "answers")

# Kinds whose titles are the labels of a vocabulary; the others have theirs in the heading.
_VOCABULARIES: Final = {
    "rules": "rules",
    "guards": "guards",
    "quality": "quality",
    "withdrawals": "withdrawal_reason",
    "answers": "hold_answer",
}

# `## code` or `## code another_code: Title`
_HEADING: Final = re.compile(r"## (\w+(?: \w+)*)(?:: (.+))?")
_FIX: Final = "→ "


class Explanation(NamedTuple):
    """The long text of a code.

    Attributes:
        kind: one of `KINDS`; the same code may mean something in several.
        text: what it means, Markdown.
        fix: what to do, in a sentence or two; empty when the text says it.
    """

    kind: str
    code: str
    title: str
    text: str
    fix: str

    @property
    def whole(self) -> str:
        """The text, and what to do."""
        return f"{self.text}\n\n{_FIX}{self.fix}" if self.fix else self.text


@cache
def explanations(kind: str, language: str) -> dict[str, Explanation]:
    """All of a kind by code; several codes may share one text. Any language but `de` gives English."""
    language = "de" if language == "de" else "en"
    file = Path(__file__).with_name(f"{kind}.{language}.md")
    found: dict[str, Explanation] = {}
    codes: list[str] = []
    title, lines = "", list[str]()
    for line in (*file.read_text(encoding="utf-8").splitlines(), "## end"):
        heading = _HEADING.fullmatch(line)
        if heading is None:
            lines.append(line)
            continue
        text, _, fix = "\n".join(lines).partition(f"\n{_FIX}")
        for code in codes:
            label = title or vocabulary(_VOCABULARIES[kind]).label(code, language)
            found[code] = Explanation(kind, code, label, text.strip(), " ".join(fix.split()))
        codes, title, lines = heading[1].split(), heading[2] or "", []
    return found


def meanings(code: str, language: str) -> list[Explanation]:
    """All that a code means, whatever the case of its letters; empty when it is unknown."""
    forms = (code, code.lower(), code.upper())
    return [
        next(known[form] for form in forms if form in known)
        for known in (explanations(kind, language) for kind in KINDS)
        if any(form in known for form in forms)
    ]


def codes() -> list[str]:
    """Every code that has a text."""
    return list(dict.fromkeys(code for kind in KINDS for code in explanations(kind, "en")))


def explained(kind: str, code: str, language: str) -> Explanation:
    """The text of one code; of a code that nobody knows any more, the code itself and no text."""
    return explanations(kind, language).get(code) or Explanation(kind, code, code, "", "")


def reason_title(code: str, language: str) -> str:
    """A reason of a source's health in a few words; a code that has none is its own."""
    for kind in ("health", "guards", "errors", "parts"):
        if found := explanations(kind, language).get(code):
            return found.title
    return code
