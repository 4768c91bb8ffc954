"""The words of the desk's pages, out of its templates and code: `python -m tests.desk_words`.

Brings the catalogues in daemon/desk/locale up to date; what is new in them has no translation yet, which
tests/test_desk_languages.py finds.
"""

from __future__ import annotations

import sys
import tomllib
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from daemon.desk.languages import LANGUAGES, catalogue

ROOT = Path(__file__).resolve().parents[1]
DESK = ROOT / "daemon" / "desk"
TRANSLATED = tuple(code for code in LANGUAGES if code != "en")

_KEYWORDS = {**DEFAULT_KEYWORDS, "marked": None}
_HEADER = """msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: {plurals}\\n"

"""


def extracted() -> Catalog:
    """Every text of the desk's own that a page may show."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        mappings = tomllib.load(file)["tool"]["babel"]["mappings"]
    options = {each.pop("pattern"): each for each in mappings}
    methods = [(pattern, each.pop("method")) for pattern, each in options.items()]
    found = Catalog()
    for name, _, message, _, context in extract_from_dir(str(DESK), methods, options, _KEYWORDS):
        found.add(message, locations=[(name, None)], context=context)  # type: ignore[list-item]
    return found


def translations(language: str) -> Catalog:
    """Those that are kept for a language; none where there is no file yet."""
    path = catalogue(language)
    if not path.is_file():
        return Catalog(language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def brought_up_to_date(language: str) -> bytes:
    """The catalogue of a language with the words of today, those of before kept, those that went left out."""
    known = translations(language)
    known.update(extracted(), no_fuzzy_matching=True)
    written = BytesIO()
    write_po(written, known, omit_header=True, ignore_obsolete=True, width=0, sort_by_file=True)
    head = _HEADER.format(language=language, plurals=Catalog(language).plural_forms)
    return head.encode() + written.getvalue()


def forms(message: Message) -> list[str]:
    """What a text is in a language: as it is, or one for each of the numbers that are told apart."""
    return [message.string] if isinstance(message.string, str) else list(message.string or [""])


def main() -> int:
    for language in TRANSLATED:
        path = catalogue(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(brought_up_to_date(language))
        missing = [each for each in translations(language) if each.id and not all(forms(each))]
        print(f"{path.relative_to(ROOT)}: {len(translations(language))} texts, {len(missing)} not translated")
    return 0


if __name__ == "__main__":
    sys.exit(main())
