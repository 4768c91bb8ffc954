"""Articles for the rig, each with its running number: no two tell the same event, unless one follows up.

Names and figures come out of the number, so the same number always gives the same bytes. They are
written for the small model of `tests.builders`, which knows oil, gas and export.
"""

from __future__ import annotations

import random

_BEGINNINGS = "Bal Dar Fen Hul Kam Lin Mur Nav Pel Quin Rav Sel Tam Ulf Vask Wen Yar Zal".split()
_MIDDLES = "a e i u ade iru uma ene ali".split()
_ENDINGS = "bek dan kul lam mir nak rin sey tau vin wick zan".split()
_SENTENCES = (
    "{person} of {company} said in {town} that oil from the {river} field would flow by day {day}",
    "Crews led by {person} sealed {figure} metres of gas pipe between {town} and {village}",
    "The mayor of {village}, {person}, asked {company} for {figure} tonnes of oil before winter",
    "{company} burned {figure} tonnes of gas at its plant on the {river}",
    "A judge in {town} let {company} keep {figure} barrels of oil that {person} had claimed",
    "Divers found {figure} litres of oil in the {river} below {village}",
    "{person} paid {figure} crowns for a share of the gas field at {village}",
    "Farmers near {village} have had no gas since {person} shut valve {day}",
)
_TRADE = (
    "{person} of {company} said in {town} that each export to {village} pays {figure} crowns of duty",
    "The export of {figure} chairs from {town} was stopped at the {river} bridge on day {day}",
    "{company} will export {figure} carpets to {village}, which {person} called a good year",
    "A judge in {village} let {person} export {figure} violins that {company} had claimed",
)
_QUIET = (
    "{person} scored {figure} points for {town} and was carried through {village} by the crowd",
    "The coach of {village}, {person}, praised his calm in front of goal",
    "A painting of the {river} by {person} was hung in {town} hall {day}",
    "{person} sang for {figure} guests in {village} on Sunday night",
)


def article_text(number: int, *, quiet: bool = False, arabic: bool = False) -> bytes:
    """An article with its number in title and text; one that is not quiet is alerted as energy."""
    if arabic:
        return _arabic(number)
    facts = _facts(number)
    if quiet:
        title, first = "wins again", "{person} of {village} won {figure} medals for {town}"
    else:
        title, first = "has oil again", "{company} pumps {figure} barrels of oil near {village}"
    sentences = [first.format(**facts), *_told(number, facts, _QUIET if quiet else _SENTENCES)]
    return f"{facts['town']} number {number} {title}\n{'. '.join(sentences)}.\n".encode()


def trade_text(number: int) -> bytes:
    """The same, alerted as trade."""
    facts = _facts(number)
    first = "{company} of {town} may export {figure} clocks to {village}".format(**facts)
    told = ". ".join([first, *_told(number, facts, _TRADE)])
    return f"{facts['town']} number {number} has an export\n{told}.\n".encode()


def follow_up_text(number: int, of: int) -> bytes:
    """An article of its own that goes on with the event of another: the same names, and a new figure."""
    facts = _facts(of)
    news = _facts(number)
    return (
        f"{facts['town']} number {number} sends gas to {news['town']}\n"
        f"After {facts['company']} and {facts['person']} made peace over the {facts['river']} field near"
        f" {facts['village']}, oil worth {news['figure']} crowns went from {facts['town']} to {news['town']}."
        f" {facts['person']} thanked {news['person']}, for whom {facts['company']} pumps {facts['figure']}"
        f" barrels of oil on the {facts['river']}.\n"
    ).encode()


def more_of(number: int) -> bytes:
    """What a slow writer adds to an article."""
    facts = _facts(number)
    return f"Oil and gas number {number} flow as before, said {facts['company']}.\n".encode()


def _facts(number: int) -> dict[str, str]:
    chance = random.Random(number)
    facts = {name: _name(chance) for name in ("town", "village", "river")}
    facts["person"] = f"{_name(chance)} {_name(chance)}"
    facts["company"] = f"{_name(chance)} {_name(chance)} Company"
    return facts | {"figure": str(chance.randrange(1200, 990_000)), "day": str(chance.randrange(40, 900))}


def _told(number: int, facts: dict[str, str], sentences: tuple[str, ...]) -> list[str]:
    """Two of the sentences, each with a figure of its own."""
    chance = random.Random(-number - 1)
    told = []
    for sentence in chance.sample(sentences, 2):
        figures = {"figure": str(chance.randrange(1200, 990_000)), "day": str(chance.randrange(40, 900))}
        told.append(sentence.format(**facts | figures))
    return told


def _name(chance: random.Random) -> str:
    return chance.choice(_BEGINNINGS) + chance.choice(_MIDDLES) + chance.choice(_ENDINGS)


def _arabic(number: int) -> bytes:
    return (
        f"مصفاة النفط number {number} تستأنف العمل oil\n"
        f"استأنفت مصفاة النفط number {number} تكرير الخام oil بعد شهر من الصيانة، وقالت وزارة الطاقة"
        " إن إنتاج البنزين والغاز الطبيعي سيعود إلى مستواه خلال أيام oil gas.\n"
    ).encode()
