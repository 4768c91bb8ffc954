"""Makes the files of the corpus, each with the tool that the table names.

    python -m tests.formats.making [NAME…]

A tool that is not installed is passed over with a line, and the files of it that are there stay.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.formats import browsers, expecting, feeds, mails, offices, pages, writing
from tests.formats.table import FILES, Made

Make = Callable[[Made, Path], bytes]


def zipped(made: Made, at: Path) -> bytes:
    """Packed by Info-ZIP; its traits are the names of what is in it."""
    for name in made.traits:
        data = mails.photo() if name == "photo.png" else (expecting.MADE / name).read_bytes()
        (at / name).write_bytes(data)
    subprocess.run(["zip", "-q", "-X", "made.zip", *made.traits], cwd=at, check=True)
    return (at / "made.zip").read_bytes()


def windows_zip(made: Made, at: Path) -> bytes:
    """As Windows packs: names in the console's code page, a folder, and what Windows adds."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_named("XXXXXXX/"), b"")
        for number, name in enumerate(made.traits, 1):
            archive.writestr(_named(f"XXXXXXX/YYYYYY {number}.txt"), (expecting.MADE / name).read_bytes())
        archive.writestr(_named("XXXXXXX/desktop.ini"), "[.ShellClassInfo]\r\n")
    return (
        out.getvalue()
        .replace(b"XXXXXXX", "Новости".encode("cp866"))
        .replace(b"YYYYYY", "статья".encode("cp866"))
    )


def _named(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, (2026, 9, 15, 14, 0, 0))


# The function that makes a file, and the program it needs.
_TOOLS: dict[str, tuple[Make, str | None]] = {
    "soffice": (offices.soffice, "soffice"),
    "pandoc": (offices.pandoc, "pandoc"),
    "python_docx": (offices.python_docx, None),
    "chromium_pdf": (browsers.chromium_pdf, "chromium"),
    "chromium_dom": (browsers.chromium_dom, "chromium"),
    "mhtml": (browsers.mhtml, "chromium"),
    "wkhtmltopdf": (browsers.wkhtmltopdf, "wkhtmltopdf"),
    "s_nail": (mails.s_nail, "s-nail"),
    "forwarded": (mails.forwarded, "s-nail"),
    "mutt": (mails.mutt, "mutt"),
    "mbox": (mails.mbox, "mutt"),
    "zipped": (zipped, "zip"),
    "windows_zip": (windows_zip, None),
    "wordpad": (offices.wordpad, None),
    "outlook": (mails.outlook, None),
    "raw_headers": (mails.raw_headers, None),
    "page": (pages.page, None),
    "old_page": (pages.old_page, None),
    "div_page": (pages.div_page, None),
    "rss": (feeds.rss, None),
    "atom": (feeds.atom, None),
    "rdf": (feeds.rdf, None),
}
_WRITTEN = """
text press_digest rule_digest star_digest front_matter heading_markdown record record_list record_wrapped
schema_org json_feed json_lines own_fields
""".split()
_TOOLS |= {name: (getattr(writing, name), None) for name in _WRITTEN}


def main(names: list[str]) -> int:
    unknown = set(names) - {made.name for made in FILES}
    if unknown:
        print(f"not in the table: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    missing = {
        program for _, program in _TOOLS.values() if program is not None and shutil.which(program) is None
    }
    for program in sorted(missing):
        print(f"{program}: not installed, its files are left as they are", file=sys.stderr)
    expecting.MADE.mkdir(exist_ok=True)
    for made in FILES:
        make, needed = _TOOLS[made.tool]
        if needed in missing or (names and made.name not in names):
            continue
        with tempfile.TemporaryDirectory() as at:
            data = make(made, Path(at))
        (expecting.MADE / made.name).write_bytes(data)
        print(f"{made.name}: {len(data):,} bytes by {needed or 'ourselves'}")
    expecting.write()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
