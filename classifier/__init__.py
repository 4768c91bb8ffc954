"""Text ▶ topics. What this module names is the public face of the classifier; the rest may move.

Names load their module when they are first used, so that `import classifier` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from classifier.archives import held_out as held_out_articles
    from classifier.articles import Article, Contents, Grade, shorten
    from classifier.cli import program
    from classifier.corpus import load_corpus
    from classifier.defaults import shipped
    from classifier.differing import Difference, Differing
    from classifier.differing import Tally as ModelTally
    from classifier.differing import cards as compared_cards
    from classifier.doubting import doubts, wanted
    from classifier.errors import (
        ClassifierError,
        JailError,
        LabelError,
        ModelError,
        NoModelError,
        UnreadableArticleError,
    )
    from classifier.explaining import Spoken, SpokenPassage, SpokenWord, spoken
    from classifier.folds import Folds, read_folds
    from classifier.gate import Finding, Gate
    from classifier.helping import (
        CommandParser,
        Program,
        add_command,
        add_completion,
        add_group,
        examples_of,
        parsers_of,
    )
    from classifier.history import Served, fallbacks, gate_of, use_model
    from classifier.history import history as model_history
    from classifier.history import previous as model_before
    from classifier.history import refusal as refusal_of_model
    from classifier.history import refuse as refuse_model
    from classifier.making import Made, make_model
    from classifier.model import Model
    from classifier.passages import Passage
    from classifier.passages import passages as passages_of
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
    from classifier.records import as_json as tags_as_json
    from classifier.relabelling import Labelled as LabelledPassage
    from classifier.relabelling import fingerprint as fingerprint_of_passage
    from classifier.relabelling import labelled as labelled_passages
    from classifier.relabelling import place_of as place_of_label
    from classifier.relabelling import relabelled
    from classifier.rules import BOUNDS as READING_BOUNDS
    from classifier.rules import Limits, Rules, rules_of
    from classifier.separators import check as check_separator
    from classifier.storage import current as current_version
    from classifier.storage import described as model_card
    from classifier.storage import load as load_model
    from classifier.storage import served_topics, serves_examples
    from classifier.storage import versions as model_versions
    from classifier.tagging import Cuts, Evidence, Tag, Tagged
    from classifier.topics import Topic, load_topics, topics_of
    from classifier.ways import BOUNDS as STREAMING_BOUNDS
    from classifier.ways import STREAMING_ABOVE

__all__ = [
    "LEAST_WEEK",
    "READING_BOUNDS",
    "STREAMING_ABOVE",
    "STREAMING_BOUNDS",
    "Article",
    "ClassifierError",
    "CommandParser",
    "Contents",
    "Cuts",
    "Difference",
    "Differing",
    "Evidence",
    "Finding",
    "Folds",
    "Gate",
    "Grade",
    "JailError",
    "LabelError",
    "Labelled",
    "LabelledPassage",
    "Limits",
    "Made",
    "Model",
    "ModelError",
    "ModelTally",
    "NoModelError",
    "Passage",
    "Program",
    "Reader",
    "Rules",
    "Served",
    "Settled",
    "Share",
    "Spoken",
    "SpokenPassage",
    "SpokenWord",
    "Tag",
    "Tagged",
    "Topic",
    "UnreadableArticleError",
    "add_command",
    "add_completion",
    "add_group",
    "check_separator",
    "compared_cards",
    "current_version",
    "doubts",
    "examples_of",
    "fallbacks",
    "fingerprint_of_passage",
    "for_precision",
    "for_recall",
    "gate_of",
    "held_out_articles",
    "labelled_passages",
    "load_corpus",
    "load_model",
    "load_topics",
    "make_model",
    "model_before",
    "model_card",
    "model_history",
    "model_versions",
    "needs_jail",
    "parsers_of",
    "passages_of",
    "place_of_label",
    "program",
    "quality_at",
    "read_articles",
    "read_bytes",
    "read_folds",
    "refusal_of_model",
    "refuse_model",
    "relabelled",
    "rules_of",
    "served_topics",
    "serves_examples",
    "shipped",
    "shorten",
    "spoken",
    "tags_as_json",
    "topics_of",
    "use_model",
    "wanted",
]

_HOMES: dict[str, str | tuple[str, str]] = {
    "Article": "articles",
    "ClassifierError": "errors",
    "CommandParser": "helping",
    "Contents": "articles",
    "Cuts": "tagging",
    "Difference": "differing",
    "Differing": "differing",
    "Evidence": "tagging",
    "Finding": "gate",
    "Folds": "folds",
    "Gate": "gate",
    "Grade": "articles",
    "JailError": "errors",
    "LEAST_WEEK": "promising",
    "LabelError": "errors",
    "Labelled": "promising",
    "LabelledPassage": ("relabelling", "Labelled"),
    "Limits": "rules",
    "Made": "making",
    "Model": "model",
    "ModelError": "errors",
    "ModelTally": ("differing", "Tally"),
    "NoModelError": "errors",
    "Passage": "passages",
    "Program": "helping",
    "READING_BOUNDS": ("rules", "BOUNDS"),
    "Reader": "reading",
    "Rules": "rules",
    "STREAMING_ABOVE": "ways",
    "STREAMING_BOUNDS": ("ways", "BOUNDS"),
    "Served": "history",
    "Settled": "promising",
    "Share": "promising",
    "Spoken": "explaining",
    "SpokenPassage": "explaining",
    "SpokenWord": "explaining",
    "Tag": "tagging",
    "Tagged": "tagging",
    "Topic": "topics",
    "UnreadableArticleError": "errors",
    "add_command": "helping",
    "add_completion": "helping",
    "add_group": "helping",
    "check_separator": ("separators", "check"),
    "compared_cards": ("differing", "cards"),
    "current_version": ("storage", "current"),
    "doubts": "doubting",
    "examples_of": "helping",
    "fallbacks": "history",
    "fingerprint_of_passage": ("relabelling", "fingerprint"),
    "for_precision": "promising",
    "for_recall": "promising",
    "gate_of": "history",
    "held_out_articles": ("archives", "held_out"),
    "labelled_passages": ("relabelling", "labelled"),
    "load_corpus": "corpus",
    "load_model": ("storage", "load"),
    "load_topics": "topics",
    "make_model": "making",
    "model_before": ("history", "previous"),
    "model_card": ("storage", "described"),
    "model_history": ("history", "history"),
    "model_versions": ("storage", "versions"),
    "needs_jail": "reading",
    "parsers_of": "helping",
    "passages_of": ("passages", "passages"),
    "place_of_label": ("relabelling", "place_of"),
    "program": "cli",
    "quality_at": "promising",
    "read_articles": "reading",
    "read_bytes": "reading",
    "read_folds": "folds",
    "refusal_of_model": ("history", "refusal"),
    "refuse_model": ("history", "refuse"),
    "relabelled": "relabelling",
    "rules_of": "rules",
    "served_topics": "storage",
    "serves_examples": "storage",
    "shipped": "defaults",
    "shorten": "articles",
    "spoken": "explaining",
    "tags_as_json": ("records", "as_json"),
    "topics_of": "topics",
    "use_model": "history",
    "wanted": "doubting",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, inner = home if isinstance(home, tuple) else (home, name)
    return getattr(import_module(f"{__name__}.{module}"), inner)
