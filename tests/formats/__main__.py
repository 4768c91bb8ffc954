"""Reads every file of the corpus and prints what was found of it: python -m tests.formats [-v] [NAME…]"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from classifier.errors import UnreadableArticleError
from classifier.reading import Reader
from classifier.rules import Rules
from tests.formats import expecting
from tests.formats.measuring import Found, measure

_NOTHING = Found(0.0, 0.0, 0.0, 0.0, dict.fromkeys(["title", "date", "language"], "not read"))


def read_with(usual: Reader, owners: Reader, expected: dict[str, Any]) -> tuple[list[Found], list[str]]:
    """What was found of each expected article of a file, and complaints about the file as a whole."""
    reader = owners if "rules" in expected else usual
    data = (expecting.MADE / expected["file"]).read_bytes()
    wanted = expected["articles"]
    try:
        contents = reader.read(data, expected["file"])
    except UnreadableArticleError as error:
        return [_NOTHING] * len(wanted), [f"not read: {error.reason}"]
    complaints = []
    if len(contents.articles) != len(wanted):
        complaints.append(f"{len(contents.articles)} articles, not {len(wanted)}")
    left_out = " ".join(contents.left_out)
    complaints += [f"{name} is not told of" for name in expected.get("left_out", ()) if name not in left_out]
    found = [measure(*pair) for pair in zip(contents.articles, wanted, strict=False)]
    return found + [_NOTHING] * (len(wanted) - len(found)), complaints


def owners_rules(expected: Sequence[dict[str, Any]]) -> Rules:
    given = next(each["rules"] for each in expected if "rules" in each)
    return Rules(**{name: tuple(value) for name, value in given.items()})


def faults(found: Found) -> list[str]:
    """Where what was found falls short of what is promised."""
    said = [f"{name}: {words}" for name, words in found.wrong.items()]
    said += [f"words recovered {found.recovered:.1%}"] if found.recovered < 0.98 else []
    said += [f"words in order {found.in_order:.1%}"] if found.in_order < 0.98 else []
    said += [f"foreign words {found.foreign:.1%}"] if found.foreign > 0.02 else []
    return said


def main(names: list[str]) -> int:
    loud, names = "-v" in names, [name for name in names if name != "-v"]
    expected = expecting.load()
    usual, owners = Reader(), Reader(owners_rules(expected))
    by_format: dict[str, list[Found]] = defaultdict(list)
    files: dict[str, int] = defaultdict(int)
    failed = 0
    for each in expected:
        if names and each["file"] not in names:
            continue
        found, complaints = read_with(usual, owners, each)
        by_format[each["format"]] += found
        files[each["format"]] += 1
        said = complaints + [fault for one in found for fault in faults(one)]
        whole = min(one.whole for one in found)
        if loud and not said and whole < 1:
            print(f"{each['file']}: paragraphs that are one line: {whole:.0%}", file=sys.stderr)
        failed += bool(said)
        if said:
            print(f"{each['file']}: {'; '.join(said)}", file=sys.stderr)
    usual.close()
    owners.close()
    _print(by_format, files)
    return 1 if failed else 0


def _print(by_format: dict[str, list[Found]], files: dict[str, int]) -> None:
    row = "{:8} {:>5} {:>8} {:>9} {:>8} {:>8} {:>10} {:>7} {:>7} {:>9}".format
    print(
        row(
            "format",
            "files",
            "articles",
            "recovered",
            "in order",
            "foreign",
            "paragraphs",
            "titles",
            "dates",
            "languages",
        )
    )
    rows = [*by_format.items(), ("all", [one for found in by_format.values() for one in found])]
    for name, found in rows:
        shares = (
            [_mean(found, each) for each in ("recovered", "in_order", "foreign", "whole")] if found else []
        )
        right = [sum(each not in one.wrong for one in found) for each in ("title", "date", "language")]
        count = files[name] if name in files else sum(files.values())
        print(row(name, count, len(found), *(f"{each:.1%}" for each in shares), *right))


def _mean(found: Sequence[Found], name: str) -> float:
    return sum(float(getattr(one, name)) for one in found) / len(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
