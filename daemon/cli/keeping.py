"""Commands that keep the ledger: backup and restore."""

from __future__ import annotations

import argparse
import json
import sys

from daemon.cli.given import progress, settings_of
from daemon.errors import DaemonError


def backup(options: argparse.Namespace) -> int:
    """Copy the ledger while the daemon runs, check the copy, and say where it is.

    Without FILE it goes to HOME/backups, where the newest are kept. Labels and models are not in
    it: keep HOME/labels and HOME/models with your other files.
    """
    from daemon import backups

    made = backups.make(settings_of(options), options.file, progress("pages copied"))
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
    are not touched. Of articles that no draw of the backup has reached nobody is asked: some are
    drawn, for `topicwired sample`.
    """
    from daemon import app, backups, promises, rebuilding

    if options.file is not None and options.rebuild:
        raise DaemonError("say which: FILE, or --rebuild without a backup")
    settings = settings_of(options)
    backups.must_be_a_file(settings)
    with app.home_lock(settings):
        model = promises.served_model(settings, app.ready_model(settings))
        restored = rebuilding.restore(
            settings,
            model,
            backup=options.file,
            from_scratch=options.rebuild,
            alert_all=options.alert_all,
            progress=progress("files of done/ seen"),
        )
    for refused in restored.refused:
        print(f"topicwired: passed over {refused.reason}", file=sys.stderr)
    for name, reason in restored.found.unreadable:
        print(f"topicwired: {name}: cannot be read, left where it is: {reason}", file=sys.stderr)
    said = json.dumps(restored.as_json(), ensure_ascii=False) if options.json else "\n".join(restored.lines())
    print(said)
    return 0
