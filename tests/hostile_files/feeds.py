"""Feeds: XML that reads files, calls hosts and grows."""

from __future__ import annotations

from collections.abc import Callable

from tests.hostile_files.corpus import Case, cut_off, either, read, refused
from tests.hostile_files.documents import laughs, reads_a_file
from tests.hostile_files.sound import WORD, feed

_MIB = 2**20
_XML = '<?xml version="1.0"?>'


def _with(title: str, entries: Callable[[], str], *words: str, slow: bool = False) -> Case:
    return either(title, "a.rss", lambda: feed(entries()), *words, slow=slow)


def _opened(title: str, prolog: str, entry: str, *words: str, slow: bool = False) -> Case:
    return either(title, "a.rss", lambda: feed(entry, prolog=prolog), *words, slow=slow)


def _item(text: str) -> str:
    return f"<item><title>Oil</title><description>{text}</description></item>"


_ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title><entry><title>Refinery restarts</title>'
    '<content type="{kind}">{text}</content></entry></feed>'
)

CASES = (
    _opened("one that reads a file", reads_a_file("rss"), _item("&x;"), WORD),
    _opened(
        "one that reads a file through a part",
        f'{_XML}<!DOCTYPE rss [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
        "",
        WORD,
    ),
    _opened("one that calls a host", f'{_XML}<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/a.dtd">', "", WORD),
    _opened("a billion laughs", laughs("rss"), _item("&l9;")),
    _opened("a billion laughs in an attribute", laughs("rss"), '<item><link a="&l9;"/></item>'),
    _opened(
        "a quadratic blow-up", f'{_XML}<!DOCTYPE rss [<!ENTITY q "{"q" * 50_000}">]>', _item("&q;" * 50_000)
    ),
    _opened(
        "a hundred thousand entities",
        f"{_XML}<!DOCTYPE rss [{''.join(f'<!ENTITY a{n} {chr(34)}b{chr(34)}>' for n in range(100_000))}]>",
        "",
        WORD,
        slow=True,
    ),
    _opened(
        "an entity that names itself",
        f'{_XML}<!DOCTYPE rss [<!ENTITY x "&y;"><!ENTITY y "&x;">]>',
        _item("&x;"),
    ),
    _opened("a DOCTYPE that does not end", f"{_XML}<!DOCTYPE rss [", _item("x")),
    _opened("an encoding that is none", '<?xml version="1.0" encoding="x-none"?>', "", WORD),
    _opened("an encoding that is a codec", '<?xml version="1.0" encoding="zlib"?>', "", WORD),
    _opened("an encoding that is not true", '<?xml version="1.0" encoding="utf-16"?>', "", WORD),
    _opened("a stylesheet at a host", f'{_XML}<?xml-stylesheet href="http://127.0.0.1:9/a.xsl"?>', "", WORD),
    either(
        "in UTF-16",
        "a.rss",
        lambda: feed().decode().replace("?>", ' encoding="utf-16"?>', 1).encode("utf-16"),
        WORD,
    ),
    _with("1,000 entries", lambda: _item("Oil rose.") * 1_000, WORD, slow=True),
    _with("100,000 entries", lambda: _item("Oil rose.") * 100_000, slow=True),
    _with("3,000 entries that are empty", lambda: "<item/>" * 3_000, WORD),
    _with("100,000 elements in each other", lambda: "<a>" * 100_000 + "</a>" * 100_000, slow=True),
    _with("200 elements in each other", lambda: "<a>" * 200 + "</a>" * 200, WORD),
    _with("100,000 that do not end", lambda: "<a>" * 100_000, slow=True),
    _with(
        "30,000 attributes",
        lambda: f"<a {' '.join(f'a{n}={chr(34)}1{chr(34)}' for n in range(30_000))}/>",
        slow=True,
    ),
    _with(
        "30,000 namespaces",
        lambda: f"<a {' '.join(f'xmlns:a{n}={chr(34)}b{n}{chr(34)}' for n in range(30_000))}/>",
        slow=True,
    ),
    _with("an entry of 1 MB", lambda: _item("oil " * 250_000), WORD),
    _with("an entry of 20 MB", lambda: _item("oil " * 5_000_000), slow=True),
    _with("a CDATA of 1 MB", lambda: _item("<![CDATA[" + "oil " * 250_000 + "]]>"), WORD),
    _with("an entry of 100,000 comments", lambda: _item("&lt;p>oil&lt;!--" * 100_000), WORD, slow=True),
    _with("an entry of 5,000 elements in each other", lambda: _item("&lt;div>" * 5_000 + "oil"), WORD),
    _with("an entry of 30,000 attributes", lambda: _item("&lt;p " + "a=1 " * 30_000 + ">oil&lt;/p>"), WORD),
    _with("an entry of brackets", lambda: _item("&lt;" * 100_000), WORD),
    _with(
        "dates that are none", lambda: f"<item><title>a</title><pubDate>{'9' * 50_000}</pubDate></item>", WORD
    ),
    _with(
        "dates of noise",
        lambda: f"<item><title>a</title><pubDate>{'2026-03-05T' * 9_999}</pubDate></item>",
        WORD,
    ),
    _with(
        "addresses that are none",
        lambda: "<item><title>a</title><link>http://[::1</link><guid>http://[</guid></item>",
        WORD,
    ),
    _with(
        "an address of 1 MB",
        lambda: f"<item><title>a</title><link>https://a.example/{'a/' * _MIB}</link></item>",
        WORD,
    ),
    _with(
        "other bases",
        lambda: (
            '<item xml:base="http://["><title>a</title>'
            '<description>&lt;a href="x">b&lt;/a></description></item>'
        ),
        WORD,
    ),
    _with(
        "5,000 people",
        lambda: "<item><title>a</title>" + "<author>a (b) c@d.example</author>" * 5_000 + "</item>",
        WORD,
    ),
    _with(
        "5,000 topics", lambda: "<item><title>a</title>" + "<category>a</category>" * 5_000 + "</item>", WORD
    ),
    _with(
        "5,000 files",
        lambda: "<item><title>a</title>" + '<enclosure url="a" type="b"/>' * 5_000 + "</item>",
        WORD,
    ),
    _with("a comment of 5 MB", lambda: f"<!--{'x' * 5 * _MIB}-->", WORD),
    _with("bare ampersands", lambda: _item("a & b &nbsp; &bogus; <br>"), WORD),
    _with("zero bytes", lambda: _item("a\0b"), WORD),
    _with("lone surrogates", lambda: _item("&#xD800; \ud800"), WORD),
    either("a title of 1 MB", "a.rss", lambda: feed(title="x" * _MIB), WORD),
    read("the sound one", "a.rss", feed, WORD),
    refused("no entries", "a.rss", lambda: b'<?xml version="1.0"?><rss version="2.0"><channel/></rss>', "."),
    either("no channel", "a.rss", lambda: b'<?xml version="1.0"?><rss version="2.0"/>'),
    *(either(f"cut off at {share:.0%}", "a.rss", cut_off(feed, share)) for share in (0.1, 0.5, 0.9)),
    either(
        "Atom: content of HTML",
        "a.atom",
        lambda: _ATOM.format(kind="html", text="&lt;p>Atyrau oil&lt;/p>" * 99).encode(),
        WORD,
    ),
    either(
        "Atom: content of XHTML",
        "a.atom",
        lambda: _ATOM.format(kind="xhtml", text="<div>" * 150 + "Atyrau oil" + "</div>" * 150).encode(),
        WORD,
    ),
    either(
        "Atom: content elsewhere",
        "a.atom",
        lambda: _ATOM.replace(">{text}", ' src="file:///etc/passwd">').format(kind="text/html").encode(),
    ),
    either(
        "Atom: content of base64",
        "a.atom",
        lambda: _ATOM.format(kind="application/octet-stream", text="!!!" * 999).encode(),
    ),
)
