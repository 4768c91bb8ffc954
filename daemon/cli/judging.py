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
    """Every verdict: who said what of which article, and when."""
    from daemon import verdicts

    settings = settings_of(options)
    with ledger_of(settings) as database, database.reading() as connection:
        found = verdicts.all_verdicts(connection)
    for row in found:
        if options.json:
            said = {"article": row.article[:16], "topic": row.topic, "verdict": row.verdict}
            print(json.dumps(said | {"person": row.person, "said_at": row.said_at}))
        else:
            print(f"{row.said_at}  {row.article[:16]}  {row.topic}  {row.verdict}  {row.person}")
    return 0
