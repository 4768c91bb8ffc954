"""The jail's keeper where the kernel says that it has seccomp and then refuses it."""

from __future__ import annotations

from classifier import confinement, jailer


def _refused() -> None:
    raise PermissionError(1, "not here")


def main() -> None:
    confinement._seccomp = lambda: _refused
    jailer.main()
