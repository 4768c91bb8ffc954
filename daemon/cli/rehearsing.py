"""Commands that look at the ledger's articles with another eye: rehearse and retag."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daemon.cli.given import add_command, ledger_of, moment, progress, settings_of, topics_named
from daemon.errors import DaemonError

if TYPE_CHECKING:
    from classifier import Model
    from daemon.config import Promise, Route


def add_commands(commands: Any) -> None:
    command = add_command(commands, "rehearse", rehearse)
    command.add_argument("--model", metavar="V", help="this version of the model")
    command.add_argument(
        "--cut", action="append", default=[], metavar="TOPIC=P", help="main from this probability; repeatable"
    )
    command.add_argument("--routes", type=Path, metavar="FILE", help="the routes of this configuration")
    command.add_argument(
        "--since", default="14d", metavar="WHEN", help="30m, 2h, 14d, 2w, or 2026-11-01 (default: 14d)"
    )

    command = add_command(commands, "retag", retag)
    command.add_argument("--since", required=True, metavar="WHEN", help="30m, 2h, 30d, 2w, or 2026-11-01")
    command.add_argument("--dry-run", action="store_true", help="show the differences, write nothing")
    command.add_argument("--alert", action="store_true", help="owe alerts of topics that are new")


def rehearse(options: argparse.Namespace) -> int:
    """Which alerts another model, other cuts or other routes would have made; nothing is sent or written.

    Replays the articles of the last days (--since) and shows the alerts gained, lost and moved, by
    receiver and topic, with the evidence; those that a desk marked ✓ and that would be lost come
    first. --model, --cut and --routes may be combined. What desks mute and follow is left aside,
    and so are stories.

        topicwired rehearse --cut energy=0.7 --since 14d
        topicwired rehearse --model 20261122T033000Z-1f2e3d4c
        topicwired rehearse --routes new.toml
    """
    from classifier import load_model
    from daemon import rehearsing
    from daemon.promises import served_model

    if not (options.model or options.cut or options.routes):
        raise DaemonError("say what is to be rehearsed: --model, --cut or --routes")
    settings, since, routes = settings_of(options), moment(options.since), _routes(options)
    serving = load_model(settings.models)
    other = load_model(settings.models, options.model) if options.model else serving
    promises = {**settings.promises, **_cuts(options.cut, other)}
    before = served_model(settings, serving)
    after = served_model(settings.model_copy(update={"promises": promises}), other)
    with ledger_of(settings) as database:
        found = rehearsing.rehearse(
            database,
            settings,
            since=since,
            before=before,
            after=after,
            routes=routes,
            tell=progress("articles rehearsed"),
        )
    if options.json:
        rows = [found.as_json(), *(change.as_json() for change in found.changes)]
        print("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    else:
        print("\n".join(found.lines()))
    return 0


def retag(options: argparse.Namespace) -> int:
    """Tag recorded articles anew with the model that serves, and show what is different, article by article.

    The daemon may run meanwhile. Tags of before are kept in the ledger's table of changes, verdicts
    stay, and no alert is sent again. With --alert desks hear of the topics that this run adds; who
    had an alert of an article gets no second one. Stopped in the middle, it goes on when called again.

        topicwired retag --since 30d --dry-run
        topicwired retag --since 2026-11-01 --alert
    """
    from classifier import current_version, load_model
    from daemon import retagging
    from daemon.promises import served_model

    settings, since = settings_of(options), moment(options.since)
    model = load_model(settings.models)

    def show(difference: retagging.Difference) -> None:
        as_json = options.json and json.dumps(difference.as_json(), ensure_ascii=False)
        print(as_json or str(difference))

    with ledger_of(settings) as database:
        found = retagging.retag(
            database,
            settings,
            served_model(settings, model),
            since=since,
            dry_run=options.dry_run,
            alert=options.alert,
            show=show,
            tell=progress("articles tagged anew"),
        )
    said = json.dumps(found.as_json(), ensure_ascii=False) if options.json else "\n".join(found.lines())
    print(said)
    if current_version(settings.models) != model.version:
        print("topicwired: another model serves by now; run this again", file=sys.stderr)
    return 0


def _routes(options: argparse.Namespace) -> tuple[Route, ...] | None:
    """The routes of another configuration, which has to be sound as a whole."""
    from daemon.config import load_settings

    if options.routes is None:
        return None
    return load_settings(options.routes, options.home, topics_named(options)).routes


def _cuts(said: Sequence[str], model: Model) -> dict[str, Promise]:
    """What `--cut energy=0.7` promises, as a table [topic.energy] would."""
    from pydantic import ValidationError

    from daemon.config import Promise

    cuts = {}
    for each in said:
        topic, _, number = each.partition("=")
        if topic not in model.topics:
            raise DaemonError(
                f"--cut {each}: no topic {topic!r}; there are {', '.join(sorted(model.topics))}"
            )
        try:
            cuts[topic] = Promise(cut=float(number))
        except (ValueError, ValidationError):
            raise DaemonError(f"--cut {each}: should be from 0.001 to 0.999, as {topic}=0.7") from None
    return cuts
