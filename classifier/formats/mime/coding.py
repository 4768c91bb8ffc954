"""Bytes and words made fit for mail ▶ as they were before."""

from __future__ import annotations

import binascii
import codecs
import re
from contextlib import suppress

_ENCODED_WORD = re.compile(r"=\?([A-Za-z0-9_.:+-]{1,40})(?:\*[A-Za-z0-9-]{0,20})?\?([bBqQ])\?([^?]*)\?=")
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64))

# Plain ASCII to whoever does not know them.
SEVEN_BITS = frozenset(
    {"utf-7", "hz", "iso2022_kr", "iso2022_jp"} | {f"iso2022_jp_{each}" for each in (1, 2, 3, "2004", "ext")}
)
_NOT_FOR_TEXT = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"})


def sound_codec(name: str | None) -> str | None:
    """The codec of an encoding's name; None where there is none, or it is not one for text."""
    if not name or len(name) > 40 or "\0" in name:
        return None
    try:
        found = codecs.lookup(name.strip("'\" "))
    except (LookupError, UnicodeError, ValueError):
        return None
    is_for_text = getattr(found, "_is_text_encoding", True)
    return found.name if is_for_text and found.name.replace("-", "_") not in _NOT_FOR_TEXT else None


def decode_words(text: str) -> str:
    """Text with the encoded words of RFC 2047 in it decoded, those that are broken as far as they go."""
    words: list[str] = []
    end, codec, held = 0, "", b""
    for match in _ENCODED_WORD.finditer(text):
        between = text[end : match.start()]
        given = sound_codec(match[1]) or "utf-8"
        if held and (between.strip() or given != codec):
            words.append(characters(held, codec))
            held = b""
        if between.strip() or not end:
            words.append(between)
        # Of one encoding and side by side they are one: a letter's bytes may be in both.
        held += _of_word(match[2], match[3])
        codec, end = given, match.end()
    if held:
        words.append(characters(held, codec))
    words.append(text[end:])
    return "".join(words)


def of_base64(data: bytes) -> bytes:
    if data.count(b" ") * 20 > len(data):
        return data  # it says that it is and is not: words have blanks between them
    bare = data.translate(None, _NOT_BASE64)
    for given in (bare, bare + b"==", bare[:-1] + b"=="):
        try:
            return binascii.a2b_base64(given)
        except binascii.Error:
            continue
    return data


def characters(given: bytes, codec: str) -> str:
    """What bytes say in UTF-8, which hardly anything else is by chance, or in the encoding named for them."""
    for each in (codec,) if codec in SEVEN_BITS else ("utf-8", codec):
        with suppress(UnicodeError):
            return given.decode(each)
    return given.decode(codec, "replace")


def _of_word(encoding: str, given: str) -> bytes:
    data = given.encode("utf-8", "replace")
    return binascii.a2b_qp(data, header=True) if encoding in "qQ" else of_base64(data)
