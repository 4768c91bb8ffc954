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


def pgettext(context: str, text: str) -> str:
    """Marks a text that alone would be taken for another."""
    return text


# "Health" is the name of a page as well.
TOPICS = (
    pgettext("topic", "Agriculture and food"),
    pgettext("topic", "Constitutional reform"),
    pgettext("topic", "Digital and AI"),
    pgettext("topic", "Education"),
    pgettext("topic", "Energy"),
    pgettext("topic", "Environment and climate"),
    pgettext("topic", "Health"),
    pgettext("topic", "Migration"),
    pgettext("topic", "Minerals and mining"),
    pgettext("topic", "Space"),
    pgettext("topic", "Trade and investment"),
    pgettext("topic", "Transport and logistics"),
)
_FOLDER = Path(__file__).with_name("locale")


def catalogue(language: str) -> Path:
    """Where the words of a language are kept."""
    return _FOLDER / language / "LC_MESSAGES" / "desk.po"


@cache
def words(language: str) -> gettext.NullTranslations:
    """The words of a language; English where there are none."""
    file = catalogue(language)
    if language == "en" or not file.is_file():
        return gettext.NullTranslations()
    with file.open("rb") as source:
        kept = read_po(source, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, kept)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@cache
def locale(language: str) -> Locale:
    return Locale(language)


def language_of(request: Request, usual: str) -> str:
    """The one that somebody chose, else of ours the one that the browser wants most, else the usual one."""
    chosen = request.cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    wanted = request.headers.get("accept-language", "")[:200].split(",")
    weights = {each.partition(";")[0].strip().lower()[:2]: -_weight(each) for each in wanted}
    ours = [each for each in weights if each in LANGUAGES and weights[each] < 0]
    return min(ours, key=weights.__getitem__, default=usual)


def _weight(wanted: str) -> float:
    """How much a browser wants a language, 0 to 1 (RFC 9110, 12.4.2)."""
    _, _, said = wanted.partition(";q=")
    try:
        return float(said or 1)
    except ValueError:
        return 0.0
