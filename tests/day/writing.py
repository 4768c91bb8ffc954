"""The day's files: articles in four languages and in every format, each with a number that no other has.

Passages are those of the shipped examples, so that the shipped model knows what they are about; the same
seed gives the same files.
"""

from __future__ import annotations

import html
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cache

from classifier import shipped
from tests.hostile_files import sound

LANGUAGES = ("en", "ru", "kk", "ar")

_NOTHING = "nothing"
_SYLLABLES = {
    "en": "ba de fi go lu ma ne pi ro su ta ve wi zo",
    "ru": "ба де фи го лу ма не пи ро су та ве ши зо",
    "kk": "ба де қи го лұ ма не пі рө су та ғе ши зо",
    "ar": "با دي فو جا لو ما ني بو را سي تا كو شا زي",
}
_TOLD = {
    "en": "{name} said so on day {day}, and named {figure} as the sum, in report {number}.",
    "ru": "Об этом на {day}-й день сообщил {name} и назвал сумму {figure}, отчёт {number}.",
    "kk": "Бұл туралы {day}-күні {name} айтып, {figure} соманы атады, {number} есеп.",
    "ar": "وقال {name} ذلك في اليوم {day} وذكر مبلغ {figure} في التقرير {number}.",
}


@dataclass(frozen=True, slots=True)
class Text:
    """An article before it has a format."""

    number: int
    language: str
    title: str
    paragraphs: tuple[str, ...]


def article(number: int, seed: int) -> Text:
    """The article of a number; about one topic, or in two of five cases about none."""
    chance = random.Random(f"{seed} {number}")
    language = chance.choice(LANGUAGES)
    topics = [topic for topic in _sheets(language) if topic != _NOTHING]
    topic = _NOTHING if chance.random() < 0.4 else chance.choice(topics)
    passages = chance.sample(_sheets(language)[topic], 3)
    name = f"{_name(chance, language)} {_name(chance, language)}"
    title = f"{' '.join(passages[0].split()[:7])} · {name} {number}"
    told = _TOLD[language].format(
        name=name, day=chance.randrange(40, 900), figure=chance.randrange(1200, 990_000), number=number
    )
    return Text(number, language, title, (passages[1], passages[2], told))


def more_of(text: Text, seed: int) -> Text:
    """What somebody tells later of the same event, with a figure of its own."""
    chance = random.Random(f"{seed} more {text.number}")
    told = _TOLD[text.language].format(
        name=f"{_name(chance, text.language)} {_name(chance, text.language)}",
        day=chance.randrange(40, 900),
        figure=chance.randrange(1200, 990_000),
        number=text.number,
    )
    return Text(text.number, text.language, f"{text.title} …", (*text.paragraphs, told))


def _name(chance: random.Random, language: str) -> str:
    return "".join(chance.choices(_SYLLABLES[language].split(), k=3)).capitalize()


@cache
def _sheets(language: str) -> Mapping[str, Sequence[str]]:
    """Passages by topic: those that are about one alone."""
    found: dict[str, list[str]] = {}
    for sheet in sorted((shipped("labels") / "examples" / language).glob("*.tsv")):
        for line in sheet.read_text(encoding="utf-8").splitlines():
            topics, tab, passage = line.partition("\t")
            if tab and not line.startswith("# ") and len(passage.split()) >= 8 and " " not in topics.strip():
                found.setdefault(_NOTHING if topics == "-" else topics, []).append(passage)
    return {topic: passages for topic, passages in found.items() if len(passages) >= 3}


def text(given: Text) -> bytes:
    return "\n".join((given.title, *given.paragraphs, "")).encode()


def markdown(given: Text) -> bytes:
    return "\n\n".join((f"# {given.title}", *given.paragraphs, "")).encode()


def page(given: Text) -> bytes:
    title, paragraphs = _marked(given, "<p>{}</p>")
    return (
        f"<!DOCTYPE html><html><head><meta charset=utf-8><title>{title}</title></head><body>"
        f"<nav><a href=/>Home</a></nav><article><h1>{title}</h1>{paragraphs}</article></body></html>"
    ).encode()


def mail(given: Text) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = "press@ministry.example", "desk@news.example"
    message["Subject"] = given.title
    message["Date"] = "Thu, 05 Mar 2026 15:20:00 +0500"
    message.set_content("\n\n".join(given.paragraphs))
    return message.as_bytes()


def record(given: Text) -> bytes:
    told = {"title": given.title, "text": "\n".join(given.paragraphs)}
    return json.dumps(told, ensure_ascii=False).encode()


def feed(given: Text) -> bytes:
    title, paragraphs = _marked(given, "{} ")
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>News</title>'
        f"<link>https://news.example/</link><item><title>{title}</title><description>{paragraphs}"
        f"</description><link>https://news.example/{given.number}</link></item></channel></rss>"
    ).encode()


def word(given: Text) -> bytes:
    title, paragraphs = _marked(given, "<w:p><w:r><w:t>{}</w:t></w:r></w:p>")
    inside = f"<w:p><w:r><w:t>{title}</w:t></w:r></w:p>{paragraphs}"
    document = f'<?xml version="1.0"?><w:document xmlns:w="{sound.W}"><w:body>{inside}</w:body></w:document>'
    return sound.docx(document.encode())


def rich(given: Text) -> bytes:
    told = "".join(f"\\pard {_escaped(each)}\\par\n" for each in (given.title, *given.paragraphs))
    return ("{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0 Arial;}}\n" + told + "}").encode("ascii")


def pdf(given: Text) -> bytes:
    """Its font has no letters but Latin ones; a text in other letters is a page instead."""
    told = [line.replace("·", "-") for line in (given.title, *given.paragraphs)]
    try:
        lines = [piece.encode("cp1252") for line in told for piece in _wrapped(line, 90)]
    except UnicodeEncodeError:
        return page(given)
    shown = b" ".join(b"(%s) Tj 0 -14 Td" % line.translate(None, b"()\\") for line in lines)
    content = sound.deflated(b"BT /F1 8 Tf 36 740 Td " + shown + b" ET")
    return sound.pdf(sound.pdf_objects(content))


def packed(given: Text) -> bytes:
    return sound.zipped((f"article-{given.number}.txt", text(given)))


FORMATS: Mapping[str, tuple[str, Callable[[Text], bytes]]] = {
    "text": ("txt", text),
    "markdown": ("md", markdown),
    "page": ("html", page),
    "mail": ("eml", mail),
    "record": ("json", record),
    "feed": ("rss", feed),
    "word": ("docx", word),
    "rich": ("rtf", rich),
    "pdf": ("pdf", pdf),
    "zip": ("zip", packed),
}
SHARES = {
    "text": 60,
    "page": 14,
    "markdown": 4,
    "mail": 6,
    "record": 4,
    "feed": 3,
    "word": 3,
    "rich": 2,
    "pdf": 2,
}
SHARES["zip"] = 2

DAMAGED: Sequence[tuple[str, bytes]] = (
    ("docx", sound.docx()[:-200]),
    ("pdf", b"%PDF-1.7\n" + bytes(range(256)) * 20),
    ("zip", sound.zipped(("a.txt", b"text"))[:-30]),
    ("png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8),
    ("txt", b"   \n\n"),
    ("rtf", b"{\\rtf1 " + b"{" * 5000),
)
"""Files of which no article comes, with their endings."""


def _marked(given: Text, mark: str) -> tuple[str, str]:
    return html.escape(given.title), "".join(mark.format(html.escape(each)) for each in given.paragraphs)


def _escaped(told: str) -> str:
    return "".join(sign if sign.isascii() and sign not in "\\{}" else f"\\u{_signed(sign)}?" for sign in told)


def _signed(sign: str) -> int:
    value = ord(sign) if ord(sign) < 2**16 else 0x25CF
    return value - 2**16 if value >= 2**15 else value


def _wrapped(line: str, width: int) -> list[str]:
    lines = [""]
    for each in line.split():
        if len(lines[-1]) + len(each) + 1 > width:
            lines.append(each)
        else:
            lines[-1] = f"{lines[-1]} {each}".strip()
    return lines
