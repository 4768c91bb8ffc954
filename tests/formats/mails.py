"""Articles ▶ mails as two mail programs send them. Only the date and the id are set by us afterwards."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import datetime
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime
from html import escape
from pathlib import Path

from tests.formats.pages import plain_page
from tests.formats.table import FROM_LINE, SIGNATURE, Made
from tests.formats.texts import TEXTS, NewsText

_TO = "desk@newsroom.example"
_FROM = "news@press.example"
_MADE = Path(__file__).parent / "files"
_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8ffff3f"
    "030008fc02fe" + "a7a6c4f20000000049454e44ae426082"
)


def photo() -> bytes:
    """The smallest picture."""
    return _PIXEL


def s_nail(made: Made, at: Path) -> bytes:
    article = TEXTS[made.articles[0]]
    caught = at / "caught"
    settings = [
        f"mta={_catcher(at, caught)}",
        "hostname=press.example",
        f"from={article.source} <{_FROM}>",
        f"sendcharsets={made.encoding}",
        "ttycharset=utf-8",
        "v15-compat",
        "sendwait",
    ]
    settings += [f"mime-encoding={each}" for each in made.traits if each in ("base64", "quoted-printable")]
    command = ["s-nail", "-n", *(part for each in settings for part in ("-S", each))]
    command += [part for each in _attached(made, at) for part in ("-a", str(each))]
    command += ["-s", article.title]
    body = _body(article)
    if "html" in made.traits:
        command += ["-M", "text/html"]
        body = plain_page(article)
    _send([*command, "-.", _TO], body, at)
    return _in_its_time(caught.read_bytes(), article)


def mutt(made: Made, at: Path) -> bytes:
    article = TEXTS[made.articles[0]]
    caught = at / "caught"
    settings = [f'sendmail="{_catcher(at, caught)}"', "copy=no", f'send_charset="{made.encoding}"']
    if "alternative" in made.traits:
        page = at / "alternative"
        words = plain_page(article).replace("\n", "\n")
        page.write_text(f"text/html\n\n{words}", encoding="utf-8")
        settings += ["send_multipart_alternative=yes"]
        settings += [f'send_multipart_alternative_filter="{_script(at, "page", f"cat {page}")}"']
    if "flowed" in made.traits:
        settings += ["text_flowed=yes"]
    body = _flowed(article) if "flowed" in made.traits else _body(article)
    if "signed" in made.traits:
        body += f"\n-- \n{SIGNATURE}\n"
    _mutt(article, settings, body, at, _attached(made, at))
    return _in_its_time(caught.read_bytes(), article)


def mbox(made: Made, at: Path) -> bytes:
    """Mutt's own folder of what it sent."""
    folder = at / "sent"
    found = b""
    for article in (TEXTS[each] for each in made.articles):
        folder.unlink(missing_ok=True)
        settings = ['sendmail="/bin/true"', "copy=yes", f'record="{folder}"', 'mbox_type="mbox"']
        first = not found and "from" in made.traits
        _mutt(article, settings, (f"{FROM_LINE}\n\n" if first else "") + _body(article), at, [])
        moment = datetime.fromisoformat(article.date)
        line = f"From {_FROM} {moment:%a %b %d %H:%M:%S %Y}".encode()
        sent = _in_its_time(folder.read_bytes(), article)
        found += re.sub(rb"\AFrom [^\n]*", line, sent)
    return found


def outlook(made: Made, at: Path) -> bytes:
    """A mail in the manner of Outlook: its HTML with conditional comments, and the same as plain text.

    We have no Outlook; its bodies are put together by the standard library.
    """
    article = TEXTS[made.articles[0]]
    lines = "".join(
        f'<p class="MsoNormal"><span lang="X">{escape(each)}<o:p></o:p></span></p>\n'
        for each in article.paragraphs
    )
    html = f"""<html xmlns:o="urn:schemas-microsoft-com:office:office"><head>
<meta http-equiv="Content-Type" content="text/html; charset={made.encoding}">
<meta name="Generator" content="Microsoft Word 15 (filtered medium)">
<!--[if !mso]><style>v\\:* {{behavior:url(#default#VML);}}</style><![endif]-->
<style><!-- p.MsoNormal {{margin:0cm; font-size:11.0pt; font-family:"Calibri",sans-serif;}} --></style>
<!--[if gte mso 9]><xml><o:shapedefaults v:ext="edit" spidmax="1026"/></xml><![endif]--></head>
<body lang="X" link="#0563C1"><div class="WordSection1">
{lines}</div></body></html>"""
    mail = MIMEMultipart("alternative")
    mail["From"] = Header(article.source, made.encoding).encode() + f" <{_FROM}>"
    mail["To"] = _TO
    mail["Subject"] = Header(article.title, made.encoding, header_name="Subject").encode()
    mail["Thread-Index"] = "AdxqW1f0Zk9n4sV5T6u3x8yA"
    mail["Date"] = mail["Message-ID"] = "-"
    mail["X-Mailer"] = "Microsoft Outlook 16.0"
    mail.attach(MIMEText(_body(article), "plain", made.encoding))
    mail.attach(MIMEText(html, "html", made.encoding))
    mail.set_boundary("----=_NextPart_000_0012_01DB1234.56789ABC")
    return _in_its_time(mail.as_bytes(), article)


def raw_headers(made: Made, at: Path) -> bytes:
    """As scripts of old sites send: all letters in a code page, which is told for the body only."""
    article = TEXTS[made.articles[0]]
    head = f"""From: {article.source} <{_FROM}>
To: {_TO}
Subject: {article.title}
Date: -
Message-ID: -
MIME-Version: 1.0
Content-Type: text/plain; charset=windows-1251
Content-Transfer-Encoding: 8bit
X-Mailer: PHP/5.6
"""
    return _in_its_time(f"{head}\n{_body(article)}".encode(made.encoding), article)


def forwarded(made: Made, at: Path) -> bytes:
    """A mail that s-nail forwards as a whole, with a line of the desk's own above it."""
    article = TEXTS[made.articles[0]]
    folder, caught = at / "box", at / "caught"
    folder.write_bytes(
        b"From x Fri Aug 14 05:20:00 2026\n" + (_MADE / "grain-s-nail.eml").read_bytes() + b"\n"
    )
    settings = [f"mta={_catcher(at, caught)}", "hostname=press.example", "sendwait", "v15-compat"]
    settings += ["ttycharset=utf-8", "sendcharsets=utf-8", f"from={article.source} <{_FROM}>"]
    command = ["s-nail", "-n", "-#", *(part for each in settings for part in ("-S", each))]
    _send([*command, "-f", str(folder)], f"forward 1 {_TO}\n~.\nexit\n", at)
    return _in_its_time(caught.read_bytes(), article)


def _mutt(article: NewsText, settings: list[str], body: str, at: Path, attached: list[Path]) -> None:
    told = [f'realname="{article.source}"', f'from="{_FROM}"', "use_from=yes", 'hostname="press.example"']
    told += ['charset="utf-8"', "user_agent=yes", *settings]
    command = ["mutt", "-n", "-F", "/dev/null", *(part for each in told for part in ("-e", f"set {each}"))]
    command += ["-s", article.title, *(part for each in attached for part in ("-a", str(each)))]
    _send([*command, "--", _TO], body, at)


def _attached(made: Made, at: Path) -> list[Path]:
    found = []
    for name in (each.removeprefix("attach:") for each in made.traits if each.startswith("attach:")):
        target = at / name
        target.write_bytes(_PIXEL if name == "photo.png" else (_MADE / name).read_bytes())
        found.append(target)
    return found


def _body(article: NewsText) -> str:
    return "\n\n".join(article.paragraphs) + "\n"


def _flowed(article: NewsText) -> str:
    """Soft line breaks, each marked by a blank at the line's end."""
    import textwrap

    return "\n\n".join(" \n".join(textwrap.wrap(each, 70)) for each in article.paragraphs) + "\n"


def _catcher(at: Path, caught: Path) -> Path:
    return _script(at, "catch", f"cat > {caught}")


def _script(at: Path, name: str, command: str) -> Path:
    path = at / name
    path.write_text(f"#!/bin/sh\n{command}\n", encoding="ascii")
    path.chmod(0o755)
    return path


def _send(command: list[str], body: str, at: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(at), "LC_ALL": "C.utf8", "TZ": "UTC"}
    subprocess.run(
        command, input=body.encode(), cwd=at, env=environment, capture_output=True, timeout=60, check=True
    )


def _in_its_time(mail: bytes, article: NewsText) -> bytes:
    date = format_datetime(datetime.fromisoformat(article.date)).encode()
    mail = re.sub(rb"(?m)^Date: .*$", b"Date: " + date, mail, count=1)
    return re.sub(
        rb"(?m)^Message-ID: .*$", f"Message-ID: <{article.id}@press.example>".encode(), mail, count=1
    )
