"""The log: one line a record on stderr, as text or JSON, and no secret in it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.logs import configure, hide_secrets

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
