"""The shared words for text and HTML."""

import time
import unicodedata
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verbund_connectors import html
from verbund_connectors.html import (
    canonical_html,
    clean_text,
    links,
    one_line,
    plain,
    sanitise,
    web_address,
    without_contact_cards,
)

CARD = (
    '<div contenteditable="false" data-contact-id="7" data-contact-url="https://cms.example.org/x/contact/7/" '
    'class="contact-card notranslate" dir="ltr" translate="no"><a href="https://cms.example.org/x" style="display: none">'
    'Contact</a><h4>Erika Beispiel | Anmeldung</h4><div><p><a href="tel:+49821">+49821</a></p></div></div>'
)

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href="java&#10;script:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<iframe src=https://evil.example></iframe>",
    '<p style="background:url(javascript:alert(1))" onclick="alert(1)">x</p>',
    "<form action=//evil.example><input name=q></form>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<base href=//evil.example><meta http-equiv=refresh content=0>",
    "<p>&#x338; onclick=alert(1) x</p>",
    "<<script>script>alert(1)<</script>/script>",
]


def test_text_is_composed_and_has_no_hidden_characters():
    assert clean_text("Cafe\u0301") == "Café"
    assert clean_text("\u202eegnahc\u202c \u2066x\u2069 a\u200bb\ufeff soft\u00adhy") == "egnahc x ab softhy"
    assert clean_text("a\x00b\x1bc\x9fd\te\r\nf\rg\u2028h") == "abcd\te\nf\ng\nh"
    assert clean_text("lone \ud800 surrogate") == "lone  surrogate"


def test_joiners_stay_where_a_script_needs_them():
    assert clean_text("می\u200cخواهم") == "می\u200cخواهم"
    assert clean_text("👩\u200d🏫") == "👩\u200d🏫"
    assert clean_text("pay\u200cpal \u200d x\u200d") == "paypal  x"
    assert clean_text("می\u200c\u200c\u200cخواهم") == "می\u200cخواهم"


def test_what_is_printable_holds_nothing_to_clean():
    assert not [char for char in map(chr, range(0x110000)) if char.isprintable() and html._SUSPECT.search(char)]


@given(st.text())
def test_clean_text_is_stable(text):
    once = clean_text(text)
    assert clean_text(once) == once
    once.encode("utf-8")


def test_one_line_has_no_breaks():
    assert one_line("  Kurs\n\n A1\u00a0 abends ") == "Kurs A1 abends"


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_in_sanitised_html_can_run(hostile):
    for shown in (sanitise(hostile), unicodedata.normalize("NFC", sanitise(hostile))):
        low = shown.lower()
        assert "<script" not in low
        assert "<img" not in low
        assert "javascript:" not in low.replace("\n", "")
        assert "style=" not in low
        for tag in low.split("<")[1:]:
            assert " on" not in tag.partition(">")[0]


@given(st.text(alphabet="<>/ab=\"'!-& \u0338\u037e;#x27p\n", max_size=60))
def test_sanitising_twice_changes_nothing(text):
    once = sanitise(text)
    assert sanitise(once) == once
    assert unicodedata.is_normalized("NFC", once)


def test_links_keep_only_addresses_that_may_be_followed():
    html = '<a href="https://a.example/?x=1&y=2" class=c target=_blank>a</a> <a href="/rel">b</a> <a href="mailto:a@b.example">c</a>'
    rel = 'rel="noopener noreferrer nofollow"'
    assert sanitise(html) == (
        f'<a href="https://a.example/?x=1&amp;y=2" {rel}>a</a> <a {rel}>b</a> <a href="mailto:a@b.example" {rel}>c</a>'
    )
    assert list(links(html)) == ["https://a.example/?x=1&y=2", "/rel", "mailto:a@b.example"]


def test_unknown_blocks_do_not_glue_words_together():
    assert sanitise("<section>A</section><article>B</article>x<img src=y>z") == "<div>A</div><div>B</div>x z"


def test_a_long_text_is_cut_between_tags_and_stays_whole_html():
    cut = sanitise("<ul>" + "<li>ein Wort</li>" * 100 + "</ul>", limit=100)
    assert cut.startswith("<ul><li>ein Wort</li>")
    assert cut.endswith("</li></ul>")
    assert len(cut) < 130


def test_plain_text_has_a_line_per_block_and_no_glued_words():
    html = (
        "<h2>Inhalt</h2><ul><li>Di und <b>Do</b>nnerstag</li><li>x</li></ul><p>Kosten: 0&nbsp;€ &amp; mehr<br>Zeile</p>"
        "<table><tr><td>a</td><td>b</td></tr></table><!-- weg --><script>weg</script>1 < 2"
    )
    assert plain(html) == "Inhalt\nDi und Donnerstag\nx\nKosten: 0 € & mehr\nZeile\na b\n1 < 2"


def test_canonical_html_forgets_what_an_editor_changes_by_itself():
    before = "<p>Zeile &amp; <a href='https://x.example/?a=1&b=2'>Mehr</a><br>ä</p><p>zwei</p>"
    after = (
        '<p class="x" style="color:red" id=p1 data-y=1>Zeile  &#38;\n <a target="_blank" rel=noopener class="link-external" '
        'href="https://x.example/?a=1&amp;b=2">Mehr</a><br />&auml;</p>\n\n<p>zwei</p><!-- c -->'
    )
    assert canonical_html(before) == canonical_html(after)


@pytest.mark.parametrize(
    "other",
    [
        "<p>Zeile <a href='https://x.example/2'>Mehr</a></p>",
        "<p>Zeile <a href='https://x.example/1'>Mehr!</a></p>",
        "<h2>Zeile <a href='https://x.example/1'>Mehr</a></h2>",
        "<p>Zeile<a href='https://x.example/1'>Mehr</a></p>",
    ],
)
def test_canonical_html_sees_what_a_reader_sees(other):
    assert canonical_html("<p>Zeile <a href='https://x.example/1'>Mehr</a></p>") != canonical_html(other)


def test_a_quote_inside_a_bare_value_does_not_swallow_the_text():
    assert plain("<p title=it's>eins</p><p>it's zwei</p>") == "eins\nit's zwei"
    assert plain('<p title="a > b">eins</p>') == "eins"


def test_canonical_html_has_a_golden_form():
    html = '<DIV>a &lt;b&gt;<IMG SRC="x.png?17" alt="Karte">c</DIV><td colspan=2>d</td>'
    assert canonical_html(html) == '<div>a &lt;b&gt;<img alt="Karte">c</div><td colspan="2">d</td>'


def test_contact_cards_are_cut_out_and_the_rest_stays():
    html = f"<p>vorher</p>{CARD}<p>nachher [contact 12] [page 3]</p>"
    assert without_contact_cards(html) == "<p>vorher</p><p>nachher  [page 3]</p>"


def test_an_unclosed_contact_card_takes_the_rest_with_it():
    assert without_contact_cards("<p>a</p>" + CARD.removesuffix("</div>") + "<p>+49 821</p>") == "<p>a</p>"


def test_html_without_cards_is_left_as_it_is():
    html = '<p class="contact">Kontakt: <a href="mailto:info@example.org">contact us</a></p>'
    assert without_contact_cards(html) == html


@pytest.mark.parametrize(
    ("given_text", "address"),
    [
        (" https://x.example/a?b=c#d ", "https://x.example/a?b=c#d"),
        ("https://x.example/ü%20", "https://x.example/%C3%BC%20"),
        ("ftp://x.example", None),
        ("https://user:word@x.example/", None),
        ("https://", None),
        ("https://x.example/a b", None),
        ("https://[::1", None),
        ("https://x.example:99999/", None),
        ("https://x.example/" + "a" * 2000, None),
    ],
)
def test_web_addresses(given_text, address):
    assert web_address(given_text) == address


@given(st.from_regex(html._PLAIN_ADDRESS, fullmatch=True))
def test_an_address_that_is_taken_as_it_is_needs_no_encoding_and_has_a_host(address):
    assert quote(address, safe="%/:?#[]@!$&'()*+,;=~-._") == address
    assert urlsplit(address).hostname
    assert web_address(address) == address


@pytest.mark.parametrize(
    "piece", ["<", "<a ", '<a "', "<!--", "</", "<script>", "<p a='", "&", '<div class="contact-card">']
)
def test_no_text_takes_more_than_linear_time(piece):
    text = piece * (100_000 // len(piece))
    started = time.process_time()
    for work in (plain, canonical_html, without_contact_cards, sanitise):
        work(text)
    assert time.process_time() - started < 10  # a quadratic scanner needs minutes


@given(st.text())
def test_any_text_is_taken(text):
    for work in (plain, canonical_html, without_contact_cards, sanitise):
        work(text).encode("utf-8", "surrogatepass")
