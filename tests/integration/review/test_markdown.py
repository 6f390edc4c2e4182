"""What people write is shown as Markdown, and nothing in it runs, loads or dresses anything in its reader's browser."""

import re
import sys
from html.parser import HTMLParser

import pytest

from patreview.reviews.discussion import say
from patreview.reviews.services import vote
from patreview.web.markdown import as_html

TAGS = {"p", "br", "em", "strong", "s", "code", "pre", "ul", "ol", "li", "blockquote", "a", "hr"}
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
SCHEMES = ("http://", "https://", "mailto:")

HOSTILE = [
    # links whose scheme runs: plain, split, folded, encoded
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a]( javascript:alert(1) )",
    "[a](<javascript:alert(1)>)",
    "[a](<java\tscript:alert(1)>)",
    "[a](java\nscript:alert(1))",
    "[a](java&#115;cript:alert(1))",
    "[a](&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;:alert(1))",
    "[a](&#x6A;avascript&#x3a;alert(1))",
    "[a](javascript&colon;alert(1))",
    "[a](javascript&#58alert(1))",
    "[a](java&Tab;script:alert(1))",
    "[a](java&NewLine;script:alert(1))",
    "[a](&#1;javascript:alert(1))",
    "[a](%6aavascript:alert(1))",
    "[a](javascript%3Aalert(1))",
    "[a](\\javascript:alert(1))",
    "[a](javascript\\:alert(1))",
    "[a](\u00a0javascript:alert(1))",
    "[a](\ufeffjavascript:alert(1))",
    "[a](\u2028javascript:alert(1))",
    "[a](java\u00adscript:alert(1))",
    "[a](\uff4aavascript:alert(1))",
    "[a](javascript://https://example.org/%0aalert(1))",
    "[a](vbscript:msgbox(1))",
    "[a](VbScRiPt&#58;msgbox(1))",
    "[a](data:text/html,<script>alert(1)</script>)",
    "[a](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[a](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9ImFsZXJ0KDEpIi8+)",
    "[a](data:image/png;base64,AAAA)",
    "[a](file:///etc/passwd)",
    "[a](blob:https://example.org/1)",
    "[a](view-source:javascript:alert(1))",
    "[a](feed:javascript:alert(1))",
    "[a](ms-settings:x)",
    "[a](x:y)",
    # the same by reference and by autolink
    "[a][r]\n\n[r]: javascript:alert(1)",
    "[r]\n\n[r]: <javascript:alert(1)> 'title'",
    "[r]\n\n[r]: data:text/html,x",
    "<javascript:alert(1)>",
    "<JAVASCRIPT:alert(1)>",
    "<vbscript:msgbox(1)>",
    "<data:text/html,x>",
    "<java&#115;cript:alert(1)>",
    # images: fetched by whoever reads
    "![a](https://example.org/a.png)",
    "![a](javascript:alert(1))",
    "[![a](https://example.org/a.png)](javascript:alert(1))",
    "![a][r]\n\n[r]: https://example.org/a.png",
    '![a](https://example.org/"onerror="alert(1))',
    # attributes by quotes
    '[a](https://example.org "onmouseover=alert(1)")',
    "[a](https://example.org/'onmouseover='alert(1))",
    '[a](https://example.org/"onmouseover="alert(1))',
    '[a](<https://example.org/" style="color:red>)',
    '```"onmouseover="alert(1)\nx\n```',
    '```<script>\nx\n```',
    "~~~ a\" onclick=alert(1)\nx\n~~~",
    # HTML, SVG, CSS
    "<script>alert(1)</script>",
    "<ScRiPt\n>alert(1)</sCrIpT\n>",
    "<img src=x onerror=alert(1)>",
    "<img/src=x/onerror=alert(1)//",
    "<svg onload=alert(1)>",
    "<svg><script xlink:href=data:,alert(1)></script></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<style>@import 'https://example.org/a.css';</style>",
    "<p style='background:url(javascript:alert(1))'>x</p>",
    "<link rel=stylesheet href=https://example.org/a.css>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)>",
    "<form action=javascript:alert(1)><button>x</button></form>",
    "<base href=https://example.org/>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='https://example.org' target=_blank onclick=alert(1)>x</a>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<?xml-stylesheet href='javascript:alert(1)'?>",
    "<!DOCTYPE html [<!ENTITY x '<script>'>]>&x;",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "\\<script>alert(1)\\</script>",
    "`</code><script>alert(1)</script>`",
    "    </pre><script>alert(1)</script>",
    "```\n</code></pre><script>alert(1)</script>\n```",
    "# <script>alert(1)</script>",
    "| <script> |\n|---|\n| <img src=x onerror=alert(1)> |",
    "> <svg/onload=alert(1)>",
    "- <svg/onload=alert(1)>",
    "**<script>**alert(1)**</script>**",
    "<<script>script>alert(1)<</script>/script>",
    "<scr<b>ipt>alert(1)</scr</b>ipt>",
    "\u202e<script>\u202c",
]  # fmt: skip


class Seen(HTMLParser):
    """What a browser would be told to do."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.odd, self.depth = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.odd += [f"<{tag}>"] if tag not in TAGS else []
        for name, value in attrs:
            if (tag, name) == ("a", "href"):
                self.odd += [] if _is_harmless(value or "") else [f"href={value}"]
            elif (tag, name) != ("a", "title") and (name, value) != ("rel", "nofollow noopener noreferrer"):
                self.odd.append(f"{tag} {name}={value}")

    def handle_decl(self, decl):
        self.odd.append(f"<!{decl}>")

    def handle_pi(self, data):
        self.odd.append(f"<?{data}>")

    def handle_comment(self, data):
        self.odd.append(f"<!--{data}-->")

    def unknown_decl(self, data):
        self.odd.append(f"<![{data}]>")


def _is_harmless(href):
    """One of three schemes, or an address without any, as a browser reads it: it leaves out what is stripped here."""
    read = href.strip("".join(map(chr, range(33)))).translate(dict.fromkeys(map(ord, "\t\r\n")))
    return read.lower().startswith(SCHEMES) or not SCHEME.match(read)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_runs(text):
    assert Seen(as_html(text)).odd == []


@pytest.mark.parametrize("around", ["> {}", "- {}", "1. a\n   - {}", "*{}*", "a {} b", "[x]({})", "`a` {}"])
def test_nothing_runs_wherever_it_stands(around):
    for text in HOSTILE:
        assert Seen(as_html(around.format(text))).odd == [], text


def test_there_are_enough_of_them():
    assert len(set(HOSTILE)) == len(HOSTILE) >= 60


def test_the_check_sees_what_runs():
    """The judge itself: each of these would be found."""
    for text in (
        "<script>", "<a href='javascript:x'>", "<a href='jav&#x09;ascript:x'>", "<a href=' data:x'>", "<p style='x'>",
        "<img src=x>", "<a onclick=x>", "<!-- -->", "<a target=_blank>", "<svg>",
    ):  # fmt: skip
        assert Seen(text).odd, text


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**PA4** is `WC`", "<p><strong>PA4</strong> is <code>WC</code></p>"),
        ("a\nb", "<p>a<br>\nb</p>"),
        ("# a", "<p># a</p>"),
        ("a < b & c", "<p>a &lt; b &amp; c</p>"),
        ("[x](https://e.org/?a=1&b=2)",
         '<p><a href="https://e.org/?a=1&amp;b=2" rel="nofollow noopener noreferrer">x</a></p>'),
    ],
)  # fmt: skip
def test_what_was_meant(text, html):
    assert as_html(text).strip() == html


UNITS = (
    "[", "![[]()", "<a", "*a_", ">", "> ", "`", "`x` ", "**a ", "~~a", "[a](", "[a](<", "[](", "](", "[[a]", "![",
    "[a][", "[a]: b\n", "&", "&#x", "\\", "<!", "<http:", "- ", "-\n", "1)\n", "a\n", "\n>", "```\n", "`` ` ", "*a**b",
    "x*y_z ", "[x](y)", "[\n", "*\n", "[![a](", "`a``b", '[a]("', "\ta", "<a@b.c> ", "\u0301", "\u202e", "\U0001f600",
)  # fmt: skip


def steps(text):
    """Calls that rendering makes, of Python and of C: what it costs, on any machine alike."""
    count = 0

    def seen(_frame, event, _arg):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(seen)
    try:
        as_html(text)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("unit", UNITS)
def test_rendering_is_linear(unit):
    """Four times the text is four times the work, up to the longest that is taken."""
    less, more = (steps((unit * size)[:size]) for size in (4096, 16384))
    assert more <= 4.5 * less + 200


@pytest.mark.parametrize("where", ["comment", "vote", "title"])
def test_what_is_hostile_is_text_on_the_page(team, client, where):
    """On the page itself, in each place that people write to: no element and no attribute of theirs."""
    evil = "<img src=x onerror=alert(1)>[a](javascript:alert(1))"
    submitted = team.submission(title=evil if where == "title" else "A layout")
    if where == "comment":
        say(submitted.revision, evil, by=team.reviewer)
    if where == "vote":
        vote(submitted.revision, "comment", by=team.reviewer, body=evil)
    client.force_login(team.viewer.user)
    page = client.get(f"/s/{submitted.submission.pk}/").text
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<img" not in page
    assert "javascript:" not in "".join(value for value in _hrefs(page))


def _hrefs(page):
    class Links(HTMLParser):
        found: list[str] = []

        def handle_starttag(self, tag, attrs):
            self.found += [value or "" for name, value in attrs if name in ("href", "src", "action", "formaction")]

    links = Links()
    links.feed(page)
    return links.found


def test_nesting_ends():
    """Quotes and lists in one another stop somewhere; what is deeper is text or left out, and no fault."""
    for unit in ("> ", "- ", "1. ", "*a ", "[", "**_"):
        assert Seen(as_html(unit * 2000 + "x")).odd == []
    assert as_html("> " * 2000 + "x").count("<blockquote>") <= 20
