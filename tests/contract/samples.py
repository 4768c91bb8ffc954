"""Messages of every kind, as the daemon composes them; and what an enemy makes of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from daemon.messages import (
    Answered,
    DigestBody,
    Entry,
    Form,
    Leading,
    Message,
    Nearest,
    Notice,
    QuestionBody,
    Remark,
    TopicVolume,
    alone,
)
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
    titles = [_TITLES[index % len(_TITLES)] for index in range(number)]
    return tuple(
        AlertTopic(
            f"topic-{index}", title, "main" if index % 3 else "mention", 0.97 - index / 50, passage, words
        )
        for index, title in enumerate(titles)
    )


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
    whole = article(number, headline=text, date=text, source=text, language=text, file=text)
    return replace(whole, topics=named, follows=text, news=(text, text[2:]))


_REMARKS = (
    Remark("U0ALICE", "topic-0", "right"),
    Remark("U0BOB", "topic-0", "wrong"),
    Remark("U0BOB", "topic-9", "right"),
    Remark("somebody else", "topic-1", "wrong"),
)
_LEADING = tuple(
    Leading(f"Refinery restarts unit {number}", f"https://news.example/{number}", "Newswire", 0.9)
    for number in range(3)
)
_VOLUMES = tuple(
    TopicVolume(f"topic-{number}", title, 40 - number, (5, 0, 9, 3, 7, 10, 6 - number % 6), _LEADING)
    for number, title in enumerate(_TITLES)
)
_DAYS = ("2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06", "2026-03-07")
DIGEST = DigestBody("Your week", "1 March 00:00", "8 March 00:00", 330, _DAYS, _VOLUMES)


_HOSTILE_LEADING = (Leading(HOSTILE, None, HOSTILE, 0.5),)
_HOSTILE_DIGEST = replace(
    DIGEST,
    title=HOSTILE,
    since=HOSTILE,
    until=HOSTILE,
    days=(HOSTILE,) * 7,
    recall=(HOSTILE,) * 14,
    volumes=tuple(replace(one, title=HOSTILE, leading=_HOSTILE_LEADING) for one in _VOLUMES),
)


REPORT = Notice(
    "A new model serves: 20260305-030000",
    (
        "Trained by 214 verdicts of 9 people, asked for by the timetable.",
        "",
        "Alerts of the last 14 days, tried again: 3 gained, 1 lost",
        "gained at energy-desk, Energy: Refinery in Atyrau restarts crude unit",
        f"  “{_PASSAGE}”",
        f"  «{_ARABIC}»",
    ),
)
QUESTION = QuestionBody(
    "48a66882711a9a9f",
    "Villages fetch water by lorry",
    "https://news.example/articles/9?id=9&lang=en",
    "Newswire",
    "2026-03-05T10:00:00+05:00",
    "en",
    "The wells of three villages have run dry, and the school is closed until a pipe is laid.",
    Nearest("topic-3", 0.31),
    CHOICES,
)
_HOSTILE_QUESTION = QuestionBody(
    HOSTILE,
    HOSTILE,
    None,
    HOSTILE,
    HOSTILE,
    HOSTILE,
    HOSTILE,
    Nearest(HOSTILE, 0.5),
    ((HOSTILE[:80], HOSTILE),),
)


def report(key: str, notice: Notice) -> Message:
    return Message(key=key, receiver="desk", form=Form.REPORT, notice=notice)


def question(key: str, body: QuestionBody, *answers: Answered) -> Message:
    return Message(key=key, receiver="desk", form=Form.QUESTION, question=body, answers=answers)


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
        "hostile digest": digest("digest-e", _HOSTILE_DIGEST),
        "digest with recall": digest("digest-r", replace(DIGEST, recall=("Energy: 91 % found (84–97 %)",))),
        "report": report("report", REPORT),
        "long report": report("report-l", replace(REPORT, lines=REPORT.lines * 300)),
        "hostile report": report("report-e", Notice(HOSTILE, (HOSTILE, "", f" {HOSTILE}") * 20)),
        "question": question("question", QUESTION),
        "question that people answered": question(
            "question-a", QUESTION, Answered("U0ALICE", ("topic-3", "topic-9")), Answered("U0BOB", ())
        ),
        "hostile question": question("question-e", _HOSTILE_QUESTION, Answered(HOSTILE, (HOSTILE, "a"))),
    }


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


SHAPES = ("alert", "reply", "alert without address", "burst", "digest", "report", "question")
PLACES = 60  # of texts in any of these
_URL = "https://news.example/articles/1?id=1&lang=en"


def made_of(texts: Mapping[int, str], shape: str) -> Message:
    """A message whose texts come from elsewhere, each by the number of its place."""
    match shape:
        case "burst":
            found = tuple(_entry_of(texts, 20 * number) for number in range(3))
            message = Message(key="k", receiver="desk", form=Form.BURST, entries=found, more=2)
        case "digest":
            volumes = tuple(_volume_of(texts, number, one) for number, one in enumerate(_VOLUMES[:4]))
            recall = (texts[19], texts[20])
            body = replace(DIGEST, title=texts[16], since=texts[17], until=texts[18], volumes=volumes)
            message = digest("k", replace(body, recall=recall), picture="F1")
        case "report":
            lines = tuple(texts[place] for place in range(1, 6))
            message = report("k", Notice(texts[0], (*lines, "", f" {texts[6]}", f"{texts[7]}: {texts[8]}")))
        case "question":
            body_of = QuestionBody(
                texts[0], texts[1], _URL, texts[2], texts[3], texts[4], texts[5], Nearest("grain", 0.3),
                (("grain", texts[15]), ("trade", texts[6])),
            )  # fmt: skip
            message = question("k", body_of, Answered(f"({texts[7]})", ("trade", "grain")))
        case "alert without address":
            entry = _entry_of(texts, 0)
            entry = replace(entry, alert=replace(entry.alert, url=None))
            message = Message(key="k", receiver="desk", entries=(entry,))
        case _:
            thread = "1772712000.000100" if shape == "reply" else None
            message = Message(key="k", receiver="desk", entries=(_entry_of(texts, 0),), thread=thread)
    return replace(message, choices=(("grain", texts[15]),))


def _entry_of(texts: Mapping[int, str], first: int) -> Entry:
    of = [texts[first + place] for place in range(20)]
    alert = article(
        headline=of[0], source=of[1], file=of[2], date=of[3], follows=of[4], news=(of[5],), url=_URL,
        topics=(
            AlertTopic("energy", of[6], "main", 0.93, of[7], (of[8], of[9])),
            AlertTopic("trade", of[10], "mention", 0.51, of[11], ()),
        ),
    )  # fmt: skip
    remarks = (
        Remark("U0BOB", "energy", "wrong"),
        Remark(f"({of[12]})", "trade", "right"),  # an id of Slack's alone would be a mention, as it should
        Remark("U0BOB", "trade", "wrong"),
    )
    return Entry(alert, remarks, (of[13], of[14]), 5)


def _volume_of(texts: Mapping[int, str], number: int, volume: TopicVolume) -> TopicVolume:
    leading = (
        Leading(texts[number + 4], _URL, texts[number + 8], 0.9),
        Leading(texts[number + 12], None, None, 0.8),
    )
    return replace(volume, title=texts[number], leading=leading)
