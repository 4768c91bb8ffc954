"""Files that say they are something else, that are two things at once, and sound ones with bytes amiss."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.hostile_files.corpus import Build, Case, cut_off, either, read, refused
from tests.hostile_files.sound import FILES, WORD, mail, page, simple_pdf, text, zipped

_ENDINGS = ("txt", "html", "pdf", "docx", "eml", "json", "zip", "md", "exe")
_PROGRAM = b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff" + bytes(200) + b"PE\0\0"
_PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(200)


def _renamed() -> Iterator[Case]:
    for number, (ending, build) in enumerate(FILES.items()):
        for other in (_ENDINGS * 2)[number % len(_ENDINGS) :][:4]:
            if other != ending:
                yield read(f"{ending} called {other}", f"a.{other}", build, WORD)
    for other in _ENDINGS:
        yield refused(f"a program called {other}", f"a.{other}", lambda: _PROGRAM, "a program")
        yield refused(f"a picture called {other}", f"a.{other}", lambda: _PICTURE, "a picture")


def _broken() -> Iterator[Case]:
    for ending, build in FILES.items():
        for share in (0.2, 0.6, 0.95):
            yield either(f"{ending} cut off at {share:.0%}", f"a.{ending}", cut_off(build, share))
        for seed in range(4):
            yield either(f"{ending} with bits amiss, {seed}", f"a.{ending}", _amiss(build, seed))
        yield either(f"{ending} behind 99 bytes of noise", f"a.{ending}", _behind(build))
        yield either(f"{ending} twice", f"a.{ending}", _doubled(build), WORD)


def _amiss(build: Build, seed: int) -> Build:
    def built() -> bytes:
        chance, data = random.Random(seed), bytearray(build())
        for _ in range(1 + len(data) // 200):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        return bytes(data)

    return built


def _doubled(build: Build) -> Build:
    return lambda: build() * 2


def _behind(build: Build) -> Build:
    return lambda: random.Random(5).randbytes(99) + build()


_BOTH = (
    read("a PDF that is a page", "a.html", lambda: simple_pdf() + page(), WORD),
    read("a page that is a PDF", "a.pdf", lambda: b"<html><!--\n" + simple_pdf() + b"-->" + page(), WORD),
    either("a zip that is a page", "a.zip", lambda: page() + zipped(("a.txt", text())), WORD),
    either("a page that is a zip", "a.html", lambda: zipped(("a.txt", text())) + page()),
    read("a PDF that is a zip", "a.zip", lambda: simple_pdf() + zipped(("a.txt", text())), WORD),
    refused("a picture that is a script", "a.html", lambda: b"GIF89a=1;/*" + page() + b"*/", "a picture"),
    refused("a picture that is a zip", "a.zip", lambda: _PICTURE + zipped(("a.txt", text())), "a picture"),
    refused("a program that is a zip", "a.zip", lambda: _PROGRAM + zipped(("a.txt", text())), "a program"),
    read("a mail that is a page", "a.html", lambda: mail(page(), type=b"text/html; charset=utf-8"), WORD),
    read("a page that is a mail", "a.eml", lambda: page() + mail(), WORD),
    read("a text that speaks of PDFs", "a.txt", lambda: text() + b" %PDF-1.7", WORD),
    read("a text that begins with a bracket", "a.txt", lambda: b"[Reuters] " + text(), WORD),
    read("a text that begins with a brace", "a.txt", lambda: b"{Reuters} " + text(), WORD),
    read("a text that begins with a tag", "a.txt", lambda: b"<Reuters> " + text(), WORD),
    read("a text that begins like a mail", "a.txt", lambda: b"From: our correspondent\n" + text(), WORD),
    read("a text that begins like a program", "a.txt", lambda: b"MZ " + text(), WORD),
    read("a text that begins like a mailbox", "a.txt", lambda: b"From Monday on: " + text(), WORD),
)
CASES = (*_renamed(), *_BOTH, *_broken())
