"""Tries the real jail with spoilt files, a child for each: `python -m tests.fuzz.jailed FOLDER OPTION…`.

Slower by far than what runs in one process, and the only one that sees the walls, the keeper and what
becomes of the next file. It is told and tells what libFuzzer would be and would.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from classifier.errors import UnreadableArticleError
from classifier.reading import Reader
from tests.fuzz.checking import FindingError, check_contents, check_failure
from tests.fuzz.entries import ENTRIES
from tests.fuzz.names import corpus

_GOOD = b"<!doctype html><title>Port</title><p>The port of Aktau loaded its first train on Monday."
_EVERY = 20  # files, then a good one
_SLOWEST = 20.0  # seconds
_DEADLY = ("poison", "took longer")  # how a failure says that a parser died or did not end
_LONGEST = 64 * 1024  # bytes


def main() -> int:
    options = dict(argument.lstrip("-").split("=", 1) for argument in sys.argv[1:] if "=" in argument)
    folder = Path(options.get("artifact_prefix", "."))
    seed = int(options.get("seed", time.time()))
    print(f"seed {seed}", flush=True)
    return fuzz(float(options.get("max_total_time", 60)), folder, seed)


def fuzz(seconds: float, folder: Path, seed: int) -> int:
    """Read spoilt files until the time is over; exit status 77 after the first finding."""
    reader = Reader()
    runs, slowest, told = 0, 0.0, {"articles": 0, "failures": 0}
    deadline, chance = time.monotonic() + seconds, random.Random(seed)
    try:
        reader.read(_GOOD, "a.html")
        keeper = _children()
        for data, name in _spoilt(chance):
            begun = time.monotonic()
            if begun > deadline:
                break
            runs += 1
            try:
                told[_read(reader, data, name)] += 1
                if _children() != keeper:
                    raise FindingError("the keeper is another")
                if runs % _EVERY == 0 and not reader.read(_GOOD, "a.html").articles[0].text:
                    raise FindingError("the next good file is not read")
            except Exception as error:
                path = folder / f"crash-{seed}-{runs}-{name}"
                path.write_bytes(data)
                print(f"{type(error).__name__}: {error}")
                return 77
            taken = time.monotonic() - begun
            slowest = max(slowest, taken)
            if taken > _SLOWEST:
                (folder / f"timeout-{seed}-{runs}-{name}").write_bytes(data)
                print(f"Error: took {taken:.1f} s")
                return 77
    finally:
        reader.close()
        print(f"stat::number_of_executed_units: {runs}")
        print(f"{told['articles']} read, {told['failures']} refused, slowest {slowest:.2f} s", flush=True)
    return 0


def _children() -> str:
    """The processes that this one started: the keeper of the jail."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")


def _read(reader: Reader, data: bytes, name: str) -> str:
    try:
        contents = reader.read(data, name)
    except UnreadableArticleError as failure:
        check_failure(failure.reason, failure.mend)
        if failure.reason.startswith(_DEADLY):
            raise FindingError(failure.reason) from failure
        return "failures"
    check_contents(contents, reader.rules.limits)
    return "articles"


def _spoilt(chance: random.Random) -> Iterator[tuple[bytes, str]]:
    """Files of all formats without end, each damaged in a few places."""
    files = [
        (entry.made(path.read_bytes()), entry.name)
        for name, entry in ENTRIES.items()
        if entry.name
        for path in sorted(corpus(name).glob("*"))
    ]
    while True:
        data, name = chance.choice(files)
        for _ in range(chance.choice((1, 1, 2, 4, 16))):
            data = _damaged(data, chance.choice(files)[0], chance)
        if chance.random() < 0.1:
            name = chance.choice(files)[1]
        yield data[:_LONGEST], name


def _damaged(data: bytes, other: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data) + 1)
    end = min(len(data), start + int(chance.expovariate(1 / 20)))
    into = chance.randrange(len(other) + 1)
    by = {
        "flipped": bytes(byte ^ 1 << chance.randrange(8) for byte in data[start : start + 1]),
        "lost": b"",
        "repeated": data[start:end] * chance.choice((2, 3, 100)),
        "random": chance.randbytes(end - start),
        "zero": b"\0" * (end - start),
        "other": other[into : into + 4 * (end - start)],
    }
    how = chance.choice(tuple(by))
    return data[:start] + by[how] + data[start + 1 if how == "flipped" else end :]


if __name__ == "__main__":
    sys.exit(main())
