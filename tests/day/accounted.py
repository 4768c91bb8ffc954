"""The end of the day: every article once, every alert once, nothing owed, and a log that can be read."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from tests.day.arriving import Arriving
from tests.day.household import CHANNELS, SECRETS, Household
from tests.faults.accounting import Ask, asked_of, keys_in
from tests.faults.together import account_together

_MOST_SHOWN = 8
_LEVEL = re.compile(r"\b(warning|error|critical)\b", re.IGNORECASE)

_DELIVERED = (
    "SELECT receiver, deliveries.key, state, form FROM deliveries WHERE alert_id IS NOT NULL"
    " AND receiver IN ('newsroom', 'energy', 'digests')"
)
# Who hears of everything must have an alert of each article that has a main tag, unless a wish of its own
# mutes a topic, or it is a near-copy that tells nothing new.
_UNTOLD = """
    SELECT COUNT(*) FROM articles
    JOIN sketches ON sketches.article_id = articles.id
    WHERE NOT near_copy
      AND (SELECT COUNT(*) FROM tags WHERE tags.article_id = articles.id AND grade = 'main') > 2
      AND NOT EXISTS (SELECT 1 FROM alerts WHERE alerts.article_id = articles.id AND receiver = 'newsroom')
"""


def account(household: Household, arriving: Arriving) -> list[str]:
    """Every fault, a sentence each."""
    home, slack = household.home, household.slack
    ask = asked_of(home)
    found = account_together(
        {"": home}, household.inbox, ask, arriving.made, slack, alerted={}, set_aside=arriving.set_aside
    )
    found = [fault for fault in found if not _is_meant(fault, _gone(ask, arriving.made))]
    with slack.lock:
        heard = Counter(
            (str(message["channel"]), key) for message in slack.messages for key in keys_in(message)
        )
    told: list[str] = []
    for receiver, key, state, form in ask(_DELIVERED):
        times = heard[CHANNELS[receiver], key]
        if times > 1 or (times == 0 and state == "sent"):
            told.append(f"{receiver}: the alert {key} ({form}, {state}) stands {times} times at Slack")
    [(untold,)] = ask(_UNTOLD)
    if untold:
        told.append(f"{untold} articles about three topics or more raised no alert")
    return found + told


def _gone(ask: Ask, made: Mapping[int, bytes]) -> set[int]:
    """The articles whose file was taken away with the inbox, recorded and not yet moved, and came back."""
    gone = {fingerprint for (fingerprint,) in ask("SELECT fingerprint FROM files WHERE state = 'gone'")}
    return {number for number, data in made.items() if hashlib.sha256(data).hexdigest() in gone}


def _is_meant(fault: str, gone: Collection[int]) -> bool:
    """Whether it is as it should be here: a digest comes before the lists in its thread, whose alerts are
    older; a file that was taken away and came back has a row for each coming.
    """
    if " came before " in fault:
        return fault.startswith(("digests: ", "energy: "))
    again = re.match(r"article (\d+(?: = \d+)*) has \d+ rows in the ledger", fault)
    return again is not None and any(int(each) in gone for each in again[1].split(" = "))


def of_log(household: Household, faults: int) -> list[str]:
    """Whether the log has a trace or a secret, and says no more than somebody can read."""
    text = household.log.read_text(encoding="utf-8", errors="replace")
    found = []
    if "Traceback" in text:
        at = text.index("Traceback")
        found.append(f"a trace in the log: …{text[max(0, at - 300) : at + 1500]}")
    found += [f"the secret {secret[:5]}… in the log" for secret in SECRETS if secret in text]
    complaints = [line for line in text.splitlines() if _LEVEL.search(line[:60])]
    if len(complaints) > 200 + 40 * faults:
        said = Counter(_alike(line) for line in complaints)
        often = "; ".join(f"{number} × {line}" for line, number in said.most_common(5))
        found.append(f"{len(complaints)} warnings and errors in the log of {faults} faults: {often}")
    return found


def secrets_kept(household: Household) -> list[str]:
    """Files of the home that hold a token."""
    found = []
    for file in household.home.rglob("*"):
        if file.is_file() and not file.is_symlink():
            data = file.read_bytes()
            found += [
                f"{file.relative_to(household.home)} holds a token" for s in SECRETS if s.encode() in data
            ]
    return found


def complaints(household: Household) -> Sequence[str]:
    """What the log complained of, most often first."""
    text = household.log.read_text(encoding="utf-8", errors="replace")
    said = Counter(_alike(line) for line in text.splitlines() if _LEVEL.search(line[:60]))
    return [f"{number} × {line}" for line, number in said.most_common(40)]


def _alike(line: str) -> str:
    return re.sub(r"[0-9a-f]{8,}|\d+(\.\d+)?", "#", line)[20:200]


def shortened(faults: Sequence[str]) -> list[str]:
    """Of many only the first few."""
    more = len(faults) - _MOST_SHOWN
    return [*faults[:_MOST_SHOWN], *([f"and {more} more"] if more > 0 else [])]
