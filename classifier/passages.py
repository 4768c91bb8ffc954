"""Article ▶ passages: stretches short enough to be about one thing, with their place in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from classifier.articles import Article
from classifier.boilerplate import is_boilerplate

LONGEST = 420  # characters; a longer paragraph is cut at sentence ends
_SHORTEST = 80  # characters; a sentence shorter than this joins its neighbour

# Hostile text can be one paragraph of megabytes without a sentence end.
_LONGEST_UNCUT = 1600

# A sentence ends at a full stop and the like, with closing quotes, before a blank and anything
# that can open a sentence.
_SENTENCE_END = re.compile(
    # Possessive and tied to the start of a run: a megabyte of full stops is read once.
    r"(?<![.!?…؟])[.!?…؟]++[\"'»”’)\]]*+\s++(?=[^a-zа-яёәғқңөұүһі])"
)
_LAST_WORD = re.compile(r"[^\W\d_]+\Z")
# These take a full stop and end nothing; nor does an initial, as in "B. Sadykov".
_SHORTENED = frozenset(
    """
    mr mrs ms dr st no vs jan feb mar apr jun jul aug sept sep oct nov dec inc ltd gen col sen rep
    гг кг им ул тг тыс млн млрд руб долл проф акад
    """.split()
)


@dataclass(frozen=True, slots=True)
class Passage:
    """`text` is `article.text[start:end]`; offsets count characters."""

    text: str
    start: int
    end: int
    is_title: bool = False


def passages(article: Article) -> tuple[Passage, ...]:
    """The passages of an article in order: its title, then its paragraphs, long ones cut.

    Lines that say nothing of what it is about are left out, unless there is nothing else.
    """
    return tuple(_passages(article) or _passages(article, whole=True))


def _passages(article: Article, *, whole: bool = False) -> list[Passage]:
    found: list[Passage] = []
    start = 0
    for line in article.text.split("\n"):
        is_title = not found and article.title is not None and line.strip() == article.title
        if is_title or whole or not is_boilerplate(line):
            for left, right in _cuts(line):
                stretch = line[left:right]
                inner = len(stretch) - len(stretch.lstrip())
                plain = stretch.strip()
                if plain:
                    begin = start + left + inner
                    found.append(Passage(plain, begin, begin + len(plain), is_title))
        start += len(line) + 1
    return found


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Where the sentences of one paragraph start and end; they cover it without a gap."""
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if _ends_nothing(text[max(start, match.start() - 12) : match.start()]):
            continue
        yield start, match.end()
        start = match.end()
    if start < len(text):
        yield start, len(text)


def _ends_nothing(before: str) -> bool:
    word = _LAST_WORD.search(before)
    return word is not None and (len(word[0]) == 1 or word[0].casefold() in _SHORTENED)


def _cuts(line: str) -> Iterator[tuple[int, int]]:
    """A paragraph whole where it is short, else groups of sentences of about the same length."""
    if len(line) <= LONGEST:
        yield 0, len(line)
        return
    start, end = 0, 0
    for left, right in sentences(line):
        if end > start and right - start > LONGEST and end - start >= _SHORTEST:
            yield from _pieces(line, start, end)
            start = left
        end = right
    yield from _pieces(line, start, end)


def _pieces(line: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A sentence that never ends is cut at a blank, or anywhere if it has none."""
    while end - start > _LONGEST_UNCUT:
        gap = line.rfind(" ", start + _LONGEST_UNCUT // 2, start + _LONGEST_UNCUT)
        cut = gap + 1 if gap > 0 else start + _LONGEST_UNCUT
        yield start, cut
        start = cut
    if start < end:
        yield start, end
