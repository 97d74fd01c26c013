"""An error as a person reads it: code, place, value, why, how to mend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from verbund.i18n import _, error_sentence

if TYPE_CHECKING:
    from verbund.errors import VerbundError

# Facts that have a line of their own, in this order.
_PLACE = ("file", "source", "record_key", "field", "place")


def show(error: VerbundError) -> None:
    """Write the error to stderr."""
    from rich.text import Text

    from verbund.cli import output

    console = output.talk()
    head = _("error") + f"[{error.error_code}]"
    console.print(Text.assemble((head, "bold red"), f": {error_sentence(error)}"))
    for line in _details(error.facts):
        console.print(Text(f"  {line}"))
    more = _("more: verbund explain {code}").format(code=error.error_code)
    console.print(Text("  = " + more, style="dim"), soft_wrap=True)


def _details(facts: dict[str, Any]) -> list[str]:
    lines = []
    where = [str(facts[name]) for name in _PLACE if facts.get(name)]
    if where:
        line = facts.get("line")
        place = f"{where[0]}:{line}" if line else where[0]
        lines.append(f"--> {', '.join([place, *where[1:]])}")
    if facts.get("value") not in (None, ""):
        lines.append(f"  | {facts['value']}")
    if facts.get("fix"):
        lines.append("= " + _("help") + f": {facts['fix']}")
    return lines


def show_bug(error: BaseException) -> None:
    """Say that this is ours to mend."""
    from rich.text import Text

    from verbund.cli import output

    console = output.talk()
    head = _("bug") + f"[{type(error).__name__}]"
    console.print(Text.assemble((head, "bold red"), f": {error}"))
    console.print(Text("  = " + _("This should not have happened. Run the command again with --debug and report it.")))
