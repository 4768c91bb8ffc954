"""A day in a page of text."""

from __future__ import annotations

from collections import Counter

from tests.day import reckoning
from tests.day.living import Lived
from tests.day.reckoning import HOUR


def lines(lived: Lived) -> list[str]:
    """What was lived, what was seen of each process, and each finding."""
    plan = lived.plan
    told = [
        f"A day of {plan.hours:g} h in {plan.minutes:g} min ({plan.speed:.0f} times as fast),"
        f" seed {plan.seed}" + (f", planted: {plan.plant}" if plan.plant else ""),
        "",
    ]
    told += [f"{name:10} {said}" for name, said in lived.facts.items()]
    told += ["", *_status(lived), ""]
    for each in lived.series[:8]:
        told += _process(each, lived)
    told += ["", "faults"]
    told += [
        f"{each.at / HOUR:6.2f} h  {each.name}{': ' if each.said else ''}{each.said}" for each in lived.faults
    ]
    kinds = Counter(each.name for each in lived.faults)
    told += [f"{len(lived.faults)} faults of {len(kinds)} kinds", "", "what the log complained of"]
    told += [f"  {each}" for each in lived.complaints]
    told += ["", f"{len(lived.findings)} findings"]
    return told + [f"FOUND {finding}" for finding in lived.findings]


def _status(lived: Lived) -> list[str]:
    asked = lived.checked
    untrue = [each for each in asked if each.faults]
    numbers = sum(each.numbers for each in asked)
    longest = max((each.seconds for each in asked), default=0.0)
    owed = max((each.owed for each in asked), default=0)
    return [
        f"status     asked {len(asked)} times, {numbers} numbers compared, {len(untrue)} askings untrue;"
        f" {longest:.1f} s at most; {owed} owed at most"
    ]


def _process(each: reckoning.Series, lived: Lived) -> list[str]:
    found = reckoning.slope(each)
    files, threads = reckoning.held(each, "files"), reckoning.held(each, "threads")
    pss = [look.pss for look in each.looks if look.pss]
    first, last = each.looks[0].at / HOUR, each.looks[-1].at / HOUR
    told = [f"{each.who:10} {first:.1f} to {last:.1f} h, {len(each.looks)} looks"]
    if found is not None:
        told.append(f"  memory   {found}")
        told.append(f"           {_per_thousand(found, each, lived):+.2f} MiB a thousand articles")
        told.append(f"  by hour  {' '.join(f'{rss:.0f}' for rss in reckoning.by_hour(each))}")
    if pss:
        told.append(f"  PSS      {pss[0]:.0f} ▶ {pss[-1]:.0f} MiB, at most {max(pss):.0f}")
    told.append(f"  files    {files.first} ▶ {files.last}, at most {files.most}")
    databases = reckoning.held(each, "databases")
    told.append(f"  ledger's {databases.first} ▶ {databases.last}, at most {databases.most}")
    told.append(f"  threads  {threads.first} ▶ {threads.last}, at most {threads.most}")
    return told


def _per_thousand(found: reckoning.Slope, each: reckoning.Series, lived: Lived) -> float:
    """By the articles that the ledger had when status was asked in this life."""
    start, end = each.looks[0].at, each.looks[-1].at
    seen = [one for one in lived.checked if one.articles and start <= one.at <= end]
    if len(seen) < 2 or seen[-1].articles == seen[0].articles:
        return 0.0
    hours = (seen[-1].at - seen[0].at) / HOUR
    return found.value * hours / (seen[-1].articles - seen[0].articles) * 1000.0
