"""What a hold says to a person: one plain sentence in each language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from verbund.i18n import LANGUAGES, N_, translations

_SENTENCES: Final = {
    "scope": N_(
        "What {source} covers has changed: {count} offers are not covered any more. They stay until you answer."
    ),
    "empty": N_("{source} delivered nothing where it had delivered {count} offers. They stay until you answer."),
    "suspended": N_(
        "Records without a usable key have left it open for a week whether {count} offers of {source} are gone. "
        "They stay until you answer."
    ),
    "id_churn": N_(
        "{source} seems to have given its records new ids: {pairs} absent offers look like new ones. "
        "Allowed, they go on under their new ids."
    ),
    "shrink": N_(
        "Of {live} offers of {source}, {total} went missing within a week or are called off at once; up to {limit} go without "
        "a question. {count} stay until you answer."
    ),
    "blanked": N_(
        "{count} of {live} offers of {source} would lose their text or show garbled signs. "
        "Their last good version stays until you answer."
    ),
    "revise": N_(
        "{count} of {live} offers of {source} would change at once; up to {limit} do without a question. "
        "They stay as they are until you answer."
    ),
    "growth": N_("{source} delivered {count} new offers at once, beside {live}. They wait until you answer."),
}


def sentence(guard: str, facts: Mapping[str, str]) -> dict[str, str]:
    """The sentence by language."""
    known = {"pairs": facts.get("count", ""), "limit": "", "total": facts.get("count", ""), **facts}
    return {
        language: translations(language).gettext(_SENTENCES[guard]).format(**known) for language in sorted(LANGUAGES)
    }
