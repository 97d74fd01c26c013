"""`python -m verbund.locale [--prune]`: collect new sentences into every `.po`, then compile each to its `.mo`.

Sentences that nobody uses any more stay until `--prune`. The exit status is 1 while a sentence has no translation.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from verbund import errors, i18n

_PACKAGE = i18n.LOCALE_FOLDER.parent
_LINE_LENGTH = 120

# Sentences that the libraries under the command say; they ask gettext for them too.
_BORROWED = (
    "Arguments",
    "Options",
    "Commands",
    "Error",
    "Aborted.",
    "(deprecated) ",
    "[default: {}]",
    "[env var: {}]",
    "[required]",
    "Try [blue]'{command_path} {help_option}'[/] for help.",
    "Missing command.",
    "No such command {name!r}.",
)


def keywords() -> dict[str, tuple[int, ...] | None]:
    """What marks a sentence: gettext's functions, and the classes of our errors by their first argument."""
    named = {
        name: (1,)
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.VerbundError)
    }
    return {**DEFAULT_KEYWORDS, **named}  # type: ignore[dict-item]  # babel's own type is wider than its table


def extracted() -> Catalog:
    """All sentences of the package's Python files and templates, without translations."""
    catalog = Catalog(project="verbund", charset="utf-8")
    found = extract_from_dir(
        str(_PACKAGE),
        method_map=[("**.py", "python"), ("**/templates/**.*", "jinja2")],
        keywords=keywords(),
        comment_tags=("Translators:",),
        directory_filter=lambda folder: not Path(folder).name.startswith((".", "__")),
    )
    for path, _line, message, comments, context in found:
        # No line numbers: they would make every edit of a Python file an edit of the catalogue.
        catalog.add(message, locations=[(f"verbund/{path}", None)], auto_comments=comments, context=context)  # type: ignore[list-item]  # babel writes a missing line as none
    for sentence in _BORROWED:
        catalog.add(sentence)
    return catalog


def compiled(catalog: Catalog) -> bytes:
    """The `.mo` of a catalogue; fuzzy translations are left out."""
    out = BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def update(po: Path, *, prune: bool) -> list[str]:
    """Bring one `.po` and its `.mo` up to date; answer the sentences that still wait for a translation."""
    with po.open("rb") as file:
        catalog = read_po(file, locale=po.parent.parent.name)
    template = extracted()
    template.creation_date = catalog.creation_date  # a date that moves with every call would make every call a change
    catalog.update(template, no_fuzzy_matching=True)
    unused = list(catalog.obsolete.values())
    catalog.obsolete.clear()
    if not prune:
        for message in unused:
            catalog[message.id] = message
    with po.open("wb") as file:
        write_po(file, catalog, width=_LINE_LENGTH, sort_output=True)
    po.with_suffix(".mo").write_bytes(compiled(catalog))
    return [str(message.id) for message in catalog if message.id and not all(strings(message))]


def strings(message: Message) -> list[str]:
    """The translations of a message: one, or one per plural form."""
    if message.string is None:
        return [""]
    return [message.string] if isinstance(message.string, str) else list(message.string)


def main() -> int:
    """Update every catalogue."""
    missing = [
        f"{po.parent.parent.name}: {sentence}"
        for po in sorted(i18n.LOCALE_FOLDER.rglob("*.po"))
        for sentence in update(po, prune="--prune" in sys.argv[1:])
    ]
    for line in missing:
        sys.stderr.write(f"no translation: {line}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
