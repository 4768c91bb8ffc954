"""Commands that keep what there is, and let go of it: backup, forget and restore."""

from __future__ import annotations

import argparse
import json
import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daemon.cli.given import add_command, progress, settings_of
from daemon.errors import DaemonError

if TYPE_CHECKING:
    from daemon.config import Settings
    from daemon.manifests import Manifest
    from daemon.rebuilding import Restored
    from daemon.restoring import Placed

_ENDING = ".db"  # of a ledger alone


def add_commands(commands: Any) -> None:
    """`backup`, `forget` and `restore`."""
    command = add_command(commands, "backup", backup)
    command.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="DIR",
        help="where to: a folder for backups of the whole home, or a file that ends in .db for the ledger"
        " alone; absent: the ledger alone, to HOME/backups",
    )
    command = add_command(commands, "forget", forget)
    command.add_argument(
        "--older-than", metavar="DAYS", help="such as 365d or 52w; absent: as retention.keep_days says"
    )
    command.add_argument("--dry-run", action="store_true", help="say what would go, and change nothing")
    command.add_argument(
        "--compact", action="store_true", help="then make the ledger's file smaller; stop the daemon first"
    )
    command = add_command(commands, "restore", restore)
    command.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="FROM",
        help="a backup of a whole home, a folder of such, a backup of the ledger, or a ledger set aside",
    )
    command.add_argument(
        "--check", action="store_true", help="restore on trial, say whether it works, and stop"
    )
    command.add_argument("--rebuild", action="store_true", help="from done/ alone, without a backup")
    command.add_argument(
        "--alert-all", action="store_true", help="alert of all that the backup does not know"
    )


def backup(options: argparse.Namespace) -> int:
    """Copy the home, or the ledger alone, while the daemon runs; check the copy, and say where it is.

    With DIR it is all of the home, in a new folder there: the ledger, the model that serves and the one
    before, labels, held-out articles, the configuration, and who has a password at the desk. It counts only
    when it has been restored on trial. Secrets are not in it (tokens, desk.key), nor is done/, nor what waits
    in the inbox: keep the tokens where you keep secrets, and done/ with your other files. Without DIR it is
    the ledger alone, in HOME/backups. Old ones are deleted as [backup] says: in HOME/backups, and in the
    folder that backup.path names.

        topicwired backup /mnt/backup/topicwire
        topicwired backup --json /mnt/backup/topicwire
        topicwired backup
        topicwired backup --home /srv/topicwire --config /etc/topicwire/topicwire.toml /mnt/usb/ledger.db
    """
    from daemon import backups, bundles

    settings, place = settings_of(options), options.file
    if place is not None and place.suffix != _ENDING:
        bundle = bundles.make(settings, place, progress("pages copied"))
        for said in bundle.left_out:
            print(f"topicwired: not in the backup: {said}", file=sys.stderr)
        if bundle.manifest.dump is not None:
            print(
                f"topicwired: the ledger stands on a server, and is backed up there: {bundle.manifest.dump}",
                file=sys.stderr,
            )
        _say(options, bundle.as_json(), list(bundle.lines()))
        return 0
    made = backups.make(settings, place, progress("pages copied"))
    lines = [f"{made.file}: {made.articles} articles, {made.size} bytes, checked"]
    _say(options, {"backup": str(made.file), "articles": made.articles, "bytes": made.size}, lines)
    return 0


def forget(options: argparse.Namespace) -> int:
    """Let go of old articles' texts, and of their files in done/, as [retention] does each night.

    An article keeps its fingerprint, title and tags, so that a repeat raises no alert however late it comes.
    Kept whole are files with an article that somebody judged or was asked about, whose alert is still owed,
    or whose story is open. failed/ is not touched. It goes in small steps beside a running daemon. The room
    is used again by what comes next; the ledger's file becomes smaller only with --compact. Backups made
    before still have the texts.

        topicwired forget --dry-run
        topicwired forget --older-than 365d --dry-run --json
        topicwired forget --older-than 2y
        topicwired forget --older-than 52w --compact
    """
    from contextlib import nullcontext

    from daemon import app, retention
    from daemon.cli.given import ledger_of

    settings = settings_of(options)
    older_than = _age(options, settings)
    alone = app.home_lock(settings) if options.compact and not options.dry_run else nullcontext()
    with alone:
        with ledger_of(settings) as database:
            outcome = retention.forget(
                settings,
                database,
                older_than=older_than,
                dry=options.dry_run,
                progress=progress("files looked at"),
            )
        row, lines = outcome.as_json(), [outcome.line()]
        if options.compact and not options.dry_run:
            before, after = retention.compact(settings)
            row |= {"bytes_before": before, "bytes_after": after}
            lines.append(f"the ledger had {before} bytes, and has {after}")
    _say(options, row, lines)
    return 0


def _age(options: argparse.Namespace, settings: Settings) -> timedelta:
    """How old what goes is at least."""
    if options.older_than is None:
        if settings.retention.keep_days is None:
            raise DaemonError("say how old: --older-than 365d, or retention.keep_days in the configuration")
        return timedelta(days=settings.retention.keep_days)
    found = re.fullmatch(r"([0-9]{1,5})([dwy])", options.older_than)
    if found is None:
        raise DaemonError(f"--older-than {options.older_than}: should be as 365d, 52w or 2y")
    return timedelta(days=int(found[1]) * {"d": 1, "w": 7, "y": 365}[found[2]])


def restore(options: argparse.Namespace) -> int:
    """Put a home, or a lost or damaged ledger, together again: from a backup, and what stands in done/.

    FROM is a backup of a whole home, or a folder of such, of which the newest sound one counts: then labels,
    models, the configuration and the desk's people come back as well, to whatever home --home names. Or it is
    a backup of the ledger alone; without FROM that is the newest sound one of ours. Stop the daemon first.
    What stands there is set aside, not deleted.

    Whether alerts of articles that the backup does not know went out is looked up in Slack; a console or a
    webhook cannot be asked, so they get none of those unless told so with --alert-all. Verdicts since the
    backup are lost. Of articles that no draw of the backup has reached nobody is asked: some are drawn, for
    `topicwired sample`. With --check nothing is changed: FROM, or the newest backup, is restored into a
    scratch folder, and the daemon may run; the exit code is 1 also where a newer one is not sound.

        topicwired restore --check /mnt/backup/topicwire
        topicwired restore --home /srv/topicwire /mnt/backup/topicwire
        topicwired restore --config /etc/topicwire/topicwire.toml --json /mnt/backup/topicwire
        topicwired restore
        topicwired restore --rebuild --alert-all
    """
    if options.rebuild and (options.file is not None or options.check):
        raise DaemonError("say which: FROM, --check, or --rebuild without a backup")
    if options.file is not None and not options.file.exists():
        raise DaemonError(f"{options.file}: there is no such backup")
    if options.check:
        return _check(options)
    if options.file is not None and options.file.is_dir():
        return _restore_home(options, options.file)
    return _restore_ledger(options)


def _check(options: argparse.Namespace) -> int:
    """The drill: is what we have good for a restore?"""
    from daemon import backups, bundles, drills

    place = options.file
    settings = None
    if place is None:
        settings = settings_of(options)
        place = settings.backup.path if settings.backup.path is not None else backups.folder(settings)
    if place.is_dir() and (settings is None or settings.backup.path is not None):
        folder, manifest, refused = bundles.newest_sound(place)
        _tell_refused(refused)
        drills.try_out(folder, manifest, _scratch(folder.parent))
        said = f"{manifest.articles} articles" if manifest.has_ledger else "without the ledger"
        _say(
            options,
            {
                "backup": str(folder),
                "restorable": True,
                "articles": manifest.articles,
                "made_at": manifest.made_at,
            },
            [f"{folder}: restored on trial: {said}, {len(manifest.pieces)} files, as of {manifest.made_at}"],
        )
        return 1 if refused else 0
    if settings is not None:
        found, worse = backups.newest_sound(settings)
        _tell_refused([each.reason for each in worse])
        if found is None:
            raise DaemonError(f"{place}: no sound backup; `topicwired backup` makes one")
    else:
        found, worse = place, ()
    articles = backups.check(found)
    row = {"backup": str(found), "restorable": True, "articles": articles, "made_at": None}
    _say(options, row, [f"{found}: a sound ledger: {articles} articles"])
    return 1 if worse else 0


def _scratch(place: Path) -> Path:
    """Beside the backup, on the disk that has room for one; elsewhere where that may not be written."""
    import os
    import tempfile

    return place if os.access(place, os.W_OK) else Path(tempfile.gettempdir())


def _restore_home(options: argparse.Namespace, place: Path) -> int:
    from daemon import app, backups, bundles, postgres, restoring

    folder, manifest, refused = bundles.newest_sound(place)
    if options.config is None and (folder / "topicwire.toml").is_file():
        options.config = folder / "topicwire.toml"
    settings = _settings_for(options, folder)
    restoring.must_fit(settings, manifest, folder)
    on_server = postgres.is_one(settings.database)
    if manifest.has_ledger and on_server:
        raise DaemonError(
            f"{folder}: has a ledger of SQLite, and storage.database names a server; restore it with a"
            " configuration that names a file, then bring it over with `topicwired storage copy`"
        )
    if manifest.has_ledger:
        backups.check(folder / "ledger.db")
    _tell_refused(refused)
    with app.home_lock(settings), restoring.marked(settings.home, folder):
        placed = restoring.put_back(settings, folder, manifest)
        restored = _ledger_from(options, settings, folder / "ledger.db") if manifest.has_ledger else None
    if restored is not None:
        _tell_restored(restored)
    if manifest.dump is not None:
        print(
            f"topicwired: the ledger is not in this backup; it was on a server: {manifest.dump}",
            file=sys.stderr,
        )
    _say(options, _home_json(folder, manifest, placed, restored), _home_lines(folder, placed, restored))
    return 0


def _home_json(
    folder: Path, manifest: Manifest, placed: list[Placed], restored: Restored | None
) -> dict[str, object]:
    more = restored.as_json() if restored is not None else {}
    return {
        **more,
        "bundle": str(folder),
        "made_at": manifest.made_at,
        "placed": [each.as_json() for each in placed],
    }


def _home_lines(folder: Path, placed: list[Placed], restored: Restored | None) -> list[str]:
    from daemon.manifests import CONFIGURATION

    lines = [f"home       from {folder}", *(each.line() for each in placed)]
    settings = [each.place for each in placed if each.place.name == CONFIGURATION]
    lines += [f"settings   stand in {place}: name it with --config from now on" for place in settings]
    if restored is not None:
        lines += restored.lines()
    return [
        *lines,
        "secrets    are in no backup: tokens, and links of the desk page and its feeds, are to be made anew",
    ]


def _restore_ledger(options: argparse.Namespace) -> int:
    from daemon import app, backups

    settings = settings_of(options)
    backups.must_be_a_file(settings)
    with app.home_lock(settings):
        restored = _ledger_from(options, settings, options.file)
    mark = backups.restoring_mark(settings.home)
    if mark.exists():
        print(
            f"topicwired: {mark}: a restore of the whole home was cut off, and is still to be done",
            file=sys.stderr,
        )
    for refused in restored.refused:
        print(f"topicwired: passed over {refused.reason}", file=sys.stderr)
    _tell_restored(restored)
    _say(options, restored.as_json(), list(restored.lines()))
    return 0


def _ledger_from(options: argparse.Namespace, settings: Settings, file: Path | None) -> Restored:
    from daemon import app, promises, rebuilding

    model = promises.served_model(settings, app.ready_model(settings))
    return rebuilding.restore(
        settings,
        model,
        backup=file,
        from_scratch=options.rebuild,
        alert_all=options.alert_all,
        progress=progress("files of done/ seen"),
    )


def _settings_for(options: argparse.Namespace, folder: Path) -> Settings:
    """The configuration, which may name topics that only the labels and models of the backup have."""
    from classifier import served_topics, topics_of
    from daemon.cli.given import topics_named
    from daemon.config import load_settings

    theirs = [*(topic.id for topic in topics_of(folder)), *served_topics(folder / "models")]
    return load_settings(options.config, options.home, list(dict.fromkeys([*topics_named(options), *theirs])))


def _tell_refused(refused: Any) -> None:
    for reason in refused:
        print(f"topicwired: passed over {reason}", file=sys.stderr)


def _tell_restored(restored: Restored) -> None:
    for name, reason in restored.found.unreadable:
        print(f"topicwired: {name}: cannot be read, left where it is: {reason}", file=sys.stderr)


def _say(options: argparse.Namespace, row: dict[str, object], lines: list[str]) -> None:
    print(json.dumps(row, ensure_ascii=False) if options.json else "\n".join(lines))
