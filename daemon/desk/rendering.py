"""Templates ▶ pages. Whatever is not ours is escaped: article text is never markup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal, format_percent
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from daemon import clock
from daemon.clock import from_text
from daemon.desk import languages
from daemon.desk.state import desk_of
from daemon.neutral import cleaned

_TEMPLATES = Path(__file__).with_name("templates")
_RIGHT_TO_LEFT = frozenset(("ar", "fa", "he", "ur", "ps", "dv", "ckb"))
_EITHER_WAY = frozenset(("kk", "ky", "uz", "ug", "az", "ku"))  # in China and Iran with Arabic letters


@dataclass(frozen=True, slots=True)
class Told:
    """How numbers and moments are told in a language. Moments are those of the ledger, or datetimes."""

    language: str

    def moment(self, given: str | datetime) -> str:
        return str(format_datetime(_moment(given).astimezone(), "medium", locale=self._locale))

    def day(self, given: str | datetime) -> str:
        return str(format_date(_moment(given).astimezone().date(), "medium", locale=self._locale))

    def ago(self, given: str | datetime) -> str:
        return str(format_timedelta(_moment(given) - clock.now(), add_direction=True, locale=self._locale))

    def number(self, given: float) -> str:
        return str(format_decimal(given, locale=self._locale))

    def percent(self, given: float) -> str:
        return str(format_percent(given, locale=self._locale))

    def tongue(self, code: str) -> str:
        """The name of an article's language; its code where that is not known."""
        return str(self._locale.languages.get(code, code))

    @property
    def _locale(self) -> Any:
        return languages.locale(self.language)


@dataclass(frozen=True, slots=True)
class Spoken:
    """Texts of ours in a language, as templates say them: `_` and `ngettext`.

    In place of Jinja's own, which takes every text for markup: a reason that a page is given may have words
    of an article in it.
    """

    language: str

    def text(self, text: str, /, **values: Any) -> Markup:
        """With %(name)s for each value; a text without values may have any % in it."""
        found = escape(languages.words(self.language).gettext(text) if text else "")
        return found % values if values else found

    def topic(self, title: str) -> str:
        """The title of a topic: that of a shipped one in the language, another as it is."""
        return languages.words(self.language).pgettext("topic", title)

    def number_of(self, one: str, many: str, number: int, /, **values: Any) -> Markup:
        """As many as `number`, which is %(num)s unless a value of that name is given."""
        found = escape(languages.words(self.language).ngettext(one, many, number))
        return found % {"num": number, **values}


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **known: Any,
) -> HTMLResponse:
    """A page, or a part of one, in the language of whoever asks.

    Beside what it is given a template knows `person`, `csrf`, `told` (numbers and moments), `here` (the
    path), `language`, `direction(language)`, `one_line(text)` and `topic_title(title)`. `titles`, where it
    is given them, are those of topics by id: shipped ones are told in the language.
    """
    desk = desk_of(request)
    language = languages.language_of(request, desk.settings.desk.language)
    if "titles" in known:
        spoken = Spoken(language)
        known["titles"] = {topic: spoken.topic(title) for topic, title in known["titles"].items()}
    found = _environment(language).get_template(template).render(
        person=getattr(request.state, "person", None),
        csrf=getattr(request.state, "csrf", ""),
        here=request.url.path,
        language=language,
        **known,
    )  # fmt: skip
    return HTMLResponse(found, status, dict(headers or {}))


def direction(language: str | None) -> str:
    """For `dir=`: that of a language, or whatever the letters say where it has two or is not known."""
    if language is None or language in _EITHER_WAY:
        return "auto"
    return "rtl" if language in _RIGHT_TO_LEFT else "ltr"


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    spoken = Spoken(language)
    environment.globals |= {
        "_": spoken.text,
        "ngettext": spoken.number_of,
        "topic_title": spoken.topic,
        "told": Told(language),
        "direction": direction,
        "one_line": cleaned,
        "languages": languages.LANGUAGES,
    }
    return environment


def _moment(given: str | datetime) -> datetime:
    return given if isinstance(given, datetime) else from_text(given)
