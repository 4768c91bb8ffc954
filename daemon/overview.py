"""The overview: how things stand, for people. As lines to be searched, and as a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from daemon import neighbours
from daemon.complaints import printable_line
from daemon.concerns import age

if TYPE_CHECKING:
    from rich.console import RenderableType

_MOST = 100  # lines of a kind
_MOST_ROWS = 12  # of a table

Found = Mapping[str, Any]


def lines(found: Found) -> list[str]:
    """What `status.gather` found; each line begins with a word that says of what it tells."""
    inbox, files = found["inbox"], found["files"]
    oldest = (
        f", the oldest for {inbox['oldest_seconds']:.0f} s" if inbox["oldest_seconds"] is not None else ""
    )
    text = [
        f"home       {found['home']}",
        f"model      {found['model'] or 'none yet'}",
        f"inbox      {inbox['files']} files{oldest}" if not inbox["missing"] else "inbox      missing",
        f"ledger     {files.get('articles', 0)} articles from {files.get('done', 0)} files,"
        f" {found['in_failed']} files in failed/",
        f"alerts     {found['owed']} owed, {found['parked']} parked, {found['dead']} dead"
        + (f", {found['held']} held for a digest" if found["held"] else ""),
    ]
    text += _short(f"daemon     {neighbours.line(each)}" for each in found["daemons"])
    if found["feedback"]:
        parts = ", ".join(f"{number} {said}" for said, number in found["feedback"].items())
        text.append(f"desks      {parts}")
    text += _short(_wishes(found["wishes"]))
    for hold in found["holds"]:
        why = f": {hold['reason']}" if hold["reason"] else ""
        text.append(f"hold       {hold['receiver']}: since {hold['since']}, {hold['person']}{why}")
    text += _short(
        f"receiver   {receiver}: {', '.join(f'{number} {state}' for state, number in states.items())}"
        for receiver, states in found["deliveries"].items()
    )
    text += _short(
        f"trouble    {row['receiver']}: {row['alerts']} {row['state']}: {row['reason']}"
        for row in found["trouble"]
    )
    for job in found["jobs"]:
        last = f"last {job['finished_at']}: {job['result']}" if job["finished_at"] else "not run yet"
        text.append(f"job        {job['name']}: due {job['due_at']}, {last}")
    if found["training"]["last"]:
        text.append(f"training   {_training(found['training']['last'])}")
    text += _further(found)
    shown = _short(_concerns(found["concerns"]), most=2 * _MOST)
    return [printable_line(line) for line in [*text, *shown]]


def _wishes(wishes: Sequence[Found]) -> Iterator[str]:
    for wish in wishes:
        until = f"until {wish['until']}, {wish['person']}"
        yield f"wish       {wish['receiver']}: {wish['wish']} {wish['topic']} {until}"


def _further(found: Found) -> Iterator[str]:
    """What is told only where there is something to tell."""
    yield from _short(_next(found["receivers"]))
    rate = found["rate"]
    if rate["articles"]["day"] or rate["alerts"]["day"]:
        parts = (
            f"{what} {', '.join(f'{number} in the last {span}' for span, number in rate[what].items())}"
            for what in ("articles", "alerts")
        )
        yield f"rate       {'; '.join(parts)}"
    if found["serving"]:
        yield f"quality    {_quality(found['serving'])}"
    if found["backup"]:
        yield f"backup     {found['backup']['file']}, {age(found['backup']['age_seconds'])} old"
    if found["process"]:
        yield f"process    {_process(found['process'])}"


def _next(receivers: Sequence[Found]) -> Iterator[str]:
    for row in receivers:
        if row["next_try"] and (row["owed"] or row["parked"]):
            waits = age(row["oldest_seconds"])
            yield f"next       {row['receiver']}: is tried {row['next_try']}, the oldest owed for {waits}"


def _concerns(concerns: Sequence[Mapping[str, str | None]]) -> Iterator[str]:
    """A command that mends it stands alone in a line behind what it mends."""
    for each in concerns:
        yield f"warning    {each['text']}"
        if each["mend"]:
            yield f"mend       {each['mend']}"


def _short(each: Iterator[str] | Sequence[str], *, most: int = _MOST) -> list[str]:
    told = list(each)
    if len(told) <= most:
        return told
    word = told[0].split(" ", 1)[0]
    return [*told[:most], f"{word:<10} and {len(told) - most} more; `topicwired status --json` has them all"]


def _training(last: Found) -> str:
    if last["state"] == "running":
        far = f", {last['done']} of {last['total']}" if last["total"] else ""
        return f"running since {last['started_at']}, asked for by the {last['asked_by']}: {last['step']}{far}"
    return f"{last['state']} {last['finished_at'] or last['started_at']}: {last['result']}"


def _quality(serving: Found) -> str:
    quality, gate = serving["quality"], serving["gate"]
    parts = [f"{key} {quality[key]:.3f}" for key in ("f1", "precision", "recall") if quality[key] is not None]
    said = f"{', '.join(parts) or 'not known'}, across the folds of its training"
    if gate is not None and not gate["passed"]:
        said += f"; the gate refused {gate['version']}: {'; '.join(gate['reasons'])}"
    return said


def _process(process: Found) -> str:
    number = process["process"] or "cannot be seen from here"
    release = process["release"] or "of an unknown release"
    return f"{number}, topicwire {release}, since {process['since'] or '?'}"


def table(found: Found) -> RenderableType:
    """The same for a terminal, 60 columns wide or more. What articles and people wrote is plain text."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, said in _facts(found):
        facts.add_row(name, Text(printable_line(said)))
    parts: list[RenderableType] = [facts]
    if found["receivers"]:
        parts.append(_receivers(found["receivers"]))
    if found["jobs"]:
        parts.append(_jobs(found["jobs"]))
    concerns = found["concerns"]
    styles = {"warning": "yellow", "problem": "bold red"}
    for each in concerns[:_MOST_ROWS]:
        mend = f"; {each['mend']}" if each["mend"] else ""
        said = printable_line(f"{each['level']}: {each['text']}{mend}")
        parts.append(Text(said, style=styles.get(str(each["level"]), "")))
    if len(concerns) > _MOST_ROWS:
        parts.append(Text(f"and {len(concerns) - _MOST_ROWS} more"))
    if not concerns:
        parts.append(Text("all is well", style="green"))
    return Group(*parts)


def _facts(found: Found) -> Iterator[tuple[str, str]]:
    """Those lines that tell of the whole, by their first word."""
    rows = {"receiver", "trouble", "job", "next", "warning", "mend"}
    for line in lines(found):
        word, _, said = line.partition(" ")
        if word not in rows:
            yield word, said.strip()


def _receivers(rows: Sequence[Found]) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    shown.add_column("receiver", overflow="fold", ratio=3, min_width=8)
    for name in ("owed", "parked", "dead", "held"):
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("next try", overflow="fold", min_width=8)
    shown.add_column("why", overflow="fold", ratio=4, min_width=10)
    first = sorted(rows, key=lambda row: -(row["owed"] + row["parked"] + row["dead"]))
    for row in first[:_MOST_ROWS]:
        why = row["reasons"][0]["reason"] if row["reasons"] else ""
        why = "held by a person" if row["is_held"] else why
        cells = [row["receiver"], *(str(row[key]) for key in ("owed", "parked", "dead", "held"))]
        moment = row["next_try"] if row["owed"] or row["parked"] else None
        shown.add_row(*(Text(printable_line(cell)) for cell in (*cells, _moment(moment), why)))
    if len(rows) > _MOST_ROWS:
        shown.add_row(f"and {len(rows) - _MOST_ROWS} more")
    return shown


def _jobs(rows: Sequence[Found]) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    for name, ratio in (("job", 2), ("last run", 2), ("result", 4), ("next run", 2)):
        shown.add_column(name, overflow="fold", ratio=ratio, min_width=8)
    for row in rows[:_MOST_ROWS]:
        cells = (row["name"], _moment(row["finished_at"]), row["result"] or "", _moment(row["due_at"]))
        style = "red" if row["state"] == "failed" else ""
        shown.add_row(*(Text(printable_line(cell), style=style) for cell in cells))
    if len(rows) > _MOST_ROWS:
        shown.add_row(f"and {len(rows) - _MOST_ROWS} more")
    return shown


def _moment(moment: str | None) -> str:
    """To the second, in UTC as everywhere."""
    return f"{moment[:19].replace('T', ' ')}" if moment else "–"
