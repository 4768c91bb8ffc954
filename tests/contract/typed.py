"""Whether values are what Slack's own types say: one run of `tsc --strict` for any number of them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.contract.peers import HERE, Peers

_COMPLAINT = re.compile(r"claims\.ts\((\d+),\d+\): error (.*)")
_FIRST_LINE = 2


@dataclass(frozen=True, slots=True)
class Claim:
    """That a value is of a type, which shapes.ts names."""

    origin: str
    type: str
    value: object


def request(method: str, value: object, origin: str = "") -> Claim:
    return Claim(origin or method, f'Requests["{method}"]', value)


def response(method: str, value: object, origin: str = "") -> Claim:
    return Claim(origin or method, f'Responses["{method}"]', value)


def other(name: str, value: object, origin: str = "") -> Claim:
    return Claim(origin or name, f'Others["{name}"]', value)


def complaints(peers: Peers, claims: Sequence[Claim], folder: Path) -> list[list[str]]:
    """For each claim what the compiler has against it."""
    for name in ("tsconfig.json", "shapes.ts"):
        shutil.copy(HERE / name, folder)
    (folder / "node_modules").symlink_to(peers.modules)
    lines = ['import type { Others, Requests, Responses } from "./shapes.js";']
    lines += [f"void ({json.dumps(claim.value)} satisfies {claim.type});" for claim in claims]
    (folder / "claims.ts").write_text("\n".join(lines) + "\n")
    found: list[list[str]] = [[] for _ in claims]
    at = None
    for line in peers.typescript_errors(folder):
        complaint = _COMPLAINT.match(line)
        if complaint is not None:
            at = int(complaint[1]) - _FIRST_LINE
            found[at].append(complaint[2])
        elif line.startswith(" ") and at is not None:
            found[at].append(line.strip())
        else:
            raise AssertionError(f"tsc complains of what it is given to read, not of a claim: {line}")
    return found
