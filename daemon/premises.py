"""What a service starts with: its user and its folders; and what of them is doubtful here and now.

Sources: man-pages sysusers.d(5), tmpfiles.d(5).
"""

from __future__ import annotations

import pwd
from collections.abc import Iterator
from contextlib import suppress

from daemon.errors import DaemonError
from daemon.installation import Installation
from daemon.owners import NAME, TEMPORARY, File, Owner, is_below, value


def sysusers(found: Installation, owner: Owner) -> File:
    """The user. Raises DaemonError where systemd makes it by itself."""
    _must_be_fixed(owner)
    text = f"""\
# The user that topicwire runs as, with a group of its own: who is in it may drop files into the inbox.
u {owner.user} - "News alerts" {value(found.home)}
"""
    return File(f"{NAME}.sysusers", "/etc/sysusers.d/topicwire.conf", text)


def tmpfiles(found: Installation, owner: Owner) -> File:
    """The folders. Raises DaemonError where systemd makes them by itself."""
    _must_be_fixed(owner)
    whose = f"{owner.user} {owner.group}"
    inbox = found.inbox or found.home / "inbox"
    # A folder outside the home that is there already keeps its owner and its rights: hence the colons.
    new = f":{owner.user} :{owner.group}"
    rows = [f"d {value(found.home)} 0750 {whose}"]
    rows += [f"d {value(each)} :0750 {new}" for each in found.writes if each != inbox]
    if found.mount_point is None:  # else a folder of ours would hide that nothing is mounted
        is_within = inbox.is_relative_to(found.home)
        rows.append(f"d {value(inbox)} " + (f"2770 {whose}" if is_within else f":2770 {new}"))
    listed = "\n".join(rows)
    text = f"""\
# The folders that topicwire starts with. Nothing in them is ever cleaned by systemd. Whoever is in the
# group may drop files into the inbox, which then belong to the group.
{listed}
"""
    return File(f"{NAME}.tmpfiles", "/etc/tmpfiles.d/topicwire.conf", text)


def doubts(found: Installation, owner: Owner) -> Iterator[str]:
    """What a person should know who uses these files here and now, a line each."""
    for path in (found.home, *found.writes):
        if is_below(path, TEMPORARY):
            yield f"{path}: what lies there is cleaned away (tmpfiles.d(5)); a home in /srv or /var/lib stays"
    if owner.dynamic:
        return
    with suppress(OSError, KeyError):
        has = pwd.getpwuid(found.home.stat().st_uid).pw_name
        if has != owner.user:
            yield (
                f"{found.home}: belongs to {has}, and the service runs as {owner.user}; `chown -R"
                f" {owner.user}: {found.home}`, or `topicwired unit --user {has}`"
            )


def _must_be_fixed(owner: Owner) -> None:
    if owner.dynamic:
        raise DaemonError("--dynamic: systemd makes the user and its folder by itself, at each start")
