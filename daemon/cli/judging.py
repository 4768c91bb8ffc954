"""Commands about what desks said of tags."""

from __future__ import annotations

import argparse
import json

from daemon.cli.given import ledger_of, settings_of, topics_named
from daemon.errors import DaemonError


def add(options: argparse.Namespace) -> int:
    """Say that an article is about a topic (right) or is not (wrong).

    topicwired verdicts add 0c1d2e3f4a5b6c7d energy wrong --person ana
    """
    return _say(options, settles=False)


def settle(options: argparse.Namespace) -> int:
    """End a dispute: say whether an article is about a topic, and outweigh all that was said of it before.

    What somebody says to the contrary later makes it disputed again.

        topicwired verdicts settle 0c1d2e3f4a5b6c7d energy right --person ana
    """
    return _say(options, settles=True)


def _say(options: argparse.Namespace, *, settles: bool) -> int:
    from daemon import clock, feedback, verdicts

    settings = settings_of(options)
    if options.topic not in topics_named(options):
        raise DaemonError(f"no topic {options.topic!r}; there are {', '.join(topics_named(options))}")
    with ledger_of(settings) as database, database.transaction() as connection:
        article = verdicts.find_article(connection, options.article)
        if article is None:
            raise DaemonError(f"{options.article}: no article, or more than one, with this id")
        feedback.judge(
            connection,
            article=article,
            topic=options.topic,
            verdict=verdicts.Verdict(options.verdict),
            person=options.person,
            now=clock.now(),
            settles=settles,
        )
    return 0


def listed(options: argparse.Namespace) -> int:
    """The last word of each person on each tag: when, which article, topic, verdict, who, its headline.

    What people dispute is marked, and is trained on by nobody's word until one of them changes their
    mind or somebody settles it.

        topicwired verdicts list --disputed
    """
    from daemon import verdicts

    settings = settings_of(options)
    with ledger_of(settings) as database, database.reading() as connection:
        found = verdicts.listed(connection, disputed_first=options.disputed)
    for row in found:
        print(
            json.dumps(verdicts.as_object(row), ensure_ascii=False) if options.json else verdicts.as_line(row)
        )
    return 0


def export(options: argparse.Namespace) -> int:
    """What desks said, an article a line, as label files that people can review and keep.

    JSON Lines as topicwired writes them to HOME/labels/verdicts.jsonl before each training: put into
    HOME/labels under another name they are read again. --raw gives every verdict instead, one a line.
    --examples gives the articles of which every topic is judged, for `classifier train --examples`.

        topicwired verdicts export > desk.jsonl
        topicwired verdicts export --raw
        topicwired verdicts export --examples > judged.jsonl
    """
    from classifier import topics_of
    from daemon import labelling, quality, verdicts

    settings = settings_of(options)
    with ledger_of(settings) as database, database.reading() as connection:
        if options.raw:
            rows = [verdicts.as_object(row) for row in verdicts.listed(connection)]
        elif options.examples:
            rows = labelling.examples(connection, quality.topics_asked_of(settings.home, settings.models))
        else:
            named = {topic.id for topic in topics_of(settings.home)}
            rows = labelling.lines(connection, named, weight=settings.retrain.verdict_weight)
    for row in rows:
        print(json.dumps(row, ensure_ascii=False))
    return 0
