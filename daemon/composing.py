"""Composing: a delivery, and what the ledger knows of it by now, as the message that a receiver is shown."""

from __future__ import annotations

from sqlalchemy import Connection, text

from daemon import deliveries, feedback, grouping, stories
from daemon.messages import (
    DigestBody,
    Entry,
    Form,
    Message,
    digest_from_json,
    notice_from_json,
    question_from_json,
)
from daemon.records import Alert, Delivery

Choices = tuple[tuple[str, str], ...]

_ABOUT = text("SELECT story_id, article_id FROM alerts WHERE key = :key")


def compose(connection: Connection, delivery: Delivery, choices: Choices = ()) -> Message:
    """The message of a delivery as it stands now.

    `choices` are the topics, id and title, that a reader may say an article is about.
    """
    root = deliveries.thread_of(connection, delivery)
    return Message(
        key=delivery.key,
        receiver=delivery.receiver,
        form=delivery.form,
        entries=_entries(connection, delivery),
        thread=root.message if root is not None else None,
        follows=delivery.alert.follows if delivery.alert is not None else None,
        broadcast=delivery.broadcast,
        more=grouping.in_thread(connection, delivery) if delivery.form in (Form.BURST, Form.QUIET) else 0,
        choices=choices,
        digest=digest_of(delivery),
        picture=delivery.picture or None,
        notice=notice_from_json(body) if (body := _body(delivery, Form.REPORT)) else None,
        question=question_from_json(asked) if (asked := _body(delivery, Form.QUESTION)) else None,
        answers=feedback.answers(connection, delivery.key) if delivery.form is Form.QUESTION else (),
    )


def digest_of(delivery: Delivery) -> DigestBody | None:
    """What a digest says; None of anything else."""
    body = _body(delivery, Form.DIGEST)
    return digest_from_json(body) if body is not None else None


def _body(delivery: Delivery, form: Form) -> str | None:
    """What a delivery of this form says; None of any other."""
    return delivery.body if delivery.form is form else None


def _entries(connection: Connection, delivery: Delivery) -> tuple[Entry, ...]:
    if delivery.alert is None:
        return ()
    others = [deliveries.one(connection, member) for member in grouping.members(connection, delivery)]
    alerts = [delivery.alert, *(each.alert for each in others if each is not None and each.alert is not None)]
    return tuple(_entry(connection, alert) for alert in alerts)


def _entry(connection: Connection, alert: Alert) -> Entry:
    remarks = feedback.remarks(connection, alert.key)
    row = connection.execute(_ABOUT, {"key": alert.key}).one_or_none()
    # A reply in a story's thread does not tell what the root tells already.
    if row is None or row.story_id is None or alert.follows is not None:
        return Entry(alert, remarks)
    also_in, further = stories.also_told(connection, row.story_id, after=row.article_id)
    return Entry(alert, remarks, also_in, further)
