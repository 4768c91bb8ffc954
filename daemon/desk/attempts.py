"""How often may somebody try to sign in. Pure arithmetic and a bounded memory: the time is given."""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict
from dataclasses import dataclass

_FREE = 5  # wrong ones of an address before it waits
_LONGEST_WAIT = 900.0
_FORGET_SECONDS = 3600.0
_MOST_ADDRESSES = 10_000
_MOST_IN_ALL, _SECONDS_EACH = 100, 2.0  # wrong ones of everybody, and how long until there may be one more


@dataclass(slots=True)
class _Tries:
    wrong: int
    free_at: float
    last: float


class Attempts:
    """Wrong attempts by address, and of everybody together, whom a thousand addresses would help."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_address: OrderedDict[str, _Tries] = OrderedDict()
        self._full_at = 0.0  # when nothing is left of everybody's wrong ones

    def begin(self, address: str, *, now: float) -> float:
        """Seconds to wait; 0 where it may try, which counts as wrong until `right` is said.

        Whoever tries many times at once has each of them counted before any is answered.
        """
        key = _key(address)
        with self._lock:
            found = self._by_address.get(key)
            if found is not None and now - found.last > _FORGET_SECONDS:
                found = None
            wait = max(
                found.free_at - now if found else 0.0, self._full_at - now - _MOST_IN_ALL * _SECONDS_EACH
            )
            if wait > 0:
                return wait
            wrong = found.wrong + 1 if found else 1
            longer = min(2.0 ** (wrong - _FREE), _LONGEST_WAIT) if wrong >= _FREE else 0.0
            self._by_address[key] = _Tries(wrong, now + longer, now)
            self._by_address.move_to_end(key)
            self._full_at = max(self._full_at, now) + _SECONDS_EACH
            while len(self._by_address) > _MOST_ADDRESSES:
                self._by_address.popitem(last=False)
            return 0.0

    def right(self, address: str) -> None:
        """The attempt that was begun was right, and those before it are forgiven."""
        with self._lock:
            self._by_address.pop(_key(address), None)
            self._full_at -= _SECONDS_EACH


def _key(address: str) -> str:
    """Whoever has one address of IPv6 has 2**64 of them (RFC 6177)."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:100]
    if found.version == 4:
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False).network_address)
