"""Text ▶ topics. What this module names is the public face of the classifier; the rest may move.

Names load their module when they are first used, so that `import classifier` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from classifier.articles import Article as Article
    from classifier.articles import Grade as Grade
    from classifier.articles import shorten as shorten
    from classifier.defaults import shipped as shipped
    from classifier.errors import ClassifierError as ClassifierError
    from classifier.errors import LabelError as LabelError
    from classifier.errors import ModelError as ModelError
    from classifier.errors import NoModelError as NoModelError
    from classifier.errors import UnreadableArticleError as UnreadableArticleError
    from classifier.model import Model as Model
    from classifier.reading import read_articles as read_articles
    from classifier.reading import read_bytes as read_bytes
    from classifier.storage import current as current_version
    from classifier.storage import load as load_model
    from classifier.storage import versions as model_versions
    from classifier.tagging import Evidence as Evidence
    from classifier.tagging import Tag as Tag
    from classifier.tagging import Tagged as Tagged
    from classifier.topics import Topic as Topic
    from classifier.topics import load_topics as load_topics

_HOMES = {
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
    "shipped": "defaults",
    "shorten": "articles",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, inner = home if isinstance(home, tuple) else (home, name)
    return getattr(import_module(f"{__name__}.{module}"), inner)
