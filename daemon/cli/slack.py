"""Commands that set the Slack app up."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from daemon.cli.given import settings_of
from daemon.errors import ConfigError

if TYPE_CHECKING:
    from daemon.slackapp import Finding


def manifest(options: argparse.Namespace) -> int:
    """Print the manifest of the Slack app, the address where one click makes it, and what is left to do.

    With --address the address alone.
    """
    from daemon import slackapp

    made = slackapp.manifest()
    if options.address:
        print(slackapp.install_address(made))
        return 0
    address = slackapp.install_address(made)
    if options.json:
        print(json.dumps({"manifest": made, "address": address}, ensure_ascii=False))
        return 0
    print(f"{json.dumps(made, indent=2, ensure_ascii=False)}\n\n{address}", flush=True)
    for number, step in enumerate(slackapp.steps(), 1):
        print(f"{number}. {step}", file=sys.stderr)
    return 0


def test(options: argparse.Namespace) -> int:
    """Send a sample alert to a channel, read it back, and show it anew; say of each whether it worked.

    CHANNEL is the channel's id, such as C0123456789.
    """
    from daemon import slackapp
    from daemon.receivers import Senders
    from daemon.soundness import is_a_channel

    settings = settings_of(options)
    if not is_a_channel(options.channel):
        raise ConfigError([f"{options.channel}: not a channel's id, such as C0123456789"])
    app = Senders(settings).app("slack test")
    return said(slackapp.try_out(app, options.channel, twice=options.twice), as_json=options.json)


def said(findings: Iterable[Finding], *, as_json: bool) -> int:
    """Print findings; 1 where one of them is a problem."""
    problems = 0
    for finding in findings:
        problems += not finding.ok
        if as_json:
            row = {"ok": finding.ok, "about": finding.about, "text": finding.text, "mend": finding.mend}
            print(json.dumps(row, ensure_ascii=False), flush=True)
            continue
        word = "ok" if finding.ok else "problem"
        mend = f"; {finding.mend}" if finding.mend else ""
        print(f"{word}: {finding.about}: {finding.text}{mend}", flush=True)
    return 1 if problems else 0
