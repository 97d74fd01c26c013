"""`verbund explain CODE`: the long text of a code, whatever it is a code of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from verbund.cli import output
from verbund.i18n import N_, _, current_language

if TYPE_CHECKING:
    from rich.console import Console

    from verbund.explanations import Explanation

_KINDS: Final = {
    "errors": N_("error"),
    "rules": N_("rule for records"),
    "guards": N_("guard"),
    "quality": N_("finding of quality"),
    "parts": N_("reason why a part is not complete"),
    "health": N_("health of a source"),
    "ignored": N_("reason why a record is passed over"),
    "withdrawals": N_("reason of a withdrawal"),
    "answers": N_("answer to a guard's question"),
}


def register(app: typer.Typer) -> None:
    """Hang the command into the application."""
    app.command("explain", help=N_("Explain any code: E102, title_missing, shrink, no_level ..."))(explain)


def _codes(incomplete: str) -> list[str]:
    from verbund.explanations import codes

    return [code for code in codes() if code.lower().startswith(incomplete.lower())]


def explain(
    code: Annotated[
        str, typer.Argument(help=N_("Code of an error, a rule, a guard, a finding or a reason."), autocompletion=_codes)
    ],
    as_json: output.JSON = False,
) -> None:
    """Print the long text; of a code with several meanings, all of them."""
    from verbund.explanations import meanings

    # A reason may come with its details, `truncated: at byte 512`.
    found = meanings(code.partition(":")[0].strip(), current_language()) or _unknown(code)
    first = found[0]
    document = {
        "code": first.code,
        "title": first.title,
        "text": "\n\n".join(one.whole for one in found),
        "meanings": [
            {"kind": one.kind, "title": one.title, "text": one.text, "effect": _effect(one), "fix": one.fix}
            for one in found
        ],
    }
    output.answer(document, as_json=as_json, show=lambda console: _show(console, found))


def _show(console: Console, found: list[Explanation]) -> None:
    from rich.markdown import Markdown

    for number, one in enumerate(found):
        kind = _(_KINDS[one.kind])
        heading = f"{one.code}: {one.title} ({kind})"
        told = [one.text, _effect(one), "→ " + one.fix if one.fix else ""]
        text = "\n\n".join(part for part in told if part)
        if number:
            console.print()
        if console.is_terminal:
            console.print(Markdown(f"# {heading}\n\n{text}"))
        else:
            console.print(f"{heading}\n\n{text}", markup=False)


def _effect(one: Explanation) -> str:
    """What a rule costs; empty for everything else."""
    from verbund_schemas import vocabulary

    if one.kind != "rules":
        return ""
    if vocabulary("rules").terms[one.code].more["effect"] == "reject":
        return _("The record is rejected; what was published of it before stays as it is.")
    return _("Only this value is left out; the record itself is taken.")


def _unknown(code: str) -> list[Explanation]:
    from verbund.errors import UnknownNameError
    from verbund.explanations import codes
    from verbund.settings import nearest

    guess = nearest(code, tuple(codes()))
    if guess:
        raise UnknownNameError("There is no code {name}; did you mean {nearest}?", name=code, nearest=guess)
    raise UnknownNameError("There is no code {name}.", name=code)
