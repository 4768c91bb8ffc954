"""Tags as JSON, in the shape that programs which call us rely on."""

from __future__ import annotations

from typing import Any

from classifier.articles import Grade
from classifier.tagging import Tagged

_METADATA = ("date", "source", "author", "url", "caveats")


def as_json(found: Tagged, file: str) -> dict[str, Any]:
    """`{"id", "file", "title", "language", "main", "mention", "scores", "evidence", "model"}`.

    Behind these, where they are known: `date`, `source`, `author`, `url`, `caveats`.
    """
    article = found.article
    known = {name: getattr(article, name) for name in _METADATA if getattr(article, name)}
    return {
        "id": article.id,
        "file": file,
        "title": article.title,
        "language": article.language,
        "main": found.topics(Grade.MAIN),
        "mention": found.topics(Grade.MENTION),
        "scores": dict(found.probabilities),
        "evidence": {tag.topic: [_evidence(e) for e in tag.evidence] for tag in found.tags},
        "model": found.model,
        **known,
    }


def _evidence(evidence: Any) -> dict[str, Any]:
    return {
        "passage": evidence.passage,
        "start": evidence.start,
        "end": evidence.end,
        "score": evidence.score,
        "words": [[word, value] for word, value in evidence.words],
    }
