"""Builders fill in what a test is not about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection

from classifier.articles import Article, Grade
from classifier.model import Model
from classifier.names import Names
from classifier.table import Weights
from classifier.tagging import FEATURES, Calibration, Cuts, Evidence, Tag, Tagged
from daemon import ledger, outbox
from daemon.config import Receiver, Retrain, Route, Settings, load_settings
from daemon.records import Alert, AlertTopic, FileState, alert_key

NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)

ENERGY_ARTICLE = (
    "Refinery in Atyrau restarts crude unit\n"
    "The oil refinery in Atyrau resumed processing crude oil on Monday after a month of repairs,"
    " and petrol output will return to normal within days, the energy ministry said.\n"
    "Gas supplies to power plants in the region were not affected.\n"
)
QUIET_ARTICLE = (
    "Striker signs for rivals\n"
    "The forward scored twice on his debut as the visitors won the derby 3-1 on Sunday night in"
    " front of forty thousand spectators, the coach praising his calm in front of goal.\n"
)
ARABIC_ENERGY_ARTICLE = (
    "مصفاة النفط تستأنف العمل\n"
    "استأنفت مصفاة النفط تكرير الخام بعد شهر من الصيانة، وقالت وزارة الطاقة إن إنتاج البنزين والغاز"
    " الطبيعي سيعود إلى مستواه خلال أيام.\n"
)


def make_tag(
    topic: str = "energy",
    grade: Grade = Grade.MAIN,
    probability: float = 0.9,
    passage: str = "The refinery restarted.",
) -> Tag:
    words = (("refinery", 1.2), ("restarted", 0.1))
    return Tag(topic, grade, probability, (Evidence(passage, 0, len(passage), 0.9, words),))


def make_tagged(*tags: Tag, text: str = "A title\nA text.", language: str | None = "en") -> Tagged:
    article = Article(text, title=text.split("\n", 1)[0], language=language)
    return Tagged(article, tags, {tag.topic: tag.probability for tag in tags}, "model-1")


def make_alert(receiver: str = "desk", number: int = 1, **changes: Any) -> Alert:
    alert = Alert(
        key=alert_key(receiver, f"article {number}"),
        receiver=receiver,
        headline=f"Headline {number}",
        language="en",
        date=None,
        source=None,
        file=f"article-{number}.txt",
        topics=(AlertTopic("energy", "Energy", "main", 0.93, "The refinery restarted.", ("refinery",)),),
        model="model-1",
    )
    return replace(alert, **changes)


def make_settings(home: Path, **changes: Any) -> Settings:
    settings = load_settings(None, home, frozenset())
    return settings.model_copy(update={"settle": 0.0, **changes})


def console_receiver(name: str = "desk") -> Receiver:
    return Receiver(name=name, type="console")


def make_route(**values: Any) -> Route:
    return Route(**{"receiver": "desk", **values})


def never_retrain() -> Retrain:
    return Retrain(cron="never")


def owe(connection: Connection, alert: Alert, now: datetime = NOON) -> int:
    """Owe an alert, with a file and an article of its own; returns the article's id."""
    file = ledger.record_file(
        connection, fingerprint=alert.key, name=alert.file, size=1, state=FileState.DONE, now=now
    )
    tagged = make_tagged(make_tag(), text=f"{alert.headline}\nText of {alert.key}.")
    article = ledger.record_article(connection, file, 0, tagged, now=now)
    assert article is not None
    outbox.add(connection, alert, article=article, now=now)
    return article


ENERGY_EXAMPLES = (
    "The refinery in Pavlodar will stop for repairs in May, and petrol will be brought by rail.",
    "Oil output at the offshore field rose by a tenth after two wells were drilled.",
    "A gas pipeline to the southern regions was tested and gas will reach homes by winter.",
    "The power plant burned more coal than planned because hydropower was short.",
    "Crude oil prices fell as the producers agreed to pump more oil.",
    "The grid operator cut electricity to two towns after a storm brought down lines.",
    "Engineers loaded fuel into the reactor of the new nuclear power station.",
    "Solar panels now supply a third of the electricity of the island.",
)
TRADE_EXAMPLES = (
    "Exports to the neighbouring country rose by a fifth, and imports fell, the customs service said.",
    "The two governments signed a free trade agreement that abolishes most tariffs.",
    "Investors from the Gulf agreed deals worth two billion at the business forum.",
    "The tariff on imported steel was doubled, and exporters asked for relief.",
    "Trade turnover between the two countries reached a record, the ministry of trade said.",
    "Importers of furniture complain of a new duty at the border of the customs union.",
    "A trade mission of forty exporters left for a forum on investment in Jakarta.",
    "The ban on exports of scrap metal was prolonged, which traders had opposed.",
)
NOTHING_EXAMPLES = (
    "The forward scored twice on his debut as the visitors won the derby on Sunday night.",
    "The actress married her director in a small church by the sea, their agent said.",
    "A court gave the burglar four years after the jury had heard nine witnesses.",
    "The orchestra opens its season with a symphony that nobody has played for a century.",
    "The king received the ambassador, who presented his letters of credence.",
    "Firemen saved a cat and two children from the roof of a burning house.",
    "The novelist has died at the age of ninety, her family told the paper.",
    "The chess player drew his last game and keeps the title for a further year.",
    "The police seek a man who was seen near the jeweller on the night of the theft.",
    "Fans queued all night for tickets to the last concert of the band.",
    "The bishop blessed the new bells of the cathedral before a large crowd.",
    "Two former ministers were sentenced for slander of a judge.",
    "The museum shows letters that the painter wrote to his brother.",
    "A tennis player withdrew from the tournament with a sore wrist.",
    "The president named a new commander of the guard and thanked the old one.",
    "Soldiers shelled the village again during the night, witnesses said.",
    "The series about a detective in Naples will not be continued.",
    "A fashion house presented its dresses for the autumn in Milan.",
    "The mayor laid flowers at the monument to those who fell in the war.",
    "Her third album tells of a childhood spent among the circus people.",
    "The boxer was knocked out in the second round and taken to his corner.",
    "The party chose its candidate for the election by a narrow vote.",
    "An old castle was opened to visitors after years of restoration.",
    "The goalkeeper signed for two more seasons with the champions.",
)
SMALL_TOPICS = """\
[energy]
title = "Energy"
covers = "oil, gas and electricity"
terms.en = ["crude oil", "power plant"]

[trade]
title = "Trade"
covers = "exports, imports and tariffs"
terms.en = ["exports", "import duty"]
"""


def write_labels(folder: Path, *, sheet: str = "", topics: str = SMALL_TOPICS) -> Path:
    """A folder of labels for two topics, quick to train from; `sheet` is one more sheet of examples."""
    examples = folder / "examples" / "en"
    examples.mkdir(parents=True, exist_ok=True)
    (folder / "topics.toml").write_text(topics, encoding="utf-8")
    for left, texts in (("energy", ENERGY_EXAMPLES), ("trade", TRADE_EXAMPLES), ("-", NOTHING_EXAMPLES)):
        name = "nothing" if left == "-" else left
        rows = "".join(f"{left}\t{text}\n" for text in texts)
        (examples / f"{name}.tsv").write_text(rows, encoding="utf-8")
    if sheet:
        (examples / "more.tsv").write_text(sheet, encoding="utf-8")
    return folder


def small_curve(offset: float = 0.0) -> Calibration:
    """An article's probability from the first of the features alone."""
    return Calibration((1.0, *[0.0] * (len(FEATURES) - 1)), offset)


def small_model(**changes: Any) -> Model:
    """A model of two topics and three words, made by hand."""
    weights = Weights(
        words=Names.of(["export", "gas", "oil"]),
        word_rows=np.array([[-1.0, 5.0, 2.5], [3.0, -0.5, 1.5], [4.0, -1.0, 2.0]]),
        runs=Names.of([" oi", "exp", "gas", "il ", "oil", "ort"]),
        run_coefficients=np.array(
            [[0.5, 0.0], [0.0, 1.5], [1.0, 0.0], [0.25, 0.0], [0.75, -0.25], [-0.25, 1.0]], dtype=np.float32
        ),
        run_idf=np.array([1.5, 1.5, 1.75, 2.0, 1.25, 2.25]),
        intercepts=np.array([-1.0, -2.0]),
    )
    model = Model(
        version="small",
        topics=("energy", "trade"),
        titles={"energy": "Energy", "trade": "Trade"},
        cuts={"energy": Cuts(0.5, 0.25), "trade": Cuts(0.6, 0.25)},
        calibration={"": small_curve(), "ru": small_curve(-0.5)},
        weights=weights,
        labels_fingerprint="0" * 64,
        quality={"all": {"f1": 0.5}},
    )
    return replace(model, **changes)
