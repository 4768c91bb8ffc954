"""How the served model does on real news that we judged by reading, before the model was asked.

    python -m tests.real_news HOME

`tests/judged/` holds our judgements by the ids of `unlabelled_news.jsonl.gz`; the texts stay there.
The last labels were written after other articles of the same file, so this is harder than it is blind.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from pathlib import Path

from classifier import display
from classifier.articles import compose
from classifier.corpus import Judged
from classifier.decoding import clean
from classifier.evaluation import report
from classifier.judging import judge
from classifier.storage import load

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("TOPICWIRE_DATA") or ROOT.parent / "shared" / "data")


def main(home: Path) -> int:
    with gzip.open(DATA / "unlabelled_news.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = {str(line["id"]): str(line["text"]) for line in map(json.loads, lines)}
    model = load(home / "models")
    for sheet in sorted((ROOT / "tests" / "judged").glob("*.jsonl")):
        articles = []
        for line in sheet.read_text(encoding="utf-8").splitlines():
            said = json.loads(line)
            article = compose(None, clean(texts[said["id"]]), language=sheet.stem, given_id=said["id"])
            articles.append(Judged(article, frozenset(said["main"]), frozenset(said["mention"]), ()))
        judged, _ = judge(model, articles, lambda what, done, steps: None)
        figures = {**report(judged), "languages": {}, "topics": {}}
        display.quality_table(figures, f"real news, {sheet.stem}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
