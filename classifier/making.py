"""Labels ▶ a candidate that has been through the gate. Nothing is served here: `use_model` does that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Protocol

from classifier import archives, features, folds, gate, history, insisting, storage, streaming, training
from classifier.articles import Grade
from classifier.corpus import Corpus, Judged, load_corpus
from classifier.defaults import shipped
from classifier.errors import ModelError
from classifier.evaluation import Judgements
from classifier.gate import Case, Finding, Gate, Known
from classifier.judging import judge
from classifier.model import Model
from classifier.ways import STREAMING_ABOVE

Progress = Callable[[str, int, int], None]  # what is being done, steps done, steps in all

KEPT = 20  # versions, beside the one that serves and the one before it
STREAMING = "streaming"  # the way, in the card of a model; without it a model was made exactly
_LOOKED_AT = 500  # new articles of a topic
_AT_ONCE = 256
WAITING = "another training runs on this home: waiting for it"

_FROM_EXAMPLES = (
    "trained from examples, so the labels do not replace it, nor what desks said; to teach it, give"
    " `classifier train --examples` more of them"
)


@dataclass(frozen=True, slots=True)
class Made:
    """What came of making a model. `gate` is None where nothing was trained."""

    version: str
    trained: bool
    before: str | None  # the version that serves
    quality: Mapping[str, object] = field(default_factory=dict)
    few_labels: tuple[str, ...] = ()
    gate: Gate | None = None
    note: str = ""
    way: str = ""  # "streaming"; without one it was made exactly

    @property
    def refused(self) -> bool:
        return self.gate is not None and not self.gate.passed


def make_model(
    home: Path,
    *,
    seeds: Path | None = None,
    labels: Path | None = None,
    examples: Path | None = None,
    terms: bool = True,
    if_changed: bool = False,
    over_examples: bool = True,
    streaming_above: int | None = STREAMING_ABOVE,
    progress: Progress | None = None,
) -> Made:
    """Train a model for a home, keep it as a candidate with what the gate found, and serve nothing.

    Made from seeds and labels, the shipped ones unless said otherwise, with those of HOME/labels;
    or from `examples` alone. With `if_changed` nothing is trained where the labels and settings are
    those of the model that serves, or of a candidate that was refused or put aside; nor, without
    `over_examples`, whatever changed, where the model that serves was made from examples. More examples
    than `streaming_above` are streamed: memory stays bounded, and their words lie on the disk of `home`
    meanwhile. One training at a time: a second waits. Raises LabelError for labels that are not sound,
    ModelError where the candidate cannot be written.
    """
    tell = progress or (lambda what, done, all_: None)
    models = home / "models"
    streams = _streams(examples, streaming_above)
    source: _Source | None = None if streams else _whole(home, seeds, labels, examples, terms=terms)
    held_out = archives.held_out(home, None if examples else labels or shipped("labels"))
    made_by = {
        **training.versions(),
        "terms": "yes" if terms else "no",
        "from": "examples" if examples else "labels",
        **({"way": STREAMING} if streams else {}),
    }
    with ExitStack() as stack:
        stack.enter_context(history.making(models, lambda: tell(WAITING, 0, 1)))
        before = storage.current(models)
        history.tidy(models, keep=KEPT)
        is_kept = not examples and (if_changed or not over_examples)
        if before is not None and is_kept and _made_by(models, before).get("from") == "examples":
            return Made(before, False, before, note=_FROM_EXAMPLES)
        if source is None:
            assert examples is not None
            source = stack.enter_context(closing(streaming.Archive(examples, models, tell)))
        if if_changed and (known := _unchanged(models, before, source.fingerprint, made_by)):
            return known
        try:
            made = _candidate(models, source, before, made_by, tell)
            found = _judged(models, made.version, before, source, held_out, tell)
            if made.version != before:
                history.write_gate(models, made.version, found)
        except OSError as error:
            served = f"; {before} serves on" if before else ""
            raise ModelError(f"{models}: the new model cannot be kept: {error}{served}") from error
    return replace(made, gate=found)


def _streams(examples: Path | None, above: int | None) -> bool:
    return examples is not None and above is not None and archives.number(examples, above + 1) > above


def _candidate(
    models: Path, source: _Source, before: str | None, made_by: Mapping[str, str], tell: Progress
) -> Made:
    trained = source.train(tell)
    model = storage.save(
        trained.model,
        models,
        probes=source.probes,
        made_by=made_by,
        extras={folds.NAME: trained.folds.as_bytes()},
    )
    way = made_by.get("way", "")
    return Made(model.version, True, before, model.quality, trained.few, way=way)


class _Source(Protocol):
    """What a model is made from."""

    @property
    def fingerprint(self) -> str: ...

    @property
    def probes(self) -> Sequence[str]: ...

    @property
    def right(self) -> Sequence[Judged]:
        """Those that a desk called right for some topic."""

    def articles(self) -> Iterable[Judged]: ...

    def train(self, tell: Progress) -> training.Trained: ...


@dataclass(frozen=True, slots=True)
class _Whole:
    """Labels, or an archive, that are in memory as a whole."""

    corpus: Corpus
    recipe: features.Recipe
    terms: bool

    @property
    def fingerprint(self) -> str:
        return self.corpus.fingerprint

    @property
    def probes(self) -> Sequence[str]:
        return [judged.article.headline for judged in self.corpus.articles[:5]]

    @property
    def right(self) -> Sequence[Judged]:
        return [judged for judged in self.corpus.articles if judged.right]

    def articles(self) -> Iterable[Judged]:
        return self.corpus.articles

    def train(self, tell: Progress) -> training.Trained:
        return _trained(self.corpus, self.recipe, self.terms, tell)


def _trained(corpus: Corpus, recipe: features.Recipe, terms: bool, tell: Progress) -> training.Trained:
    """A model of the corpus that says what desks called right, as far as some insisting brings it to.

    Among thousands of labels one click is easily outvoted, and the gate lets none be lost.
    """
    trained = training.train(corpus, terms=terms, recipe=recipe, progress=tell)
    learned = corpus
    for _ in range(insisting.ROUNDS):
        unsaid = insisting.unsaid(trained.model, corpus)
        if not unsaid:
            break
        learned = insisting.heavier(learned, unsaid)
        trained = training.train(learned, terms=terms, recipe=recipe, progress=tell)
    # Of the labels as they are, so that it is known again.
    return replace(trained, model=replace(trained.model, labels_fingerprint=corpus.fingerprint))


def _whole(
    home: Path, seeds: Path | None, labels: Path | None, examples: Path | None, *, terms: bool
) -> _Whole:
    if examples:
        corpus = archives.corpus(archives.read(examples))
        return _Whole(corpus, training.recipe_for(corpus), terms)
    corpus = load_corpus(seeds or shipped("seeds"), labels or shipped("labels"), home / "labels")
    return _Whole(corpus, features.PASSAGES, terms)


def _unchanged(models: Path, served: str | None, labels: str, made_by: Mapping[str, str]) -> Made | None:
    """Why there is nothing to train, where `labels` are the fingerprint of what there is."""
    if served is None:
        return None
    if _is_made_of(models, served, labels, made_by) and _has_folds(models, served):
        return Made(served, False, served, note="no label has changed")
    put_aside = frozenset(history.have_served(models)) - {served}
    for version in reversed(storage.versions(models)):
        found = history.gate_of(models, version)
        judged = found is not None and not found.passed and found.against == served
        if (judged or version in put_aside) and _is_made_of(models, version, labels, made_by):
            what = "was put aside" if version in put_aside else "was refused"
            return Made(served, False, served, note=f"no label has changed since candidate {version} {what}")
    return None


def _has_folds(models: Path, version: str) -> bool:
    """Whether the next can be held against it; a version of an earlier release has none."""
    try:
        return storage.more(models, version, folds.NAME) is not None
    except ModelError:
        return True  # made anew they would be damaged no less


def _card(models: Path, version: str) -> Mapping[str, object]:
    try:
        return storage.card(models, version)
    except ModelError:
        return {}


def _made_by(models: Path, version: str) -> Mapping[str, object]:
    found = _card(models, version).get("made_by")
    return found if isinstance(found, dict) else {}


def _is_made_of(models: Path, version: str, labels: str, made_by: Mapping[str, str]) -> bool:
    card = _card(models, version)
    return card.get("labels") == labels and card.get("made_by") == made_by


def _judged(
    models: Path,
    version: str,
    served: str | None,
    source: _Source,
    held_out: Mapping[str, Sequence[Judged]],
    tell: Progress,
) -> Gate:
    """What the gate finds of a version, loaded anew from the disk as serving would."""
    try:
        after = storage.load(models, version)
        probes = len(storage.card(models, version)["probes"])
        learned = folds.read_folds(models, version)
    except ModelError as error:
        return Gate(tuple(gate.soundness(error, 0)), served)
    findings = list(gate.soundness(None, probes))
    if served is None or served == version:
        return Gate(tuple(findings), served)
    try:
        before = storage.load(models, served)
    except ModelError as error:
        findings.append(Finding("topics", True, f"not compared with what should serve and cannot: {error}"))
        return Gate(tuple(findings), served)
    try:
        known = folds.read_folds(models, served)
    except ModelError as error:
        known = None
        findings.append(Finding("folds", True, f"not compared on folds that cannot be read: {error}"))
    tell(f"comparing with {served}", 0, 1)
    findings += _against(_Side(models, before, known), _Side(models, after, learned), source, held_out)
    return Gate(tuple(findings), served)


class _Side:
    """One of the two models that are compared."""

    def __init__(self, models: Path, model: Model, learned: folds.Folds | None) -> None:
        self.model = model
        self.folds = learned
        source = str(_made_by(models, model.version).get("from", "labels"))
        self.known = Known(model.version, frozenset(model.topics), model.retired, source)

    def judge(self, articles: Sequence[Judged], topics: Sequence[str]) -> Judgements:
        return judge(self.model, articles, lambda what, done, all_: None)[0].about(*topics)


def _against(
    before: _Side, after: _Side, source: _Source, held_out: Mapping[str, Sequence[Judged]]
) -> Iterator[Finding]:
    apart = gate.comparable(before.known, after.known)
    if apart is not None:
        yield Finding("topics", True, apart)
        return
    yield gate.topics(before.known, after.known)
    common = before.known.said & after.known.said
    comparisons: list[gate.Comparison] = []
    if before.folds is None or after.folds is None:
        yield Finding("folds", True, f"{before.known.version} has no folds to compare on")
    else:
        shared = folds.shared(before.folds, after.folds, common)
        yield from gate.labels(shared)
        yield from gate.new_labels(_found(before.model, before.folds, after.folds, source, common))
        comparisons += gate.compare("folds", "on folds", shared.before, shared.after)
    seen = {id for side in (before, after) if side.folds for id in side.folds.ids}
    for name, articles in held_out.items():
        fresh = [judged for judged in articles if judged.article.fingerprint[:16] not in seen]
        named = frozenset[str]().union(*(judged.main | judged.mention for judged in fresh))
        topics = [topic for topic in before.model.topics if topic in common & named]
        if not topics:
            yield Finding("held-out", True, f"{name} has none of its topics: not compared on it")
            continue
        kept = [_on(judged, frozenset(topics)) for judged in fresh]
        sides = [side.judge(kept, topics) for side in (before, after)]
        comparisons += gate.compare("held-out", f"of {name}", *sides)
    yield from gate.weigh(comparisons)
    yield from gate.marked_right(list(_cases(before.model, after.model, source.right, common)))


def _found(
    before: Model, known: folds.Folds, learned: folds.Folds, source: _Source, topics: frozenset[str]
) -> dict[str, tuple[int, int]]:
    """By topic, how many new main articles there are, and how many of them the serving model finds.

    Of very many every so-manieth is looked at, and counted alone. New is what the serving model would
    have drawn from its archive, and did not find there.
    """
    old = frozenset(known.ids)
    new = [row for row, id in enumerate(learned.ids) if id not in old and known.draws(id)]
    looked_at = {}
    for topic in sorted(topics):
        column = learned.topics.index(topic)
        about = [learned.ids[row] for row in new if learned.main[row, column]]
        looked_at[topic] = about[:: len(about) // _LOOKED_AT + 1]
    said = _said(before, source, frozenset[str]().union(*looked_at.values()))
    return {
        topic: (len(ids), sum(topic in said.get(id, ()) for id in ids)) for topic, ids in looked_at.items()
    }


def _said(model: Model, source: _Source, ids: frozenset[str]) -> dict[str, Sequence[str]]:
    """The main topics that a model says of some articles."""
    found: dict[str, Sequence[str]] = {}
    articles = (judged.article for judged in source.articles()) if ids else ()
    asked = (article for article in articles if article.fingerprint[:16] in ids)
    while some := tuple(islice(asked, _AT_ONCE)):
        for tagged in model.tag_all(some):
            found[tagged.article.fingerprint[:16]] = tagged.topics(Grade.MAIN)
    return found


def _on(judged: Judged, topics: frozenset[str]) -> Judged:
    return replace(judged, main=judged.main & topics, mention=judged.mention & topics)


def _cases(before: Model, after: Model, articles: Iterable[Judged], topics: frozenset[str]) -> Iterator[Case]:
    for judged in articles:
        right = sorted(judged.right & topics)
        if not right:
            continue
        grades = [_grades(model, judged) for model in (before, after)]
        id, headline = judged.article.fingerprint[:16], judged.article.headline
        for topic in right:
            yield Case(id, headline, topic, grades[0].get(topic), grades[1].get(topic))


def _grades(model: Model, judged: Judged) -> dict[str, Grade]:
    return {tag.topic: tag.grade for tag in model.tag(judged.article).tags}
