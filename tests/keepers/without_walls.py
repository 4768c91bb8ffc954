"""The jail's keeper on a kernel that has neither Landlock nor seccomp."""

from __future__ import annotations

from classifier import confinement, jailer


def main() -> None:
    confinement._landlock = lambda: (0, None)
    confinement._seccomp = lambda: None
    jailer.main()
