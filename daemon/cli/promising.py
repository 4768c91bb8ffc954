"""The command that shows what a promise costs, before it is made."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from daemon.cli.given import add_command, ledger_of, moment, progress, settings_of
from daemon.errors import DaemonError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from classifier import Model, Share
    from daemon.config import Promise, Settings
    from daemon.costs import Costs
    from daemon.promises import Standing


def add_commands(commands: Any) -> None:
    command = add_command(commands, "promises", promises)
    command.add_argument("--topic", metavar="TOPIC", help="what would be, for this topic")
    kinds = command.add_mutually_exclusive_group()
    for name in ("recall", "precision", "cut"):
        kinds.add_argument(f"--{name}", type=float, metavar="P", help=f"with this {name}, from 0 to 1")
    command.add_argument(
        "--since", default="14d", metavar="WHEN", help="30m, 2h, 14d, 2w, or 2026-11-01 (default: 14d)"
    )


def promises(options: argparse.Namespace) -> int:
    """What is promised of topics: by which cut, on how many labels it rests, and what it costs a day.

    With --topic and --recall, --precision or --cut: what such a promise would come to, before it stands
    in the configuration. A recall is kept by the articles about a topic that are said, a precision by
    those said that are about it: of the next 20 or more at least so many, in 19 of 20 weeks, as long as
    they are like the labelled ones. The cost is counted on the ledger's articles since then; the false
    ones among them are expected from the model's probabilities.

        topicwired promises
        topicwired promises --topic energy --recall 0.9
        topicwired promises --topic energy --precision 0.8 --since 30d
        topicwired promises --topic energy --cut 0.7
    """
    from classifier import load_model
    from daemon import promises as promised

    settings = settings_of(options)
    model = load_model(settings.models)
    asked = _asked(options, model)
    in_force = promised.standings(settings.models, settings.promises, model)
    shown = promised.standings(settings.models, asked, model) if asked else in_force
    strangers = [] if asked else promised.unknown(settings.promises, model)
    for topic in strangers:
        print(f"topicwired: {topic}: the model does not know it yet; train a new one", file=sys.stderr)
    if not shown and not strangers:
        print("topicwired: nothing is promised; see --topic and --recall", file=sys.stderr)
    before = {each.topic: each.cut for each in in_force} if asked else {}
    found = _costs(options, settings, model, shown, before) if shown else None
    for each in shown:
        now = before.get(each.topic, each.own)
        if options.json:
            print(json.dumps(_as_json(each, now, found), ensure_ascii=False))
        else:
            print("\n".join(_lines(each, now, found, is_asked=bool(asked))))
    return 0


def _asked(options: argparse.Namespace, model: Model) -> dict[str, Promise]:
    """What the options ask for, as a table [topic.TOPIC] would."""
    from pydantic import ValidationError

    from daemon.config import Promise

    given = {name: getattr(options, name) for name in ("recall", "precision", "cut")}
    given = {name: value for name, value in given.items() if value is not None}
    if bool(given) != bool(options.topic):
        raise DaemonError("say both: --topic, and --recall, --precision or --cut")
    if not given:
        return {}
    if options.topic not in model.topics:
        raise DaemonError(f"no topic {options.topic!r}; there are {', '.join(sorted(model.topics))}")
    try:
        return {options.topic: Promise(**given)}
    except ValidationError as error:
        (name,) = given
        said = error.errors()[0].get("ctx", {}).get("error", "is no number")
        raise DaemonError(f"--{name}: {said}") from None


def _costs(
    options: argparse.Namespace,
    settings: Settings,
    model: Model,
    shown: Sequence[Standing],
    before: Mapping[str, float],
) -> Costs | None:
    """What the cuts say of recent articles; None where the ledger has none."""
    from daemon import costs

    since = moment(options.since)
    pairs = {(each.topic, cut) for each in shown for cut in (each.cut, before.get(each.topic, each.own))}
    os.nice(10)  # intake goes first
    try:
        with ledger_of(settings) as database:
            tell = progress("articles looked at")
            found = costs.costs(database, model, pairs, since=since, tell=tell)
    except DaemonError as error:
        print(f"topicwired: no cost can be shown: {error}", file=sys.stderr)
        return None
    if not found.articles:
        print(f"topicwired: no cost can be shown: no article since {options.since}", file=sys.stderr)
        return None
    return found


def _lines(each: Standing, now: float, found: Costs | None, *, is_asked: bool) -> Iterator[str]:
    from classifier import quality_at
    from daemon.promises import digits, wording

    yield f"{each.topic}: {wording(each.promise)}"
    yield f"  {each}"
    if each.settled is not None and each.is_kept:
        what = "articles about it" if each.promise.recall else "articles said to be about it"
        yield f"  rests on {each.settled.labels} labelled {what}"
    if not each.is_kept:
        yield "  not promised: the model's own cut serves"
    elif each.promise.cut is None:
        yield f"  {_promised(each)}"
    if each.labelled is not None:
        for cut in dict.fromkeys((each.cut, now)):
            recall, precision = quality_at(each.labelled, cut)
            yield f"  on labels, cut {digits(cut)}: recall {_share(recall)}, precision {_share(precision)}"
    if found is not None:
        said, before = found.loads[each.topic, each.cut], found.loads[each.topic, now]
        other = "now" if is_asked else "by the model's own cut"
        compared = f"; {other} {before}" if now != each.cut else ""
        yield f"  expected   ≈ {said}{compared} ({found.articles} articles in {found.days:.1f} days)"


def _promised(each: Standing) -> str:
    """What a newsroom may rely on."""
    from classifier import LEAST_WEEK

    if each.promise.recall is not None:
        kept = f"articles about it, at least {each.promise.recall:.1%} are said"
    else:
        kept = f"articles said to be about it, at least {each.promise.precision:.1%} are"
    return (
        f"of the next {LEAST_WEEK} or more {kept}, in 19 of 20 such weeks,"
        " as long as they are like the labelled ones"
    )


def _share(share: Share) -> str:
    if share.value is None:
        return "unknown"
    low, high = share.interval
    return f"{share.value:.2f} ({low:.2f}–{high:.2f})"


def _as_json(each: Standing, now: float, found: Costs | None) -> dict[str, object]:
    from classifier import quality_at

    row: dict[str, object] = {
        "topic": each.topic,
        "promise": each.promise.model_dump(exclude_none=True),
        "kept": each.is_kept,
        "cut": each.cut,
        "cut_before": now,
        "cut_of_the_model": each.own,
        "needs": each.lacks,
    }
    if each.settled is not None:
        row |= {"labels": each.settled.labels, "missing": each.settled.missing}
    if each.labelled is not None:
        for name, share in zip(("recall", "precision"), quality_at(each.labelled, each.cut), strict=True):
            low, high = share.interval
            row[f"{name}_on_labels"] = share.value and round(share.value, 4)
            row[f"{name}_interval"] = [round(low, 4), round(high, 4)]
    if found is not None:
        row["articles"], row["days"] = found.articles, round(found.days, 2)
        row["expected"] = found.loads[each.topic, each.cut].as_json()
        row["before"] = found.loads[each.topic, now].as_json()
    return row
