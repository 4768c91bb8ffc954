"""A message as blocks: what a desk reads and can press, within Slack's limits, whatever is in the article."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from daemon import plain
from daemon.actions import Action, Verb, from_value
from daemon.blocks import MOST_ENTRIES, Block, blocks, parts, problems
from daemon.limits import json_size, text_size
from daemon.messages import DigestBody, Entry, Form, Leading, Message, Remark, TopicVolume, alone
from daemon.neutral import JOINT
from daemon.records import Alert, AlertTopic
from tests.builders import make_alert
from tests.hostile import BODIES, LONG, MESSAGES, fullest, request
from tests.thoroughness import cases

CHOICES = (("energy", "Energy"), ("trade", "Trade"), ("space", "Space"))
ARABIC = "استأنفت مصفاة النفط العمل"


def make_topic(title: str, grade: str = "main", *words: str, passage: str = "It restarted.") -> AlertTopic:
    return AlertTopic(title.lower(), title, grade, 0.93, passage, words)


def make_message(alert: Alert | None = None, *remarks: Remark, **changes: Any) -> Message:
    entry = Entry(alert or make_alert(), remarks)
    return replace(alone(entry.alert), entries=(entry,), choices=CHOICES, **changes)


def make_burst(number: int, **changes: Any) -> Message:
    entries = tuple(Entry(make_alert(number=each)) for each in range(number))
    return Message("0" * 32, "desk", **{"form": Form.BURST, "entries": entries, **changes})


def make_digest(number: int = 2, **changes: Any) -> Message:
    leading = tuple(Leading(f"Article {each}", "https://wire.example/1", "Wire", 0.9) for each in range(3))
    volumes = tuple(TopicVolume(f"t{each}", f"Topic {each}", 3, (1, 2), leading) for each in range(number))
    body = DigestBody("Digest of 22 November", "21 November", "22 November", 5, ("21 Nov", "22 Nov"), volumes)
    return Message("0" * 32, "desk", Form.DIGEST, digest=replace(body, **changes))


def texts(found: list[Block]) -> list[str]:
    """All that a reader reads, without joints."""

    def of(block: Block) -> Iterator[str]:
        for part in [block["text"]] if "text" in block else block.get("elements", []):
            if part.get("type") in ("mrkdwn", "plain_text"):
                yield part["text"].replace(JOINT, "")

    return [text for block in found for text in of(block)]


def pressed(found: list[Block]) -> dict[str, list[tuple[str, Action | None]]]:
    """What can be pressed: by action_id the labels and what each does."""
    elements = [element for block in found if block["type"] == "actions" for element in block["elements"]]
    elements += [block["accessory"] for block in found if "accessory" in block]
    return {
        element["action_id"]: [
            (choice["text"]["text"], from_value(choice["value"]))
            for choice in element.get("options", [element])
        ]
        for element in elements
    }


def test_an_alert_has_title_facts_each_topic_with_its_sentence_and_the_words_that_counted() -> None:
    alert = make_alert(
        source="Wire",
        date="5 March",
        url="https://wire.example/1",
        topics=(
            make_topic("Energy", "main", "refinery", "crude", passage="The refinery restarted."),
            make_topic("Trade", "mention", "crude", "exports", passage="Exports grew."),
        ),
    )

    found = blocks(make_message(alert))

    assert [block["type"] for block in found] == [
        "section", "context", "section", "section", "context", "actions",
    ]  # fmt: skip
    assert texts(found) == [
        "*<https://wire.example/1|Headline 1>*",
        "Wire · 5 March · en · article-1.txt",
        "*Energy 93%*\n“The refinery restarted.”",
        "*Trade 93% (mention)*\n“Exports grew.”",
        "why: refinery, crude, exports",
    ]


def test_a_headline_of_no_known_address_is_no_link() -> None:
    assert texts(blocks(make_message()))[0] == "*Headline 1*"


def test_topics_beyond_the_sixth_are_only_named() -> None:
    alert = make_alert(topics=tuple(make_topic(f"T{number}") for number in range(8)))

    said = texts(blocks(make_message(alert)))

    assert [text.split("\n")[0] for text in said[2:8]] == [f"*T{number} 93%*" for number in range(6)]
    assert said[8] == "also: T6 93%, T7 93%"


def test_text_from_right_to_left_stands_in_its_own_direction() -> None:
    alert = make_alert(
        headline=ARABIC, topics=(make_topic("Energy", "main", "مصفاة", "النفط", passage=ARABIC),)
    )

    said = texts(blocks(make_message(alert)))

    assert said[0] == f"*\u2067{ARABIC}\u2069*"
    assert said[2] == f"*Energy 93%*\n\u2067«{ARABIC}»\u2069"
    assert said[3] == "why: \u2067مصفاة\u2069, \u2067النفط\u2069"


def test_a_reply_in_the_thread_of_its_story_says_what_is_new() -> None:
    alert = make_alert(follows="Refinery burns", news=("4.5 million", "Aktau", "topic Energy"))

    said = texts(blocks(make_message(alert, thread="1700000000.000100")))

    assert said[:2] == ["↳ follow-up · new: 4.5 million, Aktau, topic Energy", "*Headline 1*"]


def test_a_reply_that_found_no_thread_names_its_story() -> None:
    said = texts(blocks(make_message(make_alert(follows="Refinery burns"))))

    assert said[0] == "↳ follow-up of “Refinery burns”"


@pytest.mark.parametrize(
    ("also_in", "further", "said"),
    [
        (("Daily", "Gazette"), 2, "also in: 2 sources (Daily, Gazette)"),
        (("Daily",), 4, "also in: 1 source (Daily) · 4 further articles"),
        (("A", "B", "C", "D", "E"), 5, "also in: 5 sources"),
        ((), 4, "4 further articles"),
        ((), 1, "1 further article"),
    ],
)
def test_the_parent_of_a_story_says_who_else_tells_it(
    also_in: tuple[str, ...], further: int, said: str
) -> None:
    entry = Entry(make_alert(), also_in=also_in, further=further)

    assert said in texts(blocks(replace(make_message(), entries=(entry,))))


def test_remarks_are_shown_by_person_and_a_member_of_slack_by_their_id() -> None:
    said = texts(
        blocks(
            make_message(
                make_alert(topics=(make_topic("Energy"), make_topic("Trade"))),
                Remark("U123", "energy", "right"),
                Remark("U123", "trade", "wrong"),
                Remark("ana <!here>", "energy", "right"),
                Remark("ana <!here>", "space", "right"),
            )
        )
    )

    assert said[-1] == "✓ Energy · ✗ Trade — <@U123>\n✓ Energy · + Space — ana &lt;!here&gt;"


@pytest.mark.parametrize(
    "person", ["U1", "u07ana", "U123>", "U123 <!here>", "Uma", "<@U123>", "W\u0660\u0661"]
)
def test_nobody_else_is_mentioned(person: str) -> None:
    said = texts(blocks(make_message(None, Remark(person, "energy", "right"))))

    assert not any("<@" in text for text in said)


def test_a_disagreement_is_shown_before_who_said_what() -> None:
    remarks = (
        Remark("U1AA", "energy", "right"),
        Remark("U2BB", "energy", "wrong"),
        Remark("U3CC", "energy", "wrong"),
    )

    said = texts(blocks(make_message(None, *remarks)))

    assert said[-1].split("\n") == [
        "not agreed: Energy (1 ✓ 2 ✗)",
        "✓ Energy — <@U1AA>",
        "✗ Energy — <@U2BB>",
        "✗ Energy — <@U3CC>",
    ]


def test_of_many_persons_the_last_are_only_counted() -> None:
    remarks = [Remark(f"U{number:03}", "energy", "right") for number in range(11)]

    assert texts(blocks(make_message(None, *remarks)))[-1].endswith("\nand 3 more persons: 3 ✓")


def test_what_can_be_pressed_says_what_it_does() -> None:
    key = make_alert().key

    assert pressed(blocks(make_message())) == {
        "0-right": [("✓ right", Action(Verb.RIGHT, key))],
        "0-wrong": [("✗ wrong", Action(Verb.WRONG, key))],
        "0-other": [
            ("Trade", Action(Verb.OTHER, key, "trade")),
            ("Space", Action(Verb.OTHER, key, "space")),
        ],
        "0-mute": [
            ("Energy for 2 hours", Action(Verb.MUTE, key, "energy", "2h")),
            ("Energy for a day", Action(Verb.MUTE, key, "energy", "1d")),
            ("Energy for a week", Action(Verb.MUTE, key, "energy", "1w")),
        ],
    }


def test_each_of_several_topics_can_be_wrong_by_itself() -> None:
    alert = make_alert(topics=tuple(make_topic(f"T{number}") for number in range(7)))

    found = pressed(blocks(make_message(alert)))

    assert [label for name in found if "wrong" in name for label, _ in found[name]] == [
        f"✗ T{number}" for number in range(5)
    ]
    assert found["0-wrong-1"] == [("✗ T1", Action(Verb.WRONG, alert.key, "t1"))]
    assert len(found["0-mute"]) == 9


def test_a_topic_whose_click_would_not_come_back_is_not_offered() -> None:
    choices = (("x" * 112, "Long"), ("two words", "Two"), ("x" * 80, "As long as may be"))

    found = pressed(blocks(replace(make_message(), choices=choices)))

    assert [label for label, _ in found["0-other"]] == ["As long as may be"]


@pytest.mark.parametrize(("choices", "offered"), [(40, 40), (100, 80), (150, 80)])
def test_of_very_many_topics_the_first_are_offered(choices: int, offered: int) -> None:
    message = replace(make_message(), choices=tuple((f"t{each}", f"Topic {each}") for each in range(choices)))

    assert len(pressed(blocks(message))["0-other"]) >= offered
    assert problems(request(message)) == []


def test_what_was_said_can_be_taken_back() -> None:
    before = blocks(make_message())
    after = blocks(make_message(None, Remark("U123", "energy", "right")))

    assert "0-undo" not in pressed(before)
    assert pressed(after)["0-undo"] == [("undo", Action(Verb.UNDO, make_alert().key))]


def test_menus_forget_what_was_chosen_when_the_message_is_shown_anew_with_a_remark() -> None:
    before = blocks(make_message())[-1]
    after = blocks(make_message(None, Remark("U123", "energy", "right")))[-1]

    assert before["block_id"] == blocks(make_message())[-1]["block_id"]
    assert before["block_id"] != after["block_id"]


@pytest.mark.parametrize("make", [make_message, lambda: make_burst(3)])
def test_without_an_app_that_hears_clicks_nothing_can_be_pressed(make: Callable[[], Message]) -> None:
    message = make()

    assert pressed(blocks(message)) != {}
    assert pressed(blocks(message, interactive=False)) == {}


@pytest.mark.parametrize(
    ("form", "heading"),
    [
        (Form.BURST, ["17 articles at once"]),
        (Form.QUIET, ["While it was quiet: 17 articles"]),
        (Form.LIST, []),
    ],
)
def test_several_alerts_have_a_heading_an_entry_each_and_how_many_more_there_are(
    form: Form, heading: list[str]
) -> None:
    alert = make_alert(
        url="https://wire.example/1",
        source="Wire",
        topics=(make_topic("Energy"), make_topic("Trade", "mention")),
    )
    message = make_burst(
        0, form=form, entries=(Entry(alert), Entry(make_alert(number=2), further=2)), more=15
    )

    assert texts(blocks(message)) == [
        *heading,
        "*<https://wire.example/1|Headline 1>*\nEnergy 93%, Trade 93% (mention) · Wire\n“It restarted.”",
        "*Headline 2*\nEnergy 93% · 2 further articles\n“The refinery restarted.”",
        "and 15 more in this thread",
    ]


def test_each_of_several_alerts_has_a_small_menu_of_its_own() -> None:
    found = pressed(blocks(make_burst(2)))

    key = make_alert(number=1).key
    assert found["1-more"] == [
        ("✓ right", Action(Verb.RIGHT, key)),
        ("✗ wrong", Action(Verb.WRONG, key)),
        ("mute Energy for 2 hours", Action(Verb.MUTE, key, "energy", "2h")),
        ("mute Energy for a day", Action(Verb.MUTE, key, "energy", "1d")),
        ("mute Energy for a week", Action(Verb.MUTE, key, "energy", "1w")),
    ]


def test_so_many_long_alerts_in_cyrillic_fit_with_their_menus_and_quotes() -> None:
    passage = "Министерство энергетики сообщило, что завод возобновил переработку нефти после ремонта. " * 3
    alert = make_alert(
        headline="Атырауский завод возобновил работу после месяца ремонта, сообщило министерство",
        url="https://wire.example/" + "x" * 60,
        source="Степной вестник",
        topics=(make_topic("Energy", passage=passage), make_topic("Trade", "mention", passage=passage)),
    )
    message = make_burst(0, entries=(Entry(alert),) * MOST_ENTRIES, more=40)

    said = texts(blocks(message))

    assert problems(request(message)) == []
    assert len(pressed(blocks(message))) == MOST_ENTRIES
    assert sum("“Министерство энергетики" in text for text in said) == MOST_ENTRIES


def test_a_digest_has_its_numbers_and_the_leading_articles_of_each_topic() -> None:
    found = blocks(replace(make_digest(held=True), picture="F123"))

    leading = "".join(f"\n• <https://wire.example/1|Article {each}> — Wire" for each in range(3))
    assert texts(found) == [
        "Digest of 22 November",
        "5 articles · 2 topics · 21 November – 22 November",
        "Each of these articles follows in this thread.",
        f"*Topic 0* · 3 articles{leading}",
        f"*Topic 1* · 3 articles{leading}",
    ]
    assert found[-1] == {
        "type": "image",
        "slack_file": {"id": "F123"},
        "alt_text": "Articles by topic: Topic 0 3 (21 Nov 1, 22 Nov 2); Topic 1 3 (21 Nov 1, 22 Nov 2).",
    }


def test_a_digest_without_a_picture_has_no_image() -> None:
    assert "image" not in {block["type"] for block in blocks(make_digest())}


def test_a_digest_that_fits_stays_one() -> None:
    body = make_digest().digest
    assert body is not None

    assert parts(body) == (body,)
    assert parts(replace(body, volumes=())) == (replace(body, volumes=()),)


def test_a_long_digest_is_split_and_each_part_says_which_it_is_and_all_it_has() -> None:
    body = make_digest(60).digest
    assert body is not None

    split = parts(body)

    assert [(part.part, part.parts) for part in split] == [(1, 2), (2, 2)]
    assert tuple(volume for part in split for volume in part.volumes) == body.volumes
    for part in split:
        message = replace(make_digest(), digest=part, picture="F123")
        said = texts(blocks(message))
        assert problems(request(message)) == []
        assert said[0] == f"Digest of 22 November ({part.part} of 2)"
        assert sum(text.count("• ") for text in said) == 3 * len(part.volumes)


def test_each_topic_of_a_digest_has_a_section_of_its_own() -> None:
    body = make_digest(60).digest
    assert body is not None
    short = replace(body, volumes=tuple(replace(volume, leading=()) for volume in body.volumes))

    for part in parts(short):
        found = blocks(replace(make_digest(), digest=part))
        assert [block["type"] for block in found].count("section") == len(part.volumes)


def test_more_alerts_than_should_be_in_one_message_are_all_named_even_if_their_links_are_too_long() -> None:
    alert = make_alert(url="https://wire.example/" + "x" * 470)

    message = make_burst(0, entries=(Entry(alert),) * 40)

    assert problems(request(message)) == []
    assert sum(text.count("Headline 1") for text in texts(blocks(message))) == 40
    assert plain.text(message).count("Headline 1") == 40
    assert len(plain.text(message)) <= plain.MOST


@given(BODIES)
@settings(max_examples=15, deadline=None)
def test_no_topic_of_a_digest_is_lost_in_splitting(body: DigestBody) -> None:
    split = parts(body)

    assert tuple(volume for part in split for volume in part.volumes) == body.volumes
    assert {part.parts for part in split} == {len(split)}


@given(MESSAGES)
@settings(max_examples=40, deadline=None)
def test_every_message_is_within_slacks_limits(message: Message) -> None:
    body = request(message)

    assert problems(body) == []


@pytest.mark.parametrize("text", LONG[:: cases(1, 3)])
def test_the_fullest_messages_are_within_slacks_limits(text: str) -> None:
    found = {name: problems(request(each)) for name, each in fullest(text)}

    assert {name: what for name, what in found.items() if what} == {}


@given(MESSAGES)
@settings(max_examples=30, deadline=None)
def test_no_message_pings_links_or_formats_out_of_article_text(message: Message) -> None:
    ours = re.compile(r"<@[UW][A-Z0-9]{2,20}>|<https://a\.example/[^|<>*~`\s]*\|[^|<>*~`\n]*>")
    formatted = [block for block in blocks(message) if block["type"] != "header"]
    for text in texts(formatted) if message.digest is None else []:
        rest = ours.sub("", text)
        assert not re.search(r"[<>~`]", rest)
        assert not re.search(r"&(?!(amp|lt|gt);)", rest)
        assert not re.search(r":\S*:", rest)
        for line in rest.split("\n"):
            assert line.count("*") in (0, 2)
            assert "*" not in line.removeprefix("*").removesuffix("*")


@given(MESSAGES)
@settings(max_examples=20, deadline=None)
def test_every_press_comes_back_as_what_it_says(message: Message) -> None:
    keys = {message.key, *message.keys}
    for choices in pressed(blocks(message)).values():
        assert all(action is not None and action.alert in keys for _, action in choices)


def test_slack_makes_nothing_of_its_own_out_of_any_text() -> None:
    message = make_burst(2, more=3, entries=(Entry(make_alert(), (Remark("U1", "energy", "right"),)),))
    for found in (blocks(make_message()), blocks(message), blocks(make_digest())):
        for block in found:
            parts_of = [block["text"]] if "text" in block else block["elements"]
            for part in parts_of if block["type"] != "actions" else []:
                verbatim = part["type"] == "mrkdwn" and part["verbatim"]
                assert verbatim or (part["type"] == "plain_text" and not part["emoji"])


def planted(body: Block) -> Iterator[tuple[str, Block]]:
    """A sound body, with one limit broken each time."""
    changes: list[tuple[str, Callable[[Block], object]]] = [
        ("0 blocks", lambda b: b["blocks"].clear()),
        ("51 blocks", lambda b: b.update(blocks=[{"type": "section", "text": b["blocks"][0]["text"]}] * 51)),
        ("text of 0", lambda b: b["blocks"][0]["text"].update(text="")),
        ("text of 3001", lambda b: b["blocks"][0]["text"].update(text="x" * 3001)),
        ("text is plain_text", lambda b: b["blocks"][0]["text"].update(type="plain_text")),
        ("no text", lambda b: b["blocks"][0]["text"].update(text=" ")),
        ("11 elements", lambda b: b["blocks"][1].update(elements=b["blocks"][1]["elements"] * 11)),
        ("a divider block", lambda b: b["blocks"].append({"type": "divider"})),
        ("block_id too long", lambda b: b["blocks"][-1].update(block_id="x" * 256)),
        ("block_id '0' twice", lambda b: [block.update(block_id="0") for block in b["blocks"]]),
        ("action_id '0' twice", lambda b: [e.update(action_id="0") for e in b["blocks"][-1]["elements"]]),
        ("action_id too", lambda b: b["blocks"][-1]["elements"][0].update(action_id="")),
        ("text of 76", lambda b: b["blocks"][-1]["elements"][0]["text"].update(text="x" * 76)),
        ("style loud", lambda b: b["blocks"][-1]["elements"][0].update(style="loud")),
        ("value of 2001", lambda b: b["blocks"][-1]["elements"][0].update(value="x" * 2001)),
        ("101 options", lambda b: _options(b).extend(_options(b)[:1] * 99)),
        ("0 options", lambda b: _options(b).clear()),
        ("option value of 151", lambda b: _options(b)[0].update(value="x" * 151)),
        ("text of 76", lambda b: _options(b)[0]["text"].update(text="x" * 76)),
        ("alt_text of 0", lambda b: b["blocks"].append({"type": "image", "alt_text": ""})),
        ("no fallback", lambda b: b.pop("text")),
        ("characters of text", lambda b: b.update(text="x" * 8_000)),
        ("bytes of JSON", lambda b: b.update(more="ж" * 6_500)),
    ]
    for problem, change in changes:
        broken = copy.deepcopy(body)
        change(broken)
        yield problem, broken


def _options(body: Block) -> list[Block]:
    return next(e["options"] for e in body["blocks"][-1]["elements"] if e["type"] == "static_select")


def test_every_broken_limit_is_told() -> None:
    body = request(make_message())

    assert problems(body) == []
    for problem, broken in planted(body):
        assert any(problem in found for found in problems(broken)), problem


def test_a_body_is_measured_as_it_is_sent() -> None:
    body = {"text": "жж", "blocks": [{"type": "image", "alt_text": "abc"}]}

    assert text_size(body) == 5
    assert json_size(body) == len('{"text":"","blocks":[{"type":"image","alt_text":"abc"}]}') + 4
