"""Words in German and English: English sentences are the message ids, `locale/` holds the German.

Cheap to import: catalogues are read by the standard library when first asked for. A new sentence is marked with `_()`,
or with `N_()` where it is only named and translated later; the first argument of an error is marked by itself. How to
bring the catalogue up to date: `python -m verbund.locale`.
"""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from verbund.errors import VerbundError

DOMAIN: Final = "verbund"
LOCALE_FOLDER: Final = Path(__file__).parent / "locale"
LANGUAGES: Final = ("de", "en")

# Read in this order by gettext itself and by every POSIX program.
_LOCALE_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


@cache
def translations(language: str) -> gettext.NullTranslations:
    """The catalogue of `de` or `en`; of any other language the English one, which is the message ids themselves."""
    return gettext.translation(DOMAIN, LOCALE_FOLDER, languages=[language], fallback=True)


def language_of(environ: Mapping[str, str]) -> str:
    """`de` or `en`: `VERBUND_LANG` if it is one of them, else the first locale variable that is set, else `en`."""
    chosen = environ.get("VERBUND_LANG", "").strip().lower()
    if chosen in LANGUAGES:
        return chosen
    for variable in _LOCALE_VARIABLES:
        for candidate in environ.get(variable, "").split(":"):
            if candidate:
                return "de" if candidate.lower().startswith("de") else "en"
    return "en"


_language = "en"


def use_language(language: str) -> None:
    """Let `_` and `ngettext` of this process speak this language. For programs; the web asks per request."""
    global _language  # noqa: PLW0603 - one terminal, one language
    _language = language


def current_language() -> str:
    """What `use_language` was last told."""
    return _language


def _(message: str) -> str:
    """The sentence in the language of this process."""
    return translations(_language).gettext(message)


def ngettext(one: str, many: str, count: int) -> str:
    """The sentence for this count in the language of this process."""
    return translations(_language).ngettext(one, many, count)


def N_(message: str) -> str:  # noqa: N802 - the name that gettext's users expect
    """Mark a sentence for the catalogue, and leave it English for now."""
    return message


def error_sentence(error: VerbundError, language: str | None = None) -> str:
    """The sentence of an error; English when there is no German or the facts do not fill it."""
    template = translations(language or _language).gettext(error.template)
    if not error.facts:
        return template
    try:
        return template.format(**error.facts)
    except (KeyError, IndexError):
        return str(error)
