"""How files are read: what one may cost, and the names that an owner's own files use."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any


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
    separators: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Rules:
        """The rules that `as_json` made; not checked, so not for what a person wrote."""
        limits = Limits(**given["limits"])
        named = {each.name: tuple(given[each.name]) for each in fields(cls) if each.name != "limits"}
        return cls(limits, **named)
