"""The languages of the desk's own words: gettext catalogues, read as they are kept (.po)."""

from __future__ import annotations

import gettext
import io
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from fastapi import Request

LANGUAGES: Mapping[str, str] = {"en": "English", "ru": "Русский", "kk": "Қазақша"}
COOKIE = "topicwire_language"


def marked(text: str) -> str:
    """Marks a text of ours for translation, which the template does."""
    return text


_FOLDER = Path(__file__).with_name("locale")


@cache
def words(language: str) -> gettext.NullTranslations:
    """The words of a language; English where there are none."""
    file = _FOLDER / language / "LC_MESSAGES" / "desk.po"
    if language == "en" or not file.is_file():
        return gettext.NullTranslations()
    with file.open("rb") as source:
        catalogue = read_po(source, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@cache
def locale(language: str) -> Locale:
    return Locale(language)


def language_of(request: Request, usual: str) -> str:
    """The one that somebody chose, else the first of ours that the browser asks for, else the usual one."""
    chosen = request.cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    for asked in request.headers.get("accept-language", "")[:200].split(","):
        short = asked.split(";")[0].strip().lower()[:2]
        if short in LANGUAGES:
            return short
    return usual
