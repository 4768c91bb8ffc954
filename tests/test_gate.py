"""The gate: a candidate that is worse beyond chance is refused, and an honest one is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from classifier import gate
from classifier.articles import Grade
from classifier.errors import ModelError
from classifier.evaluation import Judgements, alarm_change, beyond_chance, f1_change, quality
from classifier.folds import Folds, from_bytes, shared
from classifier.gate import Case, Finding, Gate, Known

TOPICS = ("energy", "trade")


def judged(main: Sequence[Sequence[int]], said: Sequence[Sequence[int]], language: str = "en") -> Judgements:
    topics = len(main[0]) if main else len(TOPICS)
    truth, found = (np.array(flags, dtype=bool).reshape(-1, topics) for flags in (main, said))
    nothing = np.zeros_like(truth)
    return Judgements(TOPICS[:topics], (language,) * len(truth), truth, nothing, found, found.astype(float))


def of_one_topic(right: int, missed: int = 0, quiet: int = 0, alarms: int = 0) -> Judgements:
    """Articles about energy that are found or missed, and articles about nothing, some with an alarm."""
    main = [[1, 0]] * (right + missed) + [[0, 0]] * (quiet + alarms)
    said = [[1, 0]] * right + [[0, 0]] * (missed + quiet) + [[1, 0]] * alarms
    return judged(main, said)


def folds(ids: Sequence[str], main: Sequence[Sequence[int]], **changes: object) -> Folds:
    truth = np.array(main, dtype=bool).reshape(len(ids), -1)
    nothing = np.zeros_like(truth)
    found = Folds(
        TOPICS[: truth.shape[1]], tuple(ids), ("en",) * len(ids), truth, nothing, nothing, truth, truth / 2
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def known(version: str = "v1", **changes: object) -> Known:
    found = Known(version, frozenset(TOPICS), frozenset(), "labels")
    return replace(found, **changes)  # type: ignore[arg-type]


def refused(findings: Sequence[Finding]) -> list[str]:
    return [finding.said for finding in findings if not finding.passed]


def weighed(before: Judgements, after: Judgements) -> list[Finding]:
    return list(gate.weigh(list(gate.compare("folds", "on folds", before, after))))


def test_the_figures_of_a_change_are_those_of_both_models() -> None:
    before, after = of_one_topic(90, 10, 100, 5), of_one_topic(70, 30, 100, 5)

    change = f1_change(before, after)

    assert (change.before, change.after) == (quality(before).f1, quality(after).f1)
    assert change.articles == 205
    assert change.chance < 0.001


@pytest.mark.parametrize("same", [of_one_topic(50, 20, 30, 4), judged([], [])])
def test_two_models_that_say_the_same_differ_by_nothing(same: Judgements) -> None:
    assert f1_change(same, same).chance == 1.0
    assert alarm_change(same, same).chance == 1.0


def test_a_better_model_has_lost_nothing() -> None:
    before, after = of_one_topic(70, 30, 50, 9), of_one_topic(90, 10, 58, 1)

    assert f1_change(before, after).chance == 1.0
    assert alarm_change(before, after).chance == 1.0


@pytest.mark.parametrize(("lost", "won"), [(1, 0), (3, 0), (10, 8), (30, 25)])
def test_a_loss_that_chance_can_bring_is_chance(lost: int, won: int) -> None:
    main = [[1, 0]] * 200
    before = judged(main, [[1, 0]] * (100 + lost) + [[0, 0]] * (100 - lost))
    after = judged(main, [[1, 0]] * 100 + [[0, 0]] * lost + [[1, 0]] * won + [[0, 0]] * (100 - lost - won))

    assert f1_change(before, after).chance > 0.05


def test_the_chance_is_as_good_as_uniform_where_neither_model_is_the_better() -> None:
    """A hundred pairs of equally good models: one in twenty seems worse by a chance of one in twenty."""
    generator = np.random.default_rng(7)
    truth = np.ones((300, 1), dtype=bool)
    chances = [
        f1_change(
            *(judged(truth.tolist(), (generator.random((300, 1)) < 0.85).tolist()) for _ in "ab")
        ).chance
        for _ in range(100)
    ]

    assert 1 <= sum(chance < 0.05 for chance in chances) <= 11
    assert 35 <= sum(chance < 0.6 for chance in chances) <= 70


def test_articles_that_count_neither_way_change_nothing() -> None:
    before, after = of_one_topic(40, 10, 50, 0), of_one_topic(40, 10, 20, 30)
    neither = replace(before, mention=~before.main), replace(after, mention=~after.main)

    assert f1_change(before, after).chance < 0.001
    assert f1_change(*neither).chance == 1.0
    assert alarm_change(*neither).chance == 1.0


def test_many_looks_need_stronger_evidence_each() -> None:
    assert beyond_chance([0.02], 0.025) == [True]
    assert beyond_chance([0.02, 0.5], 0.025) == [False, False]
    assert beyond_chance([0.5, 0.02, 0.01], 0.025) == [False, False, False]
    assert beyond_chance([0.012, 0.5, 0.008], 0.025) == [True, False, True]
    assert beyond_chance([], 0.025) == []


def test_a_worse_candidate_is_refused_with_its_figures() -> None:
    findings = weighed(of_one_topic(90, 10, 100, 5), of_one_topic(60, 40, 100, 5))

    assert "worse beyond chance (0.0001): F1 0.923 → 0.727 on 205 articles, on folds" in refused(findings)
    assert not Gate(tuple(findings)).passed


def test_a_candidate_that_raises_more_alarms_on_quiet_articles_is_refused() -> None:
    # So many right that a few wrong are lost in F1.
    before, after = of_one_topic(9000, 0, 600, 0), of_one_topic(9000, 0, 580, 20)

    assert [each for each in refused(weighed(before, after)) if "false alarms 0.0% → 3.3%" in each]


def test_one_false_alarm_more_in_a_hundred_is_where_the_cut_lies_and_no_worse_model() -> None:
    before, after = of_one_topic(9000, 0, 1800, 200), of_one_topic(9000, 0, 1780, 220)

    assert alarm_change(before, after).chance < 0.001
    assert not [said for said in refused(weighed(before, after)) if "false alarms" in said]


def test_one_topic_that_suffers_is_refused_though_all_together_are_better() -> None:
    main = [[1, 0]] * 400 + [[0, 1]] * 20
    before = judged(main, [[1, 0]] * 340 + [[0, 0]] * 60 + [[0, 1]] * 20)
    after = judged(main, [[1, 0]] * 380 + [[0, 0]] * 20 + [[0, 1]] * 4 + [[0, 0]] * 16)

    findings = weighed(before, after)

    assert [said.partition(":")[0] for said in refused(findings)] == ["worse beyond chance, F1 on folds"]
    assert "trade 1.000 → 0.333" in refused(findings)[0]


def test_one_language_that_suffers_is_refused_though_all_together_are_better() -> None:
    main = [[1, 0]] * 420
    spoken = ("en",) * 400 + ("kk",) * 20
    before = replace(judged(main, [[1, 0]] * 340 + [[0, 0]] * 60 + [[1, 0]] * 20), languages=spoken)
    after = replace(
        judged(main, [[1, 0]] * 380 + [[0, 0]] * 20 + [[1, 0]] * 4 + [[0, 0]] * 16), languages=spoken
    )

    assert any("kk 1.000 → 0.333" in said for said in refused(weighed(before, after)))


def test_a_topic_with_few_articles_is_not_judged_alone() -> None:
    main = [[1, 0]] * 400 + [[0, 1]] * 9
    before = judged(main, [[1, 0]] * 340 + [[0, 0]] * 60 + [[0, 1]] * 9)
    after = judged(main, [[1, 0]] * 380 + [[0, 0]] * 29)

    assert refused(weighed(before, after)) == []


def test_a_topic_that_is_no_longer_known_is_refused_and_one_that_is_retired_is_not() -> None:
    fewer = gate.topics(known(), known("v2", topics=frozenset({"energy"})))
    retired = gate.topics(known(), known("v2", retired=frozenset({"trade"})))
    was_retired = gate.topics(known(retired=frozenset({"trade"})), known("v2", topics=frozenset({"energy"})))

    assert not fewer.passed
    assert fewer.said.startswith("it no longer knows trade; ")
    assert "retired = true in topics.toml" in fewer.said
    assert retired.passed
    assert was_retired.passed


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (known("v2"), None),
        (known("v2", topics=frozenset({"energy", "space"})), None),
        (known("v2", topics=frozenset({"music"})), "no topic in common with v1"),
        (known("v2", source="examples"), "made from examples, and v1 from labels"),
    ],
)
def test_what_has_nothing_in_common_is_not_compared(after: Known, said: str | None) -> None:
    found = gate.comparable(known(), after)

    assert (found is None) if said is None else (found is not None and said in found)


def test_folds_are_read_as_they_were_written() -> None:
    written = folds(["a", "ä"], [[1, 0], [0, 0]], unknown=np.array([[0, 1], [0, 0]], dtype=bool))

    read = from_bytes(written.as_bytes())

    assert (read.topics, read.ids, read.languages) == (written.topics, written.ids, written.languages)
    for name in ("main", "mention", "unknown", "said", "probabilities"):
        assert np.array_equal(getattr(read, name), getattr(written, name)), name
    assert written.as_bytes() == read.as_bytes()


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"topics": ["a"], "articles": [{}]}', b"\xff"])
def test_what_is_no_folds_is_no_folds(content: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        from_bytes(content)


def test_two_versions_are_compared_on_the_articles_whose_labels_are_the_same_whatever_their_order() -> None:
    before = folds(["a", "b", "c", "gone"], [[1, 0], [0, 1], [0, 0], [1, 0]])
    after = folds(["new", "c", "b", "a"], [[1, 0], [0, 0], [1, 1], [1, 0]])

    found = shared(before, after, TOPICS)

    assert (found.changed, found.gone) == (1, 1)
    assert found.before.main.tolist() == found.after.main.tolist() == [[True, False], [False, False]]
    assert found.faded == {"energy": (2, 1), "trade": (1, 1)}


def test_a_topic_that_only_one_version_knows_does_not_part_their_labels() -> None:
    before, after = folds(["a"], [[1]]), folds(["a"], [[1, 1]])

    found = shared(before, after, ["energy"])

    assert found.changed == 0
    assert found.after.topics == ("energy",)


def test_what_nobody_knows_of_an_article_counts_neither_way() -> None:
    unknown = np.array([[False, True]])
    before = folds(["a"], [[1, 0]], unknown=unknown, said=np.array([[True, True]]))

    found = shared(before, before, TOPICS).before

    assert quality(found).precision == 1.0


def test_labels_that_mostly_changed_leave_nothing_to_compare_by() -> None:
    ids = [str(number) for number in range(30)]
    before = folds(ids, [[1, 0]] * 15 + [[0, 1]] * 15)
    few = folds(ids, [[1, 0]] * 15 + [[0, 1]] * 12 + [[0, 0]] * 3)
    most = folds(ids, [[0, 1]] * 15 + [[0, 1]] * 12 + [[0, 0]] * 3)

    assert refused(list(gate.labels(shared(before, few, TOPICS)))) == []
    assert refused(list(gate.labels(shared(before, most, TOPICS)))) == [
        "of 30 labelled articles 18 have other labels and 0 are gone: too many to compare by the rest",
        "under half of a topic's main articles are still labelled so: energy 0 of 15",
    ]


def test_a_topic_whose_labels_were_taken_away_is_named() -> None:
    ids = [str(number) for number in range(50)]
    before = folds(ids, [[1, 0]] * 10 + [[0, 1]] * 40)
    after = folds(ids[6:], [[1, 0]] * 4 + [[0, 1]] * 40)

    assert refused(list(gate.labels(shared(before, after, TOPICS)))) == [
        "under half of a topic's main articles are still labelled so: energy 4 of 10"
    ]


def test_a_topic_of_few_articles_may_lose_them() -> None:
    ids = [str(number) for number in range(50)]
    before, after = folds(ids, [[1, 0]] * 9 + [[0, 1]] * 41), folds(ids[9:], [[0, 1]] * 41)

    assert refused(list(gate.labels(shared(before, after, TOPICS)))) == []


def test_many_new_labels_of_which_the_serving_model_finds_hardly_any_are_for_a_person_to_look_at() -> None:
    assert refused(list(gate.new_labels({"energy": (60, 2), "trade": (60, 50)}))) == [
        "of new labels the serving model finds hardly any, so a person should look: 2 of 60 as energy"
    ]
    assert refused(list(gate.new_labels({"energy": (40, 0), "trade": (60, 10)}))) == []


def case(before: Grade | None, after: Grade | None, number: int = 1) -> Case:
    return Case(f"id{number}", f"Refinery {number} restarts", "energy", before, after)


@pytest.mark.parametrize("after", [None, Grade.MENTION])
def test_an_article_that_a_desk_called_right_may_not_lose_its_topic(after: Grade | None) -> None:
    findings = list(gate.marked_right([case(Grade.MAIN, after), case(Grade.MAIN, Grade.MAIN, 2)]))

    (said,) = refused(findings)
    assert "1 of 2 tags that a desk called right would be lost" in said
    assert "“Refinery 1 restarts” (id1), energy" in said
    assert ("sink to a mention" in said) == (after is Grade.MENTION)


def test_of_many_lost_articles_the_first_are_named_and_the_others_counted() -> None:
    (said,) = refused(list(gate.marked_right([case(Grade.MAIN, None, number) for number in range(12)])))

    assert "(id4)" in said
    assert "(id5)" not in said
    assert said.endswith("; and 7 more")


def test_what_the_candidate_newly_gets_right_is_listed() -> None:
    findings = list(gate.marked_right([case(None, Grade.MAIN), case(Grade.MENTION, Grade.MENTION, 2)]))

    assert refused(findings) == []
    assert findings[-1].said == "learned 1 tag that a desk called right: “Refinery 1 restarts” (id1), energy"


def test_a_candidate_that_does_not_load_is_refused_in_the_words_of_the_loader() -> None:
    damaged, drifted = ModelError("x: damaged"), ModelError("x: a probe text no longer has the score it had")

    assert [(f.check, f.passed, f.said) for f in gate.soundness(damaged, 0)] == [
        ("manifest", False, "x: damaged")
    ]
    assert [(f.check, f.passed) for f in gate.soundness(drifted, 0)] == [("probes", False)]
    assert [(f.check, f.passed) for f in gate.soundness(None, 5)] == [("manifest", True), ("probes", True)]


def test_what_was_found_is_kept_as_it_was() -> None:
    found = Gate((Finding("folds", False, "worse", {"chance": 0.01}), Finding("topics", True, "all")), "v1")

    kept = Gate.from_json(found.as_json())

    assert kept == found
    assert kept.reasons == ("folds: worse",)
    assert not kept.passed
    assert Gate(()).passed
