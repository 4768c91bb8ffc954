"""The shapes of what programs are told and may say. A change here is a change to other people's programs."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from daemon.desk.dropping import Fate
from daemon.desk.queries import CURSOR, Named
from daemon.records import DeliveryState, Form

_SURROGATE = re.compile("[\ud800-\udfff]")
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Fingerprint = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
# What an article is called: as much of its fingerprint as tells it from all others.
ArticleId = Annotated[str, Field(pattern="^[0-9a-f]{8,64}$")]
NextCursor = Annotated[
    str | None, Field(pattern=CURSOR, description="For the next page; null: there is none.")
]


def _is_unicode(given: str) -> str:
    if _SURROGATE.search(given):
        raise ValueError("half of a pair of characters stands alone in it")
    return given


def _is_an_address(given: str) -> str:
    if not given.startswith(("http://", "https://")):
        raise ValueError("should begin with http:// or https://")
    return given


Text = Annotated[str, AfterValidator(_is_unicode)]


class NewArticle(BaseModel):
    """An article as a program sends it. `name` is what its file in the inbox is called."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[Text, Field(min_length=1)]
    title: Annotated[Text, Field(max_length=2000)] | None = None
    name: Annotated[Text, Field(max_length=1000)] | None = None
    id: Annotated[Text, Field(max_length=500)] | None = None
    date: Annotated[Text, Field(max_length=64, description="ISO 8601")] | None = None
    language: Annotated[str, Field(pattern="^[a-z]{2}$", description="ISO 639-1")] | None = None
    source: Annotated[Text, Field(max_length=200)] | None = None
    author: Annotated[Text, Field(max_length=200)] | None = None
    url: (
        Annotated[
            Text,
            Field(max_length=2000, json_schema_extra={"pattern": "^https?://"}),
            AfterValidator(_is_an_address),
        ]
        | None
    ) = None


class Evidence(BaseModel):
    """A passage that carries a tag: where it stands in the text, its probability, and what its words
    counted.
    """

    passage: str
    start: int
    end: int
    score: float
    words: list[tuple[str, float]]


class Tagged(BaseModel):
    """An article's tags as `classifier tag --json` prints them. What is not known of it is left out."""

    id: str
    file: str
    title: str | None
    language: str | None
    main: list[str]
    mention: list[str]
    scores: dict[str, float]
    evidence: dict[str, list[Evidence]]
    model: str
    date: str = ""
    source: str = ""
    author: str = ""
    url: str = ""
    caveats: list[str] = []


class TaggedFile(BaseModel):
    """The articles of a file, in order; `left_out` has a line for each part of it that is none."""

    articles: list[Tagged]
    left_out: list[str]


class Alerted(BaseModel):
    receiver: str
    state: str


class VerdictRead(BaseModel):
    """What a person said of an article and a topic; `right`: it is about it."""

    article: ArticleId
    topic: str
    verdict: Literal["right", "wrong"]
    person: str
    said_at: Moment


class ArticleRead(Tagged):
    """An article of the ledger. `scores` has the topics that it was said to have."""

    fingerprint: Fingerprint
    headline: str
    tagged_at: Moment
    alerts: list[Alerted]
    verdicts: list[VerdictRead]
    story: int | None
    page: Annotated[str, Field(description="Where people look at it.")]


class ArticleWhole(ArticleRead):
    text: str


class ArticlePage(BaseModel):
    articles: list[ArticleRead]
    next: NextCursor


class SayingRead(BaseModel):
    """One of the things that were said, the last word or not."""

    topic: str
    said: Literal["right", "wrong", "withdrawn"]
    person: str
    said_at: Moment
    settles: bool


class VerdictsOfArticle(BaseModel):
    """`verdicts`: the last word of each person on each topic; `history`: all that was said, oldest first."""

    article: ArticleId
    verdicts: list[VerdictRead]
    history: list[SayingRead]


class VerdictPage(BaseModel):
    verdicts: list[VerdictRead]
    next: NextCursor


class NewVerdict(BaseModel):
    model_config = ConfigDict(extra="forbid")

    article: ArticleId
    topic: Named
    verdict: Literal["right", "wrong"]


class Accepted(BaseModel):
    """A file that is in the inbox. `location` tells what became of it."""

    fingerprint: Fingerprint
    name: str
    location: str


class FileRead(BaseModel):
    """What became of a file. Of a duplicate `articles` are those that the first file brought."""

    fingerprint: Fingerprint
    state: Fate
    name: str
    reason: str | None
    mend: str | None
    left_out: list[str]
    articles: list[str]


class TopicRead(BaseModel):
    """A topic, and the probabilities from which the model that serves says that an article is about it or
    mentions it; null where it does not know the topic.
    """

    id: str
    title: str
    main: float | None
    mention: float | None


class Topics(BaseModel):
    topics: list[TopicRead]
    model: str | None


class ModelRead(BaseModel):
    """A version. `reasons`: why it was refused, where it was."""

    version: str
    serves: bool
    passed: bool | None
    reasons: list[str]
    served_at: Moment | None
    because: str | None


class Models(BaseModel):
    serves: str | None
    models: list[ModelRead]


class DeliveryRead(BaseModel):
    """A message that is, or was, owed to a receiver. `article`: the one it was made for, if it was one."""

    id: int
    receiver: str
    key: str
    state: DeliveryState
    form: Form
    article: str | None
    attempts: int
    due_at: Moment
    sent_at: Moment | None
    error: str | None


class DeliveryPage(BaseModel):
    deliveries: list[DeliveryRead]
    next: NextCursor


class Status(BaseModel):
    """As `topicwired status --json` prints it."""

    model_config = ConfigDict(extra="allow")

    home: str
    model: str | None
    inbox: dict[str, Any]
    files: dict[str, int]
    deliveries: dict[str, dict[str, int]]
    owed: int
    parked: int
    dead: int
    warnings: list[str]
