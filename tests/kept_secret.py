"""Whatever is written, no secret is in it, and no article in the log: planted everywhere, real processes, and
then all that they wrote is searched.

`python -m tests.kept_secret HOME` takes the models of a trained home and does it with a training as well.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.builders import ENERGY_ARTICLE
from tests.slack_stand_in import Fault, SlackStandIn

BOT, APP = "xoxb-1111-planted-bot", "xapp-1-planted-app"
ENVIRONMENT = "xoxb-2222-planted-environment"
HOOK = "T0PLANTED/B0PLANTED/hook-planted-in-an-address"
PASSWORD = "planted-password-of-apprise"
SECRETS = (BOT, APP, ENVIRONMENT, HOOK, PASSWORD)
# What a log must not have; where articles are kept they are.
IN_TEXT = "xoxb-3333-planted-in-an-article"
IN_NAME = "xoxb-4444-planted-in-a-name"
SENTENCE = "A sentence that stands in an article alone, about crude oil from the refinery"
TITLE = "Planted headline of the refinery in Atyrau"

_CONFIG = """
[slack]
token_file = "{folder}/bot"
app_token_file = "{folder}/app"
api_url = "{slack}"
[log]
format = "{format}"
[metrics]
listen = "127.0.0.1:{metrics}"
[desk]
listen = "127.0.0.1:{desk}"
[[receiver]]
name = "desk"
type = "slack"
channel = "C1"
[[receiver]]
name = "gone"
type = "slack"
channel = "C0NOSUCH"
[[receiver]]
name = "hook"
type = "webhook"
url_file = "{folder}/hook"
[[route]]
receiver = "desk"
[[route]]
receiver = "gone"
[[route]]
receiver = "hook"
"""


@dataclass
class Written:
    """All that the processes wrote: `logs` by where it came from, `kept` by its file."""

    logs: dict[str, bytes] = field(default_factory=dict)
    kept: dict[str, bytes] = field(default_factory=dict)

    def leaks(self) -> Iterator[str]:
        """One line for each planted thing that stands where it must not."""
        for where, content in (self.logs | self.kept).items():
            yield from (f"{secret} in {where}" for secret in SECRETS if secret.encode() in content)
        for where, content in self.logs.items():
            for planted in (IN_TEXT, IN_NAME, SENTENCE, TITLE):
                if planted.encode() in content:
                    yield f"{planted} in {where}"


@dataclass
class Scene:
    folder: Path
    slack: SlackStandIn
    format: str = "text"
    written: Written = field(default_factory=Written)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "TOPICWIRE_"))}
        planted = {"SLACK_BOT_TOKEN": ENVIRONMENT, "APPRISE_URL": f"json://me:{PASSWORD}@127.0.0.1:9/"}
        return kept | planted | {"PYTHONUNBUFFERED": "1"}

    def prepare(self, models: Path) -> None:
        shutil.copytree(models, self.home / "models")
        (self.home / "inbox").mkdir()
        hook = f"{self.slack.webhook_url}/{HOOK}"
        for name, secret in (("bot", BOT), ("app", APP), ("hook", hook)):
            (self.folder / name).write_text(secret)
            (self.folder / name).chmod(0o600)
        self.slack.token, self.slack.app_token = BOT, APP
        config = _CONFIG.format(
            folder=self.folder, slack=self.slack.url, metrics=_port(), desk=_port(), format=self.format
        )
        (self.folder / "topicwire.toml").write_text(config)
        wrong = config.replace('channel = "C1"', f'channel = "{BOT}"\ntoken = "{APP}"')
        (self.folder / "wrong.toml").write_text(f"# {HOOK} hooks.slack.com/services/{HOOK}\n{wrong}")

    def call(self, *arguments: str, config: str = "topicwire.toml") -> int:
        """A command to its end; what it says is kept."""
        command = [sys.executable, "-m", "daemon.cli", *arguments]
        given = ["--home", str(self.home), "--config", str(self.folder / config)]
        ended = subprocess.run(
            [*command, *given], capture_output=True, env=self.environment, timeout=180, check=False
        )
        name = " ".join(arguments)
        self.written.logs[f"{name} ({config}), stdout"] = ended.stdout
        self.written.logs[f"{name} ({config}), stderr"] = ended.stderr
        return ended.returncode

    def begin(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "daemon.cli", "run", "--verbose", "--home", str(self.home)]
        with (self.folder / "out").open("ab") as out, (self.folder / "err").open("ab") as err:
            return subprocess.Popen(
                [*command, "--config", str(self.folder / "topicwire.toml")],
                stdout=out, stderr=err, env=self.environment,
            )  # fmt: skip

    def log(self) -> str:
        return (self.folder / "err").read_text(encoding="utf-8", errors="replace")

    def drop(self, name: str, content: str) -> None:
        (self.folder / "tmp").write_text(content)
        (self.folder / "tmp").rename(self.home / "inbox" / name)

    def wait_for(self, text: str, seconds: float = 60.0) -> None:
        until = time.monotonic() + seconds
        while text not in self.log():
            assert time.monotonic() < until, f"no {text!r} in {seconds} s:\n{self.log()}"
            time.sleep(0.05)

    def collect(self) -> Written:
        """What stands in files by now, and in the log."""
        for name in ("out", "err"):
            self.written.logs[f"run, {name}"] = (self.folder / name).read_bytes()
        for file in self.home.rglob("*"):
            if file.is_file():
                self.written.kept[str(file.relative_to(self.home))] = file.read_bytes()
        for file in self.home.glob("failed/*.error.json"):
            self.written.logs[file.name] = file.read_bytes().replace(IN_NAME.encode(), b"")
        return self.written


def play(scene: Scene, *, train: bool) -> Written:
    """Everything that could leak something does its work, and fails at it."""
    slack = scene.slack
    # A Slack that repeats our token in what it refuses, and one that breaks off.
    slack.faults += [
        Fault("error", error=f"invalid_{BOT}"),
        Fault("error", error=f"token {BOT} was not good"),
        Fault("half"),
        Fault("status", status=400, method="hook"),
        Fault("reset", method="hook"),
    ]
    daemon = scene.begin()
    try:
        scene.wait_for("watching", 120.0)
        article = ENERGY_ARTICLE.replace("Refinery in Atyrau restarts crude unit", TITLE)
        scene.drop("a.txt", f"{article}{SENTENCE}.\nA token {IN_TEXT} in the text.\n")
        scene.drop(f"{IN_NAME}\n\x1b[2J.txt", article.replace("crude oil", "oil"))
        scene.drop("broken.pdf", f"%PDF-1.4 {IN_TEXT} {SENTENCE}")
        scene.drop("record.json", json.dumps({"title": TITLE, "text": 7, "token": IN_TEXT}))
        scene.wait_for("alert delivered", 60.0)
        scene.wait_for("file set aside", 60.0)
        assert slack.wait_for_connections(1, 60.0), scene.log()
        assert slack.wait_for(1, 60.0), scene.log()
        slack.click(slack.messages[0]["ts"], action_id="0-right")
        scene.wait_for("click taken")
        (scene.folder / "topicwire.toml").rename(scene.folder / "aside.toml")
        shutil.copy(scene.folder / "wrong.toml", scene.folder / "topicwire.toml")
        daemon.send_signal(signal.SIGHUP)
        scene.wait_for("configuration refused")
        (scene.folder / "aside.toml").rename(scene.folder / "topicwire.toml")
        port = re.findall(r'listen = "127.0.0.1:(\d+)"', (scene.folder / "topicwire.toml").read_text())[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            scene.written.logs["metrics"] = answer.read()
        for arguments in (("status",), ("status", "--json"), ("check",), ("check", "--json"), ("backup",)):
            scene.call(*arguments)
        if train:
            scene.call("retrain")
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(30)
    finally:
        daemon.kill()
    for command in ("check", "run", "status"):
        assert scene.call(command, config="wrong.toml") == 1
    return scene.collect()


def _port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def main() -> int:
    models = Path(sys.argv[1]) / "models"
    found = 0
    for format in ("text", "json"):
        with tempfile.TemporaryDirectory() as folder, SlackStandIn() as slack:
            scene = Scene(Path(folder), slack, format)
            scene.prepare(models)
            written = play(scene, train=True)
            leaks = list(written.leaks())
            found += len(leaks)
            size = sum(map(len, (written.logs | written.kept).values()))
            print(
                f"{format}: {len(written.logs)} outputs and {len(written.kept)} files, {size} bytes: {leaks}"
            )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
