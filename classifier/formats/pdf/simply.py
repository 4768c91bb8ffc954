"""PDF ▶ an article the simple way: where a first reading died of the file, or took too long.

pypdf is slower and knows less of fonts and of Arabic, but every step of it has a limit and an error.
"""

from __future__ import annotations

import codecs
import encodings.aliases
import io
import logging
import pkgutil
import time
from contextlib import suppress
from importlib import import_module

import pypdf
from pypdf.errors import LimitReachedError, PyPdfError

from classifier.articles import Article
from classifier.errors import UnreadableArticleError
from classifier.formats.heading import article_of
from classifier.formats.lines import unwrapped
from classifier.formats.pdf import bidi
from classifier.formats.pdf.running import without_running_lines
from classifier.rules import Limits

_SHARE = 0.25  # of a file's seconds, for its pages
_UNPACKED = 8 * 2**20  # bytes of what is packed in a page
_STEPS = 200_000  # of a page's drawing
_FORMS = 200  # drawn on a page

_TOO_HARD = "open it, print it as a new PDF or save its text, and drop that"


def article(data: bytes, limits: Limits) -> Article:
    """One article, with a caveat on how it was read. Raises UnreadableArticleError."""
    with pypdf.apply_configuration(
        zlib_maximum_output_length=_UNPACKED,
        lzw_maximum_output_length=_UNPACKED,
        run_length_maximum_output_length=_UNPACKED,
        array_based_stream_maximum_output_length=_UNPACKED,
        stream_decoding_work_maximum_length=4 * _UNPACKED,
        stream_parsing_work_maximum_count=_STEPS,
        xform_maximum_invocations_per_extraction=_FORMS,
    ):
        return _article(data, limits)


def check_pages(count: int, limits: Limits) -> None:
    """Raises UnreadableArticleError where a PDF has none, or too many."""
    if not count:
        raise UnreadableArticleError("no pages", "open it, save it anew and drop it again")
    if count > limits.pages:
        raise UnreadableArticleError(
            f"too large: more than {limits.pages:,} pages", "drop the pages with the article"
        )


def no_text(mend: str) -> UnreadableArticleError:
    return UnreadableArticleError("no text", mend)


def warm(sample: bytes) -> None:
    """Load all of pypdf and every codec that a font may name, and read a file."""
    for module in pkgutil.walk_packages(pypdf.__path__, "pypdf."):
        with suppress(ImportError):
            import_module(module.name)
    for name in set(encodings.aliases.aliases.values()):
        with suppress(LookupError):
            codecs.lookup(name)
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it tells of every fault of every file
    with suppress(UnreadableArticleError):
        article(sample, Limits())


def _article(data: bytes, limits: Limits) -> Article:
    reader = _opened(data)
    try:
        count = len(reader.pages)
    except LimitReachedError as error:
        raise UnreadableArticleError("too large", _TOO_HARD) from error
    check_pages(count, limits)
    deadline = time.monotonic() + _SHARE * limits.seconds
    pages: list[list[str]] = []
    unreadable, too_large = 0, 0
    for page in reader.pages:
        if pages and time.monotonic() > deadline:
            break
        try:
            pages.append(page.extract_text().splitlines())
        except LimitReachedError:
            too_large += 1
        except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            unreadable += 1
    text = "\n".join(unwrapped([line for page in without_running_lines(pages) for line in [*page, ""]]))
    if not any(map(str.isalpha, text)):
        if too_large:
            raise UnreadableArticleError("too large", _TOO_HARD)
        if unreadable:
            raise UnreadableArticleError("no page of it can be read", _TOO_HARD)
        raise no_text("a scan, it seems; drop its text, or run it through text recognition")
    if bidi.runs_right_to_left(text):
        raise UnreadableArticleError("too hard to read: its Arabic is out of order", _TOO_HARD)
    left_out = count - len(pages)
    caveats = ["read without regard to the layout"]
    if left_out:
        caveats.append(f"{left_out:,} of {count:,} pages could not be read")
    return article_of(text, caveats=tuple(caveats))


def _opened(data: bytes) -> pypdf.PdfReader:
    try:
        reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
        is_open = not reader.is_encrypted or bool(reader.decrypt(""))
    except LimitReachedError as error:
        raise UnreadableArticleError("too large", _TOO_HARD) from error
    except PyPdfError as error:
        raise UnreadableArticleError("not a sound PDF file", _TOO_HARD) from error
    if not is_open:
        raise UnreadableArticleError("encrypted", "save it without a password and drop it again")
    return reader
