"""Text ▶ topics. What this module names is the public face of the classifier; the rest may move.

Names load their module when they are first used, so that `import classifier` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from classifier.articles import Article, Grade, shorten
    from classifier.defaults import shipped
    from classifier.errors import (
        ClassifierError,
        LabelError,
        ModelError,
        NoModelError,
        UnreadableArticleError,
    )
    from classifier.model import Model
    from classifier.reading import read_articles, read_bytes
    from classifier.storage import current as current_version
    from classifier.storage import load as load_model
    from classifier.storage import served_topics
    from classifier.storage import versions as model_versions
    from classifier.tagging import Evidence, Tag, Tagged
    from classifier.topics import Topic, load_topics, topics_of

__all__ = [
    "Article",
    "ClassifierError",
    "Evidence",
    "Grade",
    "LabelError",
    "Model",
    "ModelError",
    "NoModelError",
    "Tag",
    "Tagged",
    "Topic",
    "UnreadableArticleError",
    "current_version",
    "load_model",
    "load_topics",
    "model_versions",
    "read_articles",
    "read_bytes",
    "served_topics",
    "shipped",
    "shorten",
    "topics_of",
]

_HOMES: dict[str, str | tuple[str, str]] = {
    "Article": "articles",
    "ClassifierError": "errors",
    "Evidence": "tagging",
    "Grade": "articles",
    "LabelError": "errors",
    "Model": "model",
    "ModelError": "errors",
    "NoModelError": "errors",
    "Tag": "tagging",
    "Tagged": "tagging",
    "Topic": "topics",
    "UnreadableArticleError": "errors",
    "current_version": ("storage", "current"),
    "load_model": ("storage", "load"),
    "load_topics": "topics",
    "model_versions": ("storage", "versions"),
    "read_articles": "reading",
    "read_bytes": "reading",
    "served_topics": "storage",
    "shipped": "defaults",
    "shorten": "articles",
    "topics_of": "topics",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, inner = home if isinstance(home, tuple) else (home, name)
    return getattr(import_module(f"{__name__}.{module}"), inner)
