"""Messages of every kind, as the daemon composes them; and what an enemy makes of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from daemon.messages import DigestBody, Entry, Form, Leading, Message, Remark, TopicVolume, alone
from daemon.records import Alert, AlertTopic
from tests.builders import make_alert

HOSTILE = (
    "<!channel> *b* _i_ ~s~ `c` :fire: <https://evil.example|x> &lt;!here&gt; @here \u202e\u200b> q " * 4
)
CHOICES = tuple((f"topic-{number}", f"Topic {number}") for number in range(40))
_TITLES = ("Energy", "Trade", "Минералы", "Су", "الطاقة", "Climate", "Transport", "Courts", "Health", "Grain")
_PASSAGE = "The refinery in Atyrau restarted on Monday after a month of repairs, the energy ministry said."
_ARABIC = "استأنفت مصفاة النفط تكرير الخام بعد شهر من الصيانة، وقالت وزارة الطاقة إن إنتاج البنزين سيعود."


def topics(
    number: int, passage: str = _PASSAGE, words: tuple[str, ...] = ("refinery", "crude")
) -> tuple[AlertTopic, ...]:
    return tuple(
        AlertTopic(
            f"topic-{index}", _TITLES[index % len(_TITLES)], "main" if index % 3 else "mention", 0.97 - index / 50, passage, words
        )
        for index in range(number)
    )  # fmt: skip


def article(number: int = 1, many: int = 2, **changes: object) -> Alert:
    whole = make_alert(
        number=number,
        headline=f"Refinery in Atyrau restarts crude unit {number}",
        date="2026-03-05",
        source="Newswire",
        url=f"https://news.example/articles/{number}?id={number}&lang=en",
        topics=topics(many),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def entries(number: int, many: int = 2) -> tuple[Entry, ...]:
    return tuple(Entry(article(index, many)) for index in range(1, number + 1))


def hostile_article(number: int = 1, text: str = HOSTILE) -> Alert:
    """An article all of whose texts are hostile; those that come from the configuration too."""
    named = tuple(replace(topic, title=text, passage=text, words=(text, text[1:])) for topic in topics(7))
    return article(
        number, headline=text, date=text, source=text, language=text, file=text, topics=named, follows=text, news=(text, text[2:])
    )  # fmt: skip


_REMARKS = (
    Remark("U0ALICE", "topic-0", "right"),
    Remark("U0BOB", "topic-0", "wrong"),
    Remark("U0BOB", "topic-9", "right"),
    Remark("somebody else", "topic-1", "wrong"),
)
_VOLUMES = tuple(
    TopicVolume(
        f"topic-{number}", title, 40 - number, (5, 0, 9, 3, 7, 10, 6 - number % 6),
        tuple(Leading(f"Refinery restarts unit {each}", f"https://news.example/{each}", "Newswire", 0.9) for each in range(3)),
    )
    for number, title in enumerate(_TITLES)
)  # fmt: skip
_DAYS = ("2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06", "2026-03-07")
DIGEST = DigestBody("Your week", "1 March 00:00", "8 March 00:00", 330, _DAYS, _VOLUMES)


def of(form: Form, key: str, number: int, **more: object) -> Message:
    message = Message(key=key, receiver="desk", form=form, entries=entries(number), choices=CHOICES)
    return replace(message, **more)  # type: ignore[arg-type]


def digest(key: str, body: DigestBody, **more: object) -> Message:
    return replace(Message(key=key, receiver="desk", form=Form.DIGEST, digest=body), **more)  # type: ignore[arg-type]


def roots() -> Mapping[str, Message]:
    """Messages that begin something, by what is special about each."""
    alert = replace(alone(article()), choices=CHOICES)
    judged = Entry(article(3, 6), _REMARKS, ("Reuters", "Kazinform", "AFP", "Interfax", "TASS"), 7)
    bare = article(4, 1, headline="", date=None, source=None, language=None, url=None, file="a")
    arabic = article(
        5, 1, headline=_ARABIC[:60], language="ar", topics=topics(1, _ARABIC, ("مصفاة", "النفط"))
    )
    return {
        "alert": alert,
        "alert of many topics": replace(alone(article(2, 10)), choices=CHOICES),
        "alert with all that became of it": replace(alert, key="judged", entries=(judged,)),
        "alert of little": replace(alone(bare), key="bare"),
        "alert in Arabic": replace(alone(arabic), key="arabic", choices=CHOICES),
        "hostile alert": replace(alone(hostile_article(6)), choices=((HOSTILE[:80], HOSTILE), *CHOICES)),
        "burst": of(Form.BURST, "burst", 6, more=12),
        "quiet": of(Form.QUIET, "quiet", 8),
        "full": of(Form.BURST, "full", 40),
        "digest": digest("digest-1", replace(DIGEST, parts=2)),
        "digest without articles": digest("digest-0", replace(DIGEST, articles=0, volumes=())),
        "held digest": digest("digest-h", replace(DIGEST, held=True)),
        "hostile digest": digest(
            "digest-e",
            replace(
                DIGEST, title=HOSTILE, since=HOSTILE, until=HOSTILE, days=(HOSTILE,) * 7,
                volumes=tuple(replace(one, title=HOSTILE, leading=(Leading(HOSTILE, None, HOSTILE, 0.5),)) for one in _VOLUMES),
            ),
        ),
    }  # fmt: skip


def replies(thread: str) -> Mapping[str, Message]:
    """Messages that go into a thread."""
    news = article(7, follows="Refinery in Atyrau restarts", news=("Pavlodar", "12,000 tonnes", "Trade"))
    return {
        "follow-up": replace(alone(article(8)), thread=thread, choices=CHOICES),
        "follow-up with news, told to all": replace(
            alone(news), thread=thread, broadcast=True, choices=CHOICES
        ),
        "list": of(Form.LIST, "list", 8, thread=thread, more=4),
        "second part of a digest": digest("digest-2", replace(DIGEST, part=2, parts=2), thread=thread),
    }


Pick = Callable[[int], str]
SHAPES = ("alert", "reply", "alert without address", "burst", "digest")


def made_of(pick: Pick, shape: str) -> Message:
    """A message whose texts come from elsewhere: each place in it asks for the text of its number."""
    match shape:
        case "burst":
            found = tuple(
                Entry(_article_of(lambda place, n=n: pick(place + 20 * n)), also_in=(pick(15 + n),))
                for n in range(3)
            )
            return Message(
                key="k", receiver="desk", form=Form.BURST, entries=found, choices=(("t", pick(12)),), more=2
            )
        case "digest":
            volumes = tuple(
                replace(
                    one,
                    title=pick(n),
                    leading=(
                        Leading(pick(n + 4), _URL, pick(n + 8), 0.9),
                        Leading(pick(n + 12), None, None, 0.8),
                    ),
                )
                for n, one in enumerate(_VOLUMES[:4])
            )
            return digest(
                "k",
                replace(DIGEST, title=pick(16), since=pick(17), until=pick(18), volumes=volumes),
                picture="F1",
            )
        case _:
            alert = _article_of(pick)
            if shape == "alert without address":
                alert = replace(alert, url=None)
            remarks = (
                Remark("U0BOB", "energy", "wrong"),
                Remark(pick(12), "trade", "right"),
                Remark("U0BOB", "trade", "wrong"),
            )
            entry = Entry(alert, remarks, (pick(13), pick(14)), 5)
            thread = "1772712000.000100" if shape == "reply" else None
            return Message(
                key="k", receiver="desk", entries=(entry,), thread=thread, choices=(("grain", pick(15)),)
            )


_URL = "https://news.example/articles/1?id=1&lang=en"


def _article_of(pick: Pick) -> Alert:
    energy = AlertTopic("energy", pick(6), "main", 0.93, pick(7), (pick(8), pick(9)))
    trade = AlertTopic("trade", pick(10), "mention", 0.51, pick(11), ())
    return article(
        headline=pick(0), source=pick(1), file=pick(2), date=pick(3), follows=pick(4), news=(pick(5),), url=_URL, topics=(energy, trade)
    )  # fmt: skip
