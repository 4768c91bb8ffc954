"""A mail becomes the articles in it: its own text, what it passes on, what is attached to it."""

from __future__ import annotations

import base64
import time
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from classifier.articles import Contents
from classifier.errors import UnreadableArticleError
from classifier.formats.kinds import Format
from classifier.formats.mail import reading
from classifier.formats.mime import parting
from classifier.formats.opening import open_as
from classifier.formats.ways import Way
from classifier.reading import Reader
from classifier.rules import Limits, Rules

HEADERS = b"""From: Press office <press@ministry.example>
To: desk@newsroom.example
Subject: Refinery stands still
Date: Sat, 07 Mar 2026 12:00:00 +0500
MIME-Version: 1.0
"""
RELEASE = (
    "The refinery in the west stood still for a week, the ministry said on Saturday. Fuel is getting dear."
)
LONG_ANSWER = " ".join(["We saw this coming when the winter began, and nobody listened to us."] * 5)


def read(data: bytes, **limits: int) -> Contents:
    return open_as(Format.MAIL, data, "a.eml", Rules(Limits(**limits)))


def reason(data: bytes, **limits: int) -> str:
    with pytest.raises(UnreadableArticleError) as raised:
        read(data, **limits)
    return raised.value.reason


def letter(text: str = RELEASE, **headers: str) -> EmailMessage:
    made = EmailMessage(policy=SMTP)
    given = {"From": "Press office <press@ministry.example>", "To": "desk@newsroom.example"}
    given |= {"Subject": "Refinery stands still", "Date": "Sat, 07 Mar 2026 12:00:00 +0500"}
    for name, value in (given | {name.replace("_", "-"): value for name, value in headers.items()}).items():
        made[name] = value
    made.set_content(text)
    return made


def test_a_mail_is_an_article_with_its_subject_date_and_sender() -> None:
    [article] = read(letter().as_bytes()).articles

    assert article.text == f"Refinery stands still\n{RELEASE}"
    assert article.title == "Refinery stands still"
    assert article.date == "2026-03-07T12:00:00+05:00"
    assert (article.source, article.author) == ("Press office", None)


@pytest.mark.parametrize("encoding", ["utf-8", "koi8-r", "windows-1251", "iso-8859-5", "ibm866"])
@pytest.mark.parametrize("transfer", ["base64", "quoted-printable", "8bit"])
def test_the_jail_has_every_codec_that_a_mail_names(reader: Reader, encoding: str, transfer: str) -> None:
    made = letter()
    made.set_content("Завод стоял неделю, сообщило министерство.", charset=encoding, cte=transfer)

    [article] = reader.read(made.as_bytes(), "a.eml").articles

    assert "Завод стоял неделю, сообщило министерство." in article.text


def test_in_the_jail_all_that_a_mail_may_hold_is_read(reader: Reader) -> None:
    made = letter()
    made.add_alternative(f"<html><body><p>{RELEASE}</p></body></html>", subtype="html")
    made.add_attachment("Сев начался\n\nАграрии вышли в поле на неделю раньше.\n", filename="сев.txt")
    made.add_attachment(letter("Another text that somebody wrote.", Subject="Another"))

    found = reader.read(made.as_bytes(), "a.eml")

    assert [article.title for article in found.articles] == [
        "Refinery stands still",
        "Another",
        "Сев начался",
    ]


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Нефть дорожает",
        "FW: Fwd: Re[2]: Нефть дорожает",
        "Пересл.: Нефть дорожает",
        "ТҚ: Нефть дорожает",
        "رد: Нефть дорожает",
    ],
)
def test_what_mail_programs_put_before_a_subject_is_not_of_the_title(subject: str) -> None:
    [article] = read(letter(Subject=subject).as_bytes()).articles

    assert article.title == "Нефть дорожает"


def test_the_tag_of_a_mailing_list_stays_in_the_title() -> None:
    [article] = read(letter(Subject="Re: [energy] Oil gets dear").as_bytes()).articles

    assert article.title == "[energy] Oil gets dear"


@pytest.mark.parametrize(
    ("raw", "title"),
    [
        (b"=?koi8-r?B?" + b"7sXG1NggxM/Sz9bBxdQ=" + b"?=", "Нефть дорожает"),
        # a letter's two bytes in two words
        (b"=?utf-8?q?=D0=9D=D0?= =?utf-8?q?=B5=D1=84=D1=82=D1=8C?=", "Нефть"),
        (b"=?utf-8?B?0J3QtdGE0YLRjA?= ok", "Нефть ok"),
        (b"=?no-such?q?=D0=9D?=", "Н"),
        (b"Oil =?utf-8?q?=26?= gas", "Oil & gas"),
        (b"=?utf-8?b?broken", "=?utf-8?b?broken"),
        ("Нефть дорожает".encode(), "Нефть дорожает"),
        ("Нефть дорожает".encode("koi8-r"), "Нефть дорожает"),
    ],
)
def test_subjects_are_decoded_as_far_as_they_go(raw: bytes, title: str) -> None:
    text = "Нефть дорожает третий день подряд, сообщили на бирже в понедельник.".encode("koi8-r")
    data = b"Subject: " + raw + b"\nContent-Type: text/plain; charset=koi8-r\n\n" + text

    [article] = read(data).articles

    assert article.title == title


def test_a_subject_in_bytes_that_nothing_explains_is_left_out_and_said() -> None:
    data = b"Subject: \xcd\xe5\xf4\xf2\xfc\nFrom: a@b.example\n\n" + RELEASE.encode()

    [article] = read(data).articles

    assert article.title is None or "\ufffd" not in article.title


@pytest.mark.parametrize(
    "date", ["yesterday", "Sat, 99 Mar 2026 12:00:00 +0500", "Thu, 01 Jan 1970 00:00:00 GMT"]
)
def test_a_date_that_is_none_is_unknown(date: str) -> None:
    data = letter().as_bytes().replace(b"Sat, 07 Mar 2026 12:00:00 +0500", date.encode())

    assert read(data).articles[0].date is None


@pytest.mark.parametrize(
    ("sender", "source"),
    [
        ("Ministry of Energy <a.petrova@energy.example>", "Ministry of Energy"),
        ("Пресс-служба <info@gov.example>", "Пресс-служба"),
        ("Anna Petrova <a.petrova@energy.example>", "energy.example"),
        ("Anna Petrova <anna1990@gmail.com>", None),
        ("a.petrova@energy.example", "energy.example"),
        ("nobody", None),
        ('"' + "(" * 3000, None),
    ],
)
def test_the_source_is_an_office_or_a_domain_and_never_a_person(sender: str, source: str | None) -> None:
    data = b"From: " + sender.encode() + b"\nSubject: Oil\n\n" + RELEASE.encode()

    assert read(data).articles[0].source == source


def test_the_page_is_read_where_the_plain_text_only_points_to_it() -> None:
    made = letter("To see this newsletter, open it in your browser: https://news.example/view?id=1234567890")
    made.add_alternative(f"<html><body><p>{RELEASE}</p><p>{RELEASE}</p></body></html>", subtype="html")

    assert read(made.as_bytes()).articles[0].text == f"Refinery stands still\n{RELEASE}\n{RELEASE}"


def test_plain_text_is_preferred_where_it_is_the_text() -> None:
    made = letter()
    made.add_alternative(f"<p>{RELEASE}</p><p>Share this</p>", subtype="html")

    assert "Share this" not in read(made.as_bytes()).articles[0].text


def test_a_mail_with_a_page_alone_is_read() -> None:
    made = letter()
    made.set_content(
        "<html><style>\np { color: red }\n</style><body><p>One <b>two</b>\nthree</p>Four", subtype="html"
    )

    assert read(made.as_bytes()).articles[0].text == "Refinery stands still\nOne two three\nFour"


def test_pictures_of_a_page_are_not_named_and_attached_ones_are() -> None:
    made = letter("<p>" + RELEASE + "</p>")
    made.set_content("<p>" + RELEASE + "</p>", subtype="html")
    made.add_related(b"\x89PNG", "image", "png", cid="<logo>")
    made.add_attachment(b"\xff\xd8\xff", maintype="image", subtype="jpeg", filename="photo.jpg")
    made.add_attachment(b"BEGIN:VCARD", maintype="text", subtype="vcard", filename="me.vcf")
    made.add_attachment(b"BEGIN:VCALENDAR", maintype="text", subtype="calendar", filename="invitation")
    made.add_attachment(b"0", maintype="application", subtype="pkcs7-signature", filename="smime.p7s")

    found = read(made.as_bytes())

    assert len(found.articles) == 1
    assert found.left_out == ("photo.jpg: a picture",)


def test_an_attached_article_takes_date_and_source_of_its_mail_but_not_its_subject() -> None:
    made = letter()
    made.add_attachment("Sowing begins\n\nFarmers went out a week early.\n", filename="sowing.txt")

    own, attached = read(made.as_bytes()).articles

    assert attached.title == "Sowing begins"
    assert (
        (attached.date, attached.source)
        == (own.date, own.source)
        == ("2026-03-07T12:00:00+05:00", "Press office")
    )


def test_a_text_with_a_name_is_attached_even_where_it_is_to_be_shown_inline() -> None:
    made = letter()
    made.add_attachment("Sowing begins\n\nFarmers went out.\n", filename="sowing.txt", disposition="inline")

    assert [article.title for article in read(made.as_bytes()).articles] == [
        "Refinery stands still",
        "Sowing begins",
    ]


@pytest.mark.parametrize(
    "note",
    [
        "See below.",
        "Dear colleagues, this is our news of today, and we are glad to answer what you may ask.",
        "Добрый день! Направляем пресс-релиз о работе завода. Будем рады ответить на вопросы по телефону.",
        "Our release of today is attached to this mail, as a text that you may print in whole or in part.",
        "Баспасөз хабарламасы тіркелген файлда.",
        "تجدون البيان الصحفي في الملف المرفق",
    ],
)
def test_a_cover_note_is_no_article_and_is_not_lost(note: str) -> None:
    made = letter(note)
    made.add_attachment(f"Sowing begins\n\n{RELEASE}\n", filename="release.txt")

    found = read(made.as_bytes())

    assert [article.title for article in found.articles] == ["Sowing begins"]
    assert found.left_out == (f"a cover note: Refinery stands still {note}",)


def test_a_short_text_is_an_article_beside_an_attachment_on_something_else() -> None:
    made = letter("The refinery in the west stood still for a week, the ministry said on Saturday.")
    made.add_attachment("Sowing begins\n\nFarmers went out a week early.\n", filename="sowing.txt")

    assert len(read(made.as_bytes()).articles) == 2


def test_one_release_in_the_mail_and_attached_to_it_is_one_article() -> None:
    made = letter(f"{RELEASE}\n\n{LONG_ANSWER}\n")
    made.add_attachment(f"Refinery stands still\n\n{RELEASE}\n\n{LONG_ANSWER}\n", filename="release.txt")

    found = read(made.as_bytes())

    assert len(found.articles) == 1
    assert found.left_out[0].endswith("stands in the mail's own text")


def test_an_attachment_that_cannot_be_read_costs_the_others_nothing() -> None:
    made = letter()
    made.add_attachment(b"%PDF-1.7 and then nothing", maintype="application", subtype="pdf", filename="a.pdf")
    made.add_attachment(b"a;b\n1;2", maintype="text", subtype="csv", filename="b.csv")
    made.add_attachment("Sowing begins\n\nFarmers went out a week early.\n", filename="c.txt")

    found = read(made.as_bytes())

    assert [article.title for article in found.articles] == ["Refinery stands still", "Sowing begins"]
    assert [line.partition(":")[0] for line in found.left_out] == ["a.pdf", "b.csv"]


def test_an_attached_text_is_in_the_encoding_that_its_mail_names() -> None:
    made = letter()
    text = "Сев\n\nРано.".encode("ibm866")
    made.add_attachment(
        text, maintype="text", subtype="plain", filename="a.txt", params={"charset": "ibm866"}
    )

    assert read(made.as_bytes()).articles[1].text == "Сев\n\nРано."


@pytest.mark.parametrize(
    "given",
    [
        b"filename*=utf-8''%D1%84%D0%BE%D1%82%D0%BE.jpg",
        b"filename*0*=utf-8''%D1%84%D0%BE; filename*1*=%D1%82%D0%BE.jpg",
        b'filename="=?koi8-r?B?xs/Uzy5qcGc=?="',
        'filename="/home/me/фото.jpg"'.encode(),
    ],
)
def test_names_of_attachments_are_decoded(given: bytes) -> None:
    data = HEADERS + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" + RELEASE.encode()
    data += b"\n--b\nContent-Type: image/jpeg\nContent-Disposition: attachment; " + given + b"\n\nx\n--b--\n"

    assert read(data).left_out == ("фото.jpg: a picture",)


def test_a_forwarded_mail_is_an_article_of_its_own_with_its_own_head() -> None:
    inner = letter(
        Subject="Sowing begins", From="Farm news <news@farm.example>", Date="Fri, 06 Mar 2026 09:00:00 +0000"
    )
    made = letter("FYI", Subject="Fwd: Sowing begins")
    made.add_attachment(inner)

    found = read(made.as_bytes())

    [article] = found.articles
    assert (article.title, article.date, article.source) == (
        "Sowing begins",
        "2026-03-06T09:00:00+00:00",
        "Farm news",
    )


def test_a_text_forwarded_inline_has_the_date_and_source_that_stand_above_it() -> None:
    text = (
        "For you.\n\n---------- Forwarded message ---------\nFrom: Farm news <news@farm.example>\n"
        f"Date: Fri, 06 Mar 2026 09:00:00 +0000\nSubject: Sowing begins\nTo: me@x.example\n\n\n{RELEASE}\n"
    )

    [article] = read(letter(text, Subject="Fwd: Sowing begins").as_bytes()).articles

    assert article.text == f"Sowing begins\nFor you.\n{RELEASE}"
    assert (article.date, article.source) == ("2026-03-06T09:00:00+00:00", "Farm news")


def test_what_an_answer_quotes_is_left_out() -> None:
    text = f"{LONG_ANSWER}\n\nOn Friday Anna wrote:\n> {RELEASE}\n> More of it.\n"

    [article] = read(letter(text, Subject="Re: Refinery").as_bytes()).articles

    assert article.text == f"Refinery\n{LONG_ANSWER}"
    assert article.caveats == ("left out: the text that the mail answers",)


def test_what_is_quoted_is_the_text_where_there_is_no_answer() -> None:
    text = f"Worth a look?\n\n> {RELEASE}\n> \n> Prices rose.\n"

    [article] = read(letter(text, Subject="Re: Refinery").as_bytes()).articles

    assert article.text == f"Refinery\nWorth a look?\n{RELEASE}\nPrices rose."


def test_what_a_mail_quotes_that_answers_nobody_stays() -> None:
    text = f"{LONG_ANSWER}\n\n> {RELEASE}\n"

    assert RELEASE in read(letter(text).as_bytes()).articles[0].text


def test_whoever_passes_a_mail_on_is_not_its_source() -> None:
    assert read(letter(Subject="Fwd: Refinery").as_bytes()).articles[0].source is None


def test_words_of_a_footer_are_one_only_at_the_edges() -> None:
    lines = [f"Paragraph {number} of the text.\n" for number in range(40)]
    lines[0] = lines[20] = lines[-1] = "Readers want to unsubscribe.\n"

    text = read(letter("\n".join(lines)).as_bytes()).articles[0].text

    assert text.count("unsubscribe") == 1


def test_a_signature_and_the_footer_of_a_mailing_list_are_no_text() -> None:
    text = (
        f"{RELEASE}\n\nPrices rose.\n\nTo unsubscribe from this list, write to us.\n\n-- \nAnna\nTel. 12345\n"
    )

    [article] = read(letter(text).as_bytes()).articles

    assert article.text == f"Refinery stands still\n{RELEASE}\nPrices rose."


def test_a_long_text_behind_a_line_of_two_dashes_stays() -> None:
    text = "One.\n-- \n" + "".join(f"Line {number} of a long text.\n" for number in range(30))

    assert "Line 29" in read(letter(text).as_bytes()).articles[0].text


def test_flowed_lines_are_made_whole() -> None:
    data = HEADERS + b"Content-Type: text/plain; format=flowed\n\nOne two \nthree \n From here \non.\n\nEnd\n"

    assert read(data).articles[0].text == "Refinery stands still\nOne two three From here on.\nEnd"


def test_flowed_lines_without_blanks_between_words_are_glued() -> None:
    data = HEADERS + b"Content-Type: text/plain; format=flowed; delsp=yes\n\nOne t \nwo\n"

    assert read(data).articles[0].text == "Refinery stands still\nOne two"


def test_lines_broken_to_a_width_are_made_whole() -> None:
    lines = (f"{RELEASE} {LONG_ANSWER}").split(" ")
    wrapped = "\n".join(" ".join(lines[at : at + 11]) for at in range(0, len(lines), 11))

    assert f"{RELEASE} {LONG_ANSWER}" in read(letter(wrapped).as_bytes()).articles[0].text


@pytest.mark.parametrize("breaks", [b"\n", b"\r\n", b"\r"])
def test_line_breaks_of_any_kind_are_read(breaks: bytes) -> None:
    data = (
        HEADERS
        + b"Content-Type: multipart/mixed; boundary=b\n\npreamble\n--b\n\nOne\n--b\n\nTwo\n--b--\nepilogue"
    )

    assert read(data.replace(b"\n", breaks)).articles[0].text == "Refinery stands still\nOne\nTwo"


def test_a_mail_that_ends_in_the_middle_of_a_part_is_read() -> None:
    data = HEADERS + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nOne\n--b\n\nTwo"

    assert read(data).articles[0].text == "Refinery stands still\nOne\nTwo"


def test_a_mail_without_a_blank_line_behind_its_headers_is_read() -> None:
    assert read(HEADERS + b"The text begins at once\n").articles[0].text.endswith("\nThe text begins at once")


def test_parts_that_are_announced_and_not_there_leave_the_text() -> None:
    data = HEADERS + b"Content-Type: multipart/alternative; boundary=b\n\nThe text, in no part.\n"

    assert read(data).articles[0].text == "Refinery stands still\nThe text, in no part."


@pytest.mark.parametrize(
    "encoded",
    [b"VGV4dCBvZiBpdA", b"VGV4dC!BvZi\nBpdA=", b"VGV4dCBvZiBpdA==\nlist footer", b"Text of it, plain"],
)
def test_broken_base64_is_read_as_far_as_it_goes(encoded: bytes) -> None:
    data = HEADERS + b"Content-Transfer-Encoding: base64\n\n" + encoded

    assert read(data).articles[0].text.startswith("Refinery stands still\nText of it")


def test_a_plain_text_that_calls_itself_base64_is_read() -> None:
    data = HEADERS + b"Content-Transfer-Encoding: base64\n\n" + RELEASE.encode()

    assert read(data).articles[0].text == f"Refinery stands still\n{RELEASE}"


def test_a_release_that_has_words_of_a_cover_note_in_it_is_none() -> None:
    made = letter(
        "Министерство направляет заводу деньги. Завод зарегистрирован (тіркелді) и получит их летом 2026."
    )
    made.add_attachment("Sowing begins\n\nFarmers went out a week early.\n", filename="sowing.txt")

    assert len(read(made.as_bytes()).articles) == 2


def test_broken_quoted_printable_is_read_as_far_as_it_goes() -> None:
    data = HEADERS + b"Content-Transfer-Encoding: quoted-printable\n\nPrice =3D 5 =ZZ =\n=D0=9D end="

    assert read(data).articles[0].text == "Refinery stands still\nPrice = 5 =ZZ Н end"


@pytest.mark.parametrize("charset", ["no-such", "zip", "undefined", "punycode", "x" * 3000, "utf-8\0"])
def test_an_encoding_that_is_none_costs_nothing(charset: str) -> None:
    data = HEADERS + b"Content-Type: text/plain; charset=" + charset.encode() + b"\n\nText of it"

    assert read(data).articles[0].text == "Refinery stands still\nText of it"


def test_a_subject_alone_is_an_article() -> None:
    assert read(HEADERS + b"\n\n").articles[0].text == "Refinery stands still"


def test_a_mail_with_a_picture_and_no_text_has_no_text() -> None:
    made = letter("")
    made.add_attachment(b"\xff\xd8\xff", maintype="image", subtype="jpeg", filename="scan.jpg")

    assert reason(made.as_bytes()) == "no text; scan.jpg: a picture"


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Type: multipart/encrypted; boundary=b\n\n--b\n\nVersion: 1\n--b--",
        b"Content-Type: application/pkcs7-mime; name=smime.p7m\n\nMIIB",
        b"\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n",
    ],
)
def test_an_encrypted_mail_says_so(body: bytes) -> None:
    assert reason(HEADERS + body) == "encrypted"


def test_a_mail_signed_in_the_clear_is_its_text() -> None:
    text = f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{RELEASE}\n\n- -----\n\nMore.\n"
    text += "-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----\n"

    assert read(letter(text).as_bytes()).articles[0].text == f"Refinery stands still\n{RELEASE}\n-----\nMore."


def nested(times: int) -> bytes:
    opened = (
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number)
        for number in range(times)
    )
    return HEADERS + b"".join(opened) + b"\nText"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (HEADERS + b"X: " + b";" * 480_000 + b"\n\nText", "headers too long"),
        (HEADERS + b"To: " + b"a@b,\n " * 80_000 + b"\n\nText", "headers too long"),
        (HEADERS + b"X: y\n" * 100_000 + b"\nText", "headers too long"),
        (nested(3000), "its parts are nested too deep"),
        (HEADERS + b"Content-Type: message/rfc822\n\n" * 3000 + b"Text", "its parts are nested too deep"),
        (
            HEADERS + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 100_000,
            "too many parts",
        ),
        (HEADERS + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--bx\n" * 500_000, "too many parts"),
        (HEADERS + b"\n" + b"word " * 1_000_000, "longer than 4,194,304 characters"),
    ],
)
def test_a_mail_that_is_a_bomb_is_refused_at_once(data: bytes, said: str) -> None:
    started = time.process_time()

    assert reason(data).startswith(said)
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    "head",
    [
        b"From: " + b"(" * 19_000,
        b"To: " + b"Desk <a@b.example>,\n " * 5_000,
        b"Content-Type: text/plain" + b";" * 48_000,
        b"Content-Type: text/plain" + b';a="' * 4_500,
        b"Content-Type: text/plain" + b"".join(b"; name*%d*=a" % number for number in range(1_500)),
        b"Subject: " + b"=?utf-8?q?" * 1_900,
    ],
)
def test_headers_made_to_stop_a_parser_stop_nothing(head: bytes) -> None:
    started = time.process_time()

    assert read(head + b"\n\nText of it").articles[0].text.endswith("Text of it")
    assert time.process_time() - started < 20


def test_a_mail_in_a_mail_as_bytes_is_read_so_deep_and_no_deeper() -> None:
    data = letter("The innermost text.").as_bytes()
    for _ in range(5):
        made = letter("FYI")
        made.add_attachment(data, maintype="application", subtype="octet-stream", filename="mail.eml")
        data = made.as_bytes()

    found = read(data)

    assert "packed too deep" in found.left_out[0]


def test_a_mail_in_a_mail_that_is_called_one_goes_no_deeper_either() -> None:
    data = letter("The innermost text.").as_bytes()
    for _ in range(5):
        head = b"From: a@b.example\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
        data = head + base64.encodebytes(data)

    assert "packed too deep" in reason(data)


def test_a_parser_that_fails_costs_the_rest_of_the_mail_nothing() -> None:
    def fail(data: bytes, name: str, way: Way) -> Contents:
        raise ZeroDivisionError

    made = letter()
    made.add_attachment("x", filename="a.txt")

    found = reading.read(made.as_bytes(), "a.eml", Way(Rules(), fail))

    assert len(found.articles) == 1
    assert found.left_out == ("a.txt: not a sound file: ZeroDivisionError",)


def test_headers_in_bytes_are_in_the_encoding_of_the_first_text() -> None:
    text = "Нефть дорожает".encode("ibm866")
    data = b"Subject: " + text + b"\nFrom: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"

    [article] = read(data + b"Content-Type: text/plain; charset=ibm866\n\nText of it\n--b--\n").articles

    assert article.title == "Нефть дорожает"


def test_parts_know_nothing_of_parts_beside_them() -> None:
    whole = parting.read(
        b"Content-Type: multipart/mixed; boundary=ab\n\n--ab\n\none\n--abc\ntwo\n--ab--\nx", 10
    )

    assert [part.raw for part in whole.parts] == [b"one\n--abc\ntwo"]
