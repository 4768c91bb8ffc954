"""Marks of an RTF file: how they are told apart, and those that stand for a character."""

from __future__ import annotations

import re

# Runs are taken at once, but bounded: an unbounded repeat of a group costs memory for each.
TOKEN = re.compile(
    rb"([^\\{}]+)"
    rb"|((?:\\'[0-9a-fA-F]{2}){1,500})"
    rb"|((?:\\u-?[0-9]{1,6} ?(?:\?|\\'[0-9a-fA-F]{2})){2,200})"
    rb"|\\(?:([a-zA-Z]{1,32})(-?[0-9]{1,10})? ?|([^a-zA-Z]))"
    rb"|([{}])",
    re.DOTALL,
)
UNICODE = re.compile(rb"\\u(-?[0-9]+) ?(?:(\?)|\\'(..))")

CHARACTERS = {
    b"tab": "\t",
    b"line": "\n",
    b"softline": " ",
    b"lbr": "\n",
    b"emdash": "—",
    b"endash": "–",
    b"bullet": "•",
    b"lquote": "‘",
    b"rquote": "’",
    b"ldblquote": "“",
    b"rdblquote": "”",
    b"emspace": " ",
    b"enspace": " ",
    b"qmspace": " ",
}
SYMBOLS = {b"~": " ", b"_": "-", b"\\": "\\", b"{": "{", b"}": "}", b"\t": "\t"}
