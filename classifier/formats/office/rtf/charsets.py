"""What an RTF file says of its bytes ▶ the codec that they are in."""

from __future__ import annotations

from dataclasses import dataclass, field

from classifier.formats.office.rtf.groups import Group

PAGES = {b"mac": "mac_roman", b"pc": "cp437", b"pca": "cp850"}
CODE_PAGES = {
    number: f"cp{number}"
    for number in (437, 720, 737, 850, 852, 855, 857, 862, 864, 866, 874, 932, 949, 950, *range(1250, 1259))
} | {936: "gbk", 1361: "johab", 10000: "mac_roman", 10007: "mac_cyrillic", 65001: "utf-8"}
# What fonts say of their bytes. 0 and 1 mean "the usual", which is what the whole file says.
CHARSETS = {
    77: "mac_roman",
    89: "mac_cyrillic",
    128: "cp932",
    129: "cp949",
    130: "johab",
    134: "gbk",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    179: "cp1256",
    180: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
    254: "cp437",
    255: "cp850",
}
_MOST_FONTS = 20_000


@dataclass(slots=True)
class Fonts:
    """What is known of the codecs of a file so far: of all of it, and of each of its fonts."""

    page: str = "cp1252"
    default: int = 0
    current: int = 0  # the one that is being defined
    known: dict[int, str] = field(default_factory=dict)

    def codec_of(self, group: Group) -> str:
        font = group.other_font if group.is_leftward and group.other_font in self.known else group.font
        return self.known.get(font if font >= 0 else self.default, self.page)

    def choose(self, word: bytes, number: int) -> None:
        """Take what the file says of all its bytes."""
        if word == b"deff":
            self.default = number
        elif word == b"ansicpg":
            self.page = CODE_PAGES.get(number, self.page)
        else:
            self.page = PAGES[word]

    def define(self, word: bytes, number: int) -> None:
        """Take what a font's entry says of its bytes."""
        page = (CHARSETS if word == b"fcharset" else CODE_PAGES).get(number)
        if page and len(self.known) < _MOST_FONTS:
            self.known[self.current] = page
