"""The demo: the whole ring on a scratch home with shipped articles; ends by itself."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from classifier import shipped
from daemon import app
from daemon.config import load_settings

# One short article of each language that the seeds do not have.
_MORE = ("ru", "kk")


def demo() -> int:
    """Drop the shipped articles into a scratch inbox and let the alerts come to the console."""
    with tempfile.TemporaryDirectory(prefix="topicwire-demo-") as folder:
        settings = load_settings(None, Path(folder), frozenset())
        app.make_home(settings)
        number = _drop(settings.inbox)
        print(f"Dropping {number} files into {settings.inbox}", file=sys.stderr, flush=True)
        return app.run(settings, once=True)


def _drop(inbox: Path) -> int:
    seeds = sorted(shipped("seeds").glob("*.txt"))
    for seed in seeds:
        shutil.copy(seed, inbox)
    wanted = set(_MORE)
    with (shipped("labels") / "held-out" / "dev.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            article = json.loads(line)
            if article["lang"] in wanted and article["main"]:
                wanted.remove(article["lang"])
                text = f"{article['title']}\n{article['text']}\n"
                (inbox / f"{article['id']}.txt").write_text(text, encoding="utf-8")
    return len(seeds) + len(_MORE) - len(wanted)
