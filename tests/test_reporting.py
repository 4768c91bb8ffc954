"""The quality report: one page that needs nothing else, and shows article text as text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from classifier.articles import Article
from classifier.corpus import Judged
from classifier.evaluation import report
from classifier.judging import judge
from classifier.model import Model
from classifier.reporting import LearningPoint, page
from tests.builders import ARABIC_ENERGY_ARTICLE, ENERGY_ARTICLE, QUIET_ARTICLE


def articles() -> tuple[Judged, ...]:
    hostile = f"<script>alert(1)</script> {ENERGY_ARTICLE}"
    return tuple(
        Judged(Article(text, language=language), frozenset(main), frozenset(), ())
        for text, language, main in (
            (ENERGY_ARTICLE, "en", ["energy"]),
            (hostile, "en", ["health"]),
            (ARABIC_ENERGY_ARTICLE, "ar", ["energy"]),
            (QUIET_ARTICLE, "en", []),
        )
    )


def made(model: Model) -> str:
    judged, tagged = judge(model, articles(), lambda what, done, steps: None)
    learning = [LearningPoint(100, 0.8), LearningPoint(200, 0.9)]
    return page("A <title>", judged, report(judged), articles(), tagged, learning)


def test_the_page_has_the_table_three_figures_and_the_mistakes(model: Model) -> None:
    found = made(model)

    assert found.count("<svg") == 3
    assert "50 more labels buy about +0.0500" in found
    assert "<b>health</b> missed" in found
    assert "<b>energy</b> said wrongly" in found
    assert "<mark>" in found


def test_the_page_loads_nothing_from_elsewhere_and_article_text_is_no_markup(model: Model) -> None:
    found = made(model)

    HTMLParser().feed(found)
    assert "<script" not in found
    assert "&lt;script&gt;" in found
    assert "A &lt;title&gt;" in found
    without_names = re.sub(r'xmlns(:\w+)?="[^"]*"', "", found)
    assert not re.search(r'(src|href)="https?:', without_names)
