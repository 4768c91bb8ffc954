"""The headers of a mail ▶ the title, date and source of what is in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from classifier.formats.mime.headers import Headers, moment

_MOST_PREFIXES = 20
_PREFIX = re.compile(
    r"(?:re|fwd?|aw|wg|sv|vs|vb|antw|ynt|ilt|отв|ответ|пересл|переслано|тқ|жб|қж|رد|إعادة توجيه|اعادة توجيه)"
    r"\.?\s?(?:\[\d{1,3}\]|\(\d{1,3}\))?\s?[:：]\s*",
    re.I,
)
_ANSWERS = re.compile(r"(?:re|aw|sv|antw|ynt|отв|ответ|رد)\.?\s?(?:\[\d{1,3}\]|\(\d{1,3}\))?\s?[:：]", re.I)
_OFFICES = re.compile(
    r"press|media\b|news|ministry|office|agency|service|department|bank|group|company|university|parliament"
    r"|government|committee|fund\b|union\b|association|institute|center|centre|holding|newsletter|\binc\b"
    r"|\bllc\b|\bltd\b|\bplc\b|\bcorp|communications|relations|public|editor"
    r"|пресс|министерств|агентств|служб|новост|редакци|банк|компани|департамент|комитет|фонд|университет"
    r"|правительств|парламент|акимат|администраци|управлени|холдинг|\bао\b|\bтоо\b|\bооо\b|\bпао\b|центр"
    r"|баспасөз|министрліг|агенттіг|қызмет|жаңалық|комитет|қоры?\b|әкімдіг|үкімет|орталығ"
    r"|وزارة|وكالة|هيئة|مكتب|شركة|بنك|مصرف|أخبار|صحيفة|إدارة|مؤسسة|جامعة|اتحاد",
    re.I,
)
_ROLES = re.compile(
    r"(?:press|media|news|newsletter|newsroom|info|pr|noreply|no-reply|donotreply|do-not-reply|office"
    r"|contact|editor|editorial|redaktsiya|redakciya|smi|communications|comms|alerts?|digest|updates)"
    r"(?:[._+-].*)?",
    re.I,
)
# Anybody may have an address there: the domain says nothing of who writes.
_FREE = re.compile(
    r"(?:.*\.)?(?:gmail|googlemail|outlook|hotmail|live|msn|yahoo|ymail|icloud|me|mac|aol|proton|protonmail|gmx"
    r"|web|zoho|mail|inbox|list|bk|internet|rambler|lenta|ro|yandex|ya|ukr|tut|fastmail|tutanota)"
    r"\.(?:com|net|org|ru|de|me|kz|by|ua|uz|kg|ch|at|fr|it|es|eu|co\.uk|com\.tr)",
    re.I,
)
_DOMAIN = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}", re.I)


@dataclass(frozen=True, slots=True)
class Head:
    """What a mail's headers say of it. `answers`: it is an answer to another mail."""

    title: str | None = None
    date: str | None = None
    source: str | None = None
    answers: bool = False
    caveats: tuple[str, ...] = ()


def head_of(headers: Headers) -> Head:
    """The mail's head. Its writer stays unknown: From says who sent it."""
    subject = headers.text("subject") or ""
    caveats: tuple[str, ...] = ()
    if subject.count("\ufffd") * 8 > len(subject):
        subject, caveats = "", ("the subject is in an encoding that it does not name",)
    title = without_prefixes(subject)
    is_forwarded = title != subject.strip() and not _ANSWERS.match(subject)
    return Head(
        title or None,
        moment(headers.text("date")),
        None if is_forwarded else source_of(*headers.sender(), to_many=_is_to_many(headers)),
        headers.has("in-reply-to") or _ANSWERS.match(subject) is not None,
        caveats,
    )


def without_prefixes(subject: str) -> str:
    """A subject without what mail programs put before it to say that it answers or passes on."""
    title = subject.strip()
    for _ in range(_MOST_PREFIXES):
        match = _PREFIX.match(title)
        if not match:
            break
        title = title[match.end() :].strip()
    return title


def source_of(name: str | None, address: str | None, *, to_many: bool = False) -> str | None:
    """The office that sent a mail, by its name; where that may be a person's, the domain is the sender's.

    `to_many`: it was sent by a program to all who asked for it, so the name is no person's.
    """
    local, _, domain = (address or "").rpartition("@")
    domain = domain.lower().strip(". ")
    is_office = to_many or _ROLES.fullmatch(local) is not None
    if name and "@" not in name and "\ufffd" not in name and (is_office or _OFFICES.search(name)):
        return name
    if _DOMAIN.fullmatch(domain) and not _FREE.fullmatch(domain):
        return domain
    return None


def _is_to_many(headers: Headers) -> bool:
    """A newsletter; a mailing list, where people write, is none."""
    return headers.has("list-unsubscribe") and not headers.has("list-post")
