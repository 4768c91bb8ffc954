"""The tests themselves inside the limits of the unit: `python -m tests.under_systemd [ARGUMENTS of pytest]`.

A systemd of the tests' own runs pytest as the user of the printed service, with every line by which that does
without something. What passes there works as a service. Prints what failed, and why each other was left out.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from daemon.config import load_settings
from daemon.installation import Installation, Reach, installation
from daemon.owners import Owner
from daemon.units import service
from tests.systemd import ROOT, NoSystemdError, Systemd, booted

HOME = Path("/var/lib/topicwire-tests")
USER = "topicwire-tests"
_UNIT = "topicwire-tests.service"
_REPORT = HOME / "report.xml"
# Of a daemon that is started and watched; a command that ends has none of it.
_OF_A_DAEMON = (
    "Type",
    "NotifyAccess",
    "ExecReload",
    "Restart",
    "RestartSec",
    "WatchdogSec",
    "TimeoutStartSec",
)

# What cannot be shown there, as what it does itself is kept from a service; each with its reason.
LEFT_OUT: dict[str, str] = {
    "tests/test_init.py": "makes an inbox for a group (chmod g+s), which is for whoever sets a service up",
    "tests/test_service.py": "boots a systemd, which takes root",
    "tests/test_units.py::test_the_folders_and_the_user_are_made_as_they_are_named": "makes users, as root",
}


def limited(unit: str, command: Iterable[str], *more: str) -> str:
    """A unit that runs another command to its end, within all the limits of one for a daemon."""
    kept = [
        line for line in unit.splitlines() if not line.startswith(tuple(f"{key}=" for key in _OF_A_DAEMON))
    ]
    at = next(number for number, line in enumerate(kept) if line.startswith("ExecStart="))
    quoted = " ".join(map(_quoted, command))
    kept[at : at + 1] = ["Type=oneshot", "TimeoutStartSec=infinity", f"ExecStart={quoted}", *more]
    return "\n".join(kept) + "\n"


def _quoted(word: str) -> str:
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("%", "%%"), ("$", "$$")):
        word = word.replace(plain, escaped)
    return f'"{word}"'


def installed() -> Installation:
    """This checkout as a service that talks to Slack would have it."""
    found = installation(load_settings(None, HOME, []))
    return replace(found, reach=Reach.ANYBODY)


def make_user(systemd: Systemd) -> None:
    systemd.call("useradd", "--system", "--user-group", "--home-dir", str(HOME), USER)


def keep_as_it_is(systemd: Systemd) -> None:
    """What somebody changes in the checkout meanwhile would show through: an overlay has a file of its own
    from its first change on, and this is one that changes nothing.
    """
    inside = "find . -name .venv -prune -o -name .git -prune -o -type f -print0 | xargs -0 chmod --quiet u+r"
    systemd.call("sh", "-c", f'cd "$1" && {inside}', "sh", str(ROOT))


def main(arguments: list[str]) -> int:
    found = installed()
    left_out = [f"--deselect={each}" for each in LEFT_OUT if "::" in each]
    left_out += [f"--ignore={each}" for each in LEFT_OUT if "::" not in each]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        f"--junitxml={_REPORT}",
        "--timeout=600",
    ]
    here = [f"WorkingDirectory={ROOT}", f"Environment=HYPOTHESIS_STORAGE_DIRECTORY={HOME}/hypothesis"]
    # Ports of other programs of this machine are not to meet those of the tests.
    here += ["Environment=PYTHONDONTWRITEBYTECODE=1", "PrivateNetwork=yes"]
    unit = limited(service(found, Owner(USER, USER)).text, [*command, *left_out, *arguments], *here)
    try:
        with booted(*found.reads) as systemd:
            make_user(systemd)
            keep_as_it_is(systemd)
            systemd.install(_UNIT, unit)
            systemd.ctl("start", _UNIT, check=False)
            report = systemd.at(_REPORT)
            if not report.exists():
                print(systemd.said(_UNIT))
                return 1
            return _tell(report.read_text(encoding="utf-8"), systemd.said(_UNIT))
    except NoSystemdError as error:
        print(f"no systemd can be had: {error}", file=sys.stderr)
        return 1


def _tell(report: str, said: str) -> int:
    cases = list(ElementTree.fromstring(report).iter("testcase"))
    failed = [each for each in cases if each.find("failure") is not None or each.find("error") is not None]
    skipped = [each.find("skipped") for each in cases]
    reasons = Counter(str(each.get("message")) for each in skipped if each is not None)
    if failed:
        print(said)
    for each in failed:
        print(f"failed: {each.get('classname')}::{each.get('name')}")
    for why, number in sorted(reasons.items()):
        print(f"skipped {number}: {why}")
    for name, why in LEFT_OUT.items():
        print(f"left out {name}: {why}")
    number = sum(reasons.values())
    print(f"{len(cases) - len(failed) - number} passed, {len(failed)} failed, {number} skipped")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
