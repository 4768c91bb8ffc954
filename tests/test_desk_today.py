"""Today: what came in, newest first, and what a filter leaves of it."""

from __future__ import annotations

from tests.at_the_desk import AtDesk


def test_the_newest_article_stands_first_with_its_topics(at_desk: AtDesk) -> None:
    found = at_desk.client.get("/")

    assert found.status_code == 200
    assert found.text.index("Striker scores twice") < found.text.index("Refinery restarts")
    assert "Energy" in found.text
