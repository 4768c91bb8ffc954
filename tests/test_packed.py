"""A zip of articles: each is read as if it had been dropped by itself, what is none is named."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import docx
import pytest

from classifier.articles import Contents, compose
from classifier.errors import UnreadableArticleError
from classifier.formats.kinds import Format
from classifier.formats.office import packed
from classifier.formats.opening import open_as
from classifier.formats.ways import Way
from classifier.reading import Reader
from classifier.rules import Limits, Rules

BODY = "Ships enter the port of Aktau again, its management said on Monday."
MIB = 2**20
CUT_OFF = b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'


def zip_of(*entries: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in entries:
            file.writestr(name, data)
    return out.getvalue()


def text(title: str) -> bytes:
    return f"{title}\n{BODY}\n".encode()


def document(title: str) -> bytes:
    made, out = docx.Document(), io.BytesIO()
    made.add_heading(title, level=0)
    made.add_paragraph(BODY)
    made.save(out)
    return out.getvalue()


def read(data: bytes, **limits: Any) -> Contents:
    return open_as(Format.ZIP, data, "a.zip", Rules(limits=Limits(**limits)))


def titles(contents: Contents) -> list[str | None]:
    return [article.title for article in contents.articles]


def refusal(data: bytes, **limits: Any) -> str:
    with pytest.raises(UnreadableArticleError) as found:
        read(data, **limits)
    return found.value.reason


def test_every_file_is_an_article_in_the_order_of_the_archive() -> None:
    data = zip_of(("week/b.txt", text("Port opens")), ("a.docx", document("Rail reopens")))

    contents = read(data)

    assert titles(contents) == ["Port opens", "Rail reopens"]
    assert contents.left_out == ()


def test_a_zip_is_read_in_the_jail() -> None:
    reader = Reader()
    try:
        contents = reader.read(
            zip_of(("порт.docx", document("Port opens")), ("x.png", b"\x89PNG....")), "a.zip"
        )
    finally:
        reader.close()

    assert titles(contents) == ["Port opens"]
    assert contents.articles[0].language == "en"
    assert contents.left_out == ("x.png: not text but a picture",)


def test_what_cannot_be_read_is_named_and_the_others_are_articles() -> None:
    data = zip_of(
        ("photos/ship.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 50),
        ("a.txt", text("Port opens")),
        ("empty.txt", b" "),
        ("broken.docx", zip_of(("[Content_Types].xml", b"<Types/>"), ("word/document.xml", CUT_OFF))),
    )

    contents = read(data)

    assert titles(contents) == ["Port opens"]
    picture, empty, broken = contents.left_out
    assert picture == "ship.png: not text but a picture"
    assert empty.startswith("empty.txt: ")
    assert broken.startswith("broken.docx: not a sound file: XMLSyntaxError")


def test_what_systems_leave_in_folders_is_not_even_named() -> None:
    data = zip_of(
        ("news/", b""),
        ("__MACOSX/news/._a.txt", b"\0\5\x16\7"),
        ("__MACOSX/news/a.txt", text("A shadow")),
        ("news/._a.txt", text("A shadow")),
        ("news/.DS_Store", b"\0\0\0\1Bud1"),
        ("news/Thumbs.db", b"\xd0\xcf\x11\xe0"),
        ("news\\desktop.ini", b"[x]"),
        ("news/a.txt", text("Port opens")),
    )

    contents = read(data)

    assert (titles(contents), contents.left_out) == (["Port opens"], ())
    assert refusal(zip_of(("news/", b""), ("news/.DS_Store", b"x"))) == "empty"
    assert refusal(zip_of()) == "empty"


def test_where_nothing_is_an_article_the_first_reasons_are_told() -> None:
    data = zip_of(*((f"{number}.png", b"\x89PNG....") for number in range(5)))

    assert refusal(data) == (
        "nothing in it is an article (0.png: not text but a picture; 1.png: not text but a picture)"
    )


def test_a_zip_in_a_zip_is_opened_and_too_many_are_not() -> None:
    data = zip_of(("a.txt", text("Port opens")))
    for _ in range(2):
        data = zip_of(("inner.zip", data))

    assert titles(read(data)) == ["Port opens"]
    assert "packed too deep" in refusal(zip_of(("inner.zip", data)))


def test_what_is_left_out_of_an_inner_file_is_named_with_its_file() -> None:
    inner = zip_of(("a.txt", text("Port opens")), ("b.png", b"\x89PNG...."))

    assert read(zip_of(("inner.zip", inner))).left_out == ("inner.zip: b.png: not text but a picture",)


def test_archives_in_an_archive_do_not_multiply_what_may_be_unpacked() -> None:
    inner = zip_of(("zeros.txt", b"\0" * MIB))
    data = zip_of(*((f"{number}.zip", inner) for number in range(10)), ("a.txt", text("Port opens")))

    contents = read(data, unpacked_mib=3)

    assert titles(contents) == ["Port opens"]
    assert sum("too large" in line for line in contents.left_out) == 8


def test_more_text_than_the_limit_is_left_out() -> None:
    data = zip_of(*((f"{number}.txt", text(f"Port {number}")) for number in range(5)))

    contents = read(data, characters=200)

    assert titles(contents) == ["Port 0", "Port 1"]
    assert len(contents.left_out) == 3
    assert contents.left_out[0].startswith("2.txt: too long")


def test_more_files_than_the_limit_are_refused() -> None:
    entries = [(f"{number}.txt", text("Port opens")) for number in range(4)]

    assert len(read(zip_of(*entries, ("folder/", b"")), parts=4).articles) == 4
    assert refusal(zip_of(*entries), parts=3) == "more than 3 files in it"


def test_a_document_whose_text_has_another_name_is_still_a_document() -> None:
    with zipfile.ZipFile(io.BytesIO(document("Port opens"))) as file:
        parts = [(info.filename, file.read(info)) for info in file.infolist()]
    moved = zip_of(
        *((name.replace("word/", "text/"), data.replace(b"word/", b"text/")) for name, data in parts)
    )

    assert titles(read(moved)) == ["Port opens"]


@pytest.mark.parametrize("name", ["../../evil.txt", "/etc/evil.txt", "..\\evil.txt"])
def test_a_name_is_never_a_path(name: str) -> None:
    contents = read(zip_of((name, b"\x89PNG...."), ("a.txt", text("Port opens"))))

    assert contents.left_out == ("evil.txt: not text but a picture",)


def raiser(error: Exception) -> Callable[[bytes, str, Way], Contents]:
    def opens(data: bytes, name: str, way: Way) -> Contents:
        if name == "bad":
            raise error
        return Contents((compose("Port opens", BODY),))

    return opens


def test_a_parser_that_fails_on_one_file_does_not_lose_the_others() -> None:
    data = zip_of(("bad", b"x"), ("good", b"x"))

    contents = packed.read(data, "a.zip", Way(Rules(), raiser(RecursionError("too deep"))))

    assert titles(contents) == ["Port opens"]
    assert contents.left_out == ("bad: not a sound file: RecursionError: too deep",)


def test_too_little_memory_is_told_at_first_and_only_that_file_is_lost_on_the_simpler_way() -> None:
    data = zip_of(("bad", b"x"), ("good", b"x"))

    with pytest.raises(MemoryError):
        packed.read(data, "a.zip", Way(Rules(), raiser(MemoryError())))

    contents = packed.read(data, "a.zip", Way(Rules(), raiser(MemoryError()), simply=True))
    assert titles(contents) == ["Port opens"]
    assert contents.left_out == ("bad: too large: needs too much memory",)
