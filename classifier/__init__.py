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
    from classifier.folds import Folds, read_folds
    from classifier.gate import Finding, Gate
    from classifier.history import Served, fallbacks, gate_of, use_model
    from classifier.history import history as model_history
    from classifier.history import refuse as refuse_model
    from classifier.making import Made, make_model
    from classifier.model import Model
    from classifier.promising import (
        LEAST_WEEK,
        Labelled,
        Settled,
        Share,
        for_precision,
        for_recall,
        quality_at,
    )
    from classifier.reading import Reader, needs_jail, read_articles, read_bytes
    from classifier.rules import BOUNDS as READING_BOUNDS
    from classifier.rules import Limits, Rules, rules_of
    from classifier.separators import check as check_separator
    from classifier.storage import current as current_version
    from classifier.storage import load as load_model
    from classifier.storage import served_topics, serves_examples
    from classifier.storage import versions as model_versions
    from classifier.tagging import Cuts, Evidence, Tag, Tagged
    from classifier.topics import Topic, load_topics, topics_of

__all__ = [
    "LEAST_WEEK",
    "READING_BOUNDS",
    "Article",
    "ClassifierError",
    "Contents",
    "Cuts",
    "Evidence",
    "Finding",
    "Folds",
    "Gate",
    "Grade",
    "JailError",
    "LabelError",
    "Labelled",
    "Limits",
    "Made",
    "Model",
    "ModelError",
    "NoModelError",
    "Reader",
    "Rules",
    "Served",
    "Settled",
    "Share",
    "Tag",
    "Tagged",
    "Topic",
    "UnreadableArticleError",
    "check_separator",
    "current_version",
    "fallbacks",
    "for_precision",
    "for_recall",
    "gate_of",
    "load_model",
    "load_topics",
    "make_model",
    "model_history",
    "model_versions",
    "needs_jail",
    "quality_at",
    "read_articles",
    "read_bytes",
    "read_folds",
    "refuse_model",
    "rules_of",
    "served_topics",
    "serves_examples",
    "shipped",
    "shorten",
    "topics_of",
    "use_model",
]

_HOMES: dict[str, str | tuple[str, str]] = {
    "Article": "articles",
    "ClassifierError": "errors",
    "Contents": "articles",
    "Cuts": "tagging",
    "Evidence": "tagging",
    "Finding": "gate",
    "Folds": "folds",
    "Gate": "gate",
    "Grade": "articles",
    "JailError": "errors",
    "LEAST_WEEK": "promising",
    "LabelError": "errors",
    "Labelled": "promising",
    "Limits": "rules",
    "Made": "making",
    "Model": "model",
    "ModelError": "errors",
    "NoModelError": "errors",
    "READING_BOUNDS": ("rules", "BOUNDS"),
    "Reader": "reading",
    "Rules": "rules",
    "Served": "history",
    "Settled": "promising",
    "Share": "promising",
    "Tag": "tagging",
    "Tagged": "tagging",
    "Topic": "topics",
    "UnreadableArticleError": "errors",
    "check_separator": ("separators", "check"),
    "current_version": ("storage", "current"),
    "fallbacks": "history",
    "for_precision": "promising",
    "for_recall": "promising",
    "gate_of": "history",
    "load_model": ("storage", "load"),
    "load_topics": "topics",
    "make_model": "making",
    "model_history": ("history", "history"),
    "model_versions": ("storage", "versions"),
    "needs_jail": "reading",
    "quality_at": "promising",
    "read_articles": "reading",
    "read_bytes": "reading",
    "read_folds": "folds",
    "refuse_model": ("history", "refuse"),
    "rules_of": "rules",
    "served_topics": "storage",
    "serves_examples": "storage",
    "shipped": "defaults",
    "shorten": "articles",
    "topics_of": "topics",
    "use_model": "history",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, inner = home if isinstance(home, tuple) else (home, name)
    return getattr(import_module(f"{__name__}.{module}"), inner)
