"""Takes from this process all rights that a parser does not need, for good.

Limits on memory and time, no file opened, no network, no other process: what a hostile file makes
of a parser is then of no use to it. Each wall stands alone: a kernel that lacks one has the others.
Sources: man-pages landlock(7), seccomp(2), getrlimit(2), prctl(2).
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import resource
import signal
from collections.abc import Callable
from contextlib import suppress

from classifier.rules import Limits
from classifier.walls import Walls

# What Python needs to compute, to answer through a pipe and to end. All else fails with EPERM.
_CALLS = """
    read write lseek close
    brk munmap mremap madvise
    futex sched_yield sched_getaffinity getpid gettid getrandom
    clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times getrusage
    rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack restart_syscall
    exit exit_group
""".split()
_MAPPING_CALLS = ("mmap", "mprotect")  # of memory that is not to be run; the rights are argument 2

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38

Wall = Callable[[], None]


class Confinement:
    """Prepared once and entered by each child. Which walls stand is found out when it is made."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._libc = ctypes.CDLL(None, use_errno=True)
        abi, landlock = _landlock()
        seccomp = _seccomp()
        missing = []
        if landlock is None or not self._stands(landlock):
            abi, landlock = 0, None
            missing.append("no Landlock in this kernel")
        if seccomp is None or not self._stands(seccomp):
            seccomp = None
            missing.append("no seccomp in this kernel, or no libseccomp installed")
        self._outer = [wall for wall in (landlock, seccomp) if wall is not None]
        self.walls = Walls(abi, seccomp is not None, tuple(missing))

    def enter(self) -> None:
        """From here on. Raises OSError where a wall that stood before does not stand now.

        The process must have one thread, and have closed what it is not to reach.
        """
        self._begin()
        limits = self._limits
        _limit(resource.RLIMIT_AS, limits.memory_mib * 2**20)
        _limit(resource.RLIMIT_CPU, limits.cpu_seconds)
        for what in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE, resource.RLIMIT_NPROC):
            _limit(what, 0)
        _limit(resource.RLIMIT_NOFILE, 16)
        for wall in self._outer:
            wall()

    def _begin(self) -> None:
        keeper = os.getppid()
        self._libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        self._libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        if self._libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or os.getppid() != keeper:
            raise OSError(errno.EPERM, "cannot be confined")

    def _stands(self, wall: Wall) -> bool:
        """Whether a child that puts it up lives on behind it."""
        child = os.fork()
        if not child:
            status = 1
            try:
                self._begin()
                wall()
                status = 0
            finally:
                os._exit(status)
        _, ending = os.waitpid(child, 0)
        return ending == 0


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def _landlock() -> tuple[int, Wall | None]:
    """The version of Landlock, and what shuts the file system and the network with it."""
    import landlockpy

    abi = 0
    with suppress(OSError):
        abi = landlockpy.abi_version()

    def shut() -> None:
        with landlockpy.Ruleset() as nothing_allowed:
            nothing_allowed.restrict()

    return abi, shut if abi else None


def _seccomp() -> Wall | None:
    """What leaves only some system calls; None where the machine cannot filter them."""
    try:
        import pyseccomp
    except (ImportError, RuntimeError, OSError, AttributeError):
        return None  # libseccomp is not installed
    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    for call in _CALLS:
        with suppress(OSError):  # not a call of this architecture
            rules.add_rule(pyseccomp.ALLOW, call)
    not_run = pyseccomp.Arg(2, pyseccomp.MASKED_EQ, mmap.PROT_EXEC, 0)
    for call in _MAPPING_CALLS:
        rules.add_rule(pyseccomp.ALLOW, call, not_run)
    load: Wall = rules.load
    return load
