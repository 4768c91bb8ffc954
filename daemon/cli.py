"""The command `topicwired`. A command parses, calls and prints; nothing heavy loads before it runs."""

from __future__ import annotations

import argparse
import inspect
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier import ClassifierError
from daemon.errors import DaemonError, DeliveryError

if TYPE_CHECKING:
    from daemon.config import Settings
    from daemon.database import Database

Command = Callable[[argparse.Namespace], int]

_HOME_VARIABLE = "TOPICWIRE_HOME"
_CONFIG_VARIABLE = "TOPICWIRE_CONFIG"
_SAID_EVERY = 2.0  # seconds


def main(arguments: list[str] | None = None) -> int:
    """Folder ▶ alerts: watch an inbox, tag what arrives, tell the desks that follow its topics."""
    options = _parser().parse_args(arguments)
    command: Command = options.command
    try:
        return command(options)
    except (DaemonError, ClassifierError, DeliveryError) as error:
        for line in str(error).splitlines():
            print(f"topicwired: {line}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"topicwired: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run(options: argparse.Namespace) -> int:
    """Watch the inbox, tag and alert, until stopped.

    --once takes what is in the inbox now, delivers, and exits; with 1 if an alert is still owed.
    """
    from daemon import app, logs

    settings = _settings(options)
    logs.configure(settings.log.format, verbose=options.verbose)
    return app.run(settings, once=options.once, reload=lambda: _settings(options))


def demo(options: argparse.Namespace) -> int:
    """The whole ring on a scratch home with shipped articles; ends by itself."""
    from daemon import logs
    from daemon.demo import demo as show

    logs.configure("text", verbose=False)
    return show()


def check(options: argparse.Namespace) -> int:
    """Is the configuration sound, would the daemon start, does Slack let us do what we need."""
    from daemon import app
    from daemon.database import open_database
    from daemon.slack import SCOPES, SlackSender

    settings = _settings(options)
    print(f"ok: {settings.file or 'no configuration file, the defaults'}, home {settings.home}")
    app.make_home(settings)
    app.must_have_ledger(settings)
    open_database(settings.database).close()
    print(f"ok: ledger {settings.database}")
    with_problems = 0
    for receiver in settings.receivers:
        sender = app.sender(receiver, settings)
        if not isinstance(sender, SlackSender):
            print(f"ok: receiver {receiver.name} ({receiver.type}), delivered at least once")
            continue
        try:
            user, scopes = sender.identity()
        except DeliveryError as error:
            print(f"problem: receiver {receiver.name}: {error}")
            with_problems += 1
            continue
        missing = sorted(SCOPES - scopes) if scopes else []
        if missing:
            print(f"problem: receiver {receiver.name}: the app lacks {', '.join(missing)}")
            with_problems += 1
        else:
            print(f"ok: receiver {receiver.name}: Slack knows us as {user}")
    return 1 if with_problems else 0


def status(options: argparse.Namespace) -> int:
    """What waits in the inbox, what is owed, parked or dead and why, when each job last ran."""
    from daemon import status as standing

    settings = _settings(options)
    with _ledger(settings) as database:
        found = standing.gather(settings, database)
    print(json.dumps(found, ensure_ascii=False) if options.json else "\n".join(standing.lines(found)))
    return 0


def route(options: argparse.Namespace) -> int:
    """Which receivers would hear of an article, and why; nothing is sent or recorded."""
    from classifier import UnreadableArticleError, load_model, read_articles, read_bytes, topics_of
    from daemon import routing

    settings = _settings(options)
    model = load_model(settings.models).without(topics_of(settings.home))
    try:
        articles = read_articles(read_bytes(options.file), options.file.name)
    except UnreadableArticleError as error:
        raise DaemonError(f"{options.file}: {error}") from error
    for article in articles:
        tagged = model.tag(article)
        matches = [routing.match(tagged, route) for route in settings.routes]
        if options.json:
            rows = [
                {"receiver": m.route.receiver, "topics": list(m.topics), "reason": m.reason} for m in matches
            ]
            print(json.dumps({"id": article.id, "routes": rows}, ensure_ascii=False))
            continue
        print(article.headline)
        for number, match in enumerate(matches, 1):
            hears = f"hears of {', '.join(match.topics)}" if match.topics else f"no: {match.reason}"
            print(f"  route {number} to {match.route.receiver}: {hears}")
    return 0


def retry(options: argparse.Namespace) -> int:
    """Put files from failed/ back into the inbox, by NAME or with --all."""
    from daemon import shelves

    settings = _settings(options)
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

    with suppress(DaemonError), _ledger(settings) as database, database.transaction() as connection:
        ledger.mark_retried(connection, target)  # else the daemon notices by itself


def retrain(options: argparse.Namespace) -> int:
    """Make a new model now if a label has changed, desks' verdicts included, and serve it."""
    from daemon import retraining

    settings = _settings(options)
    with _ledger(settings) as database:
        rows = retraining.write_verdicts(settings.home, database)
    result = retraining.retrain(settings.home, if_changed=not options.force, shown=True)
    result["verdicts"] = rows
    done = f"serving {result['version']}" if result["trained"] else "no label changed"
    print(json.dumps(result) if options.json else done)
    return 0


def verdicts_add(options: argparse.Namespace) -> int:
    """Say that an article is about a topic (right) or is not (wrong)."""
    from daemon import clock, verdicts

    settings = _settings(options)
    if options.topic not in _topics(options):
        raise DaemonError(f"no topic {options.topic!r}; there are {', '.join(_topics(options))}")
    with _ledger(settings) as database, database.transaction() as connection:
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


def verdicts_list(options: argparse.Namespace) -> int:
    """Every verdict: who said what of which article, and when."""
    from daemon import verdicts

    settings = _settings(options)
    with _ledger(settings) as database, database.reading() as connection:
        found = verdicts.all_verdicts(connection)
    for row in found:
        if options.json:
            said = {"article": row.article[:16], "topic": row.topic, "verdict": row.verdict}
            print(json.dumps(said | {"person": row.person, "said_at": row.said_at}))
        else:
            print(f"{row.said_at}  {row.article[:16]}  {row.topic}  {row.verdict}  {row.person}")
    return 0


def backup(options: argparse.Namespace) -> int:
    """Copy the ledger while the daemon runs, check the copy, and say where it is.

    Without FILE it goes to HOME/backups, where the newest are kept. Labels and models are not in
    it: keep HOME/labels and HOME/models with your other files.
    """
    from daemon import backups

    made = backups.make(_settings(options), options.file, _progress("pages copied"))
    if options.json:
        print(json.dumps({"backup": str(made.file), "articles": made.articles, "bytes": made.size}))
    else:
        print(f"{made.file}: {made.articles} articles, {made.size} bytes, checked")
    return 0


def restore(options: argparse.Namespace) -> int:
    """Put a lost or damaged ledger together again: from a backup, and from what stands in done/.

    Without FILE it is the newest sound backup in HOME/backups. Stop the daemon first. The ledger
    before it is set aside, not deleted. Whether alerts of articles that the backup does not know
    went out is looked up in Slack; a console or a webhook cannot be asked, so they get none of
    those unless told so with --alert-all. Verdicts since the backup are lost, labels and models
    are not touched.
    """
    from classifier import topics_of
    from daemon import app, rebuilding

    if options.file is not None and options.rebuild:
        raise DaemonError("say which: FILE, or --rebuild without a backup")
    settings = _settings(options)
    with app.home_lock(settings):
        model = app.ready_model(settings).without(topics_of(settings.home))
        restored = rebuilding.restore(
            settings,
            model,
            backup=options.file,
            from_scratch=options.rebuild,
            alert_all=options.alert_all,
            progress=_progress("files of done/ seen"),
        )
    for refused in restored.refused:
        print(f"topicwired: passed over {refused.reason}", file=sys.stderr)
    for name, reason in restored.found.unreadable:
        print(f"topicwired: {name}: cannot be read, left where it is: {reason}", file=sys.stderr)
    said = json.dumps(restored.as_json(), ensure_ascii=False) if options.json else "\n".join(restored.lines())
    print(said)
    return 0


def unit(options: argparse.Namespace) -> int:
    """Print a systemd unit that fits this installation."""
    from daemon.units import service

    print(service(options.home.absolute(), options.config), end="")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="topicwired", description=main.__doc__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    command = _add(commands, "run", run)
    command.add_argument("--once", action="store_true", help="what is in the inbox now, then exit")
    command.add_argument("-v", "--verbose", action="store_true", help="log more")
    _add(commands, "demo", demo)
    _add(commands, "check", check)
    _add(commands, "status", status)
    _add(commands, "route", route).add_argument("file", type=Path, metavar="FILE")
    command = _add(commands, "retry", retry)
    command.add_argument("names", nargs="*", metavar="NAME")
    command.add_argument("--all", action="store_true", help="every file in failed/")
    command = _add(commands, "retrain", retrain)
    command.add_argument("--force", action="store_true", help="also if no label has changed")
    verdicts = commands.add_parser("verdicts", help="what desks said of tags: add, list")
    inner = verdicts.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add(inner, "list", verdicts_list)
    command = _add(inner, "add", verdicts_add)
    command.add_argument("article", metavar="ARTICLE", help="its id, as `classifier tag` prints it")
    command.add_argument("topic", metavar="TOPIC")
    command.add_argument("verdict", choices=("right", "wrong"))
    command.add_argument("--person", default=os.environ.get("USER", "operator"), help="who says so")
    command = _add(commands, "backup", backup)
    command.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="where to, if not to HOME/backups"
    )
    command = _add(commands, "restore", restore)
    command.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a backup, or a ledger set aside")
    command.add_argument("--rebuild", action="store_true", help="from done/ alone, without a backup")
    command.add_argument(
        "--alert-all", action="store_true", help="alert of all that the backup does not know"
    )
    _add(commands, "unit", unit)
    return parser


def _add(commands: Any, name: str, command: Command) -> argparse.ArgumentParser:
    """A command whose help is its docstring, with the options that all have."""
    text = inspect.getdoc(command) or ""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text.split("\n\n", 1)[0], description=text
    )
    home = Path(os.environ.get(_HOME_VARIABLE) or "var")
    config = os.environ.get(_CONFIG_VARIABLE)
    parser.add_argument(
        "--home", type=Path, default=home, help="folder of the inbox and all else (default: %(default)s)"
    )
    parser.add_argument("--config", type=Path, default=Path(config) if config else None, help="one TOML file")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.set_defaults(command=command)
    return parser


def _progress(what: str) -> Callable[[int, int], None]:
    """Says on stderr how far a long work is, not more often than it takes to read."""
    last = time.monotonic()

    def say(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > _SAID_EVERY:
            last = time.monotonic()
            print(f"topicwired: {what}: {done} of {total}", file=sys.stderr, flush=True)

    return say


def _topics(options: argparse.Namespace) -> list[str]:
    """The topics that a route may name: those of the labels, and of the model that serves."""
    from classifier import served_topics, topics_of

    labelled = [topic.id for topic in topics_of(options.home)]
    return list(dict.fromkeys([*labelled, *served_topics(options.home / "models")]))


def _settings(options: argparse.Namespace) -> Settings:
    from daemon.config import load_settings

    return load_settings(options.config, options.home, _topics(options))


@contextmanager
def _ledger(settings: Settings) -> Iterator[Database]:
    """The ledger that is there; a command that only looks does not make one."""
    from daemon.database import open_database, plain_errors

    path = settings.database.removeprefix("sqlite:///")
    if "://" not in path and not Path(path).exists():
        raise DaemonError(f"{path}: no ledger yet; `topicwired run` makes it")
    database = open_database(settings.database)
    try:
        with plain_errors():
            yield database
    finally:
        database.close()


if __name__ == "__main__":
    sys.exit(main())
