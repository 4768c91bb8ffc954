"""The plain text of a mail ▶ paragraphs, without signature, footers, and what it answers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from classifier.formats.lines import unwrapped

QUOTE_LEFT_OUT = "left out: the text that the mail answers"

_LONGEST_SIGNATURE = 15  # lines; what is longer behind a "-- " is text
_LEAST_ANSWER = 200  # letters of one's own; where there are fewer, what is quoted is the text
_NEAR_AN_EDGE = 12  # lines of a text within which a footer is looked for
_LONGEST_FOOTER = 400  # characters of a line
_MOST_FORWARDED = 10  # lines of headers above a forwarded text

_FOOTER = re.compile(
    r"unsubscribe|mailing list|view (?:it |this (?:e-?mail |message )?)?(?:in|with) (?:your )?browser"
    r"|manage (?:your )?preferences|mailman/listinfo|sent from my (?:iphone|ipad|phone|mobile|samsung|galaxy)"
    r"|отписаться|отказаться от рассылки|открыть в браузере|веб-верси[яию]|вы получили это письмо"
    r"|отправлено с iphone|отправлено из мобильной"
    r"|жазылымнан бас тарт|таратылымнан бас тарт|браузерде аш"
    r"|إلغاء الاشتراك|عرض .{0,20}في المتصفح",
    re.I,
)
_RULE = re.compile(r"\s*[_=-]{10,}\s*")
_FORWARDED = re.compile(
    r"\s*(?:[-_*=]{2,}\s*)?(?:original message|forwarded (?:message|by\b.{0,80})|begin forwarded message:?"
    r"|исходное сообщение|пересылаемое сообщение|пересланное сообщение|начало переадресованного сообщения:?"
    r"|қайта жіберілген хабар(?:лама)?|бастапқы хабар(?:лама)?"
    r"|الرسالة الأصلية|رسالة معاد توجيهها|رسالة محولة)(?:\s*[-_*=]{2,})?\s*",
    re.I,
)
_FORWARDED_HEADER = re.compile(
    r"\*?(?:from|sent|date|to|cc|subject|reply-to|от|от кого|отправлено|дата|кому|копия|тема"
    r"|кімнен|жіберілді|күні|кімге|көшірме|тақырыбы?|من|تاريخ الإرسال|التاريخ|إلى|نسخة|الموضوع)\*?\s?:",
    re.I,
)
_ATTRIBUTION = re.compile(
    r".{0,300}(?:wrote|writes|пишет|писала?|написала?|жазды|жазған|كتب|كتبت)\b.{0,60}:\s*"
)


@dataclass(frozen=True, slots=True)
class MailText:
    """`paragraphs` are whole lines. `forwards`: the text is another's, whoever sent the mail."""

    paragraphs: tuple[str, ...]
    forwards: bool = False
    remarks: tuple[str, ...] = ()


def of_plain(text: str, *, answers: bool, flowed: bool = False, glued: bool = False) -> MailText:
    """The text of a text/plain part.

    `answers`: the mail says that it answers another one; the text that it quotes is then left out where
    there is an answer. `flowed` and `glued` are RFC 3676's format=flowed and DelSp=yes.
    """
    lines = _without_signature(text.split("\n"))
    levels = [_unquoted(line) for line in lines]
    own = sum(_letters(line) for depth, line in levels if not depth)
    remarks: tuple[str, ...] = ()
    if any(depth for depth, _ in levels) and answers and own >= _LEAST_ANSWER:
        levels = _without_quotes(levels)
        remarks = (QUOTE_LEFT_OUT,)
    lines = _flowed(levels, glued) if flowed else [line for _, line in levels]
    lines, forwards = _without_forwarded_headers(lines)
    paragraphs = [line.strip() for line in lines] if flowed else unwrapped(lines)
    return MailText(tuple(without_footers([each for each in paragraphs if each])), forwards, remarks)


def of_lines(text: str) -> MailText:
    """The text of a web page's body: its lines are paragraphs already."""
    lines, forwards = _without_forwarded_headers(_without_signature(text.split("\n")))
    return MailText(tuple(without_footers([line.strip() for line in lines if line.strip()])), forwards)


def without_footers(lines: list[str]) -> list[str]:
    """`lines` without those at either end that say how to leave a mailing list, or where to read it."""
    last = len(lines) - _NEAR_AN_EDGE
    return [
        line
        for number, line in enumerate(lines)
        if not ((number < 3 or number >= last) and _is_footer(line)) and not _RULE.fullmatch(line)
    ]


def _is_footer(line: str) -> bool:
    return len(line) <= _LONGEST_FOOTER and _FOOTER.search(line) is not None


def _without_signature(lines: list[str]) -> list[str]:
    """`lines` up to the last "-- ", where no more follows it than a signature has."""
    for number in range(len(lines) - 1, max(-1, len(lines) - _LONGEST_SIGNATURE - 2), -1):
        if lines[number].rstrip("\r") in ("-- ", "--") and number:
            return lines[:number]
    return lines


def _unquoted(line: str) -> tuple[int, str]:
    """How many marks of a quote a line opens with, and the line without them."""
    if not line.startswith(">"):
        return 0, line
    bare = line.lstrip("> ")
    marks = line[: len(line) - len(bare)]
    kept = marks.rstrip(" ")
    return kept.count(">"), line[len(kept) :]


def _letters(line: str) -> int:
    return sum(map(str.isalpha, line))


def _without_quotes(levels: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The writer's own lines, without those that say whom they quote."""
    kept: list[tuple[int, str]] = []
    for depth, line in levels:
        if not depth:
            kept.append((depth, line))
            continue
        while kept and not kept[-1][1].strip():
            kept.pop()
        if kept and _ATTRIBUTION.fullmatch(kept[-1][1]):
            kept.pop()
        if kept and kept[-1][1]:
            kept.append((0, ""))
    return kept


def _flowed(levels: list[tuple[int, str]], glued: bool) -> list[str]:
    """Lines that end in a blank joined with the next of their depth, as RFC 3676 has it."""
    paragraphs: list[str] = []
    pieces: list[str] = []
    before = 0
    for depth, given in levels:
        line = given.removeprefix(" ")  # put there so that it does not look like a quote
        if pieces and depth != before:
            paragraphs.append("".join(pieces))
            pieces = []
        before = depth
        if line.endswith(" ") and line != "-- ":
            pieces.append(line[:-1] if glued else line)
        else:
            paragraphs.append("".join([*pieces, line]))
            pieces = []
    return [*paragraphs, "".join(pieces)]


def _without_forwarded_headers(lines: list[str]) -> tuple[list[str], bool]:
    """`lines` without a line that says that a forwarded text follows, and without its headers."""
    kept: list[str] = []
    headers_left = 0
    found = False
    for line in lines:
        if len(line) <= 200 and _FORWARDED.fullmatch(line):
            headers_left, found = _MOST_FORWARDED, True
            continue
        if headers_left:
            headers_left -= 1
            if not line.strip() or _FORWARDED_HEADER.match(line.strip()):
                continue
            headers_left = 0
        kept.append(line)
    return kept, found
