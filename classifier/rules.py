"""How files are read: what one may cost, and the names that an owner's own files use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from classifier.errors import ClassifierError


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost. A file that needs more is not an article we can read.

    `seconds` (wall clock), `cpu_seconds` and `memory_mib` (address space) are those of the jailed
    child; `file_mib` of the file's bytes; `unpacked_mib` and `part_mib` of what is packed in it, as a
    whole and each; `parts` of a mail's parts or a zip's entries; `depth` of containers in containers;
    `pages` of a PDF; `characters` of all text that a file holds.
    """

    seconds: float = 18.0
    cpu_seconds: int = 16
    memory_mib: int = 512
    file_mib: int = 64
    unpacked_mib: int = 200
    part_mib: int = 50
    parts: int = 200
    depth: int = 3
    pages: int = 2000
    characters: int = 4 * 2**20


# The least and the most that a person may set each to.
BOUNDS: Mapping[str, tuple[float, float]] = {
    "seconds": (1, 120),
    "cpu_seconds": (1, 120),
    "memory_mib": (256, 16_384),
    "file_mib": (1, 1024),
    "unpacked_mib": (1, 4096),
    "part_mib": (1, 1024),
    "parts": (1, 100_000),
    "depth": (1, 10),
    "pages": (1, 100_000),
    "characters": (1000, 64 * 2**20),
}


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits, and where in an owner's own files the articles are.

    `title_fields` and `text_fields`: the keys of a JSON record, the first that is there counts; dots
    reach into an inner record ("fields.body"). `separators`: regular expressions (RE2's syntax) for a
    whole line of a text file that opens its next article; their groups named `title` and `date`
    say what they are of it.
    """

    limits: Limits = Limits()
    title_fields: tuple[str, ...] = ("title", "headline", "name")
    text_fields: tuple[str, ...] = ("text", "body", "content", "articleBody", "content_html", "content_text")
    separators: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The rules in one flat table, as `[reading]` of a configuration has them."""
        return {**asdict(self.limits), **{name: list(getattr(self, name)) for name in LISTS}}


LISTS = ("title_fields", "text_fields", "separators")
_LIMITS = tuple(field.name for field in fields(Limits))


def rules_of(given: Mapping[str, Any]) -> Rules:
    """The rules of such a table; what is not in it is as usual.

    Raises ClassifierError that names the key for an unknown one and for a value out of bounds. What
    separators mean is not looked at here.
    """
    for key, value in given.items():
        problem = _problem(key, value)
        if problem:
            raise ClassifierError(f"reading.{key}: {problem}")
    limits = Limits(**{name: value for name, value in given.items() if name in _LIMITS})
    return Rules(limits, **{name: tuple(value) for name, value in given.items() if name in LISTS})


def load_rules(config: Path) -> Rules:
    """The rules in the table `[reading]` of a configuration file; its other tables are the daemon's.

    Raises ClassifierError in one line.
    """
    table = table_of(config, "reading")
    try:
        rules = rules_of(table)
    except ClassifierError as error:
        raise ClassifierError(f"{config}: {error}") from error
    _check_separators(config, rules)
    return rules


def table_of(config: Path, name: str) -> dict[str, Any]:
    """A table of a configuration file; empty where it is not there. Raises ClassifierError in one line."""
    import tomllib

    try:
        given = tomllib.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ClassifierError(f"{config}: {error}") from error
    table = given.get(name, {})
    if not isinstance(table, dict):
        raise ClassifierError(f"{config}: {name}: should be a table; write [{name}]")
    return table


def _check_separators(config: Path, rules: Rules) -> None:
    if rules.separators:
        from classifier import separators

        try:
            for pattern in rules.separators:
                separators.check(pattern)
        except ValueError as error:
            raise ClassifierError(f"{config}: reading.separators: {error}") from error


def _problem(key: str, value: object) -> str | None:
    if key in LISTS:
        is_list = isinstance(value, list | tuple) and all(isinstance(each, str) and each for each in value)
        return None if is_list else "should be a list of texts in quotes"
    if key not in BOUNDS:
        return f"unknown; there are {', '.join([*BOUNDS, *LISTS])}"
    least, most = BOUNDS[key]
    kinds = (int, float) if key == "seconds" else (int,)
    if not isinstance(value, kinds) or isinstance(value, bool) or not least <= value <= most:
        return f"should be a number from {least:g} to {most:g}"
    return None
