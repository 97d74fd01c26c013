"""The words of every connector for text and HTML: what is stored, what is shown plain, what is hashed.

Sources write what they like: pasted Word markup, invisible characters, addresses with scripts in them. Everything a
connector hands on went through these functions once. The content hash rests on `canonical_html`, which uses nothing
but our own scanner, so that no library update makes unchanged offers look changed.
"""

from __future__ import annotations

import html as entities
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import nh3

from verbund_connectors._markup import RAW, VOID, Token, tokens, words

MAX_TITLE = 300  # characters; longer ones are a text in the wrong field
MAX_TEXT = 20_000  # characters of a description; a printed page has about 3,000
MAX_URL = 2_000  # characters; browsers and proxies begin to refuse above

# --- characters ------------------------------------------------------------------------------------------------------

_LINE_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# C0 and C1 but tab and newline, soft hyphen, bidi controls, zero-width characters, interlinear marks, tag characters,
# and surrogates that stand alone (a Python string holds no paired ones).
_DROPPED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufffe\uffff\U000e0000-\U000e007f\ud800-\udfff]"
)
# Joiners carry meaning inside Persian, Urdu or Hindi words and in emoji; everywhere else they only hide differences.
_JOINING = "\u0600-\u1fff\u2190-\u2bff\u2e80-\U0010ffff"
_STRAY_JOINERS = re.compile(
    f"(?<=[\u200c\u200d])[\u200c\u200d]+|(?<![{_JOINING}\u200c\u200d])[\u200c\u200d]+|[\u200c\u200d]+(?![{_JOINING}\u200c\u200d])"
)
_SUSPECT = re.compile(f"{_DROPPED.pattern[:-1]}\r\x0b\x0c\u2028\u2029\u200c\u200d]")


def clean_text(text: str) -> str:
    """The text in NFC without what cannot be seen: controls (but newline and tab), bidi controls, zero-width marks.

    Line ends of every kind become a newline. Joiners stay where a script needs them.
    """
    # Few texts hold any, and looking costs less than three substitutions; what is printable throughout holds none.
    if not text.isprintable() and _SUSPECT.search(text):
        text = _STRAY_JOINERS.sub("", _DROPPED.sub("", _LINE_BREAKS.sub("\n", text)))
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def one_line(text: str) -> str:
    """The clean text in one line, runs of white space made one blank."""
    return " ".join(clean_text(text).split())


# Nothing in it that could need encoding or refusing, as in most addresses.
_PLAIN_ADDRESS = re.compile(r"https?://[a-z0-9]+(?:[.-]+[a-z0-9]+)*(?:/[A-Za-z0-9/_.~?=&+,;-]*)?", re.ASCII)


def web_address(text: str) -> str | None:
    """The http(s) address, non-ASCII characters of its path encoded; None when it is none that may be passed on.

    Refused are other schemes, addresses without host or with user name, blanks inside, and more than `MAX_URL`.
    """
    text = text.strip()
    if len(text) <= MAX_URL and _PLAIN_ADDRESS.fullmatch(text):
        return text
    text = clean_text(text).strip()
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
        _ = parts.port
    except ValueError:
        return None
    if not usable or re.search(r"[\s<>\"\\^`{|}]", text):
        return None
    address = quote(text, safe="%/:?#[]@!$&'()*+,;=~-._")
    return address if len(address) <= MAX_URL else None


# --- what is stored --------------------------------------------------------------------------------------------------

_KEPT_TAGS = words(
    "a b blockquote br caption dd details div dl dt em h2 h3 h4 h5 h6 hr i li ol p pre s strong sub summary sup table "
    "tbody td tfoot th thead tr u ul"
)
_KEPT_ATTRIBUTES = {
    "*": {"lang", "dir"},
    "a": {"href", "hreflang"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
# A page has one h1, its title; the others are blocks whose words must not run into their neighbours'.
_RENAMED = {"h1": "h2"} | dict.fromkeys(
    words(
        "address article aside center dialog dir fieldset figcaption figure footer form header hgroup legend main menu "
        "nav optgroup option search section select"
    ),
    "div",
)
_CLEANER = nh3.Cleaner(
    tags=set(_KEPT_TAGS),
    attributes=_KEPT_ATTRIBUTES,
    clean_content_tags=set(RAW),
    url_schemes={"http", "https", "mailto", "tel"},
    link_rel="noopener noreferrer nofollow",
    url_relative="deny",
)


def sanitise(html: str, *, limit: int | None = None) -> str:
    """HTML that may be shown as it is: a short list of tags, links to http, https, mailto and tel, no images.

    With a `limit` the source is cut between two tags or words once that many characters are reached.
    Applying it twice, or normalising its result to NFC, adds nothing that can run.
    """
    source = clean_text(html)
    if limit is not None and len(source) > limit:
        source = _cut(source, limit)
    if _OTHER_TAG.search(source):
        source = "".join(_with_known_tag(token) for token in tokens(source))
    # Twice: the first pass decodes character references, whose characters are then cleaned like all others.
    return _CLEANER.clean(clean_text(_CLEANER.clean(source))).strip()


_OTHER_TAG = re.compile(rf"</?(?:{'|'.join(sorted({*_RENAMED, 'img'}))})(?![a-z0-9])", re.IGNORECASE)


def _with_known_tag(token: Token) -> str:
    if token.name in _RENAMED:
        return f"</{_RENAMED[token.name]}>" if token.closing else f"<{_RENAMED[token.name]}>"
    if token.name == "img":
        return " "
    return token.raw


def _cut(html: str, limit: int) -> str:
    kept: list[str] = []
    room = limit
    for token in tokens(html):
        if len(token.raw) > room:
            if not token.name:
                kept.append(token.raw[:room].rpartition(" ")[0])
            break
        kept.append(token.raw)
        room -= len(token.raw)
    return "".join(kept)


# --- what is read ----------------------------------------------------------------------------------------------------

_INLINE = words(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark q rp rt ruby s samp small span "
    "strike strong sub sup time tt u var wbr"
)
_BESIDE = frozenset({"td", "th", "img", "input", "button"})  # part of a line, but never of the word before


def plain(html: str) -> str:
    """The text a reader sees: a line per paragraph, item, row or `br`; entities decoded; no words glued together."""
    lines: list[str] = []
    line: list[str] = []
    for token in tokens(html):
        if not token.name:
            line.append(entities.unescape(token.raw))
        elif token.name in _BESIDE:
            line.append(" ")
        elif token.name not in _INLINE and line:
            lines.append(one_line("".join(line)))
            line = []
    lines.append(one_line("".join(line)))
    return "\n".join(line for line in lines if line)


def links(html: str) -> Iterator[str]:
    """Targets of the links, as the source writes them."""
    for token in tokens(html):
        if token.name in {"a", "area"} and not token.closing:
            target = token.attributes().get("href")
            if target:
                yield target.strip()


# --- what counts -----------------------------------------------------------------------------------------------------

# What a reader would notice. Editors rewrite class, style, id, target, rel, sizes and data-* on every save, and image
# addresses carry time stamps.
_COUNTED_ATTRIBUTES = ("alt", "colspan", "dir", "href", "lang", "rowspan", "start", "title")


def canonical_html(html: str) -> str:
    """The source's HTML in the one form that is hashed: no volatile attributes, references decoded, white space even.

    Equal for two sources that differ only in what an editor changes by itself. Not for showing.
    """
    blocks: list[str] = []
    inline: list[str] = []
    for token in tokens(html):
        if not token.name:
            inline.append(entities.escape(clean_text(entities.unescape(token.raw)), quote=False))
        elif token.name == "span" or (token.closing and token.name in VOID):
            continue  # a bare span says nothing
        else:
            tag = f"</{token.name}>" if token.closing else _opening(token)
            if token.name in _INLINE or token.name == "img":
                inline.append(tag)
            else:  # white space beside a block is the editor's
                blocks += (" ".join("".join(inline).split()), tag)
                inline = []
    return "".join((*blocks, " ".join("".join(inline).split())))


def _opening(token: Token) -> str:
    given = token.attributes() if token.inside else {}
    kept = "".join(
        f' {name}="{entities.escape(one_line(given[name]))}"' for name in _COUNTED_ATTRIBUTES if given.get(name)
    )
    return f"<{token.name}{kept}>"


# --- cards -----------------------------------------------------------------------------------------------------------

# What a CMS leaves in the text where it could not draw a card: [contact 12].
_CARD_MARK = re.compile(r"\[contact\s+\d{1,12}[^\[\]\n]{0,80}\]", re.IGNORECASE)


def without_contact_cards(html: str) -> str:
    """The HTML without the contact cards that a CMS has drawn into it: name, phone and mail of a person.

    A card that is never closed takes the rest with it: a cut text can be mended, a published number can not.
    """
    if "contact" not in html.lower():
        return html
    kept: list[str] = []
    card, depth = "", 0
    for token in tokens(html):
        if card:
            if token.name == card:
                depth += -1 if token.closing else 1
                card = card if depth else ""
        elif token.name and not token.closing and _is_card(token):
            card, depth = ("", 0) if token.name in VOID else (token.name, 1)
        else:
            kept.append(token.raw)
    return _CARD_MARK.sub("", "".join(kept))


def _is_card(token: Token) -> bool:
    if "contact" not in token.inside.lower():
        return False
    given = token.attributes()
    return "data-contact-id" in given or "data-contact-url" in given or "contact-card" in given.get("class", "").split()
