"""A zip of articles: each file in it is read as if it had been dropped by itself."""

from __future__ import annotations

from classifier.articles import Article, Contents, shorten
from classifier.errors import UnreadableArticleError, empty
from classifier.formats.office import odt, zipped
from classifier.formats.office.docx import reading as docx
from classifier.formats.office.zipped import Archive, Entry
from classifier.formats.ways import Way

_SYSTEM_FOLDERS = frozenset({"__macosx", ".git", ".svn"})
_SYSTEM_FILES = frozenset({".ds_store", "thumbs.db", "desktop.ini", ".directory"})
_LONGEST_REASON = 200  # characters


def read(data: bytes, name: str, way: Way) -> Contents:
    """The articles of all files in it, in its order. Raises UnreadableArticleError where there is none."""
    way = zipped.sharing(way)
    archive = Archive(data, way)
    if docx.is_package(archive):
        return docx.read_package(archive, way)
    if odt.kind_of(archive):
        return odt.read_package(archive, way)
    entries = [entry for entry in archive.entries if _is_wanted(entry)]
    if not entries:
        raise empty()
    most = way.rules.limits.parts
    if len(entries) > most:
        raise zipped.too_many(most)
    return _gathered(archive, entries, way)


def warm() -> None:
    """Load the codecs of names; the formats of what may be in it are loaded by themselves."""
    zipped.warm()


def _is_wanted(entry: Entry) -> bool:
    """Whether a person put it there: not a folder, nor what systems leave in them."""
    folders = entry.path.replace("\\", "/").lower().split("/")
    last = folders.pop()
    is_left = last in _SYSTEM_FILES or last.startswith("._")
    return not (entry.is_folder or is_left or _SYSTEM_FOLDERS.intersection(folders))


def _gathered(archive: Archive, entries: list[Entry], way: Way) -> Contents:
    articles: list[Article] = []
    left_out: list[str] = []
    left = way.rules.limits.characters
    for entry in entries:
        try:
            found = _inside(archive, entry, way)
            length = sum(len(article.text) for article in found.articles)
            if length > left:
                raise UnreadableArticleError("too long, with what is before it", "part the archive")
        except UnreadableArticleError as failure:
            left_out.append(f"{entry.name}: {shorten(failure.reason, _LONGEST_REASON)}")
        else:
            left -= length
            articles += found.articles
            left_out += (f"{entry.name}: {line}" for line in found.left_out)
    if not articles:
        reasons = "; ".join(left_out[:2])
        raise UnreadableArticleError(
            f"nothing in it is an article ({reasons})", "unpack it and look at what is inside"
        )
    return Contents(tuple(articles), tuple(left_out))


def _inside(archive: Archive, entry: Entry, way: Way) -> Contents:
    """What an entry holds. One file on which a parser fails is no reason to lose the others."""
    try:
        return way.inside(archive.read(entry), entry.name)
    except UnreadableArticleError:
        raise
    except MemoryError as error:
        if not way.simply:  # there is a way that needs less
            raise
        raise UnreadableArticleError("too large: needs too much memory", "part it") from error
    except Exception as error:
        reason = f"not a sound file: {type(error).__name__}: {error}"
        raise UnreadableArticleError(reason, "save it anew and drop it again") from error
