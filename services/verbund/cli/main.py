"""The command as a whole: global options, the nouns, and how a call ends."""

from __future__ import annotations

import gettext
import itertools
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from verbund import errors, i18n
from verbund.cli import exits, session
from verbund.cli.commands import register
from verbund.i18n import N_

#: Global options may stand anywhere in a call, as users of `kubectl` and `git` expect; the value says who takes one.
_GLOBAL = {"--home": True, "--lang": True, "--quiet": False, "-q": False, "--debug": False}


def application() -> typer.Typer:
    """The Typer application with all commands."""
    app = typer.Typer(
        name="verbund",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    app.callback(help=N_("Verbund: one trustworthy inventory of what German districts offer to newcomers."))(_globally)
    register(app)
    return app


def _globally(
    home: Annotated[
        Path | None, typer.Option("--home", help=N_("Folder of the hub; made when it is not there."))
    ] = None,
    lang: Annotated[str | None, typer.Option("--lang", help=N_("Language of messages: de or en."))] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help=N_("No talk and no progress."))] = False,
    debug: Annotated[bool, typer.Option("--debug", help=N_("Show tracebacks and log everything."))] = False,
    version: Annotated[
        bool, typer.Option("--version", help=N_("Show version, schema digest and store format."))
    ] = False,
) -> None:
    if version:  # answered before the application is made; named here so that --help lists it
        _show_version()
    now = session.current()
    now.flags.update({"home": home, "lang": lang})
    now.quiet, now.debug = quiet, debug


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one call of the command and exit with its code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _speak(_language(given))
    session.begin(session.Session(debug="--debug" in given))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without umlauts gets a question mark, not a traceback
    if given == ["--version"]:
        _show_version()
    sys.exit(_run(hoisted(given)))


def _run(arguments: list[str]) -> int:
    command = translated(typer.main.get_command(application()))
    try:
        command(arguments, prog_name="verbund")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else exits.DONE
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except errors.VerbundError as error:
        return _failed(error)
    except Exception as error:  # noqa: BLE001 - the last net: every other error is ours to mend
        return _bug(error)
    return exits.DONE


def _failed(error: errors.VerbundError) -> int:
    from verbund.cli import failure

    if session.current().debug:
        sys.excepthook(type(error), error, error.__traceback__)
    failure.show(error)
    return exits.of_error(error)


def _bug(error: Exception) -> int:
    from verbund.cli import failure

    if session.current().debug:
        sys.excepthook(type(error), error, error.__traceback__)
    failure.show_bug(error)
    return exits.BUG


def _show_version() -> NoReturn:
    from verbund.cli.version import show

    show()
    raise SystemExit(exits.DONE)


def hoisted(arguments: Sequence[str]) -> list[str]:
    """The same call with its global options in front."""
    front: list[str] = []
    rest: list[str] = []
    left = list(arguments)
    while left:
        argument = left.pop(0)
        if argument == "--":
            rest += [argument, *left]
            break
        name = argument.partition("=")[0]
        if name not in _GLOBAL or (name == "--debug" and argument != name):
            rest.append(argument)
            continue
        front.append(argument)
        if _GLOBAL[name] and "=" not in argument and left:
            front.append(left.pop(0))
    return front + rest


def _language(arguments: Sequence[str]) -> str:
    """The language of this call, known before help texts are made."""
    chosen = next((value for value in _values(arguments, "--lang")), None)
    return i18n.language_of({**os.environ, "VERBUND_LANG": chosen} if chosen else os.environ)


def _values(arguments: Sequence[str], name: str) -> list[str]:
    following = [after for before, after in itertools.pairwise(arguments) if before == name]
    return following + [argument.partition("=")[2] for argument in arguments if argument.startswith(f"{name}=")]


def _speak(language: str) -> None:
    i18n.use_language(language)
    # Typer asks gettext's global domain for its own words.
    gettext.bindtextdomain(i18n.DOMAIN, str(i18n.LOCALE_FOLDER))
    gettext.textdomain(i18n.DOMAIN)
    os.environ["LANGUAGE"] = language


def translated(command: Any) -> Any:
    """Put the help texts of a command and all below it into the language of this process."""
    command.help = _text(command.help)
    command.short_help = _text(command.short_help)
    command.epilog = _text(command.epilog)
    for parameter in command.params:
        parameter.help = _text(getattr(parameter, "help", None))
    for inner in getattr(command, "commands", {}).values():
        translated(inner)
    return command


def _text(text: str | None) -> str | None:
    return i18n._(text) if text else text
