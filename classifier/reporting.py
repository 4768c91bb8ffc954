"""The quality report: one self-contained HTML page, its figures drawn as SVG by matplotlib."""

from __future__ import annotations

import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Template
from typing import Any

import numpy as np

from classifier.corpus import Judged
from classifier.errors import ClassifierError
from classifier.evaluation import Judgements, reliability
from classifier.tagging import Tagged

_WORST = 20

_PAGE = Template(
    """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>$title</title><style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } td, th { padding: .1rem .8rem .1rem 0; text-align: right; }
td:first-child, th:first-child { text-align: left; } svg { max-width: 100%; height: auto; }
blockquote { margin: .3rem 0 1rem 1rem; color: #444; } mark { background: #cde9d6; }
.figures { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; } small { color: #666; }
</style></head><body>
<h1>$title</h1><p>$summary</p>
<h2>Quality</h2>$table
<h2>Figures</h2><div class="figures">$figures</div>
<h2>The worst mistakes</h2>$mistakes
</body></html>
"""
)


@dataclass(frozen=True, slots=True)
class LearningPoint:
    """Average precision on the judged articles after training on so many labelled texts."""

    texts: int
    average_precision: float


def page(
    title: str,
    judged: Judgements,
    figures: Mapping[str, Any],
    articles: Sequence[Judged],
    tagged: Sequence[Tagged],
    learning: Sequence[LearningPoint] = (),
) -> str:
    """The whole page. `tagged` has the evidence of the mistakes; it may be empty.

    Raises ClassifierError where matplotlib is not installed.
    """
    drawings = [_precision_recall(judged), _reliability(judged)]
    if learning:
        drawings.append(_learning(learning))
    found = figures["all"]
    summary = (
        f"{found['articles']} articles, F1 {found['f1']:.3f} (95 % interval {found['f1_interval'][0]:.3f} to"
        f" {found['f1_interval'][1]:.3f}), precision {found['precision']:.3f}, recall {found['recall']:.3f};"
        f" {found['alarms']} of {found['quiet']} articles without a main topic raised an alarm."
    )
    return _PAGE.substitute(
        title=html.escape(title),
        summary=summary,
        table=_table(figures),
        figures="".join(f"<div>{drawing}</div>" for drawing in drawings),
        mistakes=_mistakes(judged, articles, tagged) or "<p>None.</p>",
    )


def _table(figures: Mapping[str, Any]) -> str:
    names = ("articles", "positives", "precision", "recall", "f1", "average_precision", "calibration_error")
    rows = [("all", figures["all"]), *figures["languages"].items(), *figures["topics"].items()]
    head = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in ("", *names, "alarms"))
    body = "".join(
        f"<tr><td>{html.escape(name)}</td>"
        + "".join(f"<td>{_cell(row[key])}</td>" for key in names)
        + f"<td>{row['alarms']}/{row['quiet']}</td></tr>"
        for name, row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _cell(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def _mistakes(judged: Judgements, articles: Sequence[Judged], tagged: Sequence[Tagged]) -> str:
    wrong = (judged.said & ~judged.main & ~judged.mention) | (judged.main & ~judged.said)
    distance = np.where(wrong, np.abs(judged.main - judged.probabilities), -1.0)
    order = np.argsort(-distance, axis=None, kind="stable")[: min(_WORST, int(wrong.sum()))]
    parts = []
    for row, column in zip(*np.unravel_index(order, distance.shape), strict=True):
        topic, article = judged.topics[int(column)], articles[int(row)].article
        kind = "missed" if judged.main[row, column] else "said wrongly"
        parts.append(
            f"<p><b>{html.escape(topic)}</b> {kind}, {judged.probabilities[row, column]:.0%}:"
            f" <bdi>{html.escape(article.headline)}</bdi> <small>{html.escape(article.id)}</small></p>"
        )
        if tagged:
            parts.append(_quoted(tagged[int(row)], topic))
    return "".join(parts)


def _quoted(found: Tagged, topic: str) -> str:
    evidence = next((tag.evidence[0] for tag in found.tags if tag.topic == topic), None)
    if evidence is None:
        return ""
    words = {word for word, _ in evidence.words}
    marked = " ".join(
        f"<mark>{html.escape(part)}</mark>" if part.strip(".,:;!?«»“”\"'()") in words else html.escape(part)
        for part in evidence.passage.split()
    )
    return f"<blockquote dir='auto'>{marked}</blockquote>"


def _precision_recall(judged: Judgements) -> str:
    figure, axes = _axes("Precision and recall", "recall", "precision")
    languages = np.asarray(judged.languages)
    for name in ("all", *sorted(set(judged.languages))):
        rows = np.ones(len(languages), dtype=bool) if name == "all" else languages == name
        counted = ~judged.mention[rows]
        truth, scores = judged.main[rows][counted], judged.probabilities[rows][counted]
        if truth.any():
            hits = np.cumsum(truth[np.argsort(-scores, kind="stable")])
            axes.plot(hits / truth.sum(), hits / np.arange(1, len(hits) + 1), label=name, lw=1.5)
    axes.set_xlim(0, 1.01)
    axes.set_ylim(0, 1.01)
    axes.legend()
    return _svg(figure)


def _reliability(judged: Judgements) -> str:
    figure, axes = _axes("Reliability", "probability said", "share that is true")
    counted = ~judged.mention
    bins = reliability(judged.probabilities[counted], judged.main[counted])
    said, true, numbers = (np.array(column) for column in zip(*bins, strict=True))
    axes.plot([0, 1], [0, 1], color="#999", lw=1)
    axes.plot(said, true, marker="o")
    for x, y, number in zip(said, true, numbers, strict=True):
        axes.annotate(str(number), (x, y), textcoords="offset points", xytext=(6, -10), fontsize=8)
    return _svg(figure)


def _learning(points: Sequence[LearningPoint]) -> str:
    first, last = points[-2], points[-1]
    slope = (last.average_precision - first.average_precision) / max(1, last.texts - first.texts)
    title = f"Learning curve: 50 more labels buy about {50 * slope:+.4f}"
    figure, axes = _axes(title, "labelled texts", "average precision")
    axes.plot([p.texts for p in points], [p.average_precision for p in points], marker="o")
    return _svg(figure)


def _axes(title: str, x: str, y: str) -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ClassifierError("the report needs matplotlib: pip install 'topicwire[report]'") from error
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.grid(visible=True, alpha=0.3)
    return figure, axes


def _svg(figure: Any) -> str:
    content = io.StringIO()
    figure.savefig(content, format="svg", metadata={"Date": None})
    drawn = content.getvalue()
    return drawn[drawn.index("<svg") :]
