"""Bundles: all of a home in a folder, while others work on it; and all of it back, or one line why not."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from classifier.history import use_model
from classifier.storage import save
from daemon import app, backups, bundles, clock, drills, manifests, restoring, rotation
from daemon.cli import main as topicwired
from daemon.config import Backup, Settings
from daemon.database import Database, open_database
from daemon.errors import DaemonError
from daemon.manifests import Piece
from tests import stepping
from tests.builders import NOON, make_settings, small_model
from tests.test_backups import articles_in, turn_clock, write

pytestmark = pytest.mark.sqlite("its ledger is in the bundle; tests of a server's say so themselves")

DAY = timedelta(days=1)
PEOPLE = {"ana": {"role": "editor", "password": "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA"}}
SECRETS = ("desk.token", "desk.key", "slack-token")


def a_home(home: Path) -> Settings:
    """A home with something of everything, and three articles."""
    settings = make_settings(home)
    for folder in ("inbox", "done", "failed", "labels/own", "held-out"):
        (home / folder).mkdir(parents=True)
    (home / "labels" / "own" / "мұнай.tsv").write_text("energy\tThe refinery will sell oil.\n")
    (home / "labels" / ".half.new").write_text("on its way")
    (home / "held-out" / "ours.jsonl").write_text('{"text": "Oil", "main": ["energy"]}\n')
    (home / "desk-people.json").write_text(json.dumps(PEOPLE))
    (home / "desk-people.json").chmod(0o600)
    for name in SECRETS:
        (home / name).write_text("SECRET")
    config = home / "topicwire.toml"
    config.write_text('[desk]\nlisten = "never"\n')
    serve_another(settings, 1)
    return settings.model_copy(update={"file": config})


def serve_another(settings: Settings, number: int) -> str:
    """The next model comes to serve, as after a training."""
    model = small_model(labels_fingerprint=f"{number:064}")
    moment = NOON + number * timedelta(seconds=1)
    version = save(model, settings.models, probes=["Oil"], made_by={"from": "labels"}, now=moment).version
    use_model(settings.models, version, because="a test")
    return version


@pytest.fixture
def settings(tmp_path: Path, new_ledger: Path) -> Settings:
    found = a_home(tmp_path / "home")
    shutil.copy(new_ledger, found.home / "ledger.db")
    return found


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Database]:
    database = open_database(settings.database)
    write(database, 1, 2, 3)
    yield database
    database.close()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "mnt" / "backup"


@pytest.fixture
def bundle(settings: Settings, ledger: Database, place: Path) -> Path:
    place.parent.mkdir()
    return bundles.make(settings, place).folder


def files_in(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_a_bundle_has_all_of_a_home_but_its_secrets_and_done(
    settings: Settings, bundle: Path, place: Path
) -> None:
    found = files_in(bundle)
    version = (settings.models / "current").read_text().strip()

    assert set(found) == {
        "MANIFEST.json",
        "SHA256SUMS",
        "desk-people.json",
        "held-out/ours.jsonl",
        "labels/own/мұнай.tsv",
        "ledger.db",
        "models/current",
        "models/history.jsonl",
        f"models/{version}/MANIFEST.json",
        f"models/{version}/model.json",
        f"models/{version}/weights.npy",
        "topicwire.toml",
    }
    assert not [name for name, content in found.items() if b"SECRET" in content]
    assert articles_in(bundle / "ledger.db") == [1, 2, 3]
    manifest = bundles.opened(bundle)
    assert (manifest.articles, manifest.model) == (3, version)
    assert sorted(path.name for path in place.iterdir()) == [".lock", bundle.name]
    assert bundle.stat().st_mode & 0o077 == 0


def test_the_sums_of_a_bundle_are_as_sha256sum_reads_them(bundle: Path) -> None:
    lines = (bundle / "SHA256SUMS").read_text().splitlines()

    assert all(line[64:66] == "  " for line in lines)
    assert {line[66:] for line in lines} == set(files_in(bundle)) - {"SHA256SUMS"}


def test_a_home_comes_back_whole_at_another_place(
    settings: Settings, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "elsewhere" / "home"

    code = topicwired(["restore", "--home", str(new), str(bundle.parent), "--json"])

    said = json.loads(capsys.readouterr().out)
    assert code == 0
    assert said["bundle"] == str(bundle)
    for name in ("labels/own/мұнай.tsv", "held-out/ours.jsonl", "desk-people.json", "topicwire.toml"):
        assert (new / name).read_bytes() == (settings.home / name).read_bytes()
    assert (new / "desk-people.json").stat().st_mode & 0o777 == 0o600
    assert files_in(new / "models") == {
        name: content for name, content in files_in(settings.models).items() if Path(name).name[0] != "."
    }
    assert articles_in(new / "ledger.db") == [1, 2, 3]
    assert not [name for name in SECRETS if (new / name).exists()]
    assert backups.missing_ledger(make_settings(new)) is None


def test_what_stands_in_a_home_is_set_aside_and_what_is_the_same_is_left(
    settings: Settings, bundle: Path, ledger: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger.close()
    home = settings.home
    (home / "labels" / "later.tsv").write_text("trade\tExports rose.\n")
    (home / "desk-people.json").write_text("{}")
    (home / "topicwire.toml").unlink()
    held_out = (home / "held-out").stat().st_ino

    assert topicwired(["restore", "--home", str(home), str(bundle), "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    aside = {Path(each["place"]).name: each["set_aside"] for each in said["placed"]}
    assert set(aside) == {"labels", "desk-people.json", "topicwire.toml"}
    assert (Path(aside["labels"]) / "later.tsv").exists()
    assert (Path(aside["labels"]) / "own" / "мұнай.tsv").exists()
    assert Path(aside["desk-people.json"]).read_text() == "{}"
    assert aside["topicwire.toml"] is None
    assert not (home / "labels" / "later.tsv").exists()
    assert (home / "held-out").stat().st_ino == held_out
    assert Path(said["set_aside"]).exists()
    assert not [path for path in home.rglob(".*") if "restored" in path.name or "unpacking" in path.name]


def test_a_configuration_in_use_is_left_and_the_other_laid_beside_it(
    settings: Settings, bundle: Path, ledger: Database
) -> None:
    ledger.close()
    config = settings.home / "topicwire.toml"
    config.write_text('[desk]\nlisten = "never"\n[backup]\nkeep = 3\n')

    command = ["restore", "--home", str(settings.home), "--config", str(config), str(bundle)]
    assert topicwired(command) == 0

    assert "keep = 3" in config.read_text()
    assert "keep" not in config.with_name("topicwire.toml.from-backup").read_text()


def test_models_that_are_there_stay_beside_those_that_come_back(
    settings: Settings, bundle: Path, ledger: Database
) -> None:
    ledger.close()
    first = (settings.models / "current").read_text()
    later = serve_another(settings, 2)

    assert topicwired(["restore", "--home", str(settings.home), str(bundle)]) == 0

    assert (settings.models / "current").read_text() == first
    assert (settings.models / later / "MANIFEST.json").exists()


def test_a_bundle_made_while_all_changes_is_of_one_moment_each(
    settings: Settings, ledger: Database, place: Path
) -> None:
    place.parent.mkdir()
    stop = threading.Event()
    written, served = [3], [1]

    def write_articles() -> None:
        while not stop.is_set():
            write(ledger, written[0] + 1)
            written[0] += 1

    def edit_labels() -> None:
        # Two files that belong together: nobody may ever see one of them newer than the other.
        turn = 0
        while not stop.is_set():
            turn += 1
            for name in ("one.tsv", "two.tsv"):
                fresh = settings.home / "labels" / f".{name}"
                fresh.write_text(f"energy\tTurn {turn} of the mill.\n")
                os.replace(fresh, settings.home / "labels" / name)
            stop.wait(0.7)

    def swap_models() -> None:
        while not stop.is_set():
            served[0] += 1
            serve_another(settings, served[0])
            stop.wait(0.9)

    workers = [threading.Thread(target=work) for work in (write_articles, edit_labels, swap_models)]
    for worker in workers:
        worker.start()
    try:
        made = [
            bundles.make(settings, place / str(number)).folder for number in range(2) if _new(place, number)
        ]
    finally:
        stop.set()
        for worker in workers:
            worker.join()

    for folder in made:
        manifest = bundles.opened(folder)
        drills.try_out(folder, manifest, place)
        labels = [(folder / "labels" / name).read_text() for name in ("one.tsv", "two.tsv")]
        assert labels[0] == labels[1]
        assert (folder / "models" / "current").read_text().strip() == manifest.model
        assert articles_in(folder / "ledger.db") == list(range(1, manifest.articles + 1))


def _new(place: Path, number: int) -> bool:
    (place / str(number)).mkdir(parents=True)
    return True


def test_labels_that_never_stand_still_are_no_backup(
    settings: Settings, ledger: Database, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.parent.mkdir()
    copied = bundles._copied

    def and_change(source: Path, *given: object) -> Piece:
        (settings.home / "labels" / "own" / "мұнай.tsv").write_text(f"-\t{time.monotonic_ns()}\n")
        return copied(source, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(bundles, "_copied", and_change)
    monkeypatch.setattr(bundles, "_BETWEEN_TRIES", 0.0)

    with pytest.raises(DaemonError, match="change faster than they are copied"):
        bundles.make(settings, place)

    assert [path.name for path in place.iterdir()] == [".lock"]


def test_a_model_that_could_not_serve_is_left_out_and_said(
    settings: Settings, ledger: Database, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place.parent.mkdir()
    first = (settings.models / "current").read_text().strip()
    broken = serve_another(settings, 2)
    (settings.models / broken / "weights.npy").write_bytes(b"x")

    code = topicwired(["backup", "--home", str(settings.home), str(place)])

    said = capsys.readouterr()
    [folder] = backups.bundles_in(place)
    assert code == 0
    assert "weights.npy: damaged" in said.err
    assert bundles.opened(folder).model is None
    assert (folder / "models" / first).exists()
    assert not (folder / "models" / "current").exists()


def test_the_same_model_is_on_the_disk_once_for_all_bundles(
    settings: Settings, bundle: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "_WORTH_A_LINK", 1)
    turn_clock(monkeypatch, DAY)

    second = bundles.make(settings, place).folder

    version = (settings.models / "current").read_text().strip()
    weights = f"models/{version}/weights.npy"
    assert (second / weights).stat().st_ino == (bundle / weights).stat().st_ino
    assert (second / weights).stat().st_ino != (settings.models / version / "weights.npy").stat().st_ino
    assert (second / "ledger.db").stat().st_ino != (bundle / "ledger.db").stat().st_ino


def test_a_damaged_file_of_the_bundle_before_is_not_linked(
    settings: Settings, bundle: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "_WORTH_A_LINK", 1)
    version = (settings.models / "current").read_text().strip()
    weights = bundle / "models" / version / "weights.npy"
    weights.write_bytes(bytes(len(weights.read_bytes())))
    turn_clock(monkeypatch, DAY)

    second = bundles.make(settings, place).folder

    drills.verify(second, bundles.opened(second))


HARMS = ("flipped", "shorter", "longer", "missing", "a link", "a folder")


def test_a_bundle_with_any_file_damaged_is_refused_with_its_name(bundle: Path, tmp_path: Path) -> None:
    names = sorted(files_in(bundle))
    for harm in HARMS:
        for number, name in enumerate(names):
            hurt = tmp_path / f"{harm} {number}" / bundle.name
            shutil.copytree(bundle, hurt, copy_function=os.link)
            do_harm(hurt / name, harm)

            with pytest.raises(DaemonError) as caught:
                bundles.newest_sound(hurt)

            said = str(caught.value)
            assert Path(name).name in said, (harm, name, said)
            assert "\n" not in said
    assert len(names) > 8
    drills.verify(bundle, bundles.opened(bundle))


def test_a_damaged_bundle_changes_nothing_in_the_home(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    do_harm(bundle / "labels" / "own" / "мұнай.tsv", "flipped")

    codes = [
        topicwired(["restore", "--home", str(tmp_path / "new"), str(bundle)]),
        topicwired(["restore", "--check", str(bundle)]),
    ]

    said = capsys.readouterr()
    assert codes == [1, 1]
    assert said.out == ""
    assert said.err.count("мұнай.tsv: is damaged") == said.err.count("\n") == 2
    assert not (tmp_path / "new").exists()


def do_harm(file: Path, harm: str) -> None:
    content = bytearray(file.read_bytes())
    match harm:
        case "flipped":
            content[len(content) // 2] ^= 1
        case "shorter":
            del content[-1]
        case "longer":
            content += b"x"
    file.unlink()  # it may have other names, which stay as they are
    if harm in ("flipped", "shorter", "longer"):
        file.write_bytes(content)
    if harm == "a link":
        kept = file.parent.parent.parent / "kept elsewhere"
        kept.write_bytes(content)
        file.symlink_to(kept)
    if harm == "a folder":
        file.mkdir()


HOSTILE = (
    "../outside.txt",
    "/etc/outside.txt",
    "labels/../../outside.txt",
    "labels//outside.txt",
    "labels/.hidden.tsv",
    "models/x\\..\\y",
    "labels/line\nbreak.tsv",
    "desk.token",
    "inbox/an-alert.txt",
    "done/2026/01/01/x.txt",
    ".restoring",
    "labels",
    "",
)


def test_a_manifest_that_names_a_place_of_its_own_choice_is_refused(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "new"
    for name in HOSTILE:
        rewrite(bundle, lambda said, name=name: said["pieces"][0].update(path=name))  # type: ignore[misc]

        assert topicwired(["restore", "--home", str(home), str(bundle)]) == 1, name

        assert "MANIFEST.json: is damaged, or no manifest" in capsys.readouterr().err, name
        assert not home.exists()
        assert not (tmp_path / "outside.txt").exists()


def test_a_folder_in_a_bundle_that_leads_elsewhere_is_not_followed(bundle: Path, tmp_path: Path) -> None:
    shutil.move(bundle / "labels", tmp_path / "labels elsewhere")
    (bundle / "labels").symlink_to(tmp_path / "labels elsewhere")

    with pytest.raises(DaemonError, match="not a plain file"):
        bundles.newest_sound(bundle)


def test_a_pickle_for_a_model_is_never_opened(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sound by its sums; the model's own manifest and format stand in its way."""
    [weights] = bundle.glob("models/*/weights.npy")
    witness = tmp_path / "ran"
    import pickle

    class Trap:
        def __reduce__(self) -> tuple[Callable[..., int], tuple[str]]:
            return os.system, (f"touch {witness}",)

    import numpy as np

    np.save(weights, np.array([Trap()], dtype=object), allow_pickle=True)
    own = weights.with_name("MANIFEST.json")
    import hashlib

    card = json.loads(own.read_text())
    card["sha256"]["weights.npy"] = hashlib.sha256(weights.read_bytes()).hexdigest()
    own.write_text(json.dumps(card))
    resum(bundle)
    assert pickle.dumps(Trap())

    assert topicwired(["restore", "--check", str(bundle)]) == 1

    assert "not a model of this version" in capsys.readouterr().err
    assert not witness.exists()


@pytest.mark.parametrize(
    "planted",
    [
        "CREATE TRIGGER sly AFTER INSERT ON articles BEGIN DELETE FROM alerts; END",
        "CREATE VIEW sly AS SELECT 1",
    ],
)
def test_a_ledger_that_would_do_something_by_itself_is_refused(
    planted: str, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(bundle / "ledger.db")) as connection:
        connection.execute(planted)
        connection.commit()
    resum(bundle)

    assert topicwired(["restore", "--home", str(tmp_path / "new"), str(bundle)]) == 1

    assert "sly in it" in capsys.readouterr().err
    assert not (tmp_path / "new" / "ledger.db").exists()


def test_a_configuration_that_leads_outside_the_home_is_refused(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = tmp_path / "outside.db"
    (bundle / "topicwire.toml").write_text(f'[storage]\ndatabase = "{outside}"\n')
    resum(bundle)

    assert topicwired(["restore", "--home", str(tmp_path / "new"), str(bundle)]) == 1

    assert "has the ledger outside the home" in capsys.readouterr().err
    assert not outside.exists()


def test_a_bundle_of_a_newer_topicwire_says_so(bundle: Path) -> None:
    rewrite(bundle, lambda said: said.update(format=2))

    with pytest.raises(DaemonError, match="made by a newer topicwire"):
        bundles.opened(bundle)


def test_a_ledger_with_other_rows_than_were_counted_is_found(bundle: Path, place: Path) -> None:
    rewrite(bundle, lambda said: said["rows"].update(articles=4))

    with pytest.raises(DaemonError, match="has 3 rows in articles, and the manifest says 4"):
        drills.try_out(bundle, bundles.opened(bundle), place)


def rewrite(bundle: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """As somebody would who can make sums as well."""
    said = json.loads((bundle / "MANIFEST.json").read_text())
    change(said)
    encoded = json.dumps(said).encode()
    (bundle / "MANIFEST.json").write_bytes(encoded)
    pieces = "".join(f"{each['sha256']}  {each['path']}\n" for each in said["pieces"])
    import hashlib

    own = hashlib.sha256(encoded).hexdigest()
    (bundle / "SHA256SUMS").write_text(f"{pieces}{own}  MANIFEST.json\n", encoding="utf-8", newline="")


def resum(bundle: Path) -> None:
    """The manifest says of each file what it is now."""
    import hashlib

    def anew(said: dict[str, Any]) -> None:
        for each in said["pieces"]:
            content = (bundle / each["path"]).read_bytes()
            each.update(size=len(content), sha256=hashlib.sha256(content).hexdigest())

    rewrite(bundle, anew)


def test_a_place_is_one_of_ours_or_none() -> None:
    assert not [name for name in HOSTILE if manifests.is_a_place(name)]
    assert all(map(manifests.is_a_place, ("ledger.db", "labels/a/b.tsv", "models/current", "held-out/x")))


def test_the_last_of_weeks_and_months_stay_beside_the_newest() -> None:
    nights = [NOON + number * DAY for number in range(100)]  # 5 March to 12 June 2026

    stay = sorted(rotation.kept(nights, newest=3, weekly=3, monthly=3))

    assert [f"{moment:%m-%d}" for moment in stay] == ["04-30", "05-31", "06-07", "06-10", "06-11", "06-12"]
    assert len(rotation.kept(nights, newest=7)) == 7
    assert rotation.kept([], newest=7) == frozenset()


def test_rotation_deletes_old_sound_bundles_of_this_home_alone(
    settings: Settings, ledger: Database, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.mkdir(parents=True)
    other = a_home(tmp_path / "other")
    open_database(other.database).close()
    turn_clock(monkeypatch, -10 * DAY)
    theirs = bundles.make(other, place).folder.name
    mine = []
    for number in range(4):
        turn_clock(monkeypatch, number * DAY)
        mine.append(bundles.make(settings, place).folder)
    assert len(backups.bundles_in(place)) == 5  # a place that nobody configured is only added to
    (mine[0] / "labels" / "own" / "мұнай.tsv").unlink()
    (mine[1] / "notes.txt").write_text("somebody's")
    asked = settings.model_copy(update={"backup": Backup(path=place, keep=1)})
    turn_clock(monkeypatch, 10 * DAY)

    last = bundles.make(asked, place)

    left = [folder.name for folder in backups.bundles_in(place)]
    assert left == [theirs, mine[0].name, mine[1].name, last.folder.name]
    assert last.deleted == (mine[2].name, mine[3].name)


def test_the_night_makes_a_bundle_where_the_configuration_says(
    settings: Settings, ledger: Database, place: Path
) -> None:
    place.mkdir(parents=True)
    asked = settings.model_copy(update={"backup": Backup(path=place)})

    [job] = [each for each in app._jobs(asked, ledger) if each.name == "backup"]
    said = job.run()

    [folder] = backups.bundles_in(place)
    assert said.startswith(f"{folder.name}: 3 articles")
    assert not backups.folder(settings).exists()
    found, _ = backups.newest_sound(asked)
    assert found == folder / "ledger.db"


def test_of_a_ledger_on_a_server_the_bundle_has_all_else_and_the_line_for_it(
    settings: Settings, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place.mkdir(parents=True)
    config = tmp_path / "shared.toml"
    config.write_text(
        '[storage]\ndatabase = "postgresql+psycopg://topicwire@db.example.org/news?password_file=/etc/secret"\n'
    )
    new = ["--home", str(tmp_path / "new"), "--config", str(config)]

    assert topicwired(["backup", "--home", str(settings.home), "--config", str(config), str(place)]) == 0
    made = capsys.readouterr()
    [folder] = backups.bundles_in(place)
    assert topicwired(["restore", "--check", str(place)]) == 0
    assert topicwired(["restore", *new, str(place)]) == 0

    said = capsys.readouterr()
    assert "pg_dump" in made.err
    assert "db.example.org" in made.err
    assert "the ledger is not in this backup; it was on a server: " in said.err
    assert not (folder / "ledger.db").exists()
    assert (tmp_path / "new" / "labels" / "own" / "мұнай.tsv").exists()
    assert bundles.opened(folder).rows == {}


def test_a_bundle_among_what_it_is_made_of_is_refused(settings: Settings, ledger: Database) -> None:
    for name in ("inbox", "done", "labels", "models/backups"):
        with pytest.raises(DaemonError, match="lies in"):
            bundles.make(settings, settings.home / name)
    with pytest.raises(DaemonError, match="there is no folder"):
        bundles.make(settings, settings.home / "not" / "there")


def test_a_full_disk_leaves_the_earlier_bundles_and_nothing_half_done(
    settings: Settings, bundle: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn_clock(monkeypatch, DAY)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, limits[1]))
    try:
        with pytest.raises(DaemonError, match="the backup cannot be made") as caught:
            bundles.make(settings, place)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in place.iterdir()) == [".lock", bundle.name]
    drills.verify(bundle, bundles.opened(bundle))


def killed_at(step: int, below: Path, work: Callable[[], object]) -> bool:
    """Do a work in a process that is killed before its n-th step in a folder; whether it came to its end."""

    def counts(event: str, details: tuple[object, ...]) -> bool:
        writes = event != "open" or "w" in str(details[1]) or "x" in str(details[1])
        return event in _STEPS and str(below) in str(details) and writes

    return stepping.killed_at(step, work, counts=counts)


_STEPS = frozenset(
    "open os.rename os.link os.remove os.mkdir os.rmdir os.chmod shutil.rmtree sqlite3.connect".split()
)


def test_a_kill_at_any_step_of_a_backup_leaves_sound_bundles_alone(
    settings: Settings, bundle: Path, place: Path, monkeypatch: pytest.MonkeyPatch, ledger: Database
) -> None:
    ledger.close()
    asked = settings.model_copy(update={"backup": Backup(path=place, keep=1)})
    steps, ended = 0, False
    while not ended:
        steps += 19
        turn_clock(monkeypatch, steps * DAY)
        ended = killed_at(steps, place, lambda: bundles.make(asked, place))
        found = backups.bundles_in(place)
        assert found, steps
        for folder in found:
            drills.verify(folder, bundles.opened(folder))
    turn_clock(monkeypatch, 1000 * DAY)
    last = bundles.make(asked, place).folder

    assert steps > 30
    assert sorted(path.name for path in place.iterdir()) == [".lock", last.name]


def test_a_kill_at_any_step_of_a_restore_loses_nothing_and_the_next_one_ends_it(
    settings: Settings, bundle: Path, tmp_path: Path, ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(ledger, 4)
    ledger.close()
    (settings.home / "labels" / "later.tsv").write_text("trade\tExports rose.\n")
    serve_another(settings, 2)
    begun, steps, ended = False, 1, False
    while not ended:
        home = tmp_path / f"home {steps}"
        shutil.copytree(settings.home, home)

        def work(home: Path = home) -> None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            assert topicwired(["restore", "--home", str(home), str(bundle)]) == 0

        ended = killed_at(steps, home, work)
        refused = backups.missing_ledger(make_settings(home)) is not None
        begun = begun or refused
        assert (home / "labels").is_dir()
        assert refused or is_as_before(home) or is_restored(home, bundle), steps
        assert topicwired(["restore", "--home", str(home), str(bundle)]) == 0
        assert is_restored(home, bundle), steps
        assert backups.missing_ledger(make_settings(home)) is None
        # What stood there before is somewhere.
        assert list(home.glob("labels*/later.tsv")), steps
        asides = [
            home / "ledger.db",
            *home.glob("ledger.db.set-aside-*Z"),
            *home.glob("ledger.db.set-aside-*Z-2"),
        ]
        assert [1, 2, 3, 4] in [articles_in(file) for file in asides], steps
        shutil.rmtree(home)
        steps += 29

    assert begun
    assert steps > 40


def is_as_before(home: Path) -> bool:
    return (home / "labels" / "later.tsv").exists() and articles_in(home / "ledger.db") == [1, 2, 3, 4]


def is_restored(home: Path, bundle: Path) -> bool:
    same = all(
        (home / piece.path).read_bytes() == (bundle / piece.path).read_bytes()
        for piece in bundles.opened(bundle).pieces
        if piece.path != "ledger.db"
    )
    return (
        same and articles_in(home / "ledger.db") == [1, 2, 3] and not (home / "labels" / "later.tsv").exists()
    )


def test_a_home_that_is_half_restored_is_not_started_on(
    settings: Settings, bundle: Path, tmp_path: Path
) -> None:
    new = make_settings(tmp_path / "new")
    new.home.mkdir()
    with pytest.raises(RuntimeError), restoring.marked(new.home, bundle):
        raise RuntimeError("the machine went off")

    with pytest.raises(DaemonError, match="a restore was cut off"):
        app.must_have_ledger(new)
    assert clock.now()


def test_what_comes_back_has_the_rights_it_had_and_no_more(
    settings: Settings, bundle: Path, tmp_path: Path
) -> None:
    before = os.umask(0o002)
    try:
        assert topicwired(["restore", "--home", str(tmp_path / "new"), str(bundle)]) == 0
    finally:
        os.umask(before)

    models = tmp_path / "new" / "models"
    assert not [path for path in models.rglob("*") if path.stat().st_mode & 0o022]


def test_verdicts_and_all_other_rows_come_back_as_they_were(
    settings: Settings, ledger: Database, place: Path, tmp_path: Path
) -> None:
    with ledger.transaction() as connection:
        connection.execute(
            text(
                "INSERT INTO verdicts (article_id, topic, verdict, person, said_at)"
                " VALUES (1, 'energy', 'right', 'ana', '2026-03-05T12:00:00.000000Z')"
            )
        )
    place.parent.mkdir()
    bundle = bundles.make(settings, place).folder
    ledger.close()

    assert topicwired(["restore", "--home", str(tmp_path / "new"), str(bundle)]) == 0

    with closing(sqlite3.connect(tmp_path / "new" / "ledger.db")) as connection:
        assert backups.rows_of(connection) == dict(bundles.opened(bundle).rows)
        assert connection.execute("SELECT person FROM verdicts").fetchall() == [("ana",)]


@pytest.mark.parametrize("more", [(), ("--check",)])
def test_a_backup_that_is_not_there_is_said_before_anything_is_done(
    more: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, nowhere = tmp_path / "home", tmp_path / "nowhere"

    assert topicwired(["restore", str(nowhere), *more, "--home", str(home)]) == 1

    assert capsys.readouterr().err == f"topicwired: {nowhere}: there is no such backup\n"
    assert not home.exists()
