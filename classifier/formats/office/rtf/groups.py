"""Groups of an RTF file: what holds until the brace that closes them, and which of them are text."""

from __future__ import annotations

from dataclasses import dataclass

# Groups whose text is none of the article's.
_APART = frozenset(
    b"""
    aftncn aftnsep aftnsepc annotation atnauthor atndate atnicn atnid atnparent atnref atntime atrfend
    atrfstart author background bkmkend bkmkstart buptim category colortbl comment company creatim
    datafield doccomm docvar falt fchars ffdeftext ffentrymcr ffexitmcr ffformat ffhelptext ffl ffname
    ffstattext file filetbl fldinst fldtype fontemb fontfile footer footerf footerl footerr ftncn ftnsep
    ftnsepc generator header headerf headerl headerr hlinkbase info keycode keywords lchars levelnumbers
    leveltext list listname listoverride listoverridetable listpicture listtable listtext manager
    mmathPict nonesttables nonshppict objalias objclass objdata objname objsect objtime operator panose
    pict pn pntext pntxta pntxtb printim private revtbl revtim rsidtbl rxe shprslt sn sp subject sv tc
    template themedata txe userprops xe xmlnstbl
    """.split()
)
# Groups that old programs may leave out, and we not: in them is text that is shown.
_SHOWN_IN = frozenset((b"shpinst", b"do", b"shppict", b"shptxt", b"dptxbxtext"))
ASIDE = frozenset((b"footnote", b"shptxt", b"dptxbxtext"))


@dataclass(slots=True)
class Group:
    """What holds until the brace that closes it."""

    into: str = "text"  # where text goes: "text", "nowhere", "styles", "title"
    is_apart: bool = False  # nothing in it is shown, whatever it says
    is_aside: bool = False  # a note or a box begins with it
    is_hidden: bool = False
    is_deleted: bool = False
    font: int = -1
    other_font: int = -1  # that of right-to-left text
    is_leftward: bool = False
    skips: int = 1  # characters that stand for a \u where it is not known

    def begin(self, word: bytes, *, is_optional: bool) -> None:
        """Decide where the text of the group goes that begins with this word."""
        if word == b"title" and self.into == "info":
            self.into = "title"
        elif self.is_apart:
            return
        elif word in (b"stylesheet", b"fonttbl", b"info"):
            self.is_apart, self.into = True, {b"stylesheet": "styles"}.get(word, word.decode())
        elif word == b"upr":  # what follows is there twice, the better one in \ud
            self.into = "nowhere"
        elif word == b"ud":
            self.into = "text"
        elif word in ASIDE:
            self.into, self.is_aside = "text", True
            self.is_hidden = False
        elif word in _APART or (is_optional and word not in _SHOWN_IN) or word.endswith(b"Pr"):
            self.is_apart, self.into = True, "nowhere"
        elif is_optional:
            self.into = "nowhere"
