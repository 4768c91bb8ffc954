"""What a bundle says of itself: its MANIFEST.json, with the size and the sha256 of each of its files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, ValidationError

from daemon.errors import DaemonError

FORMAT = 1
MANIFEST = "MANIFEST.json"
SUMS = "SHA256SUMS"  # the same for people: `sha256sum -c SHA256SUMS`

LEDGER = "ledger.db"
CONFIGURATION = "topicwire.toml"
PEOPLE = "desk-people.json"
MODELS, LABELS, HELD_OUT = "models", "labels", "held-out"
FOLDERS = (MODELS, LABELS, HELD_OUT)

_LARGEST = 64 * 2**20
_DEEPEST = 16


def is_a_place(path: str) -> bool:
    """Whether a bundle may have a file of this name: one of ours, below the bundle itself."""
    if path in (LEDGER, CONFIGURATION, PEOPLE):
        return True
    folder, *inner = path.split("/")
    plain = all(part.isprintable() and part[:1] not in ("", ".") and "\\" not in part for part in inner)
    return folder in FOLDERS and 0 < len(inner) <= _DEEPEST and plain


def _must_be_a_place(path: str) -> str:
    if not is_a_place(path):
        raise ValueError("is not the name of a file that a backup has")
    return path


def _must_be_a_sum(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", value):
        raise ValueError("is not a sha256")
    return value


Whole = Annotated[int, Strict(), Field(ge=0)]


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Piece(_Said):
    """A file of a bundle, by its place below it."""

    path: Annotated[str, AfterValidator(_must_be_a_place)]
    size: Whole
    sha256: Annotated[str, AfterValidator(_must_be_a_sum)]


class Manifest(_Said):
    """What is in a bundle, and of what.

    `home` and `daemon`: whose it is. `rows`: how many rows each table of the ledger has. `schema_`: the
    revision of the ledger; None, with `dump` in its place, where the ledger stands on a server: the command
    that copies it there. `model`: the version that served.
    """

    format: Literal[1] = 1
    made_at: str
    topicwire: str
    home: str
    daemon: str = ""
    model: str | None = None
    schema_: str | None = None
    dump: str | None = None
    rows: Mapping[str, Whole] = {}
    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int:
        return sum(piece.size for piece in self.pieces)

    @property
    def articles(self) -> int:
        return self.rows.get("articles", 0)

    @property
    def has_ledger(self) -> bool:
        return any(piece.path == LEDGER for piece in self.pieces)

    def encoded(self) -> bytes:
        return self.model_dump_json(indent=1).encode() + b"\n"


def sums(manifest: Manifest, encoded: bytes) -> bytes:
    """What stands in SHA256SUMS: a line for each file, also for the manifest as it is written."""
    rows = [(piece.sha256, piece.path) for piece in manifest.pieces]
    rows.append((hashlib.sha256(encoded).hexdigest(), MANIFEST))
    return "".join(f"{sum_}  {path}\n" for sum_, path in rows).encode()


def read(encoded: bytes, said: bytes, where: str) -> Manifest:
    """The manifest of a bundle, checked against its SHA256SUMS. Raises DaemonError, naming the file."""
    if len(encoded) > _LARGEST:
        raise DaemonError(f"{where}/{MANIFEST}: is too large to be a manifest")
    try:
        found = Manifest.model_validate_json(encoded)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        if place == "format":
            raise DaemonError(
                f"{where}/{MANIFEST}: made by a newer topicwire; restore it with that"
            ) from None
        why = f"{place}: {first['msg']}" if place else str(first["msg"])
        raise DaemonError(f"{where}/{MANIFEST}: is damaged, or no manifest: {why[:200]}") from None
    if len({piece.path for piece in found.pieces}) != len(found.pieces):
        raise DaemonError(f"{where}/{MANIFEST}: names a file twice")
    if sums(found, encoded) != said:
        raise DaemonError(f"{where}: {MANIFEST} and {SUMS} do not fit together; one of them is damaged")
    return found
