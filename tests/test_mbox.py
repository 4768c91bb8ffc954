"""A mailbox becomes the articles of all its mails."""

from __future__ import annotations

import mailbox
import time
from email.message import EmailMessage
from pathlib import Path

import pytest

from classifier.articles import Contents
from classifier.errors import UnreadableArticleError
from classifier.formats.kinds import Format
from classifier.formats.opening import open_as
from classifier.reading import Reader
from classifier.rules import Rules


def read(data: bytes) -> Contents:
    return open_as(Format.MBOX, data, "a.mbox", Rules())


def mail(number: int, text: str = "It stood still for a week.") -> EmailMessage:
    made = EmailMessage()
    made["From"] = "Press office <press@ministry.example>"
    made["To"] = "desk@newsroom.example"
    made["Subject"] = f"Refinery {number}"
    made["Date"] = f"Sat, 0{number} Mar 2026 12:00:00 +0500"
    made.set_content(text)
    return made


def mailbox_of(folder: Path, *mails: EmailMessage) -> bytes:
    box = mailbox.mbox(folder / "box")
    for each in mails:
        box.add(each)
    box.close()
    return (folder / "box").read_bytes()


def test_each_mail_is_an_article_with_its_own_head(tmp_path: Path) -> None:
    found = read(mailbox_of(tmp_path, mail(1), mail(2)))

    assert [(each.title, each.date) for each in found.articles] == [
        ("Refinery 1", "2026-03-01T12:00:00+05:00"),
        ("Refinery 2", "2026-03-02T12:00:00+05:00"),
    ]


def test_a_line_of_text_that_opens_with_from_parts_nothing(tmp_path: Path) -> None:
    text = "It stood still.\n\nFrom tomorrow it runs again.\n\n>From there it goes on.\n"

    [article] = read(mailbox_of(tmp_path, mail(1, text))).articles

    assert article.text.split("\n")[2:] == ["From tomorrow it runs again.", "From there it goes on."]


def test_from_that_was_not_escaped_parts_nothing_either() -> None:
    data = b"From a\nSubject: One\n\nText.\n\nFrom tomorrow it runs again.\n\nFrom b\nSubject: Two\n\nText.\n"

    found = read(data)

    assert [each.title for each in found.articles] == ["One", "Two"]
    assert found.articles[0].text.endswith("From tomorrow it runs again.")
    assert not found.left_out


def test_a_line_that_was_escaped_is_as_it_was(tmp_path: Path) -> None:
    made = mail(1)
    made.set_content("<p>One</p>\n\nFrom tomorrow it runs again.\n", subtype="html")

    [article] = read(mailbox_of(tmp_path, made)).articles

    assert article.text.endswith("\nFrom tomorrow it runs again.")


@pytest.mark.parametrize("breaks", [b"\r\n", b"\r"])
def test_line_breaks_of_any_kind_are_read(tmp_path: Path, breaks: bytes) -> None:
    data = mailbox_of(tmp_path, mail(1), mail(2)).replace(b"\n", breaks)

    assert len(read(data).articles) == 2


def test_lengths_that_are_wrong_count_for_nothing(tmp_path: Path) -> None:
    data = mailbox_of(tmp_path, mail(1), mail(2)).replace(b"Subject:", b"Content-Length: 9999\nSubject:")

    assert len(read(data).articles) == 2


def test_a_mail_that_cannot_be_read_costs_the_others_nothing(tmp_path: Path) -> None:
    broken = mail(2)
    del broken["Subject"]
    broken.set_content("")

    found = read(mailbox_of(tmp_path, mail(1), broken, mail(3)))

    assert [each.title for each in found.articles] == ["Refinery 1", "Refinery 3"]
    assert found.left_out == ("mail 2: no text",)


def test_what_is_left_out_of_a_mail_is_said_with_its_place(tmp_path: Path) -> None:
    made = mail(2)
    made.add_attachment(b"\xff\xd8\xff", maintype="image", subtype="jpeg", filename="photo.jpg")

    assert read(mailbox_of(tmp_path, mail(1), made)).left_out == ("mail 2: photo.jpg: a picture",)


def test_a_mailbox_is_read_in_the_jail(tmp_path: Path) -> None:
    reader = Reader()
    try:
        found = reader.read(mailbox_of(tmp_path, mail(1), mail(2)), "box")
    finally:
        reader.close()

    assert len(found.articles) == 2


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"From a\nFrom: x\n\n" * 10_000, "too many mails"),
        (b"From a\nSubject: x\n\n" + b"word " * 900_000, "longer than"),
        (
            b"From a\nSubject: x\n\n"
            + b"word " * 500_000
            + b"\n\nFrom a\nSubject: x\n\n"
            + b"word " * 500_000,
            "",
        ),
        (b"From a\n\n\n", "no text"),
    ],
)
def test_a_mailbox_that_is_a_bomb_is_refused(data: bytes, said: str) -> None:
    started = time.process_time()

    with pytest.raises(UnreadableArticleError) as raised:
        read(data)

    assert said in raised.value.reason
    assert time.process_time() - started < 20
