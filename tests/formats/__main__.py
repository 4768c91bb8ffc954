"""Reads every file of the corpus and prints what was found of it: python -m tests.formats [NAME…]"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence

from tests.formats import expecting
from tests.formats.judging import Readers, judge
from tests.formats.measuring import Found

_ROW = "{:8} {:>5} {:>8} {:>9} {:>8} {:>8} {:>10} {:>7} {:>7} {:>9}".format
_HEADS = "format files articles recovered in-order foreign paragraphs titles dates languages".split()
_SHARES = ("recovered", "in_order", "foreign", "whole")


def main(names: list[str]) -> int:
    expected = expecting.load()
    by_format: dict[str, list[Found]] = defaultdict(list)
    files: dict[str, int] = defaultdict(int)
    failed = 0
    with Readers(expected) as readers:
        for each in expected:
            if names and each["file"] not in names:
                continue
            found, complaints = judge(readers.reader(each), each)
            by_format[each["format"]] += found
            files[each["format"]] += 1
            if complaints:
                failed += 1
                print(f"{each['file']}: {'; '.join(complaints)}", file=sys.stderr)
    print(_ROW(*_HEADS))
    for format, found in by_format.items():
        print(_line(format, files[format], found))
    print(_line("all", sum(files.values()), [one for found in by_format.values() for one in found]))
    return 1 if failed else 0


def _line(name: str, files: int, found: Sequence[Found]) -> str:
    shares = [sum(getattr(one, share) for one in found) / max(1, len(found)) for share in _SHARES]
    right = [sum(each not in one.wrong for one in found) for each in ("title", "date", "language")]
    return _ROW(name, files, len(found), *(f"{share:.1%}" for share in shares), *right)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
