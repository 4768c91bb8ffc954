"""People with passwords: who they are and what they may do, in a file of the home."""

from __future__ import annotations

import hashlib
import json
import secrets
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from daemon import whole
from daemon.configfile import read_plainly, why
from daemon.desk.people import Person, Role
from daemon.errors import DaemonError

FILE = "desk-people.json"
SHORTEST, LONGEST = 10, 1000  # characters of a password
_LONGEST_NAME = 80
_LARGEST = 2**20
_MOST_AT_ONCE = 2  # a check takes 64 MiB and a tenth of a second (RFC 9106, the second choice)

_hasher = PasswordHasher()
_checking = threading.BoundedSemaphore(_MOST_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody who has a password. `stamp` changes with it, so that it ends their sessions."""

    person: Person
    hash: str

    @property
    def stamp(self) -> str:
        return hashlib.sha256(self.hash.encode()).hexdigest()[:16]


class People:
    """The people of a home, read anew when their file has changed."""

    def __init__(self, home: Path) -> None:
        self._path = home / FILE
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] | None = None
        self._known: Mapping[str, Known] = {}

    def known(self) -> Mapping[str, Known]:
        """By name. Raises DaemonError where the file cannot be understood, or others may write it."""
        with self._lock:
            seen = _state(self._path)
            if seen != self._seen:
                self._known = _read(self._path)
                self._seen = seen
            return self._known

    def check(self, name: str, password: str) -> Known | None:
        """Who it is, if the password is theirs. Takes as long for a name that nobody has."""
        found = self.known().get(name)
        with _checking:
            right = _is_right(found.hash if found else _nobody(), password[: LONGEST + 1])
        return found if right else None

    def add(self, name: str, role: Role, password: str) -> None:
        """Somebody new. Raises DaemonError where there is one of that name, or the password is short."""
        _check_name(name)
        hashed = _hashed(password)
        with self._changing() as known:
            if name in known:
                raise DaemonError(f"{name}: is known already; `topicwired desk user password` gives another")
            known[name] = Known(Person(name, role), hashed)

    def set_password(self, name: str, password: str) -> None:
        """Another password, which ends the sessions begun with the old one."""
        hashed = _hashed(password)
        with self._changing() as known:
            known[name] = Known(_of(known, name, self._path).person, hashed)

    def remove(self, name: str) -> None:
        with self._changing() as known:
            del known[_of(known, name, self._path).person.name]

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Known]]:
        """What is left in it is written, whole; one change at a time, whoever makes it."""
        with _alone(self._path.with_name(f"{FILE}.lock")):
            known = dict(_read(self._path))
            yield known
            _write(self._path, known)


def _check_name(name: str) -> None:
    if not name or len(name) > _LONGEST_NAME or not name.isprintable() or name != " ".join(name.split()):
        raise DaemonError(f"a name should have from 1 to {_LONGEST_NAME} characters that can be printed")


def _hashed(password: str) -> str:
    if not SHORTEST <= len(password) <= LONGEST:
        raise DaemonError(f"a password should have from {SHORTEST} to {LONGEST} characters")
    return _hasher.hash(password)


def _is_right(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except (Argon2Error, InvalidHashError, UnicodeEncodeError):
        return False


def _once(make: Callable[[], str]) -> Callable[[], str]:
    lock, made = threading.Lock(), list[str]()

    def found() -> str:
        with lock:
            if not made:
                made.append(make())
            return made[0]

    return found


_nobody = _once(lambda: _hasher.hash(secrets.token_hex(16)))


def _of(known: Mapping[str, Known], name: str, path: Path) -> Known:
    try:
        return known[name]
    except KeyError:
        raise DaemonError(f"{path}: nobody called {name}") from None


def _state(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _read(path: Path) -> Mapping[str, Known]:
    try:
        data, mode = read_plainly(path, _LARGEST)
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise DaemonError(f"{path}: others may read it; `chmod 600` it")
        rows = json.loads(data)
        return {
            name: Known(Person(name, Role(row["role"])), str(row["password"])) for name, row in rows.items()
        }
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise DaemonError(f"{path}: cannot be read: {why(error)}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DaemonError(f"{path}: is not as `topicwired desk user` wrote it") from error


def _write(path: Path, known: Mapping[str, Known]) -> None:
    rows = {name: {"role": each.person.role.value, "password": each.hash} for name, each in known.items()}
    try:
        whole.write(path, json.dumps(rows, ensure_ascii=False, indent=1).encode(), mode=0o600)
    except OSError as error:
        raise DaemonError(f"{path}: cannot be written: {why(error)}") from error


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with ExitStack() as held:
        try:
            held.enter_context(whole.alone(path, mode=0o600))
        except OSError as error:
            raise DaemonError(f"{path}: cannot be written: {why(error)}") from error
        yield
