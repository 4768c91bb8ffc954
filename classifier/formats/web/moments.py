"""What a web page says of itself ▶ when it was published."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from classifier import dates
from classifier.formats.web import linked
from classifier.formats.web.hearing import Said

_EARLIEST = 1990
_DATES = (
    "article:published_time",
    "article:published",
    "og:article:published_time",
    "og:published_time",
    "datepublished",
    "mediator_published_time",
    "parsely-pub-date",
    "sailthru.date",
    "pubdate",
    "publish-date",
    "publish_date",
    "publishdate",
    "publication_date",
    "dc.date.issued",
    "dcterms.issued",
    "dc.date.created",
    "dc.date",
    "dcterms.date",
    "date",
)


def date_of(said: Said, article: linked.Record) -> str | None:
    """When it was published, in ISO 8601; None where that is not said, or said in two ways."""
    ways: list[list[Any]] = [linked.listed(article.get("datePublished"))[:1]]
    ways += [said.metas.get(key, [])[:1] for key in _DATES[:5]]
    ways += [said.properties.get("datepublished", []), said.published]
    ways += [said.metas.get(key, [])[:1] for key in _DATES[5:]]
    ways.append(said.times)
    for given in ways:
        moments = dict.fromkeys(moment for each in given if (moment := _moment(each)))
        if len(moments) == 1:
            return next(iter(moments))
        if moments:
            return None  # which of them it is nobody says
    return None


def _moment(given: Any) -> str | None:
    if not isinstance(given, str):
        return None
    text = given.strip()[:60]
    found = dates.of_machine(text) or dates.of_machine(text.replace(" +", "+")) or dates.of_line(text)
    found = found or _of_mail(text)
    if not found or not found[:4].isdigit():
        return None
    return found if _EARLIEST <= int(found[:4]) <= datetime.now(UTC).year + 1 else None


def _of_mail(text: str) -> str | None:
    """`Thu, 05 Mar 2026 15:20:00 +0500`"""
    if "," not in text or ":" not in text:
        return None
    try:
        return parsedate_to_datetime(text).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
