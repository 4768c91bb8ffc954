"""What a service of ours does without, as lines for systemd, each with its reason.

Source: man-pages systemd.exec(5), systemd.resource-control(5). The figure that `systemd-analyze security`
gives for them is held by a test, and so is that the whole daemon works under them.
"""

from __future__ import annotations

from daemon.installation import Reach

_ALWAYS = """
# Nothing that it starts gains rights, by whatever bit stands on a file.
NoNewPrivileges=yes
# It runs as a plain user and needs no power of root's.
CapabilityBoundingSet=
AmbientCapabilities=
# Other users are nobody to it: an escape to root inside would be root of nothing.
PrivateUsers=yes

# The system is read-only to it; where it writes is said below.
ProtectSystem=strict
# What it mounts, which is nothing, nobody else sees.
PrivateMounts=yes
# Its /tmp and /var/tmp are its own, and go with it.
PrivateTmp=yes
# Of devices it has those that hold nothing: null, zero, random. Pipes and folders need no more.
PrivateDevices=yes
DevicePolicy=closed

# It sees no process of others. All of /proc else stays (no ProcSubset=pid): the desk tells by
# /proc/locks whether the daemon runs, and by the number of this start it knows its own claims again.
ProtectProc=invisible
# The machine's clock and name, its kernel's settings, modules and log, and the bounds of other services
# are not its to read or to change.
ProtectClock=yes
ProtectHostname=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes

# Parsers of hostile files walk into this one first: no memory is written and then run.
MemoryDenyWriteExecute=yes
# No child is put into an older kernel's manners, which lack some walls.
LockPersonality=yes
# A file that lends its owner's rights is of no use to us.
RestrictSUIDSGID=yes
# The jail is made of Landlock, seccomp and limits, and needs no namespaces.
RestrictNamespaces=yes
# A training gives way to all else (SCHED_IDLE); nothing of ours pushes ahead.
RestrictRealtime=yes
# Shared memory of its own, that goes with it. (No RemoveIPC=: that also empties what somebody who
# trains by hand, as the same user, has in theirs.)
TemporaryFileSystem=/dev/shm:mode=1777,nosuid,nodev,noexec
# Keys of the kernel it neither has nor sees.
KeyringMode=private
# A dump of memory would hold articles and tokens.
LimitCORE=0

# Calls of another architecture would pass the filter by.
SystemCallArchitectures=native
# What services use, without what changes the machine, its owners or its limits. A call that is not let
# through fails, and does not end us: libraries try and go on.
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources @keyring @memlock
SystemCallErrorNumber=EPERM
# Back again: with these the jail shuts its children in, which read web pages and PDFs.
SystemCallFilter=landlock_create_ruleset landlock_add_rule landlock_restrict_self seccomp
# Back again: with these the training, and the desk page, give way to the intake.
SystemCallFilter=setpriority sched_setscheduler
# And with this numpy's libraries place memory near the processor that works on it.
SystemCallFilter=mbind
"""

_NETWORK = {
    Reach.ANYBODY: """
# The network to reach Slack and others, and AF_UNIX for systemd and to look names up.
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
""",
    Reach.THIS_MACHINE: """
# By this configuration it talks to nobody beyond this machine. With a receiver, a ledger or a listener
# elsewhere print this unit anew.
IPAddressDeny=any
IPAddressAllow=localhost
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
""",
    Reach.NOBODY: """
# By this configuration it talks to nobody: no receiver but the console, no page, no metrics. With any of
# them print this unit anew.
PrivateNetwork=yes
IPAddressDeny=any
RestrictAddressFamilies=AF_UNIX
""",
}


def lines(reach: Reach) -> str:
    """For a service that talks to so many; without what it may read and write, which is its home's matter."""
    return f"{_ALWAYS.strip()}\n\n{_NETWORK[reach].strip()}\n"
