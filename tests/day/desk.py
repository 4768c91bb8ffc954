"""The desk's process by the hours of the day; its own waits are those of people, and real."""

from __future__ import annotations

import sys

from tests.day import compressed


def main() -> int:
    compressed.begin()
    from daemon.desk.__main__ import main

    return main()


if __name__ == "__main__":
    sys.exit(main())
