"""The paragraphs of a PDF ▶ which of them is the title, by its size and by what the file calls itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from classifier.formats.pdf import bidi
from classifier.formats.pdf.layout import Line
from classifier.formats.pdf.paragraphs import Paragraph

LARGER = 1.15  # than the text under it: a title
_FIRST_PARAGRAPHS = 6
_LONGEST_TITLE = 300  # characters
_LONGEST_HEAD = 120  # characters of what may stand above a title


def usual_size(lines: Iterable[Line]) -> float:
    """The size of most of the text; 0 where there is none."""
    seen: Counter[float] = Counter()
    for line in lines:
        seen[round(line.size, 1)] += len(line.text)
    return max(seen, key=lambda size: seen[size], default=0.0)


def title_at(paragraphs: Sequence[Paragraph]) -> int | None:
    """Which of the first paragraphs is set so much larger than the rest that it is the title."""
    body = usual_size(line for paragraph in paragraphs for line in paragraph.lines)
    best = None
    for at, paragraph in enumerate(paragraphs[:_FIRST_PARAGRAPHS]):
        length = sum(len(line.text) for line in paragraph.lines)
        size = max(line.size for line in paragraph.lines)
        if length <= _LONGEST_TITLE and size > LARGER * (paragraphs[best].size if best is not None else body):
            best = at
        if length > _LONGEST_HEAD:
            break
    return best


def with_title(at: int | None, texts: list[str], given: str) -> tuple[str | None, list[str]]:
    """The title, and the texts with it first. `at`: which of them the eye takes for it.

    `given` is what the file calls itself. That is believed only where the text begins with these words:
    it is often the name of a draft.
    """
    if given and texts:
        for first in range(min(_FIRST_PARAGRAPHS, len(texts))):
            rest = _behind(given, texts[first])
            if rest is not None:
                remaining = [*texts[:first], *([rest] if rest else []), *texts[first + 1 :]]
                return given, [given, *_without_repeated(given, remaining)]
    if at is None:
        return None, texts
    title = texts[at]
    return title, [title, *_without_repeated(title, [*texts[:at], *texts[at + 1 :]])]


def _behind(title: str, text: str) -> str | None:
    """What follows the title in a text that begins with it; None where it does not."""
    words, title_words = text.split(), title.split()
    if _folded(words[: len(title_words)]) != _folded(title_words):
        return None
    return " ".join(words[len(title_words) :])


def _folded(words: Sequence[str]) -> str:
    return bidi.base_letters(" ".join(words)).casefold()


def _without_repeated(title: str, texts: list[str]) -> list[str]:
    """Texts without the title that stands there once more, as programs print it above the page."""
    again = next((at for at, text in enumerate(texts[:_FIRST_PARAGRAPHS]) if text == title), None)
    return texts if again is None else [*texts[:again], *texts[again + 1 :]]
