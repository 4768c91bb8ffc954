"""The accounting of several daemons: what was made, set against all their homes, one ledger and Slack."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.accounting import (
    Ask,
    account_for_files,
    account_for_ledger,
    keys_in,
    misheard,
    misplaced,
    read_ledger,
)
from tests.slack_stand_in import SlackStandIn

# Each counts what a sound ledger has none of.
_UNSOUND: Mapping[str, str] = {
    "articles of no file": (
        "SELECT COUNT(*) FROM articles LEFT JOIN files ON files.id = file_id WHERE files.id IS NULL"
    ),
    "articles that are there before": (
        "SELECT COUNT(*) - COUNT(DISTINCT fingerprint) FROM articles"
        " WHERE file_id NOT IN (SELECT id FROM files WHERE version_of IS NOT NULL)"
    ),
    "tags of no article": (
        "SELECT COUNT(*) FROM tags LEFT JOIN articles ON articles.id = article_id WHERE articles.id IS NULL"
    ),
    "alerts of no article": (
        "SELECT COUNT(*) FROM alerts LEFT JOIN articles ON articles.id = article_id WHERE articles.id IS NULL"
    ),
    "alerts without a delivery of their own": (
        "SELECT COUNT(*) FROM alerts WHERE 1 <> (SELECT COUNT(*) FROM deliveries WHERE alert_id = alerts.id)"
    ),
    "alerts that a receiver was owed twice": (
        "SELECT COUNT(*) FROM (SELECT 1 FROM alerts GROUP BY article_id, receiver HAVING COUNT(*) > 1) AS x"
    ),
    "alerts out of the order of their articles": (
        "SELECT COUNT(*) FROM (SELECT article_id, LAG(article_id) OVER (ORDER BY id) AS before FROM alerts)"
        " AS x WHERE before > article_id"
    ),
    "deliveries out of the order of their alerts": (
        "SELECT COUNT(*) FROM (SELECT alert_id, LAG(alert_id) OVER (ORDER BY id) AS before FROM deliveries"
        " WHERE alert_id IS NOT NULL) AS x WHERE before > alert_id"
    ),
    "deliveries merged into none that was sent": (
        "SELECT COUNT(*) FROM deliveries AS one LEFT JOIN deliveries AS other ON other.id = one.into_id"
        " WHERE one.state = 'merged' AND (other.state IS NULL OR other.state <> 'sent')"
    ),
}
_SENT = (
    "SELECT id, receiver, key, message FROM deliveries"
    " WHERE state = 'sent' AND message IS NOT NULL ORDER BY id"
)


def account_together(
    homes: Mapping[str, Path],
    inbox: Path,
    ask: Ask,
    made: Mapping[int, bytes],
    slack: SlackStandIn,
    *,
    alerted: Mapping[str, Collection[int]],
    set_aside: Collection[int] = (),
) -> list[str]:
    """Every fault, each once. `alerted`: by receiver, the articles that it must hear of exactly once; the
    channel of `desk-0` is `C0DESK0`.
    """
    heard: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with slack.lock:
        for message in slack.messages:
            heard[message["channel"]].append(message)
    ledger = read_ledger(ask)
    faults = account_for_files(homes, inbox, made, set_aside=set_aside)
    faults += account_for_ledger(homes, ledger, made)
    for receiver, numbers in alerted.items():
        messages = heard[channel_of(receiver)]
        told = misheard(messages, ledger.digests, alerted=numbers)
        faults += [f"{receiver}: {fault}" for fault in told]
        faults += misplaced(ask, receiver, messages)
    faults += _not_as_sent(ask, heard)
    for what, count in _UNSOUND.items():
        [(number,)] = ask(count)
        faults += [f"the ledger has {number} {what}"] * bool(number)
    return list(dict.fromkeys(faults))


@contextmanager
def asking(address: str) -> Iterator[Ask]:
    """The ledger of a server, by a connection of its own."""
    with psycopg.connect(address.replace("+psycopg", "", 1), autocommit=True) as connection:
        yield lambda statement: connection.execute(statement.encode()).fetchall()


def channel_of(receiver: str) -> str:
    return f"C0{receiver.replace('-', '').upper()}"


def _not_as_sent(ask: Ask, heard: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """What the ledger calls sent stands where it says, under its key, and in the order of the deliveries."""
    faults = []
    stands = {(channel, one["ts"]): one for channel, messages in heard.items() for one in messages}
    last: dict[str, tuple[float, str]] = {}
    for _, receiver, key, moment in ask(_SENT):
        message = stands.get((channel_of(receiver), moment))
        if message is None:
            faults.append(f"{receiver}: {key} was sent, says the ledger, and does not stand at {moment}")
        elif key not in keys_in(message):
            faults.append(f"{receiver}: at {moment} stands another message than {key}")
        before, earlier = last.get(receiver, (0.0, ""))
        if float(moment) < before:
            faults.append(f"{receiver}: {key} came before {earlier}, which was owed earlier")
        last[receiver] = (float(moment), key)
    return faults
