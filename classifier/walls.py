"""What holds a parser in, and how a child behind these walls ended."""

from __future__ import annotations

from dataclasses import dataclass

ANSWERED, LATE, TOO_LONG, NO_MEMORY = "answered", "late", "too long", "no memory"  # else it died: of what
UNABLE = "unable: "  # with why: no child could be made


@dataclass(frozen=True, slots=True)
class Walls:
    """Which walls this machine has besides limits of memory and time; a line for each that it lacks."""

    landlock: int  # the version of its interface, 0 where there is none
    seccomp: bool
    missing: tuple[str, ...] = ()
