"""Is a configuration sound: receivers and routes that can be heard, folders that keep apart."""

from __future__ import annotations

import math
import os
import re
import stat
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from classifier import check_separator
from daemon.complaints import shortened
from daemon.tables import NEVER, SQLITE, File, Receiver, Route, Settings, schedule

# What the classifier can say of an article's language: a route to any other would stay silent.
LANGUAGES = tuple("en ru kk ar ky uz tg fa tr uk be bg sr mk mn tt ba az tk".split())

_FOLDERS = ("done", "failed", "models", "labels", "backups")  # of a home, beside its inbox
_OWN_FOLDER = "name a folder of its own"


def receiver_problems(given: File) -> list[str]:
    if not given.receiver:
        return ["no receiver; take the key away to have the console"]
    problems = _name_problems([receiver.name for receiver in given.receiver])
    for receiver in given.receiver:
        start = f"receiver {receiver.name!r}"
        if receiver.type == "slack" and not receiver.channel:
            problems.append(f"{start}: a Slack receiver needs 'channel', its id")
        elif receiver.type == "slack" and not is_a_channel(receiver.channel or ""):
            problems.append(
                f"{start}: 'channel' should be the channel's id, such as C0123456789, not its name; Slack"
                " shows it at the end of the channel's details (press the channel's name)"
            )
        if receiver.type != "slack" and receiver.channel:
            problems.append(f"{start}: only a Slack receiver has a 'channel'")
        if receiver.type not in ("webhook", "apprise") and receiver.url_file:
            problems.append(f"{start}: only a webhook or apprise has a 'url_file'")
        problems += [f"{start}: {problem}" for problem in _hearing_problems(receiver, given)]
    return problems


def reading_problems(given: File) -> list[str]:
    """Separators that cannot part articles."""
    problems = []
    for pattern in given.reading.separators:
        try:
            check_separator(pattern)
        except ValueError as error:
            problems.append(f"reading.separators: {error}")
    return problems


def teaching_problems(given: File) -> Iterator[str]:
    """Receivers of what the daemon asks and reports that are not there."""
    names = {receiver.name: None for receiver in given.receiver}
    for key, name in (
        ("retrain.report_to", given.retrain.report_to),
        ("sample.receiver", given.sample.receiver),
    ):
        if name is not None and name not in names:
            yield f"{key}: no receiver {shortened(name)!r}; there are {', '.join(names)}"


def desk_problems(given: File) -> Iterator[str]:
    """Ways into the desk page that would let anybody in, and an address that is not free."""
    desk = given.desk
    if desk.address is None:
        return
    if desk.login == "token" and not desk.is_for_this_machine:
        yield (
            f"desk.login: 'token' is for this machine alone, and {desk.listen} is reached from elsewhere;"
            ' write login = "password", or listen on 127.0.0.1'
        )
    everybody = [each for each in desk.proxies if each.endswith("/0")]
    if desk.login == "proxy" and everybody:
        yield f"desk.proxies: {everybody[0]} would believe anybody; name the address of the proxy"
    if given.metrics.address is not None and given.metrics.address[1] == desk.address[1]:
        yield "desk.listen: is the port of the metrics; name another"


def promise_problems(given: File, topics: Collection[str]) -> Iterator[str]:
    """Promises for topics that are not there, or that ask for nothing or for two things at once."""
    known, listed = frozenset(topics), ", ".join(sorted(topics))
    for topic, promise in given.topic.items():
        start = f"topic.{shortened(topic)}"
        if topic not in known:
            yield f"{start}: no topic {shortened(topic)!r}; there are {listed}"
        if len(promise.model_dump(exclude_none=True)) != 1:
            yield f"{start}: should have one of 'cut', 'recall' and 'precision'"


def is_a_channel(channel: str) -> bool:
    """Whether this is a channel's id, as Slack gives them."""
    return re.fullmatch(r"[CGD][A-Z0-9]+", channel) is not None


def _hearing_problems(receiver: Receiver, given: File) -> Iterator[str]:
    """When a receiver hears: a console shows everything at once."""
    if receiver.type == "console":
        if receiver.alerts != "at once" or receiver.digest or receiver.quiet_hours or receiver.zone:
            yield "a console shows everything at once; it has no 'alerts', 'digest', 'quiet_hours' or 'zone'"
    elif receiver.alerts == "in digests" and (receiver.digest or given.digest.cron) == NEVER:
        yield "hears in digests alone, and has none; give it a 'digest', a cron line"


def _name_problems(names: list[str]) -> list[str]:
    counts = Counter(names)
    problems = [f"receiver {name!r} stands twice" for name in sorted(counts) if counts[name] > 1]
    folded: dict[str, str] = {}
    for name in counts:
        first = folded.setdefault(name.casefold(), name)
        if first != name:
            problems.append(
                f"receivers {first!r} and {name!r} differ in letter case only; name one otherwise"
            )
    return problems


def route_problems(given: File, topics: Collection[str]) -> list[str]:
    problems = []
    names = {receiver.name: None for receiver in given.receiver}
    known_topics, known_names = frozenset(topics), ", ".join(names)
    listed = ", ".join(sorted(topics))
    first: dict[Route, int] = {}
    for number, route in enumerate(given.route, 1):
        start = f"route number {number}"
        if first.setdefault(route, number) != number:
            problems.append(f"{start}: is the same as number {first[route]}; take one of them away")
        if route.receiver not in names:
            problems.append(f"{start}: no receiver {shortened(route.receiver)!r}; there are {known_names}")
        for topic in route.topics or ():
            if topic not in known_topics:
                problems.append(f"{start}: no topic {shortened(topic)!r}; there are {listed}")
        problems += [f"{start}.{problem}" for problem in _silences(route)]
    # Operators hear what is reported to them, and a desk may have a channel for questions alone.
    heard = {route.receiver for route in given.route} | {given.retrain.report_to, given.sample.receiver}
    deaf = sorted(names.keys() - heard) if given.route else []
    return problems + [f"receiver {name!r}: no route leads to it; add one" for name in deaf]


def _silences(route: Route) -> Iterator[str]:
    """Conditions of a route that no article can meet: it would be silent, and nobody would know why."""
    if route.topics == ():
        yield "topics: is empty; take the key away to have all topics"
    if route.languages == ():
        yield "languages: is empty; take the key away to have all languages"
    for language in route.languages or ():
        if language not in LANGUAGES:
            yield f"languages: no language {shortened(language)!r}; articles come as {', '.join(LANGUAGES)}"
    if route.min_probability >= 1.0:
        yield "min_probability: 1 is never reached; 0.95 is nearly certain already"


def retention_problems(given: File) -> Iterator[str]:
    """What is needed of the last days must not be forgotten before."""
    kept = given.retention.keep_days
    if kept is None:
        return
    for key, days in (
        ("retrain.rehearse_days", given.retrain.rehearse_days),
        ("sample.days", given.sample.days),
        ("story.window_hours", given.story.window_hours / 24),
    ):
        if days > kept:
            yield f"retention.keep_days: {kept} is less than {key} needs; keep at least {math.ceil(days)}"


def zone_problems() -> list[str]:
    try:
        schedule("0 0 * * *")
    except (LookupError, ValueError, OSError):
        return ["the machine's time zone cannot be told; set TZ to one such as Asia/Almaty"]
    return []


def home_problem(home: Path) -> str | None:
    if not str(home).isprintable():
        return f"home: {home} has control characters in it; name another with --home"
    if os.path.realpath(home) == "/":
        return "home: / cannot be a home; name a folder of its own with --home"
    if _is_no_folder(home):
        return f"home: {home} is not a folder; name one with --home"
    return None


def folder_problems(settings: Settings) -> list[str]:
    if _holds(settings.inbox, settings.home):
        # Every file of ours would lie in it: one fault, and one line.
        return [f"inbox.path: {settings.inbox} holds the home folder; {_OWN_FOLDER}"]
    return [*_inbox_problems(settings), *_mount_problems(settings), *_file_problems(settings)]


def _inbox_problems(settings: Settings) -> list[str]:
    """By real path: a link must not lead the inbox into a folder of ours, nor one of them into it."""
    inbox, start = settings.inbox, f"inbox.path: {settings.inbox}"
    if _is_no_folder(inbox):
        return [f"{start} is not a folder; {_OWN_FOLDER}"]
    problems = []
    for folder in (settings.home / name for name in _FOLDERS):
        if _holds(folder, inbox):
            problems.append(f"{start} lies in {folder}; {_OWN_FOLDER}")
        elif _holds(inbox, folder):
            problems.append(f"{start} holds {folder}; {_OWN_FOLDER}")
    return problems


def _mount_problems(settings: Settings) -> list[str]:
    mount_point = settings.mount_point
    if mount_point is None:
        return []
    if mount_point == Path("/"):
        return ["inbox.mount_point: / is always mounted; name where the share is, or take the key away"]
    if not _holds(mount_point, settings.inbox):
        return [f"inbox.mount_point: {settings.inbox}, the inbox, does not lie below {mount_point}"]
    return []


def _file_problems(settings: Settings) -> list[str]:
    """Files of ours where the intake would take them for articles, or the ledger in their place."""
    problems = [*_database_problems(settings), *_backup_problems(settings)]
    named = [("the configuration file", settings.file), ("slack.token_file", settings.slack.token_file)]
    named += [("slack.app_token_file", settings.slack.app_token_file)]
    named += [(f"url_file of receiver {each.name!r}", each.url_file) for each in settings.receivers]
    for name, file in named:
        if file is not None and _holds(settings.inbox, file):
            problems.append(f"{name}: {file} lies in the inbox, where it would be an article; move it")
    return problems


def _backup_problems(settings: Settings) -> list[str]:
    """Backups among what they are made of would be in each other, or be articles."""
    path = settings.backup.path
    if path is None:
        return []
    start, mend = f"backup.path: {path}", "name a folder of its own, best on another disk"
    if _is_no_folder(path):
        return [f"{start} is not a folder; {mend}"]
    if _holds(path, settings.home):
        return [f"{start} holds the home folder; {mend}"]
    folders = (settings.inbox, *(settings.home / name for name in _FOLDERS))
    return [f"{start} lies in {folder}; {mend}" for folder in folders if _holds(folder, path)]


def _database_problems(settings: Settings) -> list[str]:
    if not settings.database.startswith(SQLITE):
        return []
    path = Path(settings.database.removeprefix(SQLITE))
    start, mend = f"storage.database: {path}", "name a file in the home folder"
    if _holds(path, settings.home) or (path.exists() and not path.is_file()):
        return [f"{start} is not a file; {mend}"]
    if settings.file is not None and real_path(path) == real_path(settings.file):
        return [f"{start} is the configuration file; {mend}"]
    folders = (settings.inbox, *(settings.home / name for name in _FOLDERS))
    return [
        f"{start} lies in {folder}, where files come and go; {mend}"
        for folder in folders
        if _holds(folder, path)
    ]


def _holds(folder: Path, path: Path) -> bool:
    """Is `path` the folder itself, or below it, when all links are followed."""
    real, inner = real_path(folder), real_path(path)
    return real == inner or real in inner.parents


def real_path(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _is_no_folder(path: Path) -> bool:
    """Does something else stand there, or on the way to it."""
    try:
        return not stat.S_ISDIR(path.stat().st_mode)
    except NotADirectoryError:
        return True
    except OSError:
        return False
