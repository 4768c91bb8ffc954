"""Texts as an enemy would write them: the same ones each time, from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

SEED = 20_260_305

_MENTIONS = (
    "<!channel>", "<!here>", "<!everyone>", "<!channel|channel>", "<@U0123ABCD>", "<@W1|boss>",
    "<#C0123ABCD>", "<#C1|general>", "<!subteam^S0123>", "<!subteam^S1|@desk>",
    "<!date^1392734382^{date_num}^https://evil.example|x>", "@channel", "@here", "@everyone", "#general",
    "@U0123ABCD",
)  # fmt: skip
_LINKS = (
    "<https://evil.example|click here>", "<http://evil.example>", "<mailto:a@evil.example|write>",
    "<tel:1|ring>", "https://evil.example/?a=1&b=2", "http://evil.example", "ftp://evil.example",
    "mailto:a@evil.example", "www.evil.example", "[text](https://evil.example)", "<slack://open|x>",
    "evil.example", "a@evil.example", "https://evil.example/*a*_b_~c~",
)  # fmt: skip
_FORMATS = (
    "*bold*", "_italic_", "~struck~", "`code`", "```block```", "***", "*_~both~_*", "* item", "> quote",
    ">>> all", "&gt; quote", "&gt;&gt;&gt; all", "1. first", "**bold**", "__init__", "snake_case_name",
    "~~gone~~", "*a", "b*", "_c", "d_", "~e", "f~", "`g", "h`", "# title", "- item", "\\*not\\*",
    "*многое*", "_كثير_", "``", "* a *", "_ b _",
)  # fmt: skip
_EMOJI = (
    ":fire:", ":+1:", ":smile::skin-tone-2:", ":white_check_mark:", "12:30:45", "::", ": smile :",
    ":smile", "smile:", "a:b:c", ":100:", ":-)", ":x:", "C::D", ":мақала:",
)  # fmt: skip
_ENTITIES = (
    "&lt;!channel&gt;", "&lt;", "&gt;", "&amp;", "&amp;lt;", "&#60;!here&#62;", "&#x3c;@U1&#x3e;", "&lt",
    "lt;", "&", "&&", "&amp;amp;", "&nbsp;", "<", ">", "<<", ">>", "|", "<|>", "<!", "<@", "<#",
)  # fmt: skip
_INVISIBLE = (
    "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202e", "\u202d", "\u202c", "\u2066",
    "\u2067", "\u2069", "\u200e", "\u200f", "\u061c", "\u180e", "\U000e0041", "\U000e007f", "\ufe0f",
    "\u0000", "\u0007", "\u001b[31m", "\u0085", "\u009f", "\u2028", "\u2029", "\ufffe", "\ufffd", "\u034f",
    "\r\n", "\n", "\t", "\v",
)  # fmt: skip
_WORDS = (
    "refinery", "нефть", "мұнай", "النفط", "石油", "석유", "λάδι", "שמן", "तेल", "Ölfeld", "İstanbul",
    "e\u0301" * 4, "👩‍👩‍👧", "🇰🇿", "ﷺ", "ﬁ", "Z\u0351\u0343\u0363" * 3, "1,5", "—", "“said”", "’", "…",
    "٣٤",
)  # fmt: skip
_ALL = (_MENTIONS, _LINKS, _FORMATS, _EMOJI, _ENTITIES, _INVISIBLE, _WORDS)
# Each of them, and as it may be at the end or the start of a text.
FRAGMENTS = tuple(
    dict.fromkeys(
        part for kind in _ALL for text in kind for part in (text, text[:-1], text[1:], f"{text}\\") if part
    )
)
_BLANKS = ("", "", " ", " ", "  ", "\n", "\u00a0", "\u200b", "-", ".", "(", ")", "'", '"')
_AROUND = (
    ("<", ">"), ("*", "*"), ("_", "_"), ("~", "~"), ("`", "`"), (":", ":"), ("<@", ">"), ("<!", "|x>"),
    ("(", ")"), ("[", "]"),
)  # fmt: skip
_CLEFT = "<!channel><@U0123ABCD>&lt;!here&gt;:fire:*bold*"


def hostile_texts(number: int, seed: int = SEED) -> list[str]:
    """So many texts, each of one of the ways below."""
    chance = random.Random(seed)
    return [chance.choice(_WAYS)(chance) for _ in range(number)]


def _pieces(chance: random.Random, most: int = 14) -> Iterator[str]:
    for _ in range(chance.randint(1, most)):
        yield chance.choice(chance.choice(_ALL))
        yield chance.choice(_BLANKS)


def _mixed(chance: random.Random) -> str:
    return "".join(_pieces(chance))


def _one(chance: random.Random) -> str:
    return chance.choice(chance.choice(_ALL))


def _nested(chance: random.Random) -> str:
    """Brackets and marks around brackets and marks."""
    text = _one(chance)
    for _ in range(chance.randint(1, 8)):
        before, after = chance.choice(_AROUND)
        text = f"{before}{text}{after}"
    return text


def _cleft(chance: random.Random) -> str:
    """A mention with something in the midst of it: an entity, a joint, a turn of direction."""
    at = chance.randint(1, len(_CLEFT) - 1)
    return _CLEFT[:at] + chance.choice(chance.choice((_INVISIBLE, _ENTITIES))) + _CLEFT[at:]


def _stump(chance: random.Random) -> str:
    """A text that ends in the midst of something."""
    text = "".join(_pieces(chance, 30))
    return text[: chance.randint(0, len(text))]


def _long_run(chance: random.Random) -> str:
    """Far beyond every room, so that the cut falls into it."""
    run = chance.choice(
        ("&", "<", ">", "*", "_", ":", "<!channel>", ":fire:", "*b* ", "a", "п", "ع", "😀", "&lt;", " ", "@")
    )
    return _one(chance) + run * chance.randint(60, 900) + _one(chance)


def _noise(chance: random.Random) -> str:
    """Any characters there are, but halves of pairs, which no decoder gives us."""
    codes = (
        chance.choice((chance.randint(0, 127), chance.randint(0, 0x10FFFF)))
        for _ in range(chance.randint(1, 120))
    )
    return "".join(chr(code) for code in codes if not 0xD800 <= code <= 0xDFFF)


def _at_the_edge(chance: random.Random) -> str:
    """Plain text as long as a room, with something hostile where the cut will be."""
    length = chance.choice((30, 60, 120, 150, 250, 420, 600, 900)) + chance.randint(-14, 2)
    return "".join(chance.choice("abcdefgh нефт") for _ in range(max(1, length))) + _mixed(chance)


_WAYS: tuple[Callable[[random.Random], str], ...] = (
    _mixed, _mixed, _mixed, _mixed, _one, _nested, _cleft, _stump, _long_run, _noise, _at_the_edge,
)  # fmt: skip
