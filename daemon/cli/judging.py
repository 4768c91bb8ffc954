"""Commands about what desks said of tags."""

from __future__ import annotations

import argparse
import json

from daemon.cli.given import ledger_of, settings_of, topics_named
from daemon.errors import DaemonError


def add(options: argparse.Namespace) -> int:
    """Say that an article is about a topic (right) or is not (wrong)."""
    from daemon import clock, verdicts

    settings = settings_of(options)
    if options.topic not in topics_named(options):
        raise DaemonError(f"no topic {options.topic!r}; there are {', '.join(topics_named(options))}")
    with ledger_of(settings) as database, database.transaction() as connection:
        article = verdicts.find_article(connection, options.article)
        if article is None:
            raise DaemonError(f"{options.article}: no article, or more than one, with this id")
        verdicts.add(
            connection,
            article=article,
            topic=options.topic,
            verdict=verdicts.Verdict(options.verdict),
            person=options.person,
            now=clock.now(),
        )
    return 0


def listed(options: argparse.Namespace) -> int:
    """Every verdict that counts: when, which article, topic, verdict, who, and its headline."""
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
    """The judged articles with the topics that people left them, for `classifier train --examples`.

    JSON Lines. An article of which people disagree is left out; --raw gives every verdict instead,
    one a line, with who gave it.
    """
    from daemon import verdicts

    settings = settings_of(options)
    with ledger_of(settings) as database, database.reading() as connection:
        if options.raw:
            rows = [verdicts.as_object(row) for row in verdicts.listed(connection)]
        else:
            rows = verdicts.examples(connection)
    for row in rows:
        print(json.dumps(row, ensure_ascii=False))
    return 0
