"""Templates ▶ pages. Whatever is not ours is escaped: article text is never markup."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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

from daemon import clock
from daemon.clock import from_text
from daemon.desk import languages
from daemon.desk.state import desk_of
from daemon.neutral import cleaned

_TEMPLATES = Path(__file__).with_name("templates")
_RIGHT_TO_LEFT = frozenset(("ar", "fa", "he", "ur", "ps", "dv", "ckb"))


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

    @property
    def _locale(self) -> Any:
        return languages.locale(self.language)


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
    path), `language`, `direction(language)` and `one_line(text)`.
    """
    desk = desk_of(request)
    language = languages.language_of(request, desk.settings.desk.language)
    found = _environment(language).get_template(template).render(
        person=getattr(request.state, "person", None),
        csrf=getattr(request.state, "csrf", ""),
        here=request.url.path,
        language=language,
        **known,
    )  # fmt: skip
    return HTMLResponse(found, status, dict(headers or {}))


def direction(language: str | None) -> str:
    """For `dir=`: that of a language, or whatever the letters say where it is not known."""
    if language is None:
        return "auto"
    return "rtl" if language in _RIGHT_TO_LEFT else "ltr"


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    install: Callable[..., None] = environment.install_gettext_translations  # type: ignore[attr-defined]
    install(languages.words(language), newstyle=True)
    environment.globals |= {
        "told": Told(language),
        "direction": direction,
        "one_line": cleaned,
        "languages": languages.LANGUAGES,
    }
    return environment


def _moment(given: str | datetime) -> datetime:
    return given if isinstance(given, datetime) else from_text(given)
