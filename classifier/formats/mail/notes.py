"""Whether a text is only a cover note to what is attached, and an attachment no article."""

from __future__ import annotations

import re

from classifier.articles import Article
from classifier.formats.mime.parts import Part

# Text above an attachment is a cover note where it has fewer letters than these:
_NOTE = 60
_GREETING = 200  # and greets
_LONG_NOTE = 400  # and speaks of the attachment
_GREETS = re.compile(
    r"^(?:dear|hello|hi|fyi|(?:best |kind |warm )?regards|sincerely|good (?:morning|afternoon|day)"
    r"|здравствуйте|добр(?:ый день|ый вечер|ое утро)|уважаем\w+|с уважением|сәлем\w*|құрметті|құрметпен"
    r"|қайырлы|السلام عليكم|تحية|مع التحية|تحياتي|عزيزي|السادة)\b",
    re.I | re.M,
)
_SPEAKS_OF_IT = re.compile(
    r"\battached\b|\battachment|\benclosed\b|please find|во вложени|в приложении|прилага(?:ем|ю|ется)"
    r"|прикрепл|направля(?:ем|ю)\b|тіркелген файл|қоса тірке|қоса беріл|қосымшада|жолдап отыр|жіберіп отыр"
    r"|المرفق|مرفق لكم|مرفق طي",
    re.I,
)
_PICTURES = {"image": "a picture", "audio": "a sound", "video": "a film", "font": "a font"}
_NO_ARTICLES = {
    **dict.fromkeys((".csv", ".tsv", ".xls", ".xlsx", ".ods"), "a table"),
    **dict.fromkeys((".ppt", ".pptx", ".odp"), "slides"),
}
_NO_ARTICLE_TYPES = {"text/csv": "a table", "text/css": "a style sheet", "text/javascript": "a program"}


def is_note(article: Article) -> bool:
    """Whether the text of a mail with attachments is only there to send them."""
    body = article.text.removeprefix(article.title or "")
    letters = sum(map(str.isalpha, body))
    return (
        letters < _NOTE
        or (letters < _GREETING and _GREETS.search(body) is not None)
        or (letters < _LONG_NOTE and _SPEAKS_OF_IT.search(body) is not None)
    )


def kind_of(part: Part, name: str) -> str | None:
    """What an attachment is that is no article, as far as its type and name say."""
    kind = _PICTURES.get(part.type.partition("/")[0]) or _NO_ARTICLE_TYPES.get(part.type)
    if kind:
        return kind
    return _NO_ARTICLES.get(name[name.rfind(".") :].lower()) if "." in name else None
