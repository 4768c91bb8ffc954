"""The configuration file: bytes ▶ tables. Nothing in it makes us wait, or read without end."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from daemon.complaints import refusal, secret_lines, secrets_in, shape_problems
from daemon.tables import File

_LARGEST_FILE = 2**20

# tomllib takes time with the square of a dotted key's parts and more: 17 s for 256 KiB of keys of
# 2,048 parts (measured, Python 3.11). None of ours has more than three.
_DEEP_KEY = re.compile(r"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){16}")
_STRING_OR_COMMENT = re.compile(
    r""" \"{3} (?: [^"\\] | \\. | "(?!"") )*+ (?: "{3,5} | \Z )
       | \'{3} (?: [^'] | '(?!'') )*+ (?: '{3,5} | \Z )
       | " (?: [^"\\\n] | \\[^\n] )*+ "?
       | ' [^'\n]*+ '?
       | \# [^\n]*+
    """,
    re.VERBOSE | re.DOTALL,
)


def parse(file: Path) -> File:
    data, mode = _read_configuration(file)
    problems = []
    if mode & stat.S_IWOTH:
        problems.append("anyone may write this file, and so send alerts elsewhere; `chmod o-w` it")
    text = _decoded(file, data)
    try:
        tables = _tables(text)
    except ValueError as error:
        raise refusal(file, [*problems, *secret_lines(text), str(error)]) from None
    secrets = secrets_in(tables)
    # A token in a comment is read by whoever reads the file, as any other is.
    problems += secrets.values() if secrets else secret_lines(text)
    try:
        found = File.model_validate(tables)
    except ValidationError as error:
        problems += shape_problems(error, but=secrets)
        raise refusal(file, problems) from None
    if problems:
        raise refusal(file, problems)
    return found


def _read_configuration(file: Path) -> tuple[bytes, int]:
    try:
        return read_plainly(file, _LARGEST_FILE)
    except (OSError, ValueError) as error:
        mend = "name a file with --config, or leave it out to have the defaults"
        raise refusal(file, [f"cannot be read: {why(error)}; {mend}"]) from error


def read_plainly(file: Path, largest: int) -> tuple[bytes, int]:
    """The bytes of an ordinary file, and its mode. OSError or ValueError where it is none.

    It is opened without waiting: a FIFO that nobody writes to would hold us for ever.
    """
    handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            raise ValueError("a folder" if stat.S_ISDIR(mode) else "not an ordinary file")
        data = b""
        while chunk := os.read(handle, largest + 1 - len(data)):
            data += chunk
    finally:
        os.close(handle)
    if len(data) > largest:
        raise ValueError(f"larger than {largest // 1024} KiB")
    return data, mode


def why(error: OSError | ValueError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _decoded(file: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise refusal(file, [f"line {line} is not utf-8; save the file in that encoding"]) from None


def _tables(text: str) -> dict[str, Any]:
    """What the file says. ValueError with line and column where it is not TOML."""
    bare = _STRING_OR_COMMENT.sub(lambda found: "s" + "\n" * found[0].count("\n"), text)
    deep = _DEEP_KEY.search(bare)
    if deep:
        raise ValueError(
            f"line {_line_at(bare, deep.start())}: a key of more than sixteen parts; ours have three"
        )
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"not TOML: {error}{_toml_mend(str(error))}") from None
    except RecursionError:
        raise ValueError("not TOML that we read: nested too deeply") from None
    except ValueError:
        # Python refuses to read integers of more than 4,300 digits.
        raise ValueError("not TOML that we read: a number in it is too long") from None


def _toml_mend(said: str) -> str:
    mends = {
        "Invalid value": "text stands in quotes, true and false in small letters",
        "Cannot overwrite": "the key stands twice, take one of them away",
        "twice": "make one table of the two",
        "Invalid statement": "a line is a [table], key = value, or # a comment",
        "Illegal character": "a backslash in a path stands in 'single quotes', or is doubled",
        "Unescaped": "a backslash in a path stands in 'single quotes', or is doubled",
        "Expected": "look at that place for a missing sign",
    }
    return next((f"; {mend}" for sign, mend in mends.items() if sign in said), "")


def _line_at(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
