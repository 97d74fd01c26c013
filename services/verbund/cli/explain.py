"""`verbund explain CODE`: the long text of an error code, a rule or a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from verbund.cli import output
from verbund.i18n import N_, _, current_language

if TYPE_CHECKING:
    from rich.console import Console


def register(app: typer.Typer) -> None:
    """Hang the command into the application."""
    app.command("explain", help=N_("Explain an error code such as E102, or a rule such as title_missing."))(explain)


def _codes(incomplete: str) -> list[str]:
    from verbund.explanations import explanations

    return [code for code in explanations("en") if code.startswith(incomplete.upper())]


def explain(
    code: Annotated[str, typer.Argument(help=N_("Code of an error, or a rule."), autocompletion=_codes)],
    as_json: output.JSON = False,
) -> None:
    """Print the long text."""
    title, text = _of_error(code.upper()) or _of_rule(code.lower()) or _unknown(code)

    def show(console: Console) -> None:
        from rich.markdown import Markdown

        if not console.is_terminal:
            console.print(f"{code.upper()}: {title}\n\n{text}", markup=False)
            return
        console.print(Markdown(f"# {code.upper()}: {title}\n\n{text}"))

    output.answer({"code": code, "title": title, "text": text}, as_json=as_json, show=show)


def _of_error(code: str) -> tuple[str, str] | None:
    from verbund.explanations import explanations

    return explanations(current_language()).get(code)


def _of_rule(code: str) -> tuple[str, str] | None:
    from verbund_schemas import vocabulary

    rules = vocabulary("rules")
    if code not in rules.terms:
        return None
    rejected = rules.terms[code].more.get("effect") == "reject"
    effect = (
        _("The record is rejected; what was published of it before stays as it is.")
        if rejected
        else _("Only this value is left out; the record itself is taken.")
    )
    advice = _("See `verbund reject list` for the records, and `verbund reject export` for a file for the provider.")
    return rules.label(code, current_language()), f"{effect} {advice}"


def _unknown(code: str) -> tuple[str, str]:
    from verbund.errors import UnknownNameError
    from verbund.explanations import explanations
    from verbund.settings import nearest
    from verbund_schemas import vocabulary

    guess = nearest(code, (*explanations("en"), *vocabulary("rules").terms))
    if guess:
        raise UnknownNameError("There is no code {name}; did you mean {nearest}?", name=code, nearest=guess)
    raise UnknownNameError("There is no code {name}.", name=code)
