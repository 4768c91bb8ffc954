"""Commands that run the daemon, and that ask how it is or would be."""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from daemon.cli.given import ledger_of, settings_of
from daemon.errors import DaemonError

if TYPE_CHECKING:
    from daemon.config import Settings
    from daemon.wishes import WishRecord


def run(options: argparse.Namespace) -> int:
    """Watch the inbox, tag and alert, until stopped.

    --once takes what is in the inbox now, delivers, and exits; with 1 if an alert is still owed.

        topicwired run
        topicwired run --home /srv/topicwire --config /srv/topicwire/topicwire.toml --verbose
        topicwired run --once
    """
    from daemon import app, arenas, logs

    arenas.keep_few()
    # A watchdog ends us by SIGABRT, and a library may crash: the log then says where each thread was.
    faulthandler.enable(2)
    settings = settings_of(options)
    logs.configure(settings.log.format, verbose=options.verbose)
    logs.hear_of_the_unexpected()
    return app.run(settings, once=options.once, reload=lambda: settings_of(options))


def demo(options: argparse.Namespace) -> int:
    """The whole ring on a scratch home with shipped articles; ends by itself.

    topicwired demo
    """
    from daemon import logs
    from daemon.demo import demo as show

    logs.configure("text", verbose=False)
    return show()


def route(options: argparse.Namespace) -> int:
    """What would be said of an article, by which cuts, and which receivers would hear of it, and why.

    Nothing is sent or recorded.

        topicwired route article.txt
        topicwired route article.txt --json --config new.toml
    """
    from classifier import Reader, UnreadableArticleError, load_model
    from daemon import promises, routing
    from daemon.clock import to_text

    settings = settings_of(options)
    loaded = load_model(settings.models)
    model = promises.served_model(settings, loaded)
    standings = promises.standings(settings.models, settings.promises, loaded)
    try:
        with closing(Reader(settings.reading.rules)) as reader:
            articles = reader.read(reader.bytes_of(options.file), options.file.name).articles
    except UnreadableArticleError as error:
        raise DaemonError(f"{options.file}: {error}") from error
    wished = _wishes(settings)
    for article in articles:
        tagged = model.tag(article)
        matches = [routing.match(tagged, route) for route in settings.routes]
        reasons = promises.reasons(tagged, model, standings)
        if options.json:
            rows = [
                {"receiver": m.route.receiver, "topics": list(m.topics), "reason": m.reason} for m in matches
            ]
            wishes = [
                {
                    "receiver": wish.receiver,
                    "wish": wish.wish,
                    "topic": wish.topic,
                    "until": to_text(wish.until),
                }
                for wish in wished
            ]
            topics = [reason.as_json() for reason in reasons]
            row = {"id": article.id, "topics": topics, "routes": rows, "wishes": wishes}
            print(json.dumps(row, ensure_ascii=False))
            continue
        print(article.headline)
        for reason in reasons:
            print(f"  {reason}")
        for number, match in enumerate(matches, 1):
            hears = f"hears of {', '.join(match.topics)}" if match.topics else f"no: {match.reason}"
            print(f"  route {number} to {match.route.receiver}: {hears}")
        for wish in wished:
            print(f"  but {wish.receiver}: {wish.wish} {wish.topic} until {wish.until:%Y-%m-%d %H:%M} UTC")
    return 0


def _wishes(settings: Settings) -> tuple[WishRecord, ...]:
    """What desks mute and follow now; none where there is no ledger yet."""
    from daemon import clock, wishes

    with suppress(DaemonError), ledger_of(settings) as database, database.reading() as connection:
        return wishes.active(connection, clock.now()).records
    return ()


def retry(options: argparse.Namespace) -> int:
    """Put files from failed/ back into the inbox, by NAME or with --all.

    topicwired retry article.pdf
    topicwired retry --all
    """
    from daemon import shelves

    settings = settings_of(options)
    if bool(options.names) == options.all:
        raise DaemonError("say which: NAME…, or --all")
    names = options.names or shelves.failed_names(settings.home)
    for name in names:
        source = settings.failed / name
        if not name or Path(name).name != name or not os.path.lexists(source):
            raise DaemonError(f"{source}: no such failed file")
        try:
            shelves.put_back(settings.home, name, settings.inbox)
        except FileExistsError as error:
            raise DaemonError(f"{settings.inbox / name}: stands in the inbox already") from error
        _mark_retried(settings, f"failed/{name}")
        print(f"{name}: back in the inbox")
    return 0


def _mark_retried(settings: Settings, target: str) -> None:
    from daemon import ledger

    with suppress(DaemonError), ledger_of(settings) as database, database.transaction() as connection:
        ledger.mark_retried(connection, target, settings.daemon)  # else the daemon notices by itself
