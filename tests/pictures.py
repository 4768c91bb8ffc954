"""Pictures of messages for the README: `python -m tests.pictures [FOLDER]`.

Each is drawn from the blocks that Slack would be sent, in a drawing of our own: no screenshot of Slack.
Needs Chromium (`apt-get install chromium`) and Pillow, which comes with matplotlib.
"""

from __future__ import annotations

import base64
import hashlib
import html
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from daemon import charts
from daemon.blocks import Block, blocks
from tests.scenes import PEOPLE, SCENES, Post

FOLDER = Path(__file__).parent / "pictures"
MARK = "shows"  # a PNG's text: the fingerprint of the page that it was drawn from
LARGEST = 150_000

_WIDTH, _HEIGHT, _SCALE, _MARGIN, _COLOURS = 760, 2400, 1.5, 24, 96
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_STYLE = """
body { margin: 0; padding: 20px 24px; width: 760px; box-sizing: border-box; background: #fff; color: #1d1c1d;
  font: 15px/1.46 Lato, "Noto Sans", "Liberation Sans", "DejaVu Sans", sans-serif; }
.channel { font-weight: 700; font-size: 17px; padding-bottom: 10px; border-bottom: 1px solid #e2e2e2; }
.post + .channel { margin-top: 36px; }
.post { display: flex; gap: 10px; padding-top: 16px; }
.reply { margin-left: 46px; }
.face { flex: none; width: 36px; height: 36px; border-radius: 8px; background: #12664f; color: #fff;
  font: 700 15px/36px "Liberation Sans", sans-serif; text-align: center; }
.body { flex: 1; min-width: 0; }
.who { font-weight: 700; } .app { background: #e8e8e8; border-radius: 2px; font-size: 10px; font-weight: 700;
  color: #616061; padding: 1px 3px; margin: 0 6px 0 4px; vertical-align: 1px; }
.at { color: #616061; font-size: 12px; }
.section { margin-top: 8px; display: flex; justify-content: space-between; gap: 16px; }
.section, .context { overflow-wrap: anywhere; }
.header { margin-top: 8px; font-weight: 900; font-size: 18px; }
.context { margin-top: 8px; font-size: 13px; color: #616061; }
.context b { color: #454245; }
.actions { margin-top: 10px; display: flex; flex-wrap: wrap; gap: 8px; }
.button, .select, .overflow { border: 1px solid #bbbabb; border-radius: 4px; padding: 3px 11px;
  font-size: 13px; font-weight: 700; white-space: nowrap; }
.overflow { flex: none; align-self: flex-start; padding: 1px 9px; color: #616061; }
.primary { background: #007a5a; border-color: #007a5a; color: #fff; }
.danger { background: #e01e5a; border-color: #e01e5a; color: #fff; }
.select { font-weight: 400; color: #616061; } .select::after { content: "  \\25be"; white-space: pre; }
a { color: #1264a3; text-decoration: none; }
.person { color: #1264a3; background: #e8f5fa; border-radius: 3px; }
img { display: block; margin-top: 8px; max-width: 460px; border: 1px solid #e2e2e2; border-radius: 6px; }
.foot { margin-top: 20px; padding-top: 8px; border-top: 1px solid #e2e2e2; color: #868686; font-size: 11px; }
"""


def page(posts: Iterable[Post], pictures: dict[str, bytes] | None = None) -> str:
    """The HTML of some messages, from their blocks, each channel's under its name."""
    head = f'<meta charset="utf-8"><style>{_STYLE}</style>'
    foot = "Rendered by tests/pictures.py from the blocks that are sent; not a screenshot of Slack."
    shown = "".join(
        f'<div class="channel"># {channel}</div>' + "".join(_post(post, pictures or {}) for post in together)
        for channel, together in groupby(posts, lambda post: post.channel)
    )
    return f'<!doctype html>{head}{shown}<div class="foot">{foot}</div>'


def drawn(found: list[Block], pictures: dict[str, bytes] | None = None) -> str:
    """The HTML of a message's blocks."""
    return "".join(_block(block, pictures or {}) for block in found)


def fingerprint(posts: Iterable[Post]) -> str:
    """What tells whether a picture still shows what is sent."""
    return hashlib.sha256(page(posts).encode()).hexdigest()


def _post(post: Post, pictures: dict[str, bytes]) -> str:
    who = f'<span class="who">topicwire</span><span class="app">APP</span><span class="at">{post.at}</span>'
    body = f'<div class="body">{who}{drawn(blocks(post.message), pictures)}</div>'
    return f'<div class="post{" reply" if post.reply else ""}"><div class="face">tw</div>{body}</div>'


def _block(block: Block, pictures: dict[str, bytes]) -> str:
    match block["type"]:
        case "section":
            menu = _element(block["accessory"]) if "accessory" in block else ""
            return f'<div class="section"><div>{_text(block["text"])}</div>{menu}</div>'
        case "header":
            return f'<div class="header">{_text(block["text"])}</div>'
        case "context":
            return f'<div class="context">{" ".join(_text(part) for part in block["elements"])}</div>'
        case "actions":
            return f'<div class="actions">{"".join(_element(part) for part in block["elements"])}</div>'
        case "image":
            png = base64.b64encode(pictures.get(block["slack_file"]["id"], b"")).decode()
            return f'<img alt="{html.escape(block["alt_text"])}" src="data:image/png;base64,{png}">'
        case kind:
            raise ValueError(f"cannot draw a {kind} block")


def _element(element: Block) -> str:
    match element["type"]:
        case "button":
            return f'<div class="button {element.get("style", "")}">{_text(element["text"])}</div>'
        case "static_select":
            return f'<div class="select">{_text(element["placeholder"])}</div>'
        case "overflow":
            return '<div class="overflow">⋯</div>'
        case kind:
            raise ValueError(f"cannot draw a {kind}")


def _text(text: Block) -> str:
    """Slack's mrkdwn as HTML: its entities are HTML's, so a text of ours is safe as it is."""
    if text["type"] == "plain_text":
        return html.escape(text["text"])
    found = re.sub(r"<@(\w+)>", _person, text["text"])
    found = re.sub(r"<(https?://[^|>]+)\|([^>]*)>", r'<a href="\1">\2</a>', found)
    return re.sub(r"(?m)(?<!\S)\*(\S.*?)\*(?!\S)", r"<b>\1</b>", found).replace("\n", "<br>")


def _person(found: re.Match[str]) -> str:
    return f'<span class="person">@{PEOPLE.get(found[1], found[1])}</span>'


def main(folder: Path) -> int:
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        print("pictures need Chromium: apt-get install chromium", file=sys.stderr)
        return 1
    try:
        from PIL import Image  # noqa: F401  asked for before the work begins
    except ImportError:
        print("pictures need Pillow: pip install pillow", file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    for name, posts in SCENES.items():
        path = folder / f"{name}.png"
        _photograph(browser, page(posts, _charts(posts)), path)
        _finish(path, fingerprint(posts))
        print(f"{path}: {path.stat().st_size // 1000} kB")
    return 0


def _charts(posts: Iterable[Post]) -> dict[str, bytes]:
    """The chart of each digest, under the id that its message has for it."""
    found: dict[str, bytes] = {}
    for post in posts:
        message = post.message
        if message.digest is not None and message.picture and (png := charts.png(message.digest)):
            found[message.picture] = png
    return found


def _photograph(browser: str, text: str, path: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "page.html"
        source.write_text(text, encoding="utf-8")
        options = [
            "--headless", "--disable-gpu", "--hide-scrollbars", f"--window-size={_WIDTH},{_HEIGHT}",
            f"--force-device-scale-factor={_SCALE}", f"--user-data-dir={scratch}/profile",
            # Chromium has no sandbox for root; the page is our own.
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
        ]  # fmt: skip
        command = [browser, *options, f"--screenshot={path.absolute()}", source.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)


def _finish(path: Path, mark: str) -> None:
    """Cut off the empty rest of the page, take fewer colours, and write down what it shows."""
    from PIL import Image, ImageChops, PngImagePlugin

    with Image.open(path) as whole:
        seen = whole.convert("RGB")
    box = ImageChops.difference(seen, Image.new("RGB", seen.size, "white")).getbbox()
    bottom = min(seen.height, (box[3] if box else 0) + _MARGIN)
    info = PngImagePlugin.PngInfo()
    info.add_text(MARK, mark)
    cut = seen.crop((0, 0, seen.width, bottom)).quantize(_COLOURS, dither=Image.Dither.NONE)
    cut.save(path, optimize=True, pnginfo=info)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
