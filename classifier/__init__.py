"""Text ▶ topics. What this module names is the public face of the classifier; the rest may move.

Names load their module when they are first used, so that `import classifier` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from classifier.articles import Article, Contents, Grade, shorten
    from classifier.defaults import shipped
    from classifier.errors import (
        ClassifierError,
        JailError,
        LabelError,
        ModelError,
        NoModelError,
        UnreadableArticleError,
    )
    from classifier.model import Model
    from classifier.reading import Reader, needs_jail, read_articles, read_bytes
    from classifier.rules import BOUNDS as READING_BOUNDS
    from classifier.rules import Limits, Rules, rules_of
    from classifier.separators import check as check_separator
    from classifier.storage import current as current_version
    from classifier.storage import load as load_model
    from classifier.storage import served_topics
    from classifier.storage import versions as model_versions
    from classifier.tagging import Evidence, Tag, Tagged
    from classifier.topics import Topic, load_topics, topics_of

__all__ = [
    "READING_BOUNDS",
    "Article",
    "ClassifierError",
    "Contents",
    "Evidence",
    "Grade",
    "JailError",
    "LabelError",
    "Limits",
    "Model",
    "ModelError",
    "NoModelError",
    "Reader",
    "Rules",
    "Tag",
    "Tagged",
    "Topic",
    "UnreadableArticleError",
    "check_separator",
    "current_version",
    "load_model",
    "load_topics",
    "model_versions",
    "needs_jail",
    "read_articles",
    "read_bytes",
    "rules_of",
    "served_topics",
    "shipped",
    "shorten",
    "topics_of",
]

_HOMES: dict[str, str | tuple[str, str]] = {
    "Article": "articles",
    "ClassifierError": "errors",
    "Contents": "articles",
    "Evidence": "tagging",
    "Grade": "articles",
    "JailError": "errors",
    "LabelError": "errors",
    "Limits": "rules",
    "Model": "model",
    "ModelError": "errors",
    "NoModelError": "errors",
    "READING_BOUNDS": ("rules", "BOUNDS"),
    "Reader": "reading",
    "Rules": "rules",
    "Tag": "tagging",
    "Tagged": "tagging",
    "Topic": "topics",
    "UnreadableArticleError": "errors",
    "check_separator": ("separators", "check"),
    "current_version": ("storage", "current"),
    "load_model": ("storage", "load"),
    "load_topics": "topics",
    "model_versions": ("storage", "versions"),
    "needs_jail": "reading",
    "read_articles": "reading",
    "read_bytes": "reading",
    "rules_of": "rules",
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
