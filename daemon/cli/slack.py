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
    from daemon.findings import Finding


def manifest(options: argparse.Namespace) -> int:
    """Print the manifest of the Slack app, the address where one click makes it, and what is left to do.

    With --address the address alone.

        topicwired slack manifest
        topicwired slack manifest --address
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

        topicwired slack test C0123456789 --config topicwire.toml
        topicwired slack test C0123456789 --twice
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
    from daemon.complaints import printable_line

    problems = 0
    for finding in findings:
        problems += not finding.ok
        if as_json:
            print(json.dumps(finding.as_json(), ensure_ascii=False), flush=True)
        else:
            print(printable_line(str(finding)), flush=True)
    return 1 if problems else 0
