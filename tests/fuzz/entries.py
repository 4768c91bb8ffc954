"""What is fuzzed: each entry takes any bytes, and raises FindingError where a promise is broken.

Of a parser only what would reach our own process counts: its exceptions are a failure in the jail.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from classifier import answers, dates, jailer
from classifier.articles import Contents
from classifier.decoding import decode
from classifier.errors import UnreadableArticleError
from classifier.formats import opening, plain
from classifier.formats.kinds import HAS_SIMPLER_WAY, Format
from classifier.formats.sniffing import sniff
from classifier.formats.ways import Way
from classifier.formats.web.stripping import strip_tags
from classifier.languages import detect
from classifier.rules import Rules
from tests.fuzz import containers
from tests.fuzz.checking import FindingError, check_contents, check_failure

RULES = Rules()
SEPARATED = Rules(separators=(r"=+ (?P<title>.+) =+", r"(?P<date>\d+ \w+ \d{4})"))


@dataclass(frozen=True, slots=True)
class Entry:
    """`name` of the file that is read, and what makes it of the fuzzer's bytes."""

    run: Callable[[bytes], None]
    format: Format | None = None
    name: str = ""
    made: Callable[[bytes], bytes] = bytes

    def warm(self) -> None:
        if self.format is not None:
            opening.warm(self.format)


def _of_parser(format: Format, name: str, made: Callable[[bytes], bytes] = bytes) -> Entry:
    def run(data: bytes) -> None:
        file = made(data)
        ways = (False, True) if format in HAS_SIMPLER_WAY else (False,)
        for simply in ways:
            with suppress(MemoryError):  # a child that ends with it is a file that is too large
                _check_answer(jailer._answer(format, file, name, RULES, simply))

    return Entry(run, format, name, made)


def _check_answer(answer: bytes) -> None:
    try:
        contents = answers.contents(answer)
    except UnreadableArticleError as failure:
        check_failure(failure.reason, failure.mend)
    except answers.MalformedError as error:
        raise FindingError(f"an answer that is none: {error.__cause__!r}") from error
    else:
        check_contents(contents, RULES.limits)


def _text(data: bytes) -> None:
    for rules in (RULES, SEPARATED):
        try:
            contents = plain.read(data, "a.txt", Way(rules, _refuse))
        except UnreadableArticleError as failure:
            check_failure(failure.reason, failure.mend)
        else:
            _check_answer(answers.of_contents(contents))


def _answers(data: bytes) -> None:
    try:
        contents = answers.contents(data)
    except UnreadableArticleError as failure:
        check_failure(failure.reason, failure.mend)
    except answers.MalformedError:
        return
    else:
        check_contents(contents, RULES.limits)


def _sniff(data: bytes) -> None:
    ending, _, rest = data.partition(b"\n")
    for name in ("a", f"a.{ending[:20].decode('latin-1')}"):
        with suppress(UnreadableArticleError):
            sniff(rest, name)


def _strip(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for menus in (True, False):
        strip_tags(text, menus=menus)


def _dates(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for found in (dates.of_line(text), dates.of_machine(text)):
        # What is found is said as programs say it, so it is found again and is the same.
        if found is not None and dates.of_machine(found) != found:
            raise FindingError(f"{found!r} is not a date")


def _languages(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    found = detect(text)
    if found is not None and (len(found) != 2 or not any(map(str.isalpha, text))):
        raise FindingError(f"{found!r} is not a language")


def _decoding(data: bytes) -> None:
    declared, _, rest = data.partition(b"\n")
    for encoding in (None, declared[:40].decode("latin-1")):
        with suppress(UnreadableArticleError):
            text = decode(rest, encoding).text
            text.encode()  # raises where a lone surrogate is left
            if "\0" in text or not text.strip():
                raise FindingError(f"{text[:100]!r} is not a text")


def _refuse(data: bytes, name: str, way: Way) -> Contents:
    raise UnreadableArticleError("a file in a text", "drop the file itself")


ENTRIES = {
    "html": _of_parser(Format.HTML, "a.html"),
    "pdf": _of_parser(Format.PDF, "a.pdf", containers.pdf),
    "docx": _of_parser(Format.DOCX, "a.docx", containers.docx),
    "odt": _of_parser(Format.ODT, "a.odt", containers.odt),
    "rtf": _of_parser(Format.RTF, "a.rtf"),
    "mail": _of_parser(Format.MAIL, "a.eml"),
    "mbox": _of_parser(Format.MBOX, "a.mbox"),
    "mhtml": _of_parser(Format.MHTML, "a.mhtml"),
    "json": _of_parser(Format.JSON, "a.json"),
    "jsonl": _of_parser(Format.JSONL, "a.jsonl"),
    "feed": _of_parser(Format.FEED, "a.xml"),
    "zip": _of_parser(Format.ZIP, "a.zip", containers.packed),
    "markdown": _of_parser(Format.MARKDOWN, "a.md"),
    "text": Entry(_text),
    "decoding": Entry(_decoding),
    "sniff": Entry(_sniff),
    "strip": Entry(_strip),
    "answers": Entry(_answers),
    "dates": Entry(_dates),
    "languages": Entry(_languages),
}
