"""What a reader must find in each file: told by the table, never by what a parser returned."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.formats.pages import visible_date
from tests.formats.table import FILES, OWNERS_RULES, Exactness, Made
from tests.formats.texts import TEXTS, NewsText
from tests.formats.writing import day

HERE = Path(__file__).parent
MADE = HERE / "files"
EXPECTED = HERE / "expected.jsonl"


def expectation(made: Made) -> dict[str, Any]:
    """What stands of a file in expected.jsonl.

    `lines`: each paragraph must be one line; `guessed`: a caveat must say so of the encoding. `may` is
    text that is neither wanted nor foreign; `also` are values that a field may have instead, where the
    file leaves it open (an attachment has its mail's date or none).
    """
    articles = [_article(made, TEXTS[name], number) for number, name in enumerate(made.articles)]
    # A PDF does not know its paragraphs.
    lines = not any(name.endswith(".pdf") for name in (made.name, *made.traits))
    found: dict[str, Any] = {"file": made.name, "format": made.format, "lines": lines, "articles": articles}
    if made.left_out:
        found["left_out"] = list(made.left_out)
    if made.paragraphs:
        found["paragraphs"] = made.paragraphs
    if _is_guessed(made):
        found["guessed"] = True
    if made.by_rules:
        found["rules"] = OWNERS_RULES
    return found


def _article(made: Made, text: NewsText, number: int) -> dict[str, Any]:
    carried = made.carries
    date = made.date
    also: dict[str, list[str]] = {}
    if number and any(_is_attached_article(trait) for trait in made.traits):
        # What is attached has neither the mail's headers nor a date line, and may inherit both.
        carried, date = ("title",), ""
        first = TEXTS[made.articles[0]]
        also = {"date": [first.date], "source": [first.source]}
    if made.format in ("eml", "mbox"):
        # Whoever sends a press service's mail is its source; a reader may take it for the author.
        also["author"] = [TEXTS[made.articles[0]].source]
    return {
        "article": text.id,
        "title": text.title if "title" in carried else None,
        "date": _date(text, date),
        "language": text.language,
        "source": (made.source or text.source) if "source" in carried else None,
        "author": text.author if "author" in carried else None,
        "url": text.url if "url" in carried else None,
        "adds": list(made.adds) if number == 0 else [],
        "may": [*made.may, day(text), visible_date(text), text.author, text.date[:10]],
        "also": also,
    }


def _is_guessed(made: Made) -> bool:
    """Nothing in the file tells its encoding, or what does is wrong."""
    if made.tool == "text":
        return not made.encoding.startswith("utf-8") and "bom" not in made.traits
    return bool({"no-charset", "told-utf8"} & set(made.traits))


def _is_attached_article(trait: str) -> bool:
    """An attached mail has headers of its own."""
    return trait.startswith("attach:") and not trait.endswith(".eml")


def _date(text: NewsText, exactness: Exactness) -> str | None:
    match exactness:
        case "zoned":
            return text.date
        case "minute":
            return datetime.fromisoformat(text.date).replace(tzinfo=None).isoformat(timespec="minutes")
        case "day":
            return text.date[:10]
    return None


def line(made: Made) -> str:
    return json.dumps(expectation(made), ensure_ascii=False)


def write() -> None:
    lines = [line(made) for made in FILES if (MADE / made.name).exists()]
    EXPECTED.write_text("\n".join(lines) + "\n", encoding="utf-8")


def load() -> list[dict[str, Any]]:
    return [json.loads(line) for line in EXPECTED.read_text(encoding="utf-8").splitlines()]
