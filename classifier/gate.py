"""May a candidate serve in place of the model that serves now? Pure decisions on figures.

What chance can bring is no reason: the figures of everything together, and again those of single topics
and languages, are held to a level at which of two equally good models one in forty is called the worse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from classifier.articles import Grade, shorten
from classifier.errors import ModelError
from classifier.evaluation import Change, Judgements, alarm_change, beyond_chance, f1_change
from classifier.folds import Shared

LEVEL = 0.025  # of all comparisons of everything together, and again of all single ones
LEAST_POSITIVES = 10  # main articles below which a topic or a language is not compared alone
# Where the cuts lie differs a little from training to training, and trades false alarms for finds: of
# ten trainings without a twentieth of the shipped labels three had one point more, at the same F1.
_TRIFLE = 0.01  # of the articles about nothing
# Of honest new labels the serving model finds most: four in five on folds, nine in ten held out.
_MANY, _LEAST_FOUND = 50, 0.1
_NAMED = 5  # articles named in a finding


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, in a sentence, with its figures."""

    check: str  # topics | labels | folds | held-out | marked right | manifest | probes
    passed: bool
    said: str
    figures: Mapping[str, object] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        return {"check": self.check, "passed": self.passed, "said": self.said, "figures": dict(self.figures)}


@dataclass(frozen=True, slots=True)
class Gate:
    """Everything that was found; one failed check refuses the candidate."""

    findings: tuple[Finding, ...]
    against: str | None = None  # the version it was compared with

    @property
    def passed(self) -> bool:
        return all(finding.passed for finding in self.findings)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it was refused, a sentence each."""
        return tuple(f"{found.check}: {found.said}" for found in self.findings if not found.passed)

    def as_json(self) -> dict[str, object]:
        findings = [finding.as_json() for finding in self.findings]
        return {"against": self.against, "passed": self.passed, "findings": findings}

    @classmethod
    def from_json(cls, given: Mapping[str, object]) -> Gate:
        """What `as_json` gave. Raises KeyError or TypeError for anything else."""
        findings = given["findings"]
        if not isinstance(findings, list):
            raise TypeError("findings should be a list")
        against = given["against"]
        return cls(tuple(Finding(**each) for each in findings), None if against is None else str(against))


@dataclass(frozen=True, slots=True)
class Known:
    """What a version can say, and what it was made from."""

    version: str
    topics: frozenset[str]
    retired: frozenset[str]
    source: str  # labels | examples

    @property
    def said(self) -> frozenset[str]:
        return self.topics - self.retired


@dataclass(frozen=True, slots=True)
class Case:
    """An article that a desk called right for a topic, and the grade that each model gives it."""

    id: str
    headline: str
    topic: str
    before: Grade | None
    after: Grade | None

    def __str__(self) -> str:
        return f"“{shorten(self.headline, 80)}” ({self.id}), {self.topic}"


def comparable(before: Known, after: Known) -> str | None:
    """Why two versions cannot be held against each other; None where they can."""
    if before.source != after.source:
        return f"made from {after.source}, and {before.version} from {before.source}: not compared"
    if not before.said & after.said:
        return f"it has no topic in common with {before.version}: not compared"
    return None


def topics(before: Known, after: Known) -> Finding:
    """A topic is given up by retiring it, never by forgetting it."""
    lost = sorted(before.said - after.topics)
    if not lost:
        return Finding("topics", True, f"it knows all {len(before.said)} topics of {before.version}")
    mend = "to give a topic up, set retired = true in topics.toml"
    if after.source == "examples":
        mend = "no article of the examples is about it"
    said = f"it no longer knows {', '.join(lost)}; {mend}"
    return Finding("topics", False, said, {"lost": lost})


def labels(shared: Shared) -> Iterator[Finding]:
    """Whether enough labels stayed what they were for the folds to speak for all topics."""
    same, changed, gone = len(shared.before.languages), shared.changed, shared.gone
    figures = {"same": same, "changed": changed, "gone": gone}
    if changed + gone > same:
        said = f"of {same + changed + gone} labelled articles {changed} have other labels and {gone} are gone"
        yield Finding("labels", False, f"{said}: too many to compare by the rest", figures)
    else:
        said = f"{same} labelled articles are as they were, {changed} have other labels, {gone} are gone"
        yield Finding("labels", True, said, figures)
    faded = {
        topic: (number, still)
        for topic, (number, still) in shared.faded.items()
        if number >= LEAST_POSITIVES and still < number / 2
    }
    if faded:
        counts = ", ".join(f"{topic} {still} of {number}" for topic, (number, still) in faded.items())
        said = f"under half of a topic's main articles are still labelled so: {counts}"
        yield Finding(
            "labels", False, said, {"faded": {topic: list(found) for topic, found in faded.items()}}
        )


def new_labels(found: Mapping[str, tuple[int, int]]) -> Iterator[Finding]:
    """Whether the labels that came new fit what is known. `found` says of each topic how many new main
    articles there are, and of how many of them the serving model says so too.

    The folds are of the articles that both were made from, so of a flood of wrong labels about something
    else they may see nothing.
    """
    strange = {
        topic: (new, said)
        for topic, (new, said) in found.items()
        if new >= _MANY and said < new * _LEAST_FOUND
    }
    if strange:
        counts = ", ".join(f"{said} of {new} as {topic}" for topic, (new, said) in strange.items())
        said = f"of new labels the serving model finds hardly any, so a person should look: {counts}"
        yield Finding("labels", False, said, {"strange": {topic: list(n) for topic, n in strange.items()}})


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of both models on the same articles."""

    check: str  # folds | held-out
    where: str  # which articles
    subject: str | None  # the topic or language that is judged alone
    figure: str  # F1 | alarms
    change: Change

    @property
    def said(self) -> str:
        before, after = self.change.before, self.change.after
        if self.figure == "alarms":
            articles = f"{self.change.articles} articles about nothing"
            return f"false alarms {before:.1%} → {after:.1%} of {articles}, {self.where}"
        if self.subject is None:
            return f"F1 {before:.3f} → {after:.3f} on {self.change.articles} articles, {self.where}"
        return f"{self.subject} {before:.3f} → {after:.3f}"

    def as_json(self) -> dict[str, object]:
        return {"subject": self.subject, "figure": self.figure, **self.change.as_json()}


def compare(check: str, where: str, before: Judgements, after: Judgements) -> Iterator[Comparison]:
    """All figures of both models on articles, equally labelled: together, by topic, by language."""
    if not before.languages:
        return
    yield Comparison(check, where, None, "F1", f1_change(before, after))
    yield Comparison(check, where, None, "alarms", alarm_change(before, after, trifle=_TRIFLE))
    for column, topic in enumerate(before.topics):
        if before.main[:, column].sum() >= LEAST_POSITIVES:
            change = f1_change(before.about(topic), after.about(topic))
            yield Comparison(check, where, topic, "F1", change)
    languages = np.asarray(before.languages)
    for language in sorted(set(before.languages) - {"?"}):
        rows = languages == language
        if before.main[rows].sum() >= LEAST_POSITIVES:
            yield Comparison(check, where, language, "F1", f1_change(before.only(rows), after.only(rows)))


def weigh(comparisons: Sequence[Comparison]) -> Iterator[Finding]:
    """A finding for each figure of everything together, and one for the topics and languages that
    were looked at alone on the same articles.
    """
    together = [each for each in comparisons if each.subject is None]
    for each, worse in zip(together, _worse(together), strict=True):
        said = f"worse beyond chance ({each.change.chance:.4f}): {each.said}" if worse else each.said
        yield Finding(each.check, not worse, said, each.as_json())
    alone = [each for each in comparisons if each.subject is not None]
    verdicts = list(zip(alone, _worse(alone), strict=True))
    for check, where in dict.fromkeys((each.check, each.where) for each in alone):
        here = [(each, worse) for each, worse in verdicts if (each.check, each.where) == (check, where)]
        lost = [each for each, worse in here if worse]
        if lost:
            named = ", ".join(f"{each.said} ({each.change.chance:.4f})" for each in lost)
            said = f"worse beyond chance, F1 {where}: {named}"
        else:
            said = f"F1 {where}: worse beyond chance in none of {', '.join(str(e.subject) for e, _ in here)}"
        yield Finding(check, not lost, said, {"worse": [each.as_json() for each in lost]})


def _worse(comparisons: Sequence[Comparison]) -> list[bool]:
    return beyond_chance([each.change.chance for each in comparisons], LEVEL)


def marked_right(cases: Sequence[Case]) -> Iterator[Finding]:
    """No article that a desk called right, and the serving model gets right, may be lost."""
    lost = [case for case in cases if case.before is Grade.MAIN and case.after is not Grade.MAIN]
    learned = [case for case in cases if case.before is not Grade.MAIN and case.after is Grade.MAIN]
    if lost:
        sunk = sum(case.after is Grade.MENTION for case in lost)
        said = f"{len(lost)} of {len(cases)} tags that a desk called right would be lost"
        said += f" ({sunk} sink to a mention)" if sunk else ""
        yield Finding("marked right", False, f"{said}: {_named(lost)}", {"lost": _rows(lost)})
    elif cases:
        yield Finding("marked right", True, f"none of {len(cases)} tags that a desk called right is lost")
    if learned:
        tags = "1 tag" if len(learned) == 1 else f"{len(learned)} tags"
        said = f"learned {tags} that a desk called right: {_named(learned)}"
        yield Finding("marked right", True, said, {"learned": _rows(learned)})


def soundness(trouble: ModelError | None, probes: int) -> Iterator[Finding]:
    """What loading the candidate as serving would load it came to."""
    if trouble is not None:
        check = "probes" if "probe text" in str(trouble) else "manifest"
        yield Finding(check, False, str(trouble))
        return
    yield Finding("manifest", True, "its files are what its manifest says")
    yield Finding("probes", True, f"{probes} probe texts have the scores they had")


def _named(cases: Sequence[Case]) -> str:
    more = len(cases) - _NAMED
    return "; ".join(map(str, cases[:_NAMED])) + (f"; and {more} more" if more > 0 else "")


def _rows(cases: Sequence[Case]) -> list[dict[str, object]]:
    return [
        {
            "id": case.id, "headline": case.headline, "topic": case.topic,
            "before": case.before, "after": case.after,
        }
        for case in cases
    ]  # fmt: skip
