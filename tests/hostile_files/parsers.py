"""A parser that has been taken over: it does what the file says, which is a word and nothing more.

It stands in the place of a format's module in the keeper (`in_the_jail`), so that the jail itself is tried.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from classifier.articles import Article, Contents
from classifier.errors import UnreadableArticleError
from classifier.formats.ways import Way
from classifier.jail import Jail
from classifier.rules import Limits, Rules

_ANSWER = 3  # the pipe that it answers through
_SAID = Contents((Article("Oil rose."),))


def warm() -> None:
    """Nothing is loaded late."""


def read(data: bytes, name: str, way: Way) -> Contents:
    """Do what the file says. What comes of it, if the parser lives on, is the one article."""
    word, _, argument = data.decode("utf-8", "surrogateescape").partition(" ")
    done = DEEDS[word](argument)
    return Contents((Article(f"{word}: {done}"),))


def _tried(deed: Callable[[], object]) -> str:
    """Whether it could be done; the error's name where not."""
    try:
        return f"done {deed()!r}"
    except (OSError, ValueError) as error:
        return f"refused {error}"


def _forever(_: str) -> None:
    while True:
        pass


def _sleep(_: str) -> None:
    time.sleep(3600)


def _memory(_: str) -> int:
    held = []
    while True:
        held.append(bytearray(2**20))


def _map(_: str) -> str:
    return _tried(lambda: mmap.mmap(-1, 2**33).size())


def _recurse(_: str) -> None:
    _recurse(_)


def _crash(_: str) -> None:
    ctypes.string_at(0)


def _end(status: str) -> None:
    os._exit(int(status))


def _write(answer: bytes, *, end: bool = True) -> None:
    with suppress(OSError):
        while answer:
            answer = answer[os.write(_ANSWER, answer) :]
    if end:
        os._exit(0)


def _flood(_: str) -> None:
    for _each in range(1024):
        _write(b"x" * 2**20, end=False)
    os._exit(0)


def _linger(_: str) -> None:
    os.close(_ANSWER)
    time.sleep(3600)


def _say_and_linger(_: str) -> None:
    _write(json.dumps({"articles": [], "left_out": []}).encode(), end=False)
    _linger(_)


def _say(written: str) -> None:
    _write(written.encode("utf-8", "surrogateescape"))


def _connect(family: int, address: tuple[str, int] | str) -> str:
    def deed() -> str:
        with socket.socket(family, socket.SOCK_STREAM) as made:
            made.settimeout(1)
            made.connect(address)
        return "connected"

    return _tried(deed)


def _datagram(_: str) -> str:
    def deed() -> int:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
            return made.sendto(b"x", ("127.0.0.1", 9))

    return _tried(deed)


def _call(number: int, *arguments: int) -> str:
    """A system call, whatever a library would make of it."""
    libc = ctypes.CDLL(None, use_errno=True)
    ctypes.set_errno(0)
    found = libc.syscall(number, *map(ctypes.c_long, arguments))
    return f"refused {ctypes.get_errno()}" if found < 0 else f"done {found}"


def _grow(_: str) -> str:
    import resource

    hard = resource.RLIM_INFINITY
    return _tried(lambda: resource.setrlimit(resource.RLIMIT_AS, (hard, hard)))


def _import(_: str) -> str:
    try:
        import wave  # noqa: F401
    except ImportError as error:
        return f"refused {error.name}"
    except OSError as error:
        return f"refused {error.errno}"
    return "done"


def _descriptors(_: str) -> str:
    """Those that are open."""
    return " ".join(str(each) for each in range(16) if _is_open(each))


def _is_open(descriptor: int) -> bool:
    try:
        os.lseek(descriptor, 0, os.SEEK_CUR)
    except OSError as error:
        return error.errno != errno.EBADF
    return True


def _environment(_: str) -> str:
    return " ".join(sorted(os.environ))


_FORK, _PTRACE, _OPENAT2, _IO_URING, _MEMFD = 57, 101, 437, 425, 319

DEEDS: dict[str, Callable[[str], object]] = {
    "read": lambda _: "read",
    "loop": _forever,
    "sleep": _sleep,
    "eat": _memory,
    "map": _map,
    "recurse": _recurse,
    "crash": _crash,
    "exit": _end,
    "flood": _flood,
    "linger": _linger,
    "say-and-linger": _say_and_linger,
    "say": _say,
    "open": lambda name: _tried(lambda: Path(name).read_text()[:9]),
    "list": lambda name: _tried(lambda: os.listdir(name)),
    "write": lambda name: _tried(lambda: Path(name).write_text("x")),
    "remove": lambda name: _tried(lambda: os.unlink(name)),
    "rename": lambda name: _tried(lambda: os.rename(name, f"{name}.x")),
    "link": lambda name: _tried(lambda: Path(name).symlink_to("/etc/passwd")),
    "change": lambda name: _tried(lambda: Path(name).chmod(0o777)),
    "tcp": lambda port: _connect(socket.AF_INET, ("127.0.0.1", int(port))),
    "tcp6": lambda port: _connect(socket.AF_INET6, ("::1", int(port))),
    "unix": lambda name: _connect(socket.AF_UNIX, name),
    "abstract": lambda name: _connect(socket.AF_UNIX, f"\0{name}"),
    "udp": _datagram,
    "fork": lambda _: _tried(os.fork),
    "raw-fork": lambda _: _call(_FORK),
    "run": lambda _: _tried(lambda: subprocess.run(["/bin/true"], check=False).returncode),
    "replace": lambda _: _tried(lambda: os.execv("/bin/sh", ["sh", "-c", "exit 0"])),
    "kill-parent": lambda _: _tried(lambda: os.kill(os.getppid(), signal.SIGKILL)),
    "kill-all": lambda _: _tried(lambda: os.kill(-1, signal.SIGKILL)),
    "stop-parent": lambda _: _tried(lambda: os.kill(os.getppid(), signal.SIGSTOP)),
    "kill-by-thread": lambda pid: _call(234, int(pid), int(pid), signal.SIGKILL),
    "kill-by-owner": lambda pid: _kill_by_owner(int(pid)),
    "trace": lambda pid: _call(_PTRACE, 16, int(pid), 0, 0),
    "open-otherwise": lambda _: _call(_OPENAT2, -100, 0, 0, 0),
    "ring": lambda _: _call(_IO_URING, 8, 0),
    "memory-file": lambda _: _call(_MEMFD, 0, 0),
    "grow": _grow,
    "import": _import,
    "descriptors": _descriptors,
    "environment": _environment,
}


def _kill_by_owner(pid: int) -> str:
    """Have the kernel send a signal: by who owns a pipe that becomes readable."""
    import fcntl

    def deed() -> str:
        fcntl.fcntl(_ANSWER, fcntl.F_SETOWN, pid)
        fcntl.fcntl(_ANSWER, 10, signal.SIGKILL)  # F_SETSIG
        flags = fcntl.fcntl(_ANSWER, fcntl.F_GETFL)
        fcntl.fcntl(_ANSWER, fcntl.F_SETFL, flags | os.O_ASYNC)
        os.write(_ANSWER, b"x")
        return "sent"

    return _tried(deed)


def main() -> None:
    """Keep a jail in which this module is where the parser of PDFs should be."""
    from classifier import jailer

    sys.modules["classifier.formats.pdf.reading"] = sys.modules[__name__]
    jailer.main()


@contextmanager
def in_the_jail(limits: Limits | None = None) -> Iterator[Jail]:
    """A jail with such a keeper, and with little time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
        jail = Jail(Rules(limits or Limits(seconds=3.0, cpu_seconds=2)), keeper=__name__)
        try:
            yield jail
        finally:
            jail.close()


def asked(jail: Jail, deed: str) -> str:
    """What came of a deed in the jail: the article's text, or the reason of its refusal."""
    from classifier.formats.kinds import Format

    try:
        return jail.read(Format.PDF, deed.encode("utf-8", "surrogateescape"), "a.pdf").articles[0].text
    except UnreadableArticleError as error:
        return f"unreadable: {error.reason}"
