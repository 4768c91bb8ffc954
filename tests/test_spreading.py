"""Batches over processes: the same output in the same order, and one line when it goes wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pytest

from classifier import spreading
from classifier.errors import ClassifierError
from classifier.spreading import Told, spread
from classifier.storage import save, use
from classifier.streams import Batch, Mark, Piece
from tests.builders import NOON, small_model

COMMAND = [sys.executable, "-m", "classifier.cli"]


@pytest.fixture(scope="module")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("small")
    version = save(small_model(), home / "models", probes=["Oil"], made_by={}, now=NOON).version
    use(home / "models", version)
    return home


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The longest articles first: whoever takes the next ones is ready sooner."""
    path = tmp_path_factory.mktemp("archive") / "rows.jsonl"
    texts = ["Oil and gas exports rose. " * max(1, 1500 - 10 * number) for number in range(300)]
    rows = [json.dumps({"id": number, "text": text, "lang": "en"}) for number, text in enumerate(texts)]
    rows[150] = "no JSON"
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def batch(number: int) -> Batch:
    return (Piece(str(number), Mark(number + 1)),)


def tell(batch: Batch) -> Told:
    time.sleep(0.05 if batch[0].file == "0" else 0.0)
    return Told(1, 1, batch[0].file.encode(), problems=(str(os.getpid()),))


def die(batch: Batch) -> Told:
    if batch[0].file == "2":
        os.kill(os.getpid(), signal.SIGKILL)
    return Told(1, 1)


def test_a_few_batches_start_no_process() -> None:
    told = list(spread(tell, map(batch, range(spreading.FEW)), jobs=None, backend="loky"))

    assert {found.problems for _, found in told} == {(str(os.getpid()),)}


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_many_batches_come_in_order_from_many_processes(
    monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    monkeypatch.setattr(spreading, "_AHEAD", 5)

    told = list(spread(tell, map(batch, range(23)), jobs=2, backend=backend))

    assert [(mark.files, found.lines) for mark, found in told] == [
        (number + 1, str(number).encode()) for number in range(23)
    ]
    here = {(str(os.getpid()),)} == {found.problems for _, found in told}
    assert here == (backend == "threading")


def test_no_more_is_read_than_a_bounded_number_of_batches_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreading, "_AHEAD", 5)
    read = []

    def numbers() -> object:
        for number in range(1000):
            read.append(number)
            yield batch(number)

    results = spread(tell, numbers(), jobs=2, backend="threading")  # type: ignore[arg-type]
    list(islice(results, 12))
    time.sleep(0.2)

    assert len(read) <= 20
    results.close()


def test_a_process_that_dies_is_one_clear_line() -> None:
    with pytest.raises(ClassifierError, match=r"^a process that tagged has died, .*fewer --jobs$"):
        list(spread(die, map(batch, range(9)), jobs=2, backend="loky"))


def test_two_processes_write_what_one_writes_and_end_on_ctrl_c(
    small_home: Path, archive: Path, tmp_path: Path
) -> None:
    def run(name: str, *options: str) -> subprocess.Popen[str]:
        arguments = ["tag", str(archive), "--home", str(small_home), "--output", str(tmp_path / name)]
        return subprocess.Popen(
            [*COMMAND, *arguments, *options],
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # Tests that a shell has put into the background ignore Ctrl-C, and so would what they start.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def interrupted() -> tuple[subprocess.Popen[str], str]:
        """Where the machine is busy it may have done all before we look: then once more."""
        for _ in range(5):
            (tmp_path / "two").unlink(missing_ok=True)
            two = run("two", "--jobs", "2")
            while not (tmp_path / "two").exists() or not (tmp_path / "two").stat().st_size:
                assert two.poll() is None
                time.sleep(0.01)
            os.killpg(two.pid, signal.SIGINT)
            _, said = two.communicate(timeout=20)
            if two.returncode != 1:
                break
        return two, said

    one = run("one", "--jobs", "1")
    _, problem = one.communicate(timeout=60)
    two, said = interrupted()

    assert (two.returncode, said.splitlines()[-1]) == (130, "classifier: interrupted; go on with --resume")
    assert "Traceback" not in said
    assert (one.returncode, problem.count("\n")) == (1, 1)
    assert _gone(two.pid)
    again = run("two", "--jobs", "2", "--resume")
    again.communicate(timeout=60)
    assert again.returncode == 1
    assert (tmp_path / "two").read_bytes() == (tmp_path / "one").read_bytes()
    assert (tmp_path / "one").read_bytes().count(b"\n") == 299


def test_a_reader_that_has_gone_ends_it_quietly_and_so_does_a_kill(small_home: Path, archive: Path) -> None:
    arguments = [*COMMAND, "tag", str(archive), "--home", str(small_home), "--json", "--jobs", "2"]

    def started() -> subprocess.Popen[bytes]:
        found = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        assert found.stdout
        assert json.loads(found.stdout.readline())["id"] == "0"
        return found

    left, killed = started(), started()
    assert left.stdout and left.stderr
    left.stdout.close()
    killed.kill()
    assert left.stderr.read() == b""
    assert left.wait(timeout=20) == 0
    killed.communicate(timeout=20)
    assert _gone(left.pid)
    assert _gone(killed.pid)


def _gone(session: int) -> bool:
    """Whether all processes of a session end by themselves, and soon."""
    deadline = time.monotonic() + 10
    while _living(session) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not _living(session)


def _living(session: int) -> list[int]:
    """Processes of a session that have not ended."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] not in "ZX":
            found.append(int(folder.name))
    return found
