"""The log: one line a record on stderr, as text or JSON, and no secret in it."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon import complaints
from daemon.complaints import never_tell, without_secrets
from daemon.logs import BoundedHandler, configure, hear_of_the_unexpected, hide_secrets
from daemon.storms import Storms

FORMATS: list[Literal["text", "json"]] = ["text", "json"]
SECRETS = [
    "xoxb-123-456-AbCdEf",
    "xoxp-1-2-3-abcdef",
    "xoxe.xoxp-1-Mi0yLTEyMw",
    "xapp-1-A0-123-abc",
    "https://hooks.slack.com/services/T000/B000/XXXX",
]
logger = logging.getLogger("daemon.tester")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    names = ["", "daemon", "slack_sdk", "apscheduler", "alembic", "watchdog", "sqlalchemy"]
    levels = {name: logging.getLogger(name).level for name in names}
    handlers = root.handlers[:]
    yield
    for each in root.handlers:
        if isinstance(each, BoundedHandler):
            each.close()
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def secret_part(secret: str) -> str:
    """What must not be seen of it."""
    return secret.rpartition("-")[2] if secret.startswith("xo") else secret[-12:]


def json_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_json_record_is_one_object_with_its_keys(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")

    logger.info("file taken", extra={"file": "мақала.txt", "articles": 2})

    (found,) = json_lines(capsys)
    assert found.pop("timestamp").endswith("Z")
    assert found == {
        "event": "file taken",
        "level": "info",
        "logger": "daemon.tester",
        "file": "мақала.txt",
        "articles": 2,
    }


def test_json_keeps_letters_readable(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")

    logger.info("file taken", extra={"file": "мақала.txt"})

    assert "мақала.txt" in capsys.readouterr().err


def test_a_text_record_is_one_line_with_its_keys(capsys: pytest.CaptureFixture[str]) -> None:
    configure("text")

    logger.warning("file set aside", extra={"file": "a.txt", "reason": "empty"})

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "warning" in lines[0]
    assert "file set aside" in lines[0]
    assert "file=a.txt" in lines[0]
    assert "reason=empty" in lines[0]


def test_nothing_of_the_log_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    configure("text")

    logger.error("inbox missing")

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_in_the_message_its_arguments_or_its_keys_is_hidden(
    format: Literal["text", "json"], secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(format)

    logger.info("asked with %s", secret)
    logger.info(f"asked with {secret}")
    logger.info("asked", extra={"token": secret, "error": ValueError(f"bad: {secret}")})

    said = capsys.readouterr().err
    assert secret_part(secret) not in said
    assert said.count("(hidden)") >= 4


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_in_an_exception_or_its_cause_is_hidden(
    format: Literal["text", "json"], secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(format)

    try:
        try:
            raise OSError(f"POST with {secret}")
        except OSError as error:
            raise RuntimeError(f"sending with {secret}") from error
    except RuntimeError:
        logger.exception("sending failed")

    said = capsys.readouterr().err
    assert "RuntimeError" in said
    assert "OSError" in said
    assert secret_part(secret) not in said


def test_an_exception_in_json_stays_in_its_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")

    try:
        raise RuntimeError("two\nlines")
    except RuntimeError:
        logger.exception("work failed")

    (found,) = json_lines(capsys)
    assert "RuntimeError: two\nlines" in found["exception"]


@given(st.text(), st.sampled_from(SECRETS), st.sampled_from([" ", "\n", '"', "'", "=", ":", "(", "\0"]))
def test_a_secret_is_hidden_whatever_stands_before_it(before: str, secret: str, parting: str) -> None:
    event = {"event": f"{before}{parting}{secret}", "number": 7}

    hidden = hide_secrets(None, "info", event)

    assert secret_part(secret) not in str(hidden["event"]).removeprefix(before)
    assert hidden["number"] == 7


@pytest.mark.parametrize(("verbose", "seen"), [(False, False), (True, True)])
def test_our_own_details_are_logged_only_when_asked_for(
    verbose: bool, seen: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("json", verbose=verbose)

    logger.debug("looked")

    assert bool(json_lines(capsys)) is seen


def test_what_slack_sdk_says_of_messages_is_never_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json", verbose=True)

    logging.getLogger("slack_sdk.web.base_client").debug("text of an article")
    logging.getLogger("slack_sdk.web.base_client").info("text of an article")

    assert json_lines(capsys) == []


def test_to_configure_it_twice_does_not_log_twice(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")
    configure("json")

    logger.info("watching")

    assert len(json_lines(capsys)) == 1


def bounded(now: list[float], stream: Any) -> tuple[logging.Logger, BoundedHandler]:
    """A logger of ours that writes plain messages to a stream, with a clock of the test's."""
    handler = BoundedHandler(stream, storms=Storms(), monotonic=lambda: now[0])
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    storm = logging.getLogger("daemon.storm")
    storm.propagate, storm.handlers[:] = False, [handler]
    storm.setLevel(logging.INFO)
    return storm, handler


def test_a_hundred_thousand_equal_errors_are_a_few_lines_and_what_differs_is_all_there() -> None:
    stream, now = io.StringIO(), [0.0]
    storm, handler = bounded(now, stream)

    for number in range(100_000):
        now[0] = number / 10_000
        storm.error("the inbox cannot be read", extra={"error": "no right to do that", "file": f"{number}"})
        if number % 1000 == 0:
            storm.error(f"something else {number}")
            storm.info("file taken", extra={"work": "file", "file": f"{number}"})
    handler.close()

    lines = stream.getvalue().splitlines()
    assert lines.count("ERROR the inbox cannot be read") == 10
    assert len([line for line in lines if "something else" in line]) == 100
    assert lines.count("INFO file taken") == 100
    assert lines[-1] == "ERROR and more like it"
    assert len(lines) == 211


def test_errors_of_another_kind_or_of_another_cause_are_no_storm() -> None:
    stream, now = io.StringIO(), [0.0]
    storm, _ = bounded(now, stream)

    for number in range(1000):
        storm.error("it failed", extra={"error": f"cause {'abcdefgh'[number % 8]}"})

    assert len(stream.getvalue().splitlines()) == 80


def test_lines_of_libraries_that_differ_in_numbers_are_of_one_kind() -> None:
    stream, now = io.StringIO(), [0.0]
    _, handler = bounded(now, stream)
    library = logging.getLogger("urllib3.tester")
    library.propagate, library.handlers[:] = False, [handler]

    for number in range(1000):
        library.warning(f"connection 0x{number:x} to /a/{number} was lost")

    assert len(stream.getvalue().splitlines()) == 10


def test_the_end_of_a_storm_is_said_though_nothing_else_is_logged() -> None:
    stream = io.StringIO()
    handler = BoundedHandler(stream, storms=Storms(most=1, seconds=0.2))
    storm = logging.getLogger("daemon.storm")
    storm.propagate, storm.handlers[:] = False, [handler]
    storm.error("it failed")
    storm.error("it failed")
    timer = handler._timer
    assert timer is not None

    timer.join(5.0)

    assert stream.getvalue().splitlines() == ["it failed", "and more like it"]
    assert handler._timer is None  # no thread stays


def test_what_was_left_out_is_told_with_its_number_and_message_in_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure("json")
    for _ in range(25):
        logger.error("it failed", extra={"error": "no such host"})

    configure("json")  # as a reload does; the end of the process does the same

    last = json_lines(capsys)[-1]
    assert (last["event"], last["of"], last["number"], last["error"]) == (
        "and more like it", "it failed", 15, "no such host",
    )  # fmt: skip
    assert (last["level"], last["logger"]) == ("error", "daemon.tester")


HOSTILE = [
    "a\n2026-11-22T00:00:00Z [error    ] forged",
    "a\r\nforged",
    "\x1b[2J\x1b[1;1Hforged",
    "a\u2028forged",
    "a\x85forged",
    "a\u202egnp.txt",
    "\x9b31m",
    "\udcff.txt",
    "a\0b",
]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_can_look_like_another_line_or_move_the_cursor(
    format: Literal["text", "json"], name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    configure(format)

    logger.info("file taken", extra={"file": name, f"key {name}": 1})
    logger.info("file %s", name)
    logger.info("file taken", extra={"file": [name, {"a": name}]})

    said = capfd.readouterr().err
    lines = said.rstrip("\n").split("\n")
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)
    if format == "json":
        assert json.loads(lines[0])["file"] == name


def test_the_lines_of_an_exception_are_indented_so_that_none_looks_like_a_record(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure("text")
    try:
        raise ValueError("two\n2026-11-22T00:00:00Z [error    ] forged \x1b[2J")
    except ValueError:
        logger.exception("work failed")

    first, *others = capsys.readouterr().err.rstrip("\n").split("\n")
    assert "work failed" in first
    assert all(line.startswith("    ") and line.isprintable() for line in others)
    assert any("forged" in line for line in others)


def test_no_record_is_longer_than_a_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")

    logger.error("it failed", extra={"error": "x" * 1_000_000})

    assert len(capsys.readouterr().err) < 2500


def test_what_pydantic_could_not_read_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    from daemon.records import alert_from_json

    configure("json")
    text = "The text of an article that nobody " + "should see"
    try:
        alert_from_json(json.dumps({"headline": text}))
    except ValueError:
        logger.exception("sending failed")

    said = capsys.readouterr().err
    assert "input_value=(not told)" in said
    assert "nobody should see" not in said


@pytest.mark.parametrize("value", [b"xoxb-1-abc", Path("/a/xoxb-1-abc"), {"xoxb-1-abc": b"xapp-1-abc"}])
def test_a_secret_is_hidden_in_whatever_it_comes(value: Any, capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")

    logger.info("asked", extra={"with": value, "xoxb-1-abc": 1})

    assert "1-abc" not in capsys.readouterr().err


def test_a_secret_that_was_read_is_hidden_whatever_it_looks_like(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(complaints, "_known", ())
    never_tell("https://chat.example.org/hooks/3kq9-zu71-aa?key=very-own")
    never_tell("hunter22-hunter")
    never_tell("short")

    said = without_secrets("POST /hooks/3kq9-zu71-aa?key=very-own with hunter22-hunter, in short")

    assert said == "POST (hidden) with (hidden), in short"


def test_a_thread_that_dies_is_told_in_the_log_without_its_secrets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    configure("json")
    hear_of_the_unexpected()

    def die() -> None:
        raise RuntimeError("with xoxb-1-abc")

    thread = threading.Thread(target=die, name="ears")
    thread.start()
    thread.join()

    (found,) = json_lines(capsys)
    assert (found["event"], found["worker"]) == ("a thread has died", "ears")
    assert "with (hidden)" in found["exception"]


WRITER = """
import logging, sys
from daemon import logs
logs.configure(sys.argv[1])
for number in range(20000):
    logging.getLogger("daemon.tester").info("file taken", extra={"work": "file", "number": number})
print("still here")
"""


@pytest.mark.parametrize("way", ["a full disk", "a closed pipe"])
def test_a_log_that_cannot_be_written_ends_nothing(way: str) -> None:
    if way == "a full disk":
        with Path("/dev/full").open("wb") as full:
            ended = subprocess.run(
                [sys.executable, "-c", WRITER, "json"],
                stdout=subprocess.PIPE,
                stderr=full,
                timeout=60,
                check=False,
            )
    else:
        reading, writing = os.pipe()
        os.close(reading)
        ended = subprocess.run(
            [sys.executable, "-c", WRITER, "text"],
            stdout=subprocess.PIPE,
            stderr=writing,
            timeout=60,
            check=False,
        )
        os.close(writing)

    assert ended.stdout == b"still here\n"
