"""The apprise receiver: what reaches other chats, and which addresses are taken."""

from __future__ import annotations

import builtins
import json
import logging
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

pytest.importorskip("apprise")

from daemon import clock
from daemon.apprising import AppriseSender
from daemon.errors import ConfigError, DeliveryError, UnknownOutcomeError
from daemon.messages import Entry, Form, Message, alone
from daemon.records import AlertTopic, Sent
from tests.builders import make_alert
from tests.contract import samples
from tests.odd_servers import Asked, answering, hanging_up, nobody_there

HOSTILE = (
    "<!channel> <!here> <!subteam^S012> <@U012AB3CD> @here @channel @everyone @all [x](http://evil.example)"
    " <http://evil.example|x> http://evil.example/?a=b *bold* :fire: `code` &lt;!channel&gt; <b>b</b> <@&12>"
)
TOKEN = "3ccdd113474722377935511fc85d3dd4"


def hostile_message() -> Message:
    topic = AlertTopic("energy", "Energy", "main", 0.9, HOSTILE, (HOSTILE,))
    return alone(make_alert(headline=HOSTILE, file=HOSTILE, source=HOSTILE, topics=(topic,)))


def address(scheme: str, at: str) -> str:
    return at.replace("http://", f"{scheme}://") + TOKEN


def said(scheme: str, asked: Asked) -> str:
    """The text that a service was sent."""
    body = asked.body.decode()
    match scheme:
        case "json" | "gotify" | "ntfy":
            return str(json.loads(body)["message"])
        case "form":
            return parse_qs(body)["message"][0]
        case "mmost":
            return str(json.loads(body)["text"])
        case _:
            return body


@pytest.mark.parametrize("scheme", ["json", "form", "mmost", "gotify", "ntfy"])
def test_what_an_article_says_pings_nobody_and_links_nowhere(scheme: str) -> None:
    with answering(200, b'{"id": 1}') as (at, asked):
        sent = AppriseSender(address(scheme, at)).send(hostile_message())

    (request,) = asked
    text = said(scheme, request)
    assert sent == Sent()
    assert "channel" in text
    assert not re.search(r"[<>]|[@#]\w|&lt;|&gt;|&amp;|\]\(|\w\*|`\w|://evil|:fire:", text)


@pytest.mark.parametrize("hostile", [samples.roots()["hostile question"], samples.roots()["hostile report"]])
def test_a_question_and_a_report_are_as_harmless_and_say_how_to_answer(hostile: Message) -> None:
    with answering(200, b"") as (at, asked):
        AppriseSender(address("json", at)).send(hostile)

    text = said("json", asked[0])
    assert not re.search(r"[<>]|[@#]\w|&lt;|&gt;|&amp;|\]\(|\w\*|`\w|://evil|:fire:", text)
    assert ("to answer: topicwired sample answer" in text) == (hostile.question is not None)


def test_letters_of_every_script_arrive_as_they_are() -> None:
    with answering(200, b"") as (at, asked):
        AppriseSender(address("json", at)).send(alone(make_alert(headline="Қазақстан мұнайы مصفاة النفط")))

    assert "Қазақстан мұнайы مصفاة النفط" in json.loads(asked[0].body)["message"]
    assert json.loads(asked[0].body)["title"] == ""


def test_a_message_longer_than_a_chat_takes_goes_as_one_that_is_cut() -> None:
    entries = tuple(Entry(make_alert(number=n, headline=f"{n} " + "long " * 20)) for n in range(30))
    several = Message(key="k", receiver="desk", form=Form.BURST, entries=entries)
    with answering(200, b"") as (at, asked):
        sender = AppriseSender(address("json", at))
        sender._longest = 900
        sender.send(several)

    (request,) = asked
    text = json.loads(request.body)["message"]
    assert 450 < len(text) <= 900
    assert text.endswith("\n…")


def test_a_chat_that_takes_little_is_told_how_to_answer_all_the_same() -> None:
    long = replace(samples.QUESTION, opening="long " * 200, url=f"https://news.example/{'%D0%B0' * 70}")
    with answering(200, b"") as (at, asked):
        sender = AppriseSender(address("json", at))
        sender._longest = 900
        sender.send(samples.question("k", long))

    text = said("json", asked[0])
    assert text.endswith("…")
    assert f"to answer: topicwired sample answer {long.name} TOPIC, or none\n" in text


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_a_failure_leaves_open_whether_it_arrived_and_is_not_sent_again_by_itself(status: int) -> None:
    with answering(status, b"no") as (at, asked):
        sender = AppriseSender(address("json", at))
        with pytest.raises(UnknownOutcomeError, match="could not deliver"):
            sender.send(alone(make_alert()))

    assert len(asked) == 1


def test_a_chat_that_hangs_up_or_is_not_there_is_a_failure_as_well() -> None:
    with hanging_up() as (at, requests):
        with pytest.raises(UnknownOutcomeError):
            AppriseSender(address("json", at)).send(alone(make_alert()))
        assert len(requests) == 1
    with pytest.raises(UnknownOutcomeError):
        AppriseSender(address("json", nobody_there())).send(alone(make_alert()))


def test_nothing_of_the_address_is_logged_or_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("apprise").setLevel(logging.DEBUG)
    with answering(500, b"no") as (at, _):
        sender = AppriseSender(address("mmost", at))
        with pytest.raises(DeliveryError) as caught:
            sender.send(alone(make_alert()))
    with pytest.raises(ConfigError) as refused:
        AppriseSender(f"mmosts://chat.example/{TOKEN}?retry=2")

    told = [
        str(caught.value),
        str(refused.value),
        *(r.getMessage() for r in caplog.records if r.name != "urllib3.connectionpool"),
    ]
    assert not any(TOKEN[:8] in line for line in told)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "url",
    [
        "syslog://",
        "dbus://",
        "gnome://",
        "windows://",
        "macosx://",
        "blink1://",
        "rsyslog://127.0.0.1",
        "vapid://a@example.com/b@example.com",
        "file:///etc/passwd",
        "python://x",
        "nonsense",
        "https://example.com/hook",
    ],
)
def test_an_address_that_names_no_chat_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"receiver 'desk': the address names no service"):
        AppriseSender(url, "desk")


@pytest.mark.parametrize("word", ["template", "Template", "%74emplate", "retry", "attach", "pgppub"])
def test_an_address_that_has_apprise_read_a_file_or_send_again_is_refused(word: str) -> None:
    with pytest.raises(ConfigError, match="may not have"):
        AppriseSender(f"discord://123456789/abcdefghij?{word}=/etc/passwd")


def test_an_address_of_a_machine_elsewhere_is_not_written_to_in_the_clear() -> None:
    with pytest.raises(ConfigError, match="write mmosts://"):
        AppriseSender(f"mmost://chat.example/{TOKEN}")

    AppriseSender(f"mmosts://chat.example/{TOKEN}")


def test_an_address_of_several_chats_is_refused_since_one_could_have_what_another_has_not() -> None:
    with pytest.raises(ConfigError, match="several chats"):
        AppriseSender("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#desk/#night")


def test_without_the_package_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)

    with pytest.raises(ConfigError) as caught:
        AppriseSender("jsons://chat.example/", "desk")

    assert str(caught.value).count("\n") == 0
    assert "pip install 'topicwire[apprise]'" in str(caught.value)


def test_sending_touches_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    opened: list[Any] = []
    really_open = builtins.open

    def watched(*given: Any, **more: Any) -> Any:
        opened.append(given)
        return really_open(*given, **more)

    with answering(200, b"") as (at, _):
        sender = AppriseSender(address("json", at))
        sender.send(alone(make_alert()))
        monkeypatch.setattr(builtins, "open", watched)
        sender.send(alone(make_alert(number=2)))

    assert opened == []
    assert list(tmp_path.iterdir()) == []


def test_messages_go_at_the_pace_that_the_service_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    quick, slow = AppriseSender("jsons://chat.example/"), AppriseSender("mailtos://u:p@example.com")

    assert [quick.pause(), slow.pause()] == [0.0, 0.0]
    assert [quick.pause(), slow.pause()] == [1.0, 5.5]


def test_what_was_sent_cannot_be_looked_up_or_shown_anew() -> None:
    sender = AppriseSender("jsons://chat.example/")

    assert (sender.can_look, sender.can_thread, sender.groups) == (False, False, True)
    with pytest.raises(NotImplementedError):
        sender.find(alone(make_alert()), 0.0)
    with pytest.raises(NotImplementedError):
        sender.update(alone(make_alert()), Sent())
    with pytest.raises(DeliveryError):
        sender.upload(b"png", "Topics")


def test_a_reply_says_what_it_follows() -> None:
    with answering(200, b"") as (at, asked):
        AppriseSender(address("json", at)).send(replace(alone(make_alert()), follows="Refinery stops"))

    assert "Refinery stops" in json.loads(asked[0].body)["message"]
