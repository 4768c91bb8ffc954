"""Web pages. Whatever is done to one, the text that stands in it must not be lost in silence."""

from __future__ import annotations

from collections.abc import Callable

from tests.hostile_files.corpus import Build, Case, either, read, refused
from tests.hostile_files.sound import BODY, TITLE, WORD, page

_MIB = 2**20
_NESTED = '[{"a":' * 100_000
_MARKS = "\u0301\u0323"


def _after(extra: Callable[[], str]) -> Build:
    return lambda: page(extra())


def _before(extra: Callable[[], str]) -> Build:
    return lambda: page(before=extra())


def _head(extra: Callable[[], str]) -> Build:
    return lambda: page(head=extra())


def _within(opening: str, closing: str, times: int) -> Build:
    """The text inside as many elements."""
    text = "".join(f"<p>{each}</p>" for each in BODY)
    whole = f"<html><title>{TITLE}</title><body>{opening * times}{text}{closing * times}</body></html>"
    return whole.encode


def _case(title: str, build: Build, *, slow: bool = False) -> Case:
    return read(title, "a.html", build, WORD, "petrol", slow=slow)


def _xhtml(prolog: str, extra: str = "") -> Build:
    body = "".join(f"<p>{each}</p>" for each in (*BODY, extra))
    whole = (
        f'<?xml version="1.0"?>{prolog}<html xmlns="http://www.w3.org/1999/xhtml"><body>{body}</body></html>'
    )
    return whole.encode


def _laughs() -> str:
    more = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE html [<!ENTITY l0 "lol">{more}]>'


CASES = (
    _case(
        "300,000 attributes on one tag",
        _after(lambda: f"<div {' '.join(f'a{n}=1' for n in range(300_000))}>x</div>"),
        slow=True,
    ),
    _case(
        "30,000 attributes on one tag",
        _after(lambda: f"<div {' '.join(f'a{n}=1' for n in range(30_000))}>x</div>"),
    ),
    _case("300,000 tags with attributes", _after(lambda: "<b class=a id=b>x</b>" * 300_000), slow=True),
    _case("an attribute 300,000 times", _after(lambda: f"<div {'a=1 ' * 300_000}>x</div>")),
    _case("500,000 comments that do not end", _after(lambda: "<!--" * 500_000)),
    _case("100,000 comments", _before(lambda: "<!-- x -->" * 100_000)),
    _case("comments that end oddly", _before(lambda: "<!--><!---><!-- --!> -- > -->" * 999)),
    _case("2,000 elements in each other", _within("<div>", "</div>", 2_000)),
    _case("200,000 elements in each other", _within("<div>", "</div>", 200_000), slow=True),
    _case("2,000 elements that do not end", _within("<div>", "", 2_000)),
    _case("40,000 tags that do not end", _within("<b>", "", 40_000)),
    _case("40,000 formatting tags crossed", _within("<b><i><a>", "</b></a></i>", 13_000)),
    _case("1,000,000 paragraphs that do not end", _after(lambda: "<p>" * 1_000_000), slow=True),
    _case("100,000 paragraphs that do not end", _after(lambda: "<p>x" * 100_000)),
    _case("5,000 tables in each other", _within("<table><tr><td>", "</td></tr></table>", 5_000)),
    _case("5,000 lists in each other", _within("<ul><li>", "</li></ul>", 5_000)),
    _case("10,000 links in each other", _within("<a href=x>", "</a>", 10_000)),
    _case("10,000 quotes in each other", _within("<blockquote>", "</blockquote>", 10_000)),
    _case("10,000 articles in each other", _within("<article>", "</article>", 10_000)),
    _case("100,000 ends without a beginning", _after(lambda: "</p></div></b>" * 100_000)),
    either(
        "a page of 50 MB on one line",
        "a.html",
        _after(lambda: f"<p>{'oil ' * 12_500_000}</p>"),
        WORD,
        slow=True,
    ),
    either(
        "a page of 50 MB of paragraphs",
        "a.html",
        _after(lambda: "<p>oil rose</p>" * 3_300_000),
        WORD,
        slow=True,
    ),
    either(
        "a page of 3 MB of paragraphs", "a.html", _after(lambda: "<p>oil rose</p>" * 200_000), WORD, slow=True
    ),
    _case("a paragraph of 3 MB", _after(lambda: f"<p>{'oil ' * 750_000}</p>"), slow=True),
    _case("1,000,000 entities", _after(lambda: f"<p>{'&amp;' * 1_000_000}</p>"), slow=True),
    _case("entities that are none", _after(lambda: f"<p>{'&#x110000;&#xD800;&bogus;&#0;&' * 50_000}</p>")),
    _case("a number of a million digits", _after(lambda: f"<p>&#{'9' * _MIB};</p>")),
    _case(
        "JSON-LD of 10 MB",
        _head(lambda: f'<script type="application/ld+json">{{"a": "{"x" * 10 * _MIB}"}}</script>'),
    ),
    _case("JSON-LD in JSON-LD", _head(lambda: f'<script type="application/ld+json">{_NESTED}</script>')),
    _case(
        "JSON-LD that lies",
        _head(
            lambda: (
                '<script type="application/ld+json">{"@type": ["NewsArticle", 7], "headline": {"a": []}, '
                '"datePublished": NaN, "author": [[[]]], "publisher": 5}</script>'
            )
        ),
    ),
    _case(
        "10,000 pieces of JSON-LD",
        _head(lambda: '<script type="application/ld+json">{"@type": "NewsArticle"}</script>' * 10_000),
    ),
    _case("100,000 meta tags", _head(lambda: '<meta property="og:title" content="x">' * 100_000)),
    _case(
        "meta tags that are huge",
        _head(
            lambda: (
                f'<meta property="og:title" content="{"x" * _MIB}"><meta name=author content="{"y" * _MIB}">'
            )
        ),
    ),
    _case("dates without end", _head(lambda: f'<meta name="date" content="{"2026-03-05" * 50_000}">')),
    _case("100,000 dates", _after(lambda: "<time datetime=2026-03-05>5 March 2026</time>" * 20_000)),
    _case(
        "an address of 1 MB", _head(lambda: f'<link rel=canonical href="https://a.example/{"a/" * 500_000}">')
    ),
    _case(
        "an address that is none",
        _head(lambda: '<link rel=canonical href="http://[::1"><base href="http://[">'),
    ),
    refused(
        "nothing but scripts",
        "a.html",
        lambda: b"<html><script>" + b"var a = 1;" * 9999 + b"</script></html>",
        "no text|empty",
    ),
    refused(
        "no text",
        "a.html",
        lambda: b"<html><head><title></title></head><body><img src=a.png></body></html>",
        "no text|empty",
    ),
    refused("60,000 empty elements", "a.html", lambda: b"<html>" + b"<div></div>" * 60_000, "no text|empty"),
    _case("a script that does not end", lambda: page("<script>" + "if (a < b) x();" * 50_000)),
    _case("a style that does not end", lambda: page("<style>" + "a { b: c }" * 50_000)),
    either("a title that does not end", "a.html", lambda: b"<html><title>" + page()[40:]),
    _case("a plaintext tag", lambda: page("<plaintext>" + "<b>" * 50_000)),
    _case("a textarea that does not end", lambda: page("<textarea>" + "<b>" * 50_000)),
    _case("a CDATA that does not end", lambda: page("<![CDATA[" + "<b>" * 50_000)),
    _case("300,000 tags cut off", lambda: page("<" * 300_000)),
    _case("a tag of 5 MB", lambda: page(f"<{'a' * 5 * _MIB}>")),
    _case("an attribute that does not end", lambda: page('<p title="' + "x" * 5 * _MIB)),
    _case("300,000 line breaks", lambda: page("<br>" * 300_000)),
    _case("a picture of 20 MB inside", lambda: page(f'<img src="data:image/png;base64,{"A" * 20 * _MIB}">')),
    _case("100,000 links", lambda: page("<a href=https://a.example/x>link</a> " * 100_000), slow=True),
    _case("10,000 drop-downs", lambda: page("<select><option>x" * 10_000)),
    _case("pictures of formulas in each other", lambda: page("<svg><math><mi>" * 20_000)),
    _case("templates in each other", lambda: page("<template>" * 20_000)),
    _case("10,000 frames", lambda: page("<iframe srcdoc='<p>x'>" * 10_000)),
    _case("zero bytes between letters", lambda: page().replace(b"<p>", b"<p>\0\0")),
    _case("an encoding that is none", lambda: page().replace(b"charset=utf-8", b"charset=x-unknown")),
    _case("an encoding that is a codec", lambda: page().replace(b"charset=utf-8", b"charset=zlib")),
    _case(
        "UTF-7 declared", lambda: page("<p>+ADw-script+AD4-</p>").replace(b"charset=utf-8", b"charset=utf-7")
    ),
    _case("UTF-16 declared and not true", lambda: page().replace(b"charset=utf-8", b"charset=utf-16")),
    _case("in UTF-16", lambda: page().decode().encode("utf-16")),
    either("in UTF-16 with half a letter", "a.html", lambda: page().decode().encode("utf-16")[:-1], WORD),
    _case("bytes that are no UTF-8", lambda: page().replace(b"April", b"\xff\xfe\xc3\x28")),
    _case("lone surrogates", lambda: page("<p>\ud800\udfff</p>")),
    _case("text turned around", lambda: page("<p>\u202e\u2067 &#x202e;</p>")),
    _case("marks that must be sorted", _after(lambda: f"<p>a{_MARKS * 200_000}</p>")),
    _case("the text hidden by a style", lambda: page("<p style='display:none'>x</p>" * 9999)),
    _case("one paragraph 20,000 times", lambda: page(f"<p>{BODY[1]}</p>" * 20_000), slow=True),
    _case(
        "a DOCTYPE of 1 MB",
        lambda: page().replace(b"<!DOCTYPE html>", b"<!DOCTYPE html " + b"x" * _MIB + b">"),
    ),
    _case("200 KiB of comments before it", lambda: b"<!-- x -->" * 20_000 + page()),
    _case("1 MiB of blanks before it", lambda: b" \n" * (_MIB // 2) + page()),
    _case("conditional comments", lambda: page("<!--[if IE]><p>x</p><![endif]-->" * 9999)),
    _case("names with colons", lambda: page("<a:b:c:d xmlns:a='x'>" * 9999)),
    _case("processing instructions", lambda: page("<?php echo '>' ?>" * 9999)),
    either(
        "XHTML that reads a file",
        "a.xhtml",
        _xhtml('<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]>', "&x;"),
        WORD,
    ),
    either(
        "XHTML that calls a host",
        "a.xhtml",
        _xhtml('<!DOCTYPE html SYSTEM "http://127.0.0.1:9/a.dtd">'),
        WORD,
    ),
    either("XHTML of a billion laughs", "a.xhtml", _xhtml(_laughs(), "&l9;"), WORD),
    either("half a page", "a.html", lambda: page()[: len(page()) // 2]),
)
