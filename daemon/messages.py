"""Messages: what a receiver is shown. Made from alerts and what has become of them since."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter

from daemon.records import Alert, Form

__all__ = [
    "Alert",
    "Answered",
    "DigestBody",
    "Entry",
    "Form",
    "Leading",
    "Message",
    "Nearest",
    "Notice",
    "QuestionBody",
    "Remark",
    "TopicVolume",
    "alone",
    "digest_from_json",
    "notice_from_json",
    "notice_to_json",
    "question_from_json",
    "question_to_json",
]


@dataclass(frozen=True, slots=True)
class Remark:
    """What a person says of an alert's topic: "right" or "wrong". `topic` is an id."""

    person: str
    topic: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An alert in a message, with what has become of it: who said what, and who else tells the story.

    `also_in` are further sources of the same story, each once; `further` is how many articles of it
    came after this one, near-copies counted.
    """

    alert: Alert
    remarks: tuple[Remark, ...] = ()
    also_in: tuple[str, ...] = ()
    further: int = 0


@dataclass(frozen=True, slots=True)
class Leading:
    """An article that a digest names."""

    headline: str
    url: str | None
    source: str | None
    probability: float


@dataclass(frozen=True, slots=True)
class TopicVolume:
    """How many articles of a topic a receiver had in a time, by day from the first to the last."""

    topic: str  # id
    title: str
    articles: int
    by_day: tuple[int, ...]
    leading: tuple[Leading, ...]


@dataclass(frozen=True, slots=True)
class DigestBody:
    """A digest of the articles between two moments, which are local time as people read it.

    `days` are the dates of `by_day`. `part` of `parts`: a long digest goes on in its thread.
    `held`: its articles were not told before and follow in its thread. `recall`: what is known of the
    articles that nobody was told of, in lines; ledgers from before have none.
    """

    title: str
    since: str
    until: str
    articles: int
    days: tuple[str, ...]
    volumes: tuple[TopicVolume, ...]
    part: int = 1
    parts: int = 1
    held: bool = False
    chart: bool = False  # asked for; `picture` is where it is
    recall: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """What the daemon tells of itself, such as what came of a retraining.

    The lines are plain text and may quote articles. An empty line begins a new part; a line that
    begins with a blank belongs to the one above it; two blanks or more part columns.
    """

    title: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Nearest:
    """The likeliest of the topics that an article was not said to be about; `topic` is an id."""

    topic: str
    probability: float


@dataclass(frozen=True, slots=True)
class QuestionBody:
    """An article without an alert, put to a desk: is it about any of these topics?

    `name` is what a person who cannot press names it by. `opening` is how its text begins. `topics`
    are those that are asked of, id and title.
    """

    name: str
    headline: str
    url: str | None
    source: str | None
    date: str | None
    language: str | None
    opening: str
    nearest: Nearest | None
    topics: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a person says that an article is about; of no topics, that it is about none of them."""

    person: str
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """What is posted, and how it is found again: by its `key`, or by that of any alert in it.

    `thread` is the root's message id at the receiver; `follows` the root's headline, for receivers
    that have no threads. `more`: so many further articles stand in this message's own thread.
    `choices` are the topics, id and title, that a reader may say it is about. `picture` is the id of
    an uploaded chart. `answers` are what people said to a `question`.
    """

    key: str
    receiver: str
    form: Form = Form.ALERT
    entries: tuple[Entry, ...] = ()
    thread: str | None = None
    follows: str | None = None
    broadcast: bool = False
    more: int = 0
    choices: tuple[tuple[str, str], ...] = ()
    digest: DigestBody | None = None
    picture: str | None = None
    notice: Notice | None = None
    question: QuestionBody | None = None
    answers: tuple[Answered, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the alerts in it."""
        return tuple(entry.alert.key for entry in self.entries)

    @property
    def headline(self) -> str:
        """One line that says what it is, for logs."""
        if self.digest is not None:
            return self.digest.title
        if self.notice is not None:
            return self.notice.title
        if self.question is not None:
            return self.question.headline
        return self.entries[0].alert.headline if self.entries else self.form.value


_DIGEST = TypeAdapter(DigestBody)
_NOTICE = TypeAdapter(Notice)
_QUESTION = TypeAdapter(QuestionBody)


def digest_from_json(text: str) -> DigestBody:
    """A digest as the ledger has it."""
    return _DIGEST.validate_json(text)


def notice_to_json(notice: Notice) -> str:
    """A report for the ledger."""
    return _NOTICE.dump_json(notice).decode()


def notice_from_json(text: str) -> Notice:
    """A report as the ledger has it."""
    return _NOTICE.validate_json(text)


def question_to_json(question: QuestionBody) -> str:
    """A question for the ledger."""
    return _QUESTION.dump_json(question).decode()


def question_from_json(text: str) -> QuestionBody:
    """A question as the ledger has it."""
    return _QUESTION.validate_json(text)


def alone(alert: Alert) -> Message:
    """A message of one alert, as it is when nothing has become of it yet."""
    return Message(key=alert.key, receiver=alert.receiver, entries=(Entry(alert),))
