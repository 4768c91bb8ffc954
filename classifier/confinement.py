"""Takes from this process all rights that a parser does not need, for good.

Limits on memory and time, no file opened, no network, no other process: what a hostile file makes
of a parser is then of no use to it. Each wall stands alone: a kernel that lacks one has the others.
"""

from __future__ import annotations

import ctypes
import resource
import signal
from pathlib import Path
from typing import Any

from classifier.rules import Limits
from classifier.walls import Walls

# What Python needs to compute, to answer through a pipe and to end. All else is refused with EPERM.
_CALLS = """
    read write writev lseek close fstat newfstatat
    brk mmap munmap mremap mprotect madvise
    futex sched_yield sched_getaffinity getpid gettid getrandom
    clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times getrusage
    rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack restart_syscall tgkill
    poll ppoll select pselect6 fcntl ioctl
    exit exit_group
""".split()

_PR_SET_DUMPABLE, _PR_SET_PDEATHSIG = 4, 1


class Confinement:
    """Prepared once, entered by each child."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        missing: list[str] = []
        self._landlock, abi = _landlock(missing)
        self._filter = _filter(missing)
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.walls = Walls(abi, self._filter is not None, tuple(missing))

    def enter(self) -> None:
        """From here on. Raises OSError where a wall that this machine has cannot be put up.

        The process must have one thread, and have closed what it is not to reach.
        """
        self._libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        self._libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        limits = self._limits
        _limit(resource.RLIMIT_AS, limits.memory_mib * 2**20)
        _limit(resource.RLIMIT_CPU, limits.cpu_seconds)
        _limit(resource.RLIMIT_FSIZE, 0)
        _limit(resource.RLIMIT_CORE, 0)
        _limit(resource.RLIMIT_NOFILE, 16)
        if self._landlock is not None:
            self._landlock()
        if self._filter is not None:
            self._filter.load()


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def _landlock(missing: list[str]) -> tuple[Any, int]:
    """What shuts the file system and the network, and the version of Landlock that does."""
    import landlockpy

    try:
        abi = landlockpy.abi_version()
    except OSError:
        abi = 0
    if not abi:
        missing.append("the kernel has no Landlock: what a parser may open is limited by seccomp alone")
        return None, 0

    def shut() -> None:
        with landlockpy.Ruleset() as ruleset:
            ruleset.restrict()

    return shut, abi


def _filter(missing: list[str]) -> Any:
    """The system calls that are left; None where the machine cannot filter them."""
    try:
        import pyseccomp
    except (ImportError, RuntimeError, OSError, AttributeError):
        missing.append("libseccomp is not installed: system calls of a parser are not filtered")
        return None
    if not Path("/proc/sys/kernel/seccomp/actions_avail").exists():
        missing.append("the kernel has no seccomp: system calls of a parser are not filtered")
        return None
    found = pyseccomp.SyscallFilter(pyseccomp.ERRNO(1))
    for call in _CALLS:
        try:
            found.add_rule(pyseccomp.ALLOW, call)
        except OSError:
            continue  # not a call of this architecture
    return found
