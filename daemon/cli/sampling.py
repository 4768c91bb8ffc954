"""Commands about what we missed: the articles that were drawn, and what people say of them."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from daemon.cli.given import add_command, add_person, ledger_of, settings_of
from daemon.errors import DaemonError

if TYPE_CHECKING:
    from daemon.questions import Question

_NONE = "none"
_INDENT = "    "
_OPENING = 300  # characters


def add_commands(commands: Any) -> None:
    command = add_command(commands, "sample", sample)
    command.add_argument("--draw", action="store_true", help="draw now, from what came since the last draw")
    inner = command.add_subparsers(title="commands", metavar="COMMAND")
    command = add_command(inner, "answer", answer, within=True)
    command.add_argument("article", metavar="ARTICLE", help="its id, as `sample` prints it")
    command.add_argument("topics", nargs="+", metavar="TOPIC", help=f"what it is about, or {_NONE}")
    add_person(command)
    command = add_command(inner, "show", show, within=True)
    command.add_argument("article", metavar="ARTICLE", help="its id, as `sample` prints it")


def sample(options: argparse.Namespace) -> int:
    """The articles without an alert that somebody should look at; or draw some more (--draw).

    Each with its id, when it was drawn, its language and source, the topic that it came nearest to, its
    headline, and how its text begins. From the answers comes the recall in `topicwired status --quality`.

        topicwired sample
        topicwired sample --draw
    """
    from daemon import questions

    settings = settings_of(options)
    with ledger_of(settings) as database:
        if options.draw:
            return _draw(options)
        with database.reading() as connection:
            found = questions.open_questions(connection)
            older = questions.count_open(connection) - len(found)
    for question in found:
        print(_as_json(question) if options.json else "\n".join(_lines(question)))
    if older:
        print(f"topicwired: {older} older ones are not shown", file=sys.stderr)
    return 0


def answer(options: argparse.Namespace) -> int:
    """Say which topics an article is about, or none of them.

    It is a verdict on every topic. Who answers again replaces what they said before.

        topicwired sample answer 0c1d2e3f4a5b6c7d energy trade --person ana
        topicwired sample answer 0c1d2e3f4a5b6c7d none
    """
    from daemon import clock, quality, questions

    settings = settings_of(options)
    asked = list(quality.topics_asked_of(settings.home, settings.models))
    said = [] if options.topics == [_NONE] else options.topics
    if unknown := [topic for topic in said if topic not in asked]:
        raise DaemonError(f"no topic {unknown[0]!r}; there are {', '.join(asked)}, or {_NONE} alone")
    with ledger_of(settings) as database, database.transaction() as connection:
        question = questions.about(connection, options.article)
        if question is None:
            raise DaemonError(_unknown(options.article))
        questions.answer(
            connection,
            key=question.key,
            person=options.person,
            topics=said,
            asked=asked,
            said_at=clock.now(),
        )
        questions.show_anew(connection, question.key)
    return 0


def show(options: argparse.Namespace) -> int:
    """The whole text of an article that was drawn.

    topicwired sample show 0c1d2e3f4a5b6c7d
    """
    from daemon import questions

    settings = settings_of(options)
    with ledger_of(settings) as database, database.reading() as connection:
        question = questions.about(connection, options.article)
    if question is None:
        raise DaemonError(_unknown(options.article))
    if options.json:
        print(_as_json(question, whole=True))
        return 0
    print("\n".join(_lines(question)[:2]))
    for line in question.text.splitlines():
        print(_harmless(line))
    return 0


def print_quality(options: argparse.Namespace) -> int:
    """What `topicwired status --quality` prints."""
    from daemon import clock
    from daemon import quality as standing

    settings = settings_of(options)
    topics = standing.topics_asked_of(settings.home, settings.models)
    with ledger_of(settings) as database, database.reading() as connection:
        found = standing.gather(connection, settings.sample, topics, clock.now())
    if options.json:
        print(json.dumps(found.as_json(), ensure_ascii=False))
    else:
        print("\n".join(standing.lines(found, topics)))
    return 0


def _draw(options: argparse.Namespace) -> int:
    from daemon import clock, sampling
    from daemon import quality as standing

    settings = settings_of(options)
    topics = tuple(standing.topics_asked_of(settings.home, settings.models).items())
    with ledger_of(settings) as database:
        drawn = sampling.draw(database, settings.sample, topics=topics, now=clock.now())
    for question in drawn.questions if drawn else ():
        print(_as_json(question) if options.json else "\n".join(_lines(question)))
    if not options.json and not (drawn and drawn.questions):
        print(sampling.said(drawn))
    return 0


def _unknown(article: str) -> str:
    return f"{article}: no article that was drawn, or more than one, with this id; see `topicwired sample`"


def _lines(question: Question) -> list[str]:
    from daemon.complaints import printable_line
    from daemon.verdicts import SHORT_ID

    near = f"nearest {question.nearest} {question.nearness:.2f}" if question.nearness is not None else None
    facts = [
        question.fingerprint[:SHORT_ID],
        question.drawn_at[:10],
        question.language,
        question.source,
        near,
    ]
    opening = " ".join(question.text[: 2 * _OPENING].split())
    if len(opening) > _OPENING:
        opening = f"{opening[:_OPENING]}…"
    lines = ["  ".join(fact for fact in facts if fact), _INDENT + question.headline, _INDENT + opening]
    return [printable_line(line) for line in lines]


def _harmless(line: str) -> str:
    """A line of any length that does nothing to a terminal."""
    from daemon.complaints import printable_line

    return "".join(printable_line(line[start : start + _OPENING]) for start in range(0, len(line), _OPENING))


def _as_json(question: Question, *, whole: bool = False) -> str:
    from daemon.verdicts import SHORT_ID

    found: dict[str, Any] = {
        "article": question.fingerprint[:SHORT_ID],
        "headline": question.headline,
        "language": question.language,
        "source": question.source,
        "url": question.url,
        "drawn_at": question.drawn_at,
        "probability": question.probability,
        "nearest": question.nearest,
        "nearness": question.nearness,
        "text": question.text if whole else question.text[:_OPENING],
    }
    return json.dumps(found, ensure_ascii=False)
