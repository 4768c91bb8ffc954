"""What is tagged in the benchmark: texts of our own, real news where the shared folder is, and archives.

All of it comes from fixed seeds, so that two runs measure the same.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from classifier import Article, read_articles, read_bytes, shipped
from classifier.decoding import clean
from classifier.languages import detect
from classifier.passages import passages, sentences
from classifier.words import split
from tests.real_news import DATA

LENGTH = 3500  # characters
FILE_SIZE = 3000  # bytes
LANGUAGES = ("en", "ru", "kk", "ar")

_MOST_SAID_OF = 4000  # characters of an article that is perturbed again and again

# Made-up words are spelled in syllables of the script that they stand in.
_SYLLABLES = {
    "latin": tuple(a + b for a in "bdfgklmnprstv" for b in "aeiou"),
    "cyrillic": tuple(a + b for a in "бвгдклмнпрстш" for b in "аеиоу"),
    "arabic": tuple(a + b for a in "بتجدرسفقكلمن" for b in "اوي"),
}
# Words that are likely names. Arabic has no capitals: longer words without its article.
_NAME = {
    "latin": re.compile(r"(?<=[\w,] )[A-Z]\w+"),
    "cyrillic": re.compile(r"(?<=[\w,] )[А-ЯЁІҒҚҢӨҰҮҺӘ]\w+"),
    "arabic": re.compile(r"\b(?!ال)\w{6,}"),
}
_FIGURE = re.compile(r"\d")
# One word of so many is made up. Its number is drawn so that their vocabulary grows with the power 0.83
# of how many there are: that of all words then goes on growing as it does in the articles themselves.
_MADE_UP = 14
_TAIL = 5.0
_RAREST = 1e12


def mixed_texts(number: int) -> list[str]:
    """Texts of one length, made of the seeds' passages, no two alike."""
    whole = "\n".join(article.text for article in seeds())
    generator = np.random.default_rng(1)
    lines = whole.split("\n")
    return ["\n".join(generator.permutation(lines))[:LENGTH] for _ in range(number)]


def seeds() -> list[Article]:
    files = sorted(shipped("seeds").glob("*.txt"))
    return [article for file in files for article in read_articles(read_bytes(file), file.name)]


def labelled() -> list[Article]:
    """The labelled articles that nobody trained on, in four languages, as long as they are."""
    lines = (shipped("labels") / "held-out" / "dev.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    return [Article(text, language=detect(text)) for text in texts]


def joined(articles: Sequence[Article], length: int = LENGTH) -> list[Article]:
    """Articles of one length, each made of several of one language that follow each other."""
    made = []
    for language in LANGUAGES:
        parts: list[str] = []
        for article in articles:
            if article.language == language:
                parts.append(article.text)
            if sum(map(len, parts)) >= length:
                made.append(Article("\n".join(parts)[:length], language=language))
                parts = []
    return made


def news() -> list[Article] | None:
    """Real articles in English, Russian and Arabic that nobody labelled; None where they are not."""
    found = _records("unlabelled_news.jsonl.gz")
    if found is None:
        return None
    # Those in Kazakh are single sentences.
    return [Article(clean(line["text"]), language=line["lang"]) for line in found if line["lang"] != "kk"]


def reuters() -> list[Article] | None:
    """The articles of Reuters-21578; None where they are not."""
    found = _records("reuters_modapte90.jsonl.gz")
    if found is None:
        return None
    return [Article(clean(f"{line['title']}\n{line['text']}"), language="en") for line in found]


def _records(name: str) -> list[dict[str, Any]] | None:
    if not (DATA / name).exists():
        return None
    with gzip.open(DATA / name, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def backlog(number: int, share: float) -> Iterator[str]:
    """Files of 3 kB, no two alike, of which about that share has the passages of a labelled article.

    The rest of a file, or all of it, are passages about nothing that we follow. Names and figures
    are made up anew for each file: else most of them would tell the same few stories.
    """
    rewriter = Rewriter(7)
    choose = rewriter.choose
    labelled_ones = _by_language([*seeds(), *labelled()])
    quiet = {language: _quiet(language) for language in LANGUAGES}
    for _ in range(number):
        language = choose.choice(LANGUAGES)
        parts = choose.sample(quiet[language], 24)
        if choose.random() < share:
            told = [passage.text for passage in passages(choose.choice(labelled_ones[language]))]
            parts = choose.sample(told, len(told)) + parts
        yield _cut(rewriter.renamed("\n".join(parts)), FILE_SIZE)


def _quiet(language: str) -> list[str]:
    """Labelled passages about none of our topics."""
    sheet = shipped("labels") / "examples" / language / "nothing.tsv"
    lines = sheet.read_text(encoding="utf-8").splitlines()
    return [line.partition("\t")[2] for line in lines if line.startswith("-\t")]


def _by_language(articles: Sequence[Article]) -> dict[str, list[Article]]:
    return {
        language: [article for article in articles if article.language == language] for language in LANGUAGES
    }


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")


def archive(articles: Sequence[Article], number: int) -> Iterator[bytes]:
    """Lines of JSON: the articles again and again, each time perturbed. A million take a minute."""
    rewriter = Rewriter(11)
    told = [
        (
            _script(article.text),
            [article.text[a:b].strip() for a, b in sentences(article.text[:_MOST_SAID_OF])],
        )
        for article in articles
        if len(split(article.text)) > 20
    ]
    for each in range(number):
        script, parts = told[each % len(told)]
        text = rewriter.perturbed(parts, script)
        yield b'{"id": "%d", "text": %s}\n' % (each, json.dumps(text, ensure_ascii=False).encode())


class Rewriter:
    """Makes other texts of given ones."""

    def __init__(self, seed: int) -> None:
        self.choose = random.Random(seed)

    def renamed(self, text: str) -> str:
        """The text with other names and figures."""
        script = _script(text)
        syllables = _SYLLABLES[script]
        named = _NAME[script].sub(lambda _: "".join(self.choose.choices(syllables, k=3)).capitalize(), text)
        return _FIGURE.sub(lambda _: str(self.choose.randrange(10)), named)

    def perturbed(self, parts: Sequence[str], script: str) -> str:
        """Most of the sentences in another order, with some of their words made up."""
        kept = self.choose.sample(parts, len(parts) - (len(parts) > 3) - len(parts) // 8)
        words = " ".join(kept).split(" ")
        for _ in range(1 + len(words) // _MADE_UP):
            words[self.choose.randrange(len(words))] = self._made_up(script)
        return " ".join(words)

    def _made_up(self, script: str) -> str:
        """A word that is common or rare as words are: a few come often, and there are always new ones."""
        syllables = _SYLLABLES[script]
        number = int(min(self.choose.random() ** -_TAIL, _RAREST)) + len(syllables)
        spelled = []
        while number:
            number, syllable = divmod(number, len(syllables))
            spelled.append(syllables[syllable])
        return "".join(spelled)


def _script(text: str) -> str:
    letters = text[:2000]
    if sum("а" <= sign <= "я" for sign in letters) > len(letters) / 3:
        return "cyrillic"
    return "arabic" if sum("ا" <= sign <= "ي" for sign in letters) > len(letters) / 3 else "latin"
