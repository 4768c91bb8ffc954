"""The process that makes the next model, by the hours of the day."""

from __future__ import annotations

from tests.day import compressed


def main() -> None:
    compressed.begin()
    from daemon import learning

    learning.main()


if __name__ == "__main__":
    main()
