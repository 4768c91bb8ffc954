"""The n-th system call fails or is the last one, for each n: SIGKILL, EIO, ENOSPC, EMFILE.

    python -m tests.faults.sweeps "an article's way" pwrite64 17 EIO+      # one case again, with its log

The form is SQLite's own ("How SQLite Is Tested", anomaly tests): fail at step n, for all n, once and
for ever, then look whether all is sound. After each fault comes an undisturbed walk on the same home
with the same Slack, and then the accounting.
"""

from __future__ import annotations

import queue
import re
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.faults import older, strace, way
from tests.faults.accounting import Outcome, account
from tests.faults.articles import article_text
from tests.faults.forks import Case, End, ForkServer
from tests.faults.patient_slack import PatientSlack
from tests.faults.strace import KILL, Injection
from tests.slack_stand_in import SlackStandIn

# Why each call is swept: what it changes that outlives the process. Names that this machine's
# libraries do not use are there for others'.
_WRITES: Mapping[str, str] = {
    "pwrite64": "the pages of the ledger and of its write-ahead log",
    "write": "the reason beside a failed file; the log",
    "writev": "as write",
    "fdatasync": "SQLite's commit",
    "fsync": "the folders that a file left and came to; a reason before it has its name",
    "ftruncate": "SQLite's shared memory, and its log after a checkpoint",
    "fallocate": "as ftruncate",
    "link": "a file's move without overwriting, where renameat2 is not to be had",
    "linkat": "as link",
    "unlink": "the end of such a move; SQLite's log when the last connection closes",
    "unlinkat": "as unlink",
    "rename": "a reason gets its name",
    "renameat": "as rename",
    "renameat2": "a file's move without overwriting",
    "mkdir": "the day's folder in done/",
    "mkdirat": "as mkdir",
    "chmod": "rights of files and of the ledger",
    "fchmod": "as chmod",
    "fchmodat": "as chmod",
    "fchown": "SQLite, run by root, gives its log the ledger's owner",
    "utimensat": "the times of a file that is copied to another file system",
    "sendfile": "the bytes of such a file",
    "copy_file_range": "as sendfile",
}
_OPENS: Mapping[str, str] = {
    "openat": "makes files; takes the last descriptor",
    "open": "as openat",
    "creat": "as openat",
    "socket": "takes the last descriptor",
    "inotify_init": "as socket",
    "inotify_init1": "as socket",
    "pipe2": "as socket",
}
_NETWORK: Mapping[str, str] = {
    "connect": "the last moment at which Slack surely knows nothing",
    "sendto": "Slack may have the message from here on",
    "sendmsg": "as sendto",
    "recvfrom": "Slack has the message and we do not know it yet",
    "recvmsg": "as recvfrom",
}
_LOCKS: Mapping[str, str] = {"flock": "one daemon a home"}
SWEPT: Mapping[str, str] = {**_WRITES, **_OPENS, **_NETWORK, **_LOCKS}

# Called by the way too, and of no consequence beyond the process. SQLite's locks (fcntl) end with it.
HARMLESS = frozenset(
    "access brk clock_gettime clock_nanosleep clone clone3 close dup dup3 epoll_create1 epoll_ctl epoll_wait"
    " exit exit_group faccessat faccessat2 fadvise64 fcntl fstat fstatfs futex getcwd getdents64 getegid"
    " geteuid getgid getpeername getpid getrandom getsockname getsockopt gettid getuid inotify_add_watch"
    " inotify_rm_watch ioctl lseek lstat madvise mmap mprotect mremap munmap newfstatat poll ppoll pread64"
    " prctl prlimit64 pselect6 read readlink readlinkat restart_syscall rseq rt_sigaction rt_sigprocmask"
    " rt_sigreturn sched_getaffinity sched_yield select set_robust_list setsockopt shutdown stat statfs statx"
    " sysinfo tgkill umask uname".split()
)

_RAISED = re.compile(r"^(?:sqlalchemy|daemon)\S*: .*$", re.MULTILINE)

_LANES = 2
_ROUNDS, _ROUNDS_IN_VAIN = 60, 20
_OLD, _FAULTY, _CLEAN = 3, 2, 1  # days behind: no walk's clock is earlier than that of the one before


@dataclass(frozen=True, slots=True)
class Scene:
    """What stands in the home when the fault strikes."""

    name: str
    articles: Mapping[int, bytes]
    later: Mapping[int, bytes] = field(default_factory=dict)  # dropped after the fault
    stage: Callable[[Path, Mapping[int, bytes]], None] = way.prepare
    there: Mapping[int, bytes] = field(default_factory=dict)  # put there by the stage, taken long ago
    crash: Injection | None = None  # how an earlier walk ended
    plant: str = ""

    @property
    def made(self) -> dict[int, bytes]:
        return {**self.articles, **self.later, **self.there}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one case."""

    injection: Injection | None
    reached: bool
    faults: tuple[str, ...]
    log: str


ALERTED = frozenset({1, 2})
_THREE_AND_AN_EMPTY_ONE = {
    1: article_text(1),
    2: article_text(2, arabic=True),
    3: article_text(3, quiet=True),
    4: b"",
}
WAY = Scene("an article's way", _THREE_AND_AN_EMPTY_ONE)
FIRST_START = Scene(
    "a first start",
    {},
    later=_THREE_AND_AN_EMPTY_ONE,
    stage=lambda home, made: way.prepare(home, made, ledger=False),
)
OLDER_LEDGER = Scene(
    "an older ledger",
    {},
    later=_THREE_AND_AN_EMPTY_ONE,
    stage=older.prepare,
    there={older.NUMBER: older.DATA},
)
_MOVES = ("renameat2", "link", "linkat", "rename")  # by which a file may leave the inbox, the likeliest first


def scenes(trace: Sequence[str]) -> tuple[Scene, ...]:
    """All scenes; `trace` of a clean way says where the earlier walk of a crashed one may end."""
    calls = Counter(trace)
    move = next(call for call in _MOVES if calls[call])
    crashes = (
        Injection(move, min(2, calls[move]), KILL),  # recorded, and some not moved
        Injection("sendto", 1, KILL),  # a delivery on its way that never went out
        Injection("recvfrom", 1, KILL),  # one that did
    )
    crashed = (Scene(f"a start after {crash}", WAY.articles, crash=crash) for crash in crashes)
    return (WAY, FIRST_START, OLDER_LEDGER, *crashed)


def kills(trace: Sequence[str]) -> list[Injection]:
    """SIGKILL at every call."""
    return [Injection(call, number, KILL) for call, number in _numbered(trace)]


def errors(trace: Sequence[str], *, ever: bool) -> list[Injection]:
    """Each error that a call may meet: at that call, or from then on at all of its name."""
    return [
        Injection(call, number, effect, ever)
        for call, number in _numbered(trace)
        for effect in _errors_of(call)
    ]


def after(trace: Sequence[str], call: str, *, reach: int) -> list[Injection]:
    """SIGKILL at the `reach` calls that follow the first one of a name."""
    start = list(trace).index(call) + 1
    numbered = list(_numbered(trace))
    return [Injection(name, number, KILL) for name, number in numbered[start : start + reach]]


def _numbered(trace: Sequence[str]) -> Iterator[tuple[str, int]]:
    seen: Counter[str] = Counter()
    for call in trace:
        seen[call] += 1
        yield call, seen[call]


def _errors_of(call: str) -> tuple[str, ...]:
    if call in _WRITES:
        return ("EIO", "ENOSPC")
    if call in _OPENS:
        return ("EMFILE",)
    return ("ECONNRESET",) if call in _NETWORK else ()


class Bench:
    """Fork servers and folders for cases, two side by side."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()
        self._lanes: queue.SimpleQueue[ForkServer] = queue.SimpleQueue()
        self._stack = ExitStack()
        self._staging = threading.Lock()

    def __enter__(self) -> Bench:
        for _ in range(_LANES):
            self._lanes.put(self._stack.enter_context(ForkServer()))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def trace(self, scene: Scene, *, all_calls: bool = False) -> list[str]:
        """The calls of an undisturbed walk, in order."""
        with self._set(scene) as (server, slack, folder):
            case = Case(folder / "home", slack.url, folder / "log", scene.plant, days_behind=_FAULTY)
            process = server.fork(case)
            with strace.traced(process, calls=() if all_calls else SWEPT, to=folder / "trace"):
                end = server.let_go()
            if end != End.IDLE:
                raise RuntimeError(f"{scene.name} is not sound without a fault: {_read(folder / 'log')}")
            return strace.calls_in(folder / "trace")

    def case(self, scene: Scene, injection: Injection | None) -> Verdict:
        """A walk with a fault, one without, the accounting."""
        with self._set(scene) as (server, slack, folder):
            home, log = folder / "home", folder / "log"
            rounds = _ROUNDS_IN_VAIN if injection and injection.ever else _ROUNDS
            faulty = Case(home, slack.url, log, scene.plant, rounds, _FAULTY)
            end = _disturbed(server, faulty, injection) if injection else server.run(faulty)
            _drop(home, scene.later)
            last = server.run(Case(home, slack.url, log, days_behind=_CLEAN))
            faults = _wrong_ends(injection, end, last, _read(log))
            faults += account(home, scene.made, slack.messages, alerted=ALERTED)
            reached = injection is None or injection.effect != KILL or end == End.KILLED
            return Verdict(injection, reached, tuple(faults), _read(log))

    def sweep(
        self, scene: Scene, injections: Sequence[Injection], say: Callable[[str], None] = lambda line: None
    ) -> list[Verdict]:
        """All cases of a scene; `say` hears how far it is."""
        done: list[Verdict] = []
        with ThreadPoolExecutor(_LANES) as pool:
            for verdict in pool.map(lambda injection: self.case(scene, injection), injections):
                done.append(verdict)
                faults = sum(bool(found.faults) for found in done)
                say(f"{scene.name}: {len(done)} of {len(injections)}, {faults} with faults")
        return done

    def _staged(self, scene: Scene) -> Path:
        """The scene's home before anything happened in it, made once."""
        home = self._folder / "staged" / scene.name
        with self._staging:  # one at a time: what migrates the ledger keeps its state in a module
            if not home.exists():
                scene.stage(home, {})
        return home

    @contextmanager
    def _set(self, scene: Scene) -> Iterator[tuple[ForkServer, SlackStandIn, Path]]:
        """The scene in a folder of its own, with a free fork server and a Slack."""
        folder = self._folder / f"case-{next(self._numbers)}"
        server = self._lanes.get()
        try:
            folder.mkdir(parents=True)
            with PatientSlack() as slack:
                shutil.copytree(self._staged(scene), folder / "home")
                _drop(folder / "home", scene.articles)
                if scene.crash:
                    _crash(
                        server,
                        Case(folder / "home", slack.url, folder / "log", days_behind=_OLD),
                        scene.crash,
                    )
                yield server, slack, folder
        finally:
            self._lanes.put(server)
            shutil.rmtree(folder, ignore_errors=True)


def _drop(home: Path, articles: Mapping[int, bytes]) -> None:
    # In order, which is the order they are taken in: the n-th call is the same one in each run.
    for number, data in sorted(articles.items()):
        (home / "inbox" / way.file_name(number)).write_bytes(data)


def _disturbed(server: ForkServer, case: Case, injection: Injection) -> int:
    process = server.fork(case)
    with strace.traced(process, injection):
        return server.let_go()


def _crash(server: ForkServer, case: Case, crash: Injection) -> None:
    if (end := _disturbed(server, case, crash)) != End.KILLED:
        raise RuntimeError(f"{crash} was not reached, the walk ended with {end}")


def _wrong_ends(injection: Injection | None, end: int, last: int, log: str) -> list[str]:
    killed = injection is not None and injection.effect == KILL
    faults = []
    if end == End.RAISED:
        raised = (_RAISED.findall(log) or ["?"])[0]
        faults.append(f"the process ended by an exception that nobody handled: {raised}")
    elif end == End.BUSY and (injection is None or not injection.ever):
        faults.append("the walk did not come to rest")
    elif end == End.REFUSED and (injection is None or killed):
        faults.append("the start was refused")
    elif end < 0 and not (killed and end == End.KILLED):
        faults.append(f"the process was ended by signal {-end}: it hung, or worse")
    if last != End.IDLE:
        faults.append(f"the walk after it ended with {_end_name(last)}")
    return faults


def _end_name(end: int) -> str:
    return End(end).name if end in list(End) else str(end)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def outcome(part: str, verdicts: Sequence[Verdict], seconds: float) -> Outcome:
    """What a sweep found, as the table shows it."""
    faults = tuple(f"{v.injection}: {fault}" for v in verdicts for fault in v.faults)
    unreached = sum(not verdict.reached for verdict in verdicts)
    note = f"{seconds:.0f} s" + (f", {unreached} not reached" if unreached else "")
    return Outcome(part, len(verdicts), faults, note)


def run(folder: Path, say: Callable[[str], None]) -> list[Outcome]:
    """Every call of every scene."""
    if why := strace.missing():
        return [Outcome("system calls", 0, (), f"skipped: {why}")]
    found = []
    with Bench(folder) as bench:
        for scene in scenes(bench.trace(WAY)):
            trace = _longest(bench.trace(scene), bench.trace(scene))
            plans = {"SIGKILL at each call": kills(trace)}
            plans["an error at each call"] = errors(trace, ever=False)
            if scene is WAY:
                plans["an error from each call on"] = errors(trace, ever=True)
            for part, injections in plans.items():
                started = time.monotonic()
                verdicts = bench.sweep(scene, injections, say)
                found.append(outcome(f"{part}, {scene.name}", verdicts, time.monotonic() - started))
    return found


def _longest(one: list[str], other: list[str]) -> list[str]:
    # An answer of Slack's comes in one piece or in two.
    return max(one, other, key=len)


def repeat(folder: Path, scene_name: str, call: str, number: int, effect: str) -> Verdict:
    """One case again, as a fault's sentence names it; a "+" after the effect: from then on."""
    injection = Injection(call, number, effect.rstrip("+"), effect.endswith("+"))
    with Bench(folder) as bench:
        found = next(scene for scene in scenes(bench.trace(WAY)) if scene.name == scene_name)
        return bench.case(found, injection)


if __name__ == "__main__":
    import tempfile

    name, call, number, effect = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        verdict = repeat(Path(scratch), name, call, int(number), effect)
    print(verdict.log)
    print("\n".join(verdict.faults) or "sound", "" if verdict.reached else "(not reached)")
    sys.exit(bool(verdict.faults))
