"""Labels ▶ a candidate that has been through the gate. Nothing is served here: `use_model` does that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from classifier import archives, features, folds, gate, history, insisting, storage, training
from classifier.articles import Grade
from classifier.corpus import Corpus, Judged, load_corpus
from classifier.defaults import shipped
from classifier.errors import ModelError
from classifier.evaluation import Judgements
from classifier.gate import Case, Finding, Gate, Known
from classifier.judging import judge
from classifier.model import Model

Progress = Callable[[str, int, int], None]  # what is being done, steps done, steps in all

KEPT = 20  # versions, beside the one that serves and the one before it
_LOOKED_AT = 500  # new articles of a topic
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
    progress: Progress | None = None,
) -> Made:
    """Train a model for a home, keep it as a candidate with what the gate found, and serve nothing.

    Made from seeds and labels, the shipped ones unless said otherwise, with those of HOME/labels;
    or from `examples` alone. With `if_changed` nothing is trained where the labels and settings are
    those of the model that serves, or of a candidate that was refused or put aside; nor, without
    `over_examples`, whatever changed, where the model that serves was made from examples. One training
    at a time: a second waits. Raises LabelError for labels that are not sound, ModelError where the
    candidate cannot be written.
    """
    tell = progress or (lambda what, done, all_: None)
    models = home / "models"
    corpus, recipe = _read(home, seeds, labels, examples)
    held_out = archives.held_out(home, None if examples else labels or shipped("labels"))
    made_by = {
        **training.versions(),
        "terms": "yes" if terms else "no",
        "from": "examples" if examples else "labels",
    }
    with history.making(models, lambda: tell(WAITING, 0, 1)):
        before = storage.current(models)
        history.tidy(models, keep=KEPT)
        is_kept = not examples and (if_changed or not over_examples)
        if before is not None and is_kept and _made_by(models, before).get("from") == "examples":
            return Made(before, False, before, note=_FROM_EXAMPLES)
        if if_changed and (known := _unchanged(models, before, corpus, made_by)):
            return known
        trained = _trained(corpus, recipe, terms, tell)
        try:
            candidate = storage.save(
                trained.model,
                models,
                probes=[judged.article.headline for judged in corpus.articles[:5]],
                made_by=made_by,
                extras={folds.NAME: trained.folds.as_bytes()},
            )
            found = _judged(models, candidate.version, before, corpus, held_out, tell)
            if candidate.version != before:
                history.write_gate(models, candidate.version, found)
        except OSError as error:
            served = f"; {before} serves on" if before else ""
            raise ModelError(f"{models}: the new model cannot be kept: {error}{served}") from error
    return Made(candidate.version, True, before, candidate.quality, trained.few, found)


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


def _read(
    home: Path, seeds: Path | None, labels: Path | None, examples: Path | None
) -> tuple[Corpus, features.Recipe]:
    if examples:
        corpus = archives.corpus(archives.read(examples))
        return corpus, training.recipe_for(corpus)
    corpus = load_corpus(seeds or shipped("seeds"), labels or shipped("labels"), home / "labels")
    return corpus, features.PASSAGES


def _unchanged(models: Path, served: str | None, corpus: Corpus, made_by: Mapping[str, str]) -> Made | None:
    """Why there is nothing to train."""
    if served is None:
        return None
    if _is_made_of(models, served, corpus, made_by) and _has_folds(models, served):
        return Made(served, False, served, note="no label has changed")
    put_aside = frozenset(history.have_served(models)) - {served}
    for version in reversed(storage.versions(models)):
        found = history.gate_of(models, version)
        judged = found is not None and not found.passed and found.against == served
        if (judged or version in put_aside) and _is_made_of(models, version, corpus, made_by):
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


def _is_made_of(models: Path, version: str, corpus: Corpus, made_by: Mapping[str, str]) -> bool:
    card = _card(models, version)
    return card.get("labels") == corpus.fingerprint and card.get("made_by") == made_by


def _judged(
    models: Path,
    version: str,
    served: str | None,
    corpus: Corpus,
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
    findings += _against(_Side(models, before, known), _Side(models, after, learned), corpus, held_out)
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
    before: _Side, after: _Side, corpus: Corpus, held_out: Mapping[str, Sequence[Judged]]
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
        yield from gate.new_labels(_found(before, before.folds, corpus, common))
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
    yield from gate.marked_right(list(_cases(before.model, after.model, corpus, common)))


def _found(
    before: _Side, known: folds.Folds, corpus: Corpus, topics: frozenset[str]
) -> dict[str, tuple[int, int]]:
    """By topic, how many new main articles there are, and how many of them the serving model finds.

    Of very many every so-manieth is looked at, and counted alone.
    """
    old = frozenset(known.ids)
    new = [judged for judged in corpus.articles if judged.article.fingerprint[:16] not in old]
    found = {}
    for topic in sorted(topics):
        about = [judged.article for judged in new if topic in judged.main]
        looked_at = about[:: len(about) // _LOOKED_AT + 1]
        tagged = before.model.tag_all(looked_at)
        found[topic] = len(tagged), sum(topic in each.topics(Grade.MAIN) for each in tagged)
    return found


def _on(judged: Judged, topics: frozenset[str]) -> Judged:
    return replace(judged, main=judged.main & topics, mention=judged.mention & topics)


def _cases(before: Model, after: Model, corpus: Corpus, topics: frozenset[str]) -> Iterator[Case]:
    for judged in corpus.articles:
        right = sorted(judged.right & topics)
        if not right:
            continue
        grades = [_grades(model, judged) for model in (before, after)]
        id, headline = judged.article.fingerprint[:16], judged.article.headline
        for topic in right:
            yield Case(id, headline, topic, grades[0].get(topic), grades[1].get(topic))


def _grades(model: Model, judged: Judged) -> dict[str, Grade]:
    return {tag.topic: tag.grade for tag in model.tag(judged.article).tags}
