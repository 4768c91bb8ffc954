"""May a candidate serve in place of the model that serves now? Pure decisions on figures.

Nothing is said of the honest chance of one topic among many: the comparisons of everything together
and those of single topics and languages are each held to a level at which, were the two models
equally good, one candidate in forty would be refused (Holm 1979).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
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
    for topic, (number, still) in shared.faded.items():
        if number >= LEAST_POSITIVES and still < number / 2:
            said = f"of {number} main articles of {topic} only {still} are still labelled so"
            yield Finding("labels", False, said, {"topic": topic, "before": number, "after": still})


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of both models on the same articles."""

    check: str  # folds | held-out
    where: str  # which articles
    subject: str  # "all", or the topic or language that is judged alone
    figure: str  # F1 | alarms
    change: Change

    @property
    def alone(self) -> bool:
        return self.subject != "all"

    def said(self) -> str:
        change = self.change
        if self.figure == "alarms":
            share = f"{change.before:.1%} → {change.after:.1%}"
            return f"false alarms {share} of {change.articles} articles about nothing, {self.where}"
        about = "" if not self.alone else f"{self.subject}: "
        return (
            f"{about}F1 {change.before:.3f} → {change.after:.3f} on {change.articles} articles, {self.where}"
        )


def compare(check: str, where: str, before: Judgements, after: Judgements) -> Iterator[Comparison]:
    """All figures of both models on articles, equally labelled: together, by topic, by language."""
    if not before.languages:
        return
    yield Comparison(check, where, "all", "F1", f1_change(before, after))
    yield Comparison(check, where, "all", "alarms", alarm_change(before, after, trifle=_TRIFLE))
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
    """A finding for each figure of everything together, and for each single one that is worse
    beyond chance; one sentence for the single ones that are not.
    """
    for alone in (False, True):
        group = [each for each in comparisons if each.alone == alone]
        worse = beyond_chance([each.change.chance for each in group], LEVEL)
        for each, is_worse in zip(group, worse, strict=True):
            figures = {"subject": each.subject, "figure": each.figure, **each.change.as_json()}
            if is_worse:
                said = f"worse beyond chance ({each.change.chance:.4f}): {each.said()}"
                yield Finding(each.check, False, said, figures)
            elif not alone:
                yield Finding(each.check, True, each.said(), figures)
        if alone and group and not any(worse):
            for check in dict.fromkeys(each.check for each in group):
                names = list(dict.fromkeys(each.subject for each in group if each.check == check))
                said = f"not worse beyond chance in any of {', '.join(names)}"
                yield Finding(check, True, said)


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
        said = f"learned {len(learned)} tags that a desk called right: {_named(learned)}"
        yield Finding("marked right", True, said, {"learned": _rows(learned)})


def soundness(trouble: ModelError | None, probes: int) -> Iterator[Finding]:
    """What loading the candidate as serving would load it came to."""
    if trouble is not None:
        check = "probes" if "probe text" in str(trouble) else "manifest"
        yield Finding(check, False, str(trouble))
        return
    yield Finding("manifest", True, "its files are what its manifest says")
    yield Finding("probes", True, f"{probes} probe texts have the scores they had")


def topics_in_common(before: Known, after: Known, others: Collection[str] | None = None) -> frozenset[str]:
    """The topics that both say, and of them those in `others`."""
    both = before.said & after.said
    return both if others is None else both & frozenset(others)


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
