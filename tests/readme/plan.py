"""How each block of commands in the README is run, by the line that it begins with.

A block that is not here makes a test fail, and so does one here that the README no longer has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.readme import props
from tests.readme.scene import Scene

Prop = Callable[[Scene], None]


@dataclass(frozen=True, slots=True)
class Way:
    """`before` makes ready what the reader has at hand; `stays` as in `Scene.shell`; `says` stands in what
    comes out; `after` looks at what it did. `needs`: a program without which the block is passed over.
    `elsewhere`: what runs these commands instead, as they change the machine.
    """

    before: tuple[Prop, ...] = ()
    stays: Mapping[str, str] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    after: tuple[Prop, ...] = ()
    needs: str | None = None
    elsewhere: str | None = None


WAYS: Mapping[str, Way] = {
    "make run": Way(stays={"make run": "Drop articles"}),
    "cp seeds/003_c551aa05802c21eb.txt var/inbox/": Way(after=(props.alert_as_shown, props.names)),
    ".venv/bin/topicwired slack manifest": Way(says=("connections:write", "https://api.slack.com/apps")),
    ".venv/bin/topicwired check --config topicwire.toml": Way(
        before=(Scene.end_beside, props.a_slack),
        stays={"make run": "watching"},
        after=(Scene.end_beside,),
    ),
    ".venv/bin/topicwired desk user add ana": Way(before=(props.a_password,), says=("ana",)),
    "TOKEN=": Way(
        before=(props.a_daemon,), says=('"Education"', "202"), after=(Scene.end_beside,), needs="curl"
    ),
    ".venv/bin/classifier tag seeds/004_233b413902b7296e.txt": Way(says=("Energy", "main")),
    ".venv/bin/topicwired verdicts add ARTICLE energy wrong": Way(),
    ".venv/bin/topicwired retrain": Way(says=("serving",)),
    ".venv/bin/topicwired rehearse --cut energy=0.7": Way(before=(props.other_routes,)),
    ".venv/bin/topicwired retag --since 30d --dry-run": Way(),
    ".venv/bin/topicwired sample ": Way(before=(props.a_draw,), says=("recall",)),
    ".venv/bin/topicwired promises --topic energy": Way(),
    ".venv/bin/classifier suggest --unlabelled var/done": Way(),
    ".venv/bin/classifier train --examples archive.jsonl": Way(before=(props.an_archive,)),
    "python3 -m venv /opt/topicwire": Way(elsewhere="tests.bare_wheel"),
    "topicwired init /srv/topicwire": Way(
        before=(props.installed,),
        stays={"topicwired run": "Drop articles"},
        says=("ok: configuration",),
        after=(Scene.end_beside,),
    ),
    "topicwired unit --home /srv/topicwire --sysusers": Way(elsewhere="tests.test_service"),
    "topicwired status --home /srv/topicwire --config": Way(says=("model",)),
    "topicwired backup --home /srv/topicwire --config": Way(says=("restored on trial",)),
    "topicwired restore --home /srv/anew": Way(),
    "topicwired forget": Way(),
    "topicwired backup --home /srv/topicwire /mnt": Way(elsewhere="tests.upgrade"),
    "topicwired restore --home /srv/topicwire /srv/": Way(elsewhere="tests.upgrade"),
    "systemctl disable --now topicwire": Way(elsewhere="tests.bare_wheel"),
    "topicwired status --home /srv/topicwire ": Way(),
    "install -d -m 750 /etc/topicwire": Way(before=(props.a_postgres,), needs="openssl"),
    ".venv/bin/topicwired storage copy": Way(),
    "ln -s /srv/topicwire/models": Way(
        before=(props.two_configurations,),
        stays={".venv/bin/topicwired run": "watching"},
        after=(Scene.end_beside,),
    ),
    'PGPASSWORD="$(cat': Way(needs="pg_dump"),
    "openssl req -x509": Way(
        before=(props.a_shared_archive,),
        stays={"dask scheduler": "Scheduler at", "dask worker": "Registered to"},
        after=(Scene.end_beside,),
        needs="openssl",
    ),
}


def way_of(first: str) -> Way | None:
    """The way of the block that begins with this line."""
    return next((way for begin, way in WAYS.items() if first.startswith(begin)), None)
