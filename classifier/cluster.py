"""The way to a Dask cluster: a scheduler that is reached by TLS, and workers that are what we are.

A task is a pickle: whoever reaches a scheduler's or a worker's port runs code on that machine. So
both sides show a certificate of one private authority, and plain TCP stays on this machine unless
somebody says otherwise.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import platform
import ssl
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from classifier.errors import ClassifierError

if TYPE_CHECKING:
    from distributed import Client

_CONNECTED_WITHIN = 10.0  # seconds
_WORKERS_WITHIN = 60.0  # seconds
_PORT = 8786  # the one that `dask scheduler` takes by itself

# What the words, numbers and texts of a result come from, beside our own code.
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "joblib", "dask", "distributed")
_READERS = ("lxml", "trafilatura", "pypdf", "pypdfium2", "feedparser", "markdown-it-py")


class ClusterError(ClassifierError):
    """The cluster cannot be reached, is gone, or is not one to work with."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where the scheduler is and what we show it. What is None, Dask's own configuration may say.

    `insecure` allows plain TCP beyond this machine.
    """

    scheduler: str | None = None
    tls_ca_file: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    insecure: bool = False


@contextmanager
def connected(access: Access, *, workers: int = 1) -> Iterator[Client]:
    """A client of the cluster, also the one that joblib's "dask" uses; closed at the end.

    Waits until there are so many `workers`, all of them with our Python, our code and our
    libraries, and says on stderr where the dashboard is. Raises ClusterError, in one line, where
    that fails.
    """
    try:
        import distributed
    except ImportError as error:
        raise ClusterError(f"Dask is not installed ({error}); pip install 'topicwire[dask]'") from error

    address = _address(access)
    security = _security(access, address)
    with _unheard("distributed", "distributed.client", "distributed.core", "distributed.comm"):
        try:
            client = distributed.Client(
                address, security=security, timeout=_CONNECTED_WITHIN, name="topicwire", set_as_default=True
            )
        except (OSError, TypeError, ValueError) as error:
            raise ClusterError(_why_not(address, error)) from error
    try:
        _refuse_plain(access, client)
        _wait(client, address, workers)
        _refuse_plain(access, client)
        _refuse_others(client)
        _greet(client, address)
        yield client
    finally:
        with _unheard("distributed", "distributed.client", "distributed.core", "distributed.comm"):
            client.close(timeout=2)


@contextmanager
def trained_on(client: Client) -> Iterator[None]:
    """Within, joblib's work goes to the workers; of one that dies, to another. Raises ClusterError."""
    from distributed import CancelledError, KilledWorker
    from joblib import parallel_config

    where = client.scheduler_info()["address"]
    try:
        with parallel_config("dask", client=client):
            yield
    except KilledWorker as error:
        raise ClusterError(
            f"{where}: workers died over one training, again and again, perhaps because"
            " memory ran out; give them more, or leave --backend out"
        ) from error
    except CancelledError as error:
        raise ClusterError(f"{where}: the scheduler has gone; nothing was made") from error


@cache
def identity() -> Mapping[str, str]:
    """What a result depends on beside its input and the model: versions by name, and our code."""
    found = {"python": ".".join(platform.python_version_tuple()[:2])}
    for name in (*_LIBRARIES, *_READERS):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "none"
    return found | {"topicwire": _code()}


def difference(theirs: Mapping[str, str], ours: Mapping[str, str]) -> str:
    """The first thing in which they are not what we are, in words; "" where there is none."""
    for name, wanted in ours.items():
        if (found := theirs.get(name, "none")) != wanted:
            return f"{name} {found}, and here it is {wanted}"
    return ""


def _code() -> str:
    """The version of topicwire and the beginning of its modules' fingerprint."""
    package = Path(__file__).resolve().parent
    fingerprint = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        fingerprint.update(f"{path.relative_to(package).as_posix()}\0".encode())
        fingerprint.update(hashlib.sha256(path.read_bytes()).digest())
    try:
        version = metadata.version("topicwire")
    except metadata.PackageNotFoundError:
        version = "unknown"
    return f"{version} ({fingerprint.hexdigest()[:8]})"


def _address(access: Access) -> str:
    """The scheduler's address with its protocol. Raises ClusterError where it is none we may use."""
    import dask

    given = access.scheduler or dask.config.get("scheduler-address", None)
    if not given:
        raise ClusterError("--backend dask needs --scheduler ADDRESS, such as tls://host:8786")
    text = str(given) if "://" in str(given) else f"tls://{given}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port or _PORT
    except ValueError as error:
        raise ClusterError(f"{given}: not the address of a scheduler: {error}") from error
    if parts.scheme not in ("tls", "tcp") or not host:
        raise ClusterError(f"{given}: not the address of a scheduler; give tls://host:port")
    _refuse_beyond_loopback(access, "the scheduler", text)
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _security(access: Access, address: str) -> Any:
    from distributed.security import Security

    if address.startswith("tcp://"):
        return None
    named = {"tls_ca_file": access.tls_ca_file, "tls_client_cert": access.tls_cert}
    named |= {"tls_client_key": access.tls_key}
    paths = {key: str(path.absolute()) for key, path in named.items() if path is not None}
    security: Any = Security(require_encryption=True, **paths)
    options = {"tls_ca_file": "--tls-ca-file", "tls_client_cert": "--tls-cert", "tls_client_key": "--tls-key"}
    for key, option in options.items():
        path = getattr(security, key)
        if not path:
            raise ClusterError(f"{address}: needs {option} FILE as well, or the same in Dask's configuration")
        if "\n" not in path and not Path(path).is_file():
            raise ClusterError(f"{option} {path}: there is no such file")
    try:
        security.get_connection_args("client")
    except (OSError, ssl.SSLError) as error:
        raise ClusterError(
            f"{security.tls_client_cert}: not a certificate with its key and its authority: {error}"
        ) from error
    return security


def _why_not(address: str, error: BaseException) -> str:
    from distributed.comm.core import CommClosedError

    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) and cause not in causes:
        causes.append(cause)
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return f"{address}: its certificate is not of the authority in --tls-ca-file"
    if isinstance(error, CommClosedError) and address.startswith("tls://"):
        return (
            f"{address}: hangs up on us; either our certificate (--tls-cert) is not of the scheduler's"
            " authority, or that is no scheduler with TLS"
        )
    if isinstance(error, CommClosedError):
        return f"{address}: hangs up on us; if that is a scheduler with TLS, say tls://"
    said = next((str(cause) for cause in reversed(causes) if str(cause)), type(error).__name__)
    return f"{address}: no scheduler there: {said}; start one with `dask scheduler`, look at host and port"


def _refuse_beyond_loopback(access: Access, who: str, address: str) -> None:
    if access.insecure or not address.startswith("tcp://") or _is_loopback(urlsplit(address).hostname or ""):
        return
    raise ClusterError(
        f"{address}: {who} is open to other machines by plain TCP, where whoever reaches the port runs code"
        " (a task is a pickle); use tls://, or say --insecure if that network is yours alone"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refuse_plain(access: Access, client: Client) -> None:
    """It listens where it says it is, by whatever way we came."""
    info = client.scheduler_info(n_workers=-1)
    _refuse_beyond_loopback(access, "the scheduler", info["address"])
    for address in info["workers"]:
        _refuse_beyond_loopback(access, "a worker", address)


def _wait(client: Client, address: str, workers: int) -> None:
    def there() -> int:
        return len(client.scheduler_info(n_workers=-1)["workers"])

    if there() < workers:
        print(f"classifier: {address}: waiting for workers", file=sys.stderr)
    try:
        client.wait_for_workers(workers, timeout=_WORKERS_WITHIN)
    except TimeoutError as error:
        raise ClusterError(
            f"{address}: {there()} workers, {workers} wanted; start them with `dask worker {address}`"
        ) from error


def _refuse_others(client: Client) -> None:
    """Raise ClusterError where a worker, or the scheduler, is another than we are."""
    try:
        answers = {"the scheduler": client.run_on_scheduler(identity)}
        answers |= client.run(identity, on_error="return")
    except (AttributeError, ImportError, TypeError) as error:
        raise ClusterError(f"the scheduler has another topicwire, or none: {error}") from error
    for who, found in answers.items():
        name = who if who == "the scheduler" else f"the worker at {who}"
        if isinstance(found, BaseException):
            raise ClusterError(f"{name} has another topicwire, or none: {found}")
        if differs := difference(found, identity()):
            raise ClusterError(f"{name} has {differs}; install the same on all machines")


def _greet(client: Client, address: str) -> None:
    number = len(client.scheduler_info(n_workers=-1)["workers"])
    who = "a worker" if number == 1 else f"{number} workers"
    print(f"classifier: {address}: {who}; dashboard {client.dashboard_link}", file=sys.stderr)


@contextmanager
def _unheard(*names: str) -> Iterator[None]:
    """What these loggers would say, we say ourselves, in one line."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
