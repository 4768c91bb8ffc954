r"""Text in roff, as man(7) has it: a line that begins with a dot, and every backslash, are roff's own."""

from __future__ import annotations

import re
import textwrap

_LONGEST = 70  # columns; man(7) asks for lines of at most 80, with signs as they are spelt there

_CODE = re.compile(r"`([^`]+)`")


def text(words: str) -> str:
    """Running text, to be filled; what stands between backticks is bold."""
    parts = _CODE.split(" ".join(words.split()))
    shown = [
        f"\\fB{literal(part)}\\fP" if number % 2 else _escaped(part) for number, part in enumerate(parts)
    ]
    lines = textwrap.wrap("".join(shown), _LONGEST, break_long_words=False, break_on_hyphens=False)
    return "\n".join(map(guarded, lines))


def literal(words: str) -> str:
    """What can be typed: a minus sign is a minus sign, no hyphen, and quotes stay straight."""
    return (
        _escaped(words).replace("-", "\\-").replace("'", "\\(aq").replace("^", "\\(ha").replace("~", "\\(ti")
    )


def _escaped(words: str) -> str:
    return words.replace("\\", "\\e").replace("`", "\\(ga").replace('"', "\\(dq")


def guarded(line: str) -> str:
    """A line that roff takes for text, whatever it begins with."""
    return f"\\&{line}" if line.startswith((".", "'")) else line
