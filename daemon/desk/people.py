"""Who somebody is at the desk, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """A reader looks; an editor may change what there is."""

    READER = "reader"
    EDITOR = "editor"


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    role: Role

    @property
    def may_change(self) -> bool:
        return self.role is Role.EDITOR
