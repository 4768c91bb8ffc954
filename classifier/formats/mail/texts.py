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
_MOST_FORWARDED = 20  # lines of headers above a forwarded text

_FOOTER = re.compile(
    r"unsubscribe|mailing list|view (?:it |this (?:e-?mail |message )?)?(?:in|with) (?:your )?browser"
    r"|manage (?:your )?preferences|mailman/listinfo|sent from my (?:iphone|ipad|phone|mobile|samsung|galaxy)"
    r"|отписаться|отказаться от рассылки|открыть в браузере|веб-верси[яию]|вы получили это письмо"
    r"|отправлено с iphone|отправлено из мобильной"
    r"|жазылымнан бас тарт|таратылымнан бас тарт|браузерде аш"
    r"|إلغاء الاشتراك|عرض .{0,20}في المتصفح",
    re.I,
)
_SIGNED, _SIGNATURE = "-----BEGIN PGP SIGNED MESSAGE-----\n", "\n-----BEGIN PGP SIGNATURE-----"
_DASHED = re.compile(r"^- ", re.MULTILINE)
_RULE = re.compile(r"\s*[_=-]{10,}\s*")
_FORWARDED = re.compile(
    r"\s*(?:[-_*=]{2,}\s*)?(?:original message|forwarded (?:message|by\b.{0,80})|begin forwarded message:?"
    r"|исходное сообщение|пересылаемое сообщение|пересланное сообщение|начало переадресованного сообщения:?"
    r"|қайта жіберілген хабар(?:лама)?|бастапқы хабар(?:лама)?"
    r"|الرسالة الأصلية|رسالة معاد توجيهها|رسالة محولة)(?:\s*[-_*=]{2,})?\s*",
    re.I,
)
_FROM = re.compile(r"\*?(?:from|von|de|от|от кого|кімнен|жіберуші|من)\*?\s?:\*?\s*(.{0,500})", re.I)
_SENT = re.compile(
    r"\*?(?:date|sent|дата|отправлено|күні|жіберілді|التاريخ|تاريخ الإرسال)\*?\s?:\*?\s*(.{0,100})", re.I
)
_HEADER = re.compile(
    r"\*?(?:from|sent|date|to|cc|subject|reply-to|от|от кого|отправлено|дата|кому|копия|тема|кімнен"
    r"|жіберуші|жіберілді|күні|кімге|көшірме|тақырыбы?|من|تاريخ الإرسال|التاريخ|إلى|نسخة|الموضوع)\*?\s?:",
    re.I,
)
_ANY_HEADER = re.compile(r"\*?[A-Z][A-Za-z-]{1,40}\*?:\s")
_ATTRIBUTION = re.compile(
    r".{0,300}(?:wrote|writes|пишет|писала?|написала?|жазды|жазған|كتب|كتبت)\b.{0,60}:\s*"
)


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What a forwarded text says of the mail that it was, as it says it."""

    sender: str | None = None
    date: str | None = None


@dataclass(frozen=True, slots=True)
class MailText:
    """`paragraphs` are whole lines. `forwarded`: the text is another's, whoever sent the mail."""

    paragraphs: tuple[str, ...]
    forwarded: Forwarded | None = None
    caveats: tuple[str, ...] = ()


def of_plain(text: str, *, answers: bool, flowed: bool = False, glued: bool = False) -> MailText:
    """The text of a text/plain part.

    `answers`: the mail says that it answers another one; the text that it quotes is then left out where
    there is an answer. `flowed` and `glued` are RFC 3676's format=flowed and DelSp=yes.
    """
    lines = _without_signature(_without_armour(text).split("\n"))
    levels = [_unquoted(line) for line in lines]
    own = sum(_letters(line) for depth, line in levels if not depth)
    caveats: tuple[str, ...] = ()
    if any(depth for depth, _ in levels) and answers and own >= _LEAST_ANSWER:
        levels = _without_quotes(levels)
        caveats = (QUOTE_LEFT_OUT,)
    lines = _flowed(levels, glued) if flowed else [line for _, line in levels]
    lines, forwarded, more = _without_heads(lines, answers)
    paragraphs = [line.strip() for line in lines] if flowed else unwrapped(lines)
    return MailText(tuple(without_footers([each for each in paragraphs if each])), forwarded, caveats or more)


def of_lines(text: str, *, answers: bool) -> MailText:
    """The text of a web page's body: its lines are paragraphs already."""
    lines, forwarded, caveats = _without_heads(_without_signature(text.split("\n")), answers)
    kept = without_footers([line.strip() for line in lines if line.strip()])
    return MailText(tuple(kept), forwarded, caveats)


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


def _without_armour(text: str) -> str:
    """The text of one that OpenPGP signed in the clear (RFC 9580, 7)."""
    before, opened, rest = text.partition(_SIGNED)
    if not opened or before.strip():
        return text
    signed = rest.partition("\n\n")[2].partition(_SIGNATURE)[0]
    return _DASHED.sub("", signed)


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


def _without_heads(lines: list[str], answers: bool) -> tuple[list[str], Forwarded | None, tuple[str, ...]]:
    """`lines` without the headers above a text that is passed on, and what the first of them say.

    Where an answer stands above them, it is the text, and they and all below them go.
    """
    kept: list[str] = []
    found: Forwarded | None = None
    at = 0
    while at < len(lines):
        end, forwarded = _head(lines, at)
        if forwarded is None:
            kept.append(lines[at])
        elif answers and sum(map(_letters, kept)) >= _LEAST_ANSWER:
            return kept, None, (QUOTE_LEFT_OUT,)
        else:
            answers = False  # asked once: their number may be great
            found = found or forwarded
        at = end
    return kept, found, ()


def _head(lines: list[str], at: int) -> tuple[int, Forwarded | None]:
    """Where the headers of a forwarded mail end that begin at a line, and what they say."""
    line = lines[at]
    begun = at
    if len(line) <= 200 and _FORWARDED.fullmatch(line):
        begun = at + 1
        while begun < min(at + 4, len(lines)) and not lines[begun].strip():
            begun += 1
    elif not (_FROM.match(line) and sum(_HEADER.match(each) is not None for each in lines[at : at + 4]) >= 3):
        return at + 1, None
    sender = date = None
    end = begun
    while end < min(begun + _MOST_FORWARDED, len(lines)):
        header = lines[end].strip()
        if not (_HEADER.match(header) or _ANY_HEADER.match(header)):
            break
        sender = sender or ((match := _FROM.match(header)) and match[1])
        date = date or ((match := _SENT.match(header)) and match[1])
        end += 1
    return max(end, at + 1), Forwarded(sender or None, date or None)
