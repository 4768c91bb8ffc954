"""What a reader of the README has at hand: a Slack, an archive, a server; here stand-ins of the tests."""

from __future__ import annotations

import json
import re
import textwrap

from classifier import current_version
from daemon.slackapp import BOT_SCOPES
from tests import postgres
from tests.readme.blocks import blocks_of
from tests.readme.scene import ROOT, BlockFailedError, Scene
from tests.slack_stand_in import SlackStandIn

_ALERT = re.compile(r"^● .*(\n  .*)*", re.MULTILINE)
_CHANNEL = "C0123456789"
_ON_A_SERVER = """
[storage]
database = "postgresql+psycopg://topicwire@localhost/topicwire?password_file=/etc/topicwire/database-password"
daemon = "{name}"
[desk]
listen = "never"
"""


def names(scene: Scene) -> None:
    """ARTICLE and VERSION: the article that the first command dropped, and the model that tagged it."""
    said = scene.shell([".venv/bin/classifier tag --json seeds/003_c551aa05802c21eb.txt"])
    scene.fills["ARTICLE"] = str(json.loads(said.splitlines()[-1])["id"])
    served = current_version(scene.repository / "var" / "models")
    assert served is not None
    scene.fills["VERSION"] = served


def alert_as_shown(scene: Scene) -> None:
    """The alert that comes is the one that the README shows, but for its percentages."""
    shown = _ALERT.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert shown is not None
    lines = [line.rstrip("” …") for line in _without_numbers(shown[0]).splitlines()]
    scene.wait_for("Trade and investment")
    said = _without_numbers(scene.said_beside())
    if missing := [line for line in lines if line not in said]:
        raise BlockFailedError(f"the alert has no line {missing[0]!r}:\n{said}")


def a_slack(scene: Scene) -> None:
    """topicwire.toml as the README has it, but for the address of Slack and the reader's own page."""
    slack = scene.enter(SlackStandIn(channels=[_CHANNEL]))
    slack.scopes = ",".join(BOT_SCOPES)
    for name, token in (("slack-bot-token", slack.token), ("slack-app-token", slack.app_token)):
        file = scene.real("/home/me") / name
        file.touch(mode=0o600)
        file.write_text(token, encoding="utf-8")
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    [text] = [each.text for each in blocks_of(page) if each.text.startswith("# topicwire.toml")]
    text = text.replace("[slack]\n", f'[slack]\napi_url = "{slack.url}"\n', 1)
    (scene.repository / "topicwire.toml").write_text(scene.written(text), encoding="utf-8")


def a_password(scene: Scene) -> None:
    """Who types the password twice when they are asked for it."""
    typed = textwrap.dedent(
        """
        import pty, os, sys
        child, terminal = pty.fork()
        if child == 0:
            os.execvp(sys.argv[1], sys.argv[1:])
        asked = b""
        while True:
            try:
                said = os.read(terminal, 1024)
            except OSError:
                break
            if not said:
                break
            os.write(1, said)
            if b"assword:" in said or b"more:" in said:
                os.write(terminal, b"correct horse battery staple\\n")
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """
    )
    (scene.folder / "typed.py").write_text(typed, encoding="utf-8")
    scene.typed = f"python3 {scene.folder / 'typed.py'} "


def a_daemon(scene: Scene) -> None:
    scene.shell(["make run"], {"make run": "Drop articles"})
    scene.wait_for("127.0.0.1:8460")


def other_routes(scene: Scene) -> None:
    """new.toml: routes that somebody thinks about."""
    text = """
        [[receiver]]
        name = "console"
        type = "console"

        [[route]]
        receiver = "console"
        topics = ["energy"]
    """
    (scene.repository / "new.toml").write_text(textwrap.dedent(text), encoding="utf-8")


def a_draw(scene: Scene) -> None:
    """A morning has come: articles were drawn, the one of the README's first command among them."""
    quiet = scene.repository / "var" / "inbox" / "quiet.txt"
    quiet.write_text("Choir wins prize\nThe town choir won the first prize at a song contest.\n", "utf-8")
    scene.shell([".venv/bin/topicwired run --once", ".venv/bin/topicwired sample --draw"])
    said = scene.shell([".venv/bin/topicwired sample --json"])
    scene.fills["ARTICLE"] = str(json.loads(said.splitlines()[-1])["article"])


def an_archive(scene: Scene) -> None:
    """archive.jsonl and others.jsonl: labelled articles of somebody's own."""
    told = {"energy": "The refinery in {} raised its output of crude oil products.",
            "space": "The launch pad near {} is ready for the next rocket and its satellite."}  # fmt: skip
    for name, places in (("archive", "Atyrau Aktau Almaty Astana Oral Kokshetau Taraz Semey Osh Riga"),
                         ("others", "Baku Omsk Kyiv Tashkent")):  # fmt: skip
        rows = [
            {
                "id": f"{topic}-{place}",
                "text": text.format(place),
                "main": [topic],
                "mention": [],
                "lang": "en",
            }
            for topic, text in told.items()
            for place in places.split()
        ]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (scene.repository / f"{name}.jsonl").write_text(lines, encoding="utf-8")


def installed(scene: Scene) -> None:
    """Both programs are on PATH."""
    scene.surroundings["PATH"] = f"{scene.repository}/.venv/bin:{scene.surroundings['PATH']}"


def a_shared_archive(scene: Scene) -> None:
    """/shared/archive, and a home on each machine; HOST is this one."""
    archive = scene.real("/shared") / "archive"
    archive.mkdir()
    for file in (scene.repository / "seeds").glob("*.txt"):
        (archive / file.name).write_bytes(file.read_bytes())
    scene.fills["HOST"] = "127.0.0.1"


def a_postgres(scene: Scene) -> None:
    """A server of the tests' own, for which `sudo -u postgres` makes one its superuser, and nobody else."""
    server = scene.enter(postgres.server())
    server.run("CREATE ROLE postgres SUPERUSER LOGIN PASSWORD 'readme'")
    own = f"env PGHOST=127.0.0.1 PGPORT={server.port} PGUSER=postgres PGPASSWORD=readme"
    scene.shell([f"{own} psql -qc 'ALTER ROLE topicwire RENAME TO founder'"])
    scene.program("sudo", f'#!/bin/sh\nshift 2\nexec {own} "$@"\n')
    scene.instead["localhost/topicwire"] = f"127.0.0.1:{server.port}/topicwire"


def two_configurations(scene: Scene) -> None:
    """second.toml and its home var2; what homes share is that of /srv/topicwire."""
    for name, file in (("newsroom-1", "topicwire.toml"), ("newsroom-2", "second.toml")):
        text = scene.written(_ON_A_SERVER.format(name=name))
        (scene.repository / file).write_text(text, encoding="utf-8")
    (scene.repository / "var2").mkdir()


def _without_numbers(text: str) -> str:
    return re.sub(r"\d+%", "N%", text)
