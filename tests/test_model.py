"""The table that serves gives the scores of the trained linear model, exactly and for any text."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from classifier import shipped
from classifier.archives import read
from classifier.articles import Article, compose
from classifier.corpus import Corpus, load_corpus
from classifier.estimators import fit
from classifier.features import PASSAGES, RECIPES, is_run, runs
from classifier.material import Material
from classifier.model import Model
from classifier.passages import passages
from classifier.reading import read_articles, read_bytes
from classifier.storage import load
from classifier.tagging import Cuts
from tests.builders import small_curve, small_model, write_labels
from tests.reference import PlainTagger, Reference, whole

EXACT = 1e-9
# More words than a table remembers; numbers, which say nothing but are remembered all the same.
FLOOD = " ".join(map(str, range(210_000)))

PIECES = [
    "oil", "Pipeline", "нефть", "нефтяной", "ё", "النفط", "مُحَمَّد", "ﷺ", "ﬁ", "قازاقستان", "مۇناي", "ۋ", "2026",
    "CO₂", "ǰ", "İ", "ß", "́", "ـ", "_", " ", "\n", ".", "日本", "💧", "a", "oil-gas", "U.S.-led", "\xa0",
    "\x1f", "\u2028", "x" * 200,
]  # fmt: skip
TEXTS = st.text() | st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


@pytest.fixture(scope="module")
def served(trained_home: Path) -> Model:
    return load(trained_home / "models")


@pytest.fixture(scope="module")
def reference(served: Model) -> Reference:
    return Reference(served.weights)


def seed_passages() -> list[str]:
    paths = sorted(shipped("seeds").iterdir())
    articles = [article for path in paths for article in read_articles(read_bytes(path), path.name)]
    return [passage.text for article in articles for passage in passages(article)]


def test_the_table_scores_the_seeds_as_scikit_learn_does(served: Model, reference: Reference) -> None:
    texts = seed_passages()

    scores = served.scores(texts)

    assert len(texts) > 100
    assert np.abs(scores - reference.scores(texts)).max() < EXACT


def test_articles_get_the_tags_and_the_evidence_that_scikit_learn_gives_them(served: Model) -> None:
    paths = sorted(shipped("seeds").iterdir())
    articles = [article for path in paths for article in read_articles(read_bytes(path), path.name)]
    held_out = read(shipped("labels") / "held-out" / "dev.jsonl")
    articles += [judged.article for judged in held_out]

    tagged = served.tag_all(articles)

    assert [found.tags for found in tagged] == [found.tags for found in PlainTagger(served).tag_all(articles)]
    assert sum(bool(found.tags) for found in tagged) > 100


def test_the_table_scores_words_never_seen_as_scikit_learn_does(served: Model, reference: Reference) -> None:
    texts = [
        "Petrorefining overelectrification",
        "нефтегазопереработчикам",
        "بالبتروكيماوياتهم",
        "мұнайгазшылардың",
    ]
    known = set(served.weights.words)

    scores = served.scores(texts)

    assert not known & {word.lower() for text in texts for word in text.split()}
    assert np.abs(scores - reference.scores(texts)).max() < EXACT
    assert np.abs(scores - served.weights.intercepts).max() > 0.1


@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
def test_the_table_scores_any_unicode_as_scikit_learn_does(
    served: Model, reference: Reference, texts: list[str]
) -> None:
    assert np.abs(served.scores(texts) - reference.scores(texts)).max() < EXACT


@given(
    word=st.sampled_from(PIECES) | st.text(min_size=1, max_size=5),
    between=st.sampled_from([" ", "", ",", "\n", " и "]),
    times=st.integers(1, 3_000),
)
def test_the_table_scores_a_word_said_over_and_over_as_scikit_learn_does(
    served: Model, reference: Reference, word: str, between: str, times: int
) -> None:
    texts = [f"oil {word}{between}" * times, (word + between) * times]

    assert np.abs(served.scores(texts) - reference.scores(texts)).max() < EXACT


@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
def test_a_text_has_the_same_score_among_others_and_alone(served: Model, texts: list[str]) -> None:
    many = [text for text in texts for _ in range(40)]
    filler = "The oil of the region. " * 2_000

    scores = served.scores([*many, filler, *many])

    alone = np.concatenate([served.scores([text]) for text in many])
    assert scores.shape == (2 * len(many) + 1, len(served.topics))
    assert np.abs(scores[: len(many)] - alone).max() < EXACT
    assert np.abs(scores[len(many) + 1 :] - alone).max() < EXACT


ARTICLES = st.builds(
    compose,
    st.none() | st.sampled_from(["Oil rises", "Нефть", "\u0301", "2026"]),
    TEXTS,
    language=st.sampled_from([None, "en", "ru", "kk", "ar"]),
)


@given(articles=st.lists(ARTICLES, max_size=6))
def test_articles_get_the_same_tags_together_and_one_by_one(served: Model, articles: list[Article]) -> None:
    assert served.tag_all(articles) == [served.tag(article) for article in articles]


@given(articles=st.lists(ARTICLES, max_size=6))
def test_what_was_tagged_before_changes_no_tag(articles: list[Article]) -> None:
    generous = {"energy": Cuts(0.0, 0.0), "trade": Cuts(0.0, 0.0)}
    fresh, used = small_model(cuts=generous), small_model(cuts=generous)
    used.tag_all(articles[::-1])

    assert used.tag_all(articles) == fresh.tag_all(articles)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_tags_articles_together_as_one_by_one(name: str) -> None:
    model = small_model(recipe=RECIPES[name], cuts={"energy": Cuts(0.0, 0.0), "trade": Cuts(0.0, 0.0)})
    articles = [compose("Oil rises", "Gas export.\n\nOil."), Article(""), compose(None, "Nothing of it.")]

    assert model.tag_all(articles) == [model.tag(article) for article in articles]
    assert model.tag_all([]) == []


def test_an_article_of_blanks_is_about_nothing() -> None:
    tagged = small_model().tag(Article(" \n\n "))

    assert not tagged.tags
    assert tagged.probabilities == small_model().tag(Article("…")).probabilities


def test_words_without_a_blank_between_them_are_scored_as_if_there_were_one(served: Model) -> None:
    joined, apart = served.scores(["oil,нефть…gas-2026(oil)/" * 20_000, "oil нефть gas 2026 oil " * 20_000])

    assert np.abs(joined - apart).max() < EXACT


@given(text=TEXTS, topic=st.sampled_from(["energy", "space"]))
def test_what_the_words_contribute_sums_to_the_score_without_the_intercept(
    served: Model, text: str, topic: str
) -> None:
    column = served.topics.index(topic)

    contributed = sum(served.contributions(text, topic).values())

    score = served.scores([text])[0, column]
    assert abs(contributed - (score - served.weights.intercepts[column])) < EXACT


def test_contributions_are_told_of_words_as_they_stand_in_the_text(served: Model) -> None:
    text = "OIL, қала مۇناي «Нефть» oil"

    told = served.contributions(text, "energy")

    assert {"OIL", "oil", "Нефть"} <= set(told)
    assert set(told) <= {"OIL", "қала", "مۇناي", "Нефть", "oil"}


def test_what_a_word_contributes_grows_slower_than_it_is_repeated() -> None:
    model = small_model()

    found = model.contributions("oil export Oil OIL", "energy")

    # Said three times, and shared by the three ways in which it is written.
    often = 1.0 + np.log(3.0)
    norm = np.sqrt(2.0 * often + 2.5)
    assert found["oil"] == found["Oil"] == found["OIL"]
    assert found["oil"] * 3 == pytest.approx(4.0 * often / norm, abs=EXACT)
    assert found["export"] == pytest.approx(-1.0 / norm, abs=EXACT)


def test_a_score_is_the_sum_over_words_divided_by_the_root_of_their_shares() -> None:
    model = small_model()

    (energy, trade), (nothing, _) = model.scores(["Oil, gas and export!", "2026 – 5"]).tolist()

    # "and" has no run that the model knows.
    assert energy == pytest.approx((4.0 + 3.0 - 1.0) / np.sqrt(2.0 + 1.5 + 2.5) - 1.0, abs=EXACT)
    assert trade == pytest.approx((-1.0 - 0.5 + 5.0) / np.sqrt(2.0 + 1.5 + 2.5) - 2.0, abs=EXACT)
    assert nothing == -1.0


def test_a_word_never_seen_is_scored_by_the_runs_inside_it() -> None:
    model = small_model()

    ((energy, trade),) = model.scores(["oilgas"]).tolist()

    norm = np.sqrt(1.5**2 + 1.25**2 + 1.75**2)
    assert energy == pytest.approx((1.5 * 0.5 + 1.25 * 0.75 + 1.75 * 1.0) / norm - 1.0, abs=EXACT)
    assert trade == pytest.approx((1.25 * -0.25) / norm - 2.0, abs=EXACT)


def test_texts_without_words_leave_their_neighbours_scores_alone() -> None:
    model = small_model()

    together = model.scores(["", "oil", " … ", "export gas", ""])

    assert together[1].tolist() == model.scores(["oil"])[0].tolist()
    assert together[3].tolist() == model.scores(["export gas"])[0].tolist()
    assert together[[0, 2, 4]].tolist() == [model.weights.intercepts.tolist()] * 3
    assert model.scores([]).shape == (0, 2)


def test_a_word_never_seen_is_computed_once_and_remembered_until_the_memory_is_full() -> None:
    model = small_model()
    first = model.scores(["oilfield"]).tolist()

    # From here on a word that is computed anew has other scores.
    model.weights.run_coefficients[:] = 0.0
    remembered = model.scores(["oilfield"]).tolist()
    model.scores([FLOOD])
    computed_anew = model.scores(["oilfield"]).tolist()

    assert remembered == first
    assert computed_anew != first


def test_a_table_whose_memory_is_full_still_gives_equal_scores() -> None:
    model = small_model()
    texts = ["oilfield gasworks", "gaslight export", "oil"]
    before = model.scores(texts).tolist()

    model.scores([FLOOD])
    others = model.scores(["exporters of oilskin", "biogas"]).tolist()
    after = model.scores(texts).tolist()

    assert after == before
    assert others == small_model().scores(["exporters of oilskin", "biogas"]).tolist()


def test_many_words_never_seen_in_one_text_are_each_scored() -> None:
    stems = ["oil", "gas", "exp", "ort", "xyz"]
    tokens = [
        f"{stem}{chr(97 + a)}{chr(97 + b)}{stem}" for stem in stems for a in range(26) for b in range(26)
    ]
    model = small_model()

    together = model.scores([" ".join(tokens), *tokens])

    assert len(tokens) > 3_000
    assert together[1:].tolist() == [small_model().scores([token])[0].tolist() for token in tokens]


def test_a_word_of_a_megabyte_is_scored_quickly(served: Model) -> None:
    started = time.perf_counter()
    served.scores(["oil" * 350_000, "нефть" * 200_000])

    assert time.perf_counter() - started < 1.0


def test_tagging_again_gives_the_same(served: Model) -> None:
    article = Article(" ".join(seed_passages()[:5]), language="en")

    assert served.tag(article) == served.tag(article)


WORDS = st.text(st.characters(categories=["L"]), min_size=4, max_size=40)


@given(WORDS)
def test_the_runs_of_a_word_are_those_of_scikit_learn(word: str) -> None:
    analyse = CountVectorizer(analyzer="char_wb", ngram_range=(3, 6), lowercase=False).build_analyzer()

    assert sorted(runs(word)) == sorted(analyse(word))


def test_a_short_word_is_not_taken_again_and_again() -> None:
    assert runs("un") == [" un", "un ", " un "]
    assert PASSAGES.features("un") == ["=un", " un", "un ", " un "]
    assert [is_run(feature) for feature in PASSAGES.features("un")] == [False, True, True, True]


@pytest.fixture(scope="module")
def small_corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("small-corpus")
    return load_corpus(folder, write_labels(folder / "labels"))


def test_a_trained_model_has_the_features_and_idf_of_scikit_learn(small_corpus: Corpus) -> None:
    texts = [term.text for term in small_corpus.terms()]
    texts += [stretch.text for judged in small_corpus.articles for stretch in judged.stretches]
    counter = CountVectorizer(
        analyzer=lambda text: [f for word in PASSAGES.words_of(text) for f in PASSAGES.features(word)],
        min_df=2,
    )
    idf = TfidfTransformer().fit(counter.fit_transform(texts)).idf_

    material = Material(small_corpus, PASSAGES, terms=True)
    trained = Reference(material.serving(fit(material.matrix, material.truth, PASSAGES)))

    expected = dict(zip(counter.get_feature_names_out(), idf, strict=True))
    assert dict(zip(trained.names, trained.idf, strict=True)) == pytest.approx(expected, abs=EXACT)
    assert whole("oil") in expected
    assert whole("reactor") not in expected


@pytest.mark.parametrize("name", RECIPES)
def test_an_article_has_the_same_scores_in_training_and_in_serving(small_corpus: Corpus, name: str) -> None:
    recipe = RECIPES[name]
    articles = [
        replace(
            judged, article=compose(" ".join(judged.article.text.split()[:4]), f"{judged.article.text} " * 2)
        )
        for judged in small_corpus.articles
    ]
    material = Material(replace(small_corpus, articles=tuple(articles)), recipe, terms=False)
    fitted = fit(material.matrix, material.truth, recipe)
    model = small_model(weights=material.serving(fitted), recipe=recipe, calibration={"": small_curve()})

    trained = np.concatenate(list(material.passage_scores(range(len(articles)), fitted)))
    served = [model.article_scores(judged.article, judged.passages) for judged in articles]

    assert np.abs(np.concatenate(served) - trained).max() < EXACT
    assert np.abs(trained - fitted.intercepts).max() > 0.1
