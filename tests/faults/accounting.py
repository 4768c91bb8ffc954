"""Exact accounting: what was made, set against files, ledger and messages. Finds faults, mends none.

Inputs carry a running number, and at the end each number is looked for in every place that it can
stand: the method by which Fluent Bit's users count lost and repeated records.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEDGER = "ledger.db"

_EXPLANATION = ".error.json"
_FINAL = frozenset({"done", "failed", "gone"})
_NUMBER = re.compile(r"number (\d+) ")
_FOLLOWED = re.compile(r"follow-up of .?“[^”]*”")
_UNSHOWN = "SELECT COUNT(*) FROM deliveries WHERE revision > shown AND state = 'sent' AND message IS NOT NULL"
_ROOTS = (
    "SELECT replies.receiver, replies.key, roots.key FROM deliveries AS replies"
    " JOIN deliveries AS roots ON roots.id = replies.root_id"
)
_DONE_WITH = frozenset({"sent", "merged"})

Ask = Callable[[str], Sequence[Any]]
"""Rows of a ledger, by a statement without parameters that every database understands."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one part of the rig found."""

    part: str
    cases: int
    faults: tuple[str, ...]  # a sentence each, with what is needed to repeat it
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    """A file as the ledger has it."""

    fingerprint: str
    state: str
    target: str | None
    duplicate_of: int | None
    daemon: str  # in whose home


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a ledger says."""

    files: tuple[_Row, ...]
    deliveries: Mapping[str, int]  # how many are in each state
    unshown: int  # messages that show less than the ledger knows
    digests: Mapping[str, str]  # the keys of what is no alert, with their receivers


def keys_in(message: Mapping[str, Any]) -> list[str]:
    """The keys of the alerts in a message, or of the digest that it is; none in one that is not ours."""
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    found = payload.get("alerts") or payload.get("key") or ""
    return str(found).split(",") if found else []


def asked_of(home: Path) -> Ask:
    """The ledger of a home that has one of its own."""

    def ask(statement: str) -> Sequence[Any]:
        with closing(sqlite3.connect(home / LEDGER, timeout=30.0)) as connection:
            return connection.execute(statement).fetchall()

    return ask


def misplaced(ask: Ask, receiver: str, messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Replies that stand elsewhere than in the thread where the ledger says that they belong."""
    stands = {key: message for message in messages for key in keys_in(message)}
    faults = []
    for of, key, root in ask(_ROOTS):
        reply, first = stands.get(key), stands.get(root)
        # What a story began with may itself stand in the thread of a burst: Slack's threads go no deeper.
        if of != receiver or reply is None or first is None or reply is first:
            continue
        wanted = first.get("thread_ts") or first["ts"]
        if reply.get("thread_ts") != wanted:
            faults.append(f"{receiver}: {key} stands in the thread {reply.get('thread_ts')}, not {wanted}")
    return faults


def numbers_in(text: str) -> list[int]:
    """The articles that a message tells, each once; one that it follows up on is only named."""
    return [int(found) for found in dict.fromkeys(_NUMBER.findall(_FOLLOWED.sub("", text)))]


def account(
    home: Path,
    made: Mapping[int, bytes],
    messages: Sequence[Mapping[str, Any]],
    *,
    alerted: Collection[int],
    inbox: Path | None = None,
    drained: bool = True,
    gone: Collection[int] = (),
    set_aside: Collection[int] | None = None,
) -> list[str]:
    """Every fault of a home at rest as a sentence; [] means that it is sound.

    `made`: the articles by number; `messages`: what the stand-in for Slack kept; `alerted`: the
    numbers that must be told in exactly one message, alone or with others. `gone`: those that the
    test took away before they were taken. `set_aside`: those that must stand in failed/, by default
    those without a word. With `drained` nothing may be left to do.
    """
    inbox = inbox or home / "inbox"
    if set_aside is None:
        set_aside = {number for number, data in made.items() if not data.strip()}
    homes = {"": home}
    faults = account_for_files(homes, inbox, made, gone=gone, set_aside=set_aside, drained=drained)
    try:
        if not (home / LEDGER).is_file():
            raise sqlite3.DatabaseError(f"there is no {LEDGER}")
        ledger = read_ledger(asked_of(home))
        damage = "; ".join(str(row[0]) for row in asked_of(home)("PRAGMA integrity_check"))
    except sqlite3.DatabaseError as error:
        heard = misheard(messages, {}, alerted=alerted, drained=drained)
        return [*faults, *heard, f"the ledger cannot be read: {error}"]
    faults += misheard(messages, ledger.digests, alerted=alerted, drained=drained)
    faults += account_for_ledger(homes, ledger, made, drained=drained)
    if damage != "ok":
        faults.append(f"the ledger is damaged: {damage}")
    return faults


def account_for_files(
    homes: Mapping[str, Path],
    inbox: Path,
    made: Mapping[int, bytes],
    *,
    set_aside: Collection[int],
    gone: Collection[int] = (),
    drained: bool = True,
) -> list[str]:
    """Whether each file stands once, in one of the homes; these are by the name of their daemon."""
    faults = _misplaced(homes, inbox, made, gone=gone, set_aside=set_aside, drained=drained)
    return faults + _leftovers(homes, inbox, made)


def account_for_ledger(
    homes: Mapping[str, Path], ledger: Ledger, made: Mapping[int, bytes], *, drained: bool = True
) -> list[str]:
    """Whether the ledger has each article once, where it stands, and nothing left to do."""
    faults = _misrecorded(ledger.files, made, drained=drained)
    if drained:
        faults += _not_where_recorded(homes, ledger.files)
        faults += [f"{n} deliveries are {s!r}" for s, n in ledger.deliveries.items() if s not in _DONE_WITH]
        faults += [f"{ledger.unshown} messages show less than is known"] * bool(ledger.unshown)
    return faults


def _misplaced(
    homes: Mapping[str, Path],
    inbox: Path,
    made: Mapping[int, bytes],
    *,
    gone: Collection[int],
    set_aside: Collection[int],
    drained: bool,
) -> list[str]:
    places = {
        "inbox/": _fingerprints(_files(inbox)),
        "done/": _fingerprints(path for home in homes.values() for path in _files(home / "done")),
        "failed/": _fingerprints(path for home in homes.values() for path in _failed_files(home)),
    }
    faults = []
    for fingerprint, numbers in _numbers(made).items():
        kept = [number for number in numbers if number not in gone]
        stands = {place: found[fingerprint] for place, found in places.items() if found[fingerprint]}
        where = ", ".join(f"{count} times in {place}" for place, count in stands.items()) or "nowhere"
        if sum(stands.values()) != len(kept):
            faults.append(f"{_named(numbers)} should stand {len(kept)} times in all and stands {where}")
            continue
        wrong = "done/" if set(numbers) & set(set_aside) else "failed/"
        if wrong in stands or (drained and "inbox/" in stands):
            faults.append(f"{_named(numbers)} stands {where}")
    return faults


def _leftovers(homes: Mapping[str, Path], inbox: Path, made: Mapping[int, bytes]) -> list[str]:
    """Files that nobody made, and temporary files that nobody took away."""
    known = set(_numbers(made))
    faults = []
    for folder in (inbox, *(home / "done" for home in homes.values())):
        faults += [f"nobody made {path}" for path in _files(folder) if _fingerprint(path) not in known]
    for home in homes.values():
        faults += [f"a temporary file is left: {path.relative_to(home)}" for path in _temporary_files(home)]
        faults += _unexplained(home)
    return faults


def _unexplained(home: Path) -> list[str]:
    failed = set(_files(home / "failed"))
    unexplained = set(_failed_files(home))
    faults = []
    for explanation in failed - unexplained:
        explained = explanation.with_name(explanation.name.removesuffix(_EXPLANATION))
        if explained not in unexplained:
            faults.append(f"{explanation.name} explains a file that is not there")
        unexplained.discard(explained)
    return faults + [f"failed/{path.name} stands there without a reason beside it" for path in unexplained]


def misheard(
    messages: Sequence[Mapping[str, Any]],
    digests: Mapping[str, str],
    *,
    alerted: Collection[int],
    drained: bool = True,
) -> list[str]:
    """Whether what is to be alerted is told once, and nothing else; `digests`: keys of what is no alert."""
    heard: Counter[int] = Counter()
    told: Counter[str] = Counter()
    faults = []
    for message in messages:
        keys = keys_in(message)
        if any(key in digests for key in keys):
            told.update(keys)  # it names articles, but tells none
            continue
        numbers = numbers_in(str(message.get("text", "")))
        if len(numbers) == max(1, len(keys)):
            heard.update(numbers)
        else:
            faults.append(f"a message is about {len(numbers)} articles: {message.get('text')!r}")
    for number in sorted({*alerted, *heard}):
        count = heard[number]
        if number not in alerted:
            faults.append(f"article {number} is not to be alerted and was, {count} times")
        elif count > 1:
            faults.append(f"article {number} was alerted {count} times")
        elif count == 0 and drained:
            faults.append(f"article {number} was never alerted")
    faults += [f"the digest {key} was sent {count} times" for key, count in told.items() if count > 1]
    return faults


def _misrecorded(rows: Sequence[_Row], made: Mapping[int, bytes], *, drained: bool) -> list[str]:
    """One row that is not a duplicate for each content, and every row at its end."""
    faults = []
    named = _numbers(made)
    firsts = Counter(row.fingerprint for row in rows if row.duplicate_of is None)
    alls = Counter(row.fingerprint for row in rows)
    for fingerprint, numbers in named.items():
        if firsts[fingerprint] > 1 or (drained and firsts[fingerprint] == 0):
            faults.append(f"{_named(numbers)} has {firsts[fingerprint]} rows that are no duplicates")
        if alls[fingerprint] > len(numbers):
            faults.append(f"{_named(numbers)} has {alls[fingerprint]} rows in the ledger")
    for row in rows:
        if row.fingerprint not in named:
            faults.append(f"the ledger has a file that nobody made: {row.fingerprint[:12]}")
        elif drained and row.state not in _FINAL:
            faults.append(f"{_named(named[row.fingerprint])} is {row.state!r} in the ledger")
    return faults


def _not_where_recorded(homes: Mapping[str, Path], rows: Sequence[_Row]) -> list[str]:
    """Each row's file stands at the row's target, and no two rows name one place."""
    faults = []
    targets = Counter((row.daemon, row.target) for row in rows if row.state != "gone")
    faults += [
        f"{number} rows name the place {place}" for (_, place), number in targets.items() if number > 1
    ]
    for row in rows:
        if row.state == "gone":
            continue
        place = homes[row.daemon] / (row.target or "?")
        if not place.is_file() or _fingerprint(place) != row.fingerprint:
            faults.append(f"the ledger says that {row.fingerprint[:12]} stands at {row.target}: it does not")
    return faults


def read_ledger(ask: Ask) -> Ledger:
    """All that the accounting wants of it."""
    files = ask("SELECT fingerprint, state, target, duplicate_of, daemon FROM files ORDER BY id")
    deliveries = ask("SELECT state, COUNT(*) FROM deliveries GROUP BY state")
    digests = ask("SELECT key, receiver FROM deliveries WHERE alert_id IS NULL")
    [(unshown,)] = ask(_UNSHOWN)
    return Ledger(
        tuple(_Row(*row) for row in files),
        dict(deliveries),
        unshown,
        dict(digests),
    )


def _numbers(made: Mapping[int, bytes]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number, data in made.items():
        found.setdefault(hashlib.sha256(data).hexdigest(), []).append(number)
    return found


def _named(numbers: Sequence[int]) -> str:
    return f"article {' = '.join(map(str, numbers))}"


def _fingerprints(paths: Iterator[Path]) -> Counter[str]:
    return Counter(_fingerprint(path) for path in paths)


def _fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not _is_temporary(path))


def _failed_files(home: Path) -> Iterator[Path]:
    return (path for path in _files(home / "failed") if not path.name.endswith(_EXPLANATION))


def _temporary_files(home: Path) -> Iterator[Path]:
    return (path for path in home.rglob(".*.new") if _is_temporary(path))


def _is_temporary(path: Path) -> bool:
    return path.name.startswith(".") and path.name.endswith(".new")
