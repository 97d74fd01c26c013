"""Every error, named by what the caller does next.

VerbundError                      code, sentence, what to do; `facts` hold no personal data and no secrets
├── UsageError            E1xx    the person changes the command, the settings or the source file (exit 2)
│   ├── SettingsError
│   ├── SourceFileError
│   └── UnknownNameError
├── SourceError           E2xx    the source could not be read; the run ends partial or failed (exit 3)
│   ├── SourceUnreachableError    try again later
│   ├── SourceRefusedError        an answer that says no: status, log-in, gone
│   ├── SourceUnreadableError     an answer that is not what the connector reads
│   └── AddressRefusedError       an address that Verbund must not reach
├── ConflictError         E3xx    somebody else was first (exit 4)
│   ├── LockedError
│   └── BaseMovedError
├── LogError              E4xx    the log
│   ├── LogUnavailableError       the same call may work later
│   ├── LogUnusableError          stop the process, a person must look
│   ├── AppendFailedError         end the run, the next one heals
│   └── EventRefusedError         a bug or a huge record; nothing was stored
├── ReadError             E5xx    reading what is stored
│   ├── UnreadableEventError      park the event's key
│   ├── ViewUnavailableError      the read model is missing or building
│   └── RawGoneError              the raw payload is not kept any more; pull again
└── ErasedError           E6xx    the contact's key was destroyed; show nothing
"""

from __future__ import annotations

from typing import Any, ClassVar


class VerbundError(Exception):
    """Something went wrong that has a name.

    `str(error)` is the English sentence: what happened, to which record, what to do. The same template is the message
    id of the translations.

    Attributes:
        code: stable code for `verbund explain`.
        template: English sentence with `{placeholders}`.
        facts: values of the placeholders and further facts for logs; never personal data or secrets.
    """

    code: ClassVar[str] = "E000"

    def __init__(self, template: str, *, code: str | None = None, **facts: Any) -> None:
        self.template = template
        self.facts = facts
        self.error_code = code or self.code
        super().__init__(template.format(**facts) if facts else template)


class UsageError(VerbundError):
    """The person changes the command, the settings or the source file."""

    code = "E100"


class SettingsError(UsageError):
    """A setting is unknown, misspelt or impossible."""

    code = "E101"


class SourceFileError(UsageError):
    """A source file cannot be used as it is."""

    code = "E102"


class UnknownNameError(UsageError):
    """Nothing is called that."""

    code = "E103"


class SourceError(VerbundError):
    """The source could not be read; nothing is withdrawn because of it."""

    code = "E200"


class SourceUnreachableError(SourceError):
    """No answer, or none in time; try again later."""

    code = "E201"


class SourceRefusedError(SourceError):
    """The source answered no: a status, a log-in page, gone."""

    code = "E202"


class SourceUnreadableError(SourceError):
    """The answer is not what the connector reads: cut, too large, another format."""

    code = "E203"


class AddressRefusedError(SourceError):
    """The address is one that Verbund must not reach."""

    code = "E204"


class ConflictError(VerbundError):
    """Somebody else was first."""

    code = "E300"


class LockedError(ConflictError):
    """Another run of the same source is under way."""

    code = "E301"


class BaseMovedError(ConflictError):
    """What a plan was made on has changed."""

    code = "E302"


class LogError(VerbundError):
    """The event log."""

    code = "E400"


class LogUnavailableError(LogError):
    """The log cannot be reached now; the same call may work later."""

    code = "E401"


class LogUnusableError(LogError):
    """The log is not what it was or would lose events; stop, a person must look."""

    code = "E402"


class AppendFailedError(LogError):
    """Events are not known to be durable; end the run, the next one heals."""

    code = "E403"


class EventRefusedError(LogError):
    """An event does not fit its schema or is too large; nothing was stored."""

    code = "E404"


class ReadError(VerbundError):
    """Reading what is stored."""

    code = "E500"


class UnreadableEventError(ReadError):
    """A stored event cannot be decoded; its key is parked."""

    code = "E501"


class ViewUnavailableError(ReadError):
    """The read model is missing, building or behind."""

    code = "E502"


class RawGoneError(ReadError):
    """The raw payload is not kept any more; only a new pull of its source brings it back."""

    code = "E503"


class ErasedError(VerbundError):
    """The contact's key was destroyed; there is nothing to show."""

    code = "E601"
