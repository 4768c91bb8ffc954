"""Changes: tags of the ledger that are replaced by others. What an article's were before is kept."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, text

from classifier import Grade, Tagged
from daemon.clock import to_text
from daemon.ledger import nearest_topic, tag_row
from daemon.statements import Statement


@dataclass(frozen=True, slots=True)
class State:
    """What was concluded of an article: by which model, its tags (topic ▶ grade and probability), and the
    likeliest topic that it was not said to be mainly about.
    """

    model: str
    tags: Mapping[str, tuple[Grade, float]]
    nearest: str | None
    nearness: float | None

    @property
    def grades(self) -> dict[str, Grade]:
        return {topic: grade for topic, (grade, _) in self.tags.items()}

    def as_json(self) -> str:
        return json.dumps({topic: [grade, probability] for topic, (grade, probability) in self.tags.items()})


_STATES = text(
    """
    SELECT id, model, nearest, nearness
    FROM articles
    WHERE id IN :articles
    ORDER BY id
    """
).bindparams(bindparam("articles", expanding=True))
_TAGS = text(
    """
    SELECT article_id, topic, grade, probability
    FROM tags
    WHERE article_id IN :articles
    ORDER BY article_id, topic
    """
).bindparams(bindparam("articles", expanding=True))
_KEEP = Statement(
    """
    INSERT INTO changes (article_id, changed_at, model_before, model, tags_before, tags)
    VALUES (:article_id, :now, :model_before, :model, :tags_before, :tags)
    """
)
_DROP_TAGS = Statement("DELETE FROM tags WHERE article_id = :article_id")
_ADD_TAG = Statement(
    """
    INSERT INTO tags (article_id, topic, grade, probability, evidence)
    VALUES (:article_id, :topic, :grade, :probability, :evidence)
    """
)
_REWRITE = Statement(
    """
    UPDATE articles
    SET model = :model, nearest = :nearest, nearness = :nearness
    WHERE id = :article_id
    """
)


def state_of(tagged: Tagged) -> State:
    """What the ledger says of an article once these are its tags."""
    nearest, nearness = nearest_topic(tagged)
    tags = {tag.topic: (tag.grade, tag.probability) for tag in tagged.tags}
    return State(tagged.model, tags, nearest, nearness)


def states(connection: Connection, articles: Collection[int]) -> dict[int, State]:
    """What the ledger says of articles, by their ids; a few hundred at once."""
    asked = {"articles": list(articles)}
    tags: dict[int, dict[str, tuple[Grade, float]]] = {}
    for article, topic, grade, probability in connection.execute(_TAGS, asked):
        tags.setdefault(article, {})[topic] = (Grade(grade), probability)
    return {
        article: State(model, tags.get(article, {}), nearest, nearness)
        for article, model, nearest, nearness in connection.execute(_STATES, asked)
    }


def replace(connection: Connection, changed: Iterable[tuple[int, State, Tagged]], *, now: datetime) -> None:
    """Write articles' new tags, evidence and model in place of the state that each has, which is kept.

    When an article was taken stays as it is, and so do its alerts and what desks said of it.
    """
    kept, articles, tags = [], [], []
    for article, before, tagged in changed:
        after = state_of(tagged)
        row = {"article_id": article, "model": after.model}
        articles.append(row | {"nearest": after.nearest, "nearness": after.nearness})
        tags += [tag_row(article, tag) for tag in tagged.tags]
        if (before.model, before.tags) != (after.model, after.tags):
            was = {"model_before": before.model, "tags_before": before.as_json(), "tags": after.as_json()}
            kept.append(row | was | {"now": to_text(now)})
    for statement, rows in ((_KEEP, kept), (_REWRITE, articles), (_DROP_TAGS, articles), (_ADD_TAG, tags)):
        if rows:
            statement.execute_all(connection, rows)
