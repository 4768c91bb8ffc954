"""A run of `classifier tag --output` ends in any way, is gone on with, and nothing shows in the output."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from classifier import resuming, streams
from classifier.cli import main
from classifier.errors import ClassifierError
from classifier.resuming import Output, Progress
from classifier.storage import save, use
from classifier.streams import Mark
from tests.builders import NOON, small_model

BATCH = 8  # articles, so that a small archive has many
KILLS = 20
DIGEST = "05.03.2026, 15:20 4496\nOil\nOil rose.\n04.03.2026, 10:00 12\nGas\nGas fell again.\n"


@pytest.fixture(scope="module")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("small")
    version = save(small_model(), home / "models", probes=["Oil"], made_by={}, now=NOON).version
    use(home / "models", version)
    return home


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Articles, digests, lines and what cannot be read, one and the same article many times."""
    folder = tmp_path / "archive"
    for number in range(30):
        inner = folder / f"{number % 3}"
        inner.mkdir(parents=True, exist_ok=True)
        (inner / f"{number}.txt").write_text(DIGEST if number % 4 else "Oil exports rose.", encoding="utf-8")
    (folder / "1" / "4.txt").write_bytes(b"MZ\x90\0")
    rows = [
        json.dumps({"id": n % 50, "text": f"Oil and gas. {'Export of oil. ' * (n % 7)}"}) for n in range(300)
    ]
    rows[100:100] = ["no JSON", "", '{"id": 1}']
    (folder / "1" / "rows.jsonl").write_text("\n".join(rows), encoding="utf-8")
    (folder / "z.txt").write_text(DIGEST, encoding="utf-8")
    return folder


def call(home: Path, archive: Path, output: Path, *options: str) -> list[str]:
    # An article twice, so that a line does not say which of them it is of.
    paths = [str(archive), str(archive / "0")]
    return ["tag", *paths, "--home", str(home), "--output", str(output), "--jobs", "1", *options]


def uninterrupted(home: Path, archive: Path) -> bytes:
    output = archive.parent / "whole.jsonl"
    assert main(call(home, archive, output)) == 1  # one file and two lines cannot be read
    return output.read_bytes()


def start(arguments: list[str]) -> int:
    """A process of its own that keeps its progress after every batch; the process's id."""
    child = os.fork()
    if child:
        return child
    try:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        resuming.SAVED_EVERY = 0.0
        streams.MOST_ARTICLES = BATCH
        os._exit(main(arguments))
    finally:
        os._exit(99)


def test_killed_at_random_moments_the_output_is_that_of_a_run_that_was_not(
    small_home: Path, archive: Path, tmp_path: Path
) -> None:
    whole, output = uninterrupted(small_home, archive), tmp_path / "tags.jsonl"
    begun = time.monotonic()
    os.waitpid(start(call(small_home, archive, tmp_path / "timed.jsonl")), 0)
    takes = time.monotonic() - begun
    killed, moved = 0, set()
    while True:
        child = start(call(small_home, archive, output, "--resume"))
        if killed < KILLS:
            time.sleep(random.uniform(0.0, takes / 3))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status) and killed == KILLS:
            break
        killed += os.WIFSIGNALED(status)
        moved.add(output.stat().st_size if output.exists() else 0)
        if os.WIFEXITED(status):
            # Finished between two kills: again from the start.
            assert output.read_bytes() == whole
            output.unlink()
            output.with_name("tags.jsonl.progress").unlink()

    assert os.waitstatus_to_exitcode(status) == 1
    assert output.read_bytes() == whole
    assert len(moved) > 3


@pytest.fixture
def halfway(
    small_home: Path,
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Path:
    """The output of a run that was interrupted in the middle of the lines, and said so."""
    monkeypatch.setattr(streams, "MOST_ARTICLES", BATCH)
    output, added = tmp_path / "tags.jsonl", Output.add

    def stop(self: Output, lines: bytes, mark: Mark, *, size: int, articles: int, failed: int) -> None:
        added(self, lines, mark, size=size, articles=articles, failed=failed)
        if self.progress.mark.lines > 150:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Output, "add", stop)
        assert main(call(small_home, archive, output)) == 130
    told = capsys.readouterr()
    assert told.err.splitlines()[-1] == "classifier: interrupted; go on with --resume"
    assert output.stat().st_size > 0
    return output


def resume(home: Path, archive: Path, output: Path) -> int:
    return main(call(home, archive, output, "--resume"))


@pytest.mark.parametrize("torn", [b"", b'{"id": "7", "fi', b'{"whole": "line"}\n{"torn', b"\0" * 1_000_000])
def test_what_a_crash_left_behind_the_last_record_is_cut_off(
    small_home: Path, archive: Path, halfway: Path, torn: bytes
) -> None:
    with halfway.open("ab") as file:
        file.write(torn)

    assert resume(small_home, archive, halfway) == 1

    assert halfway.read_bytes() == uninterrupted(small_home, archive)


def test_a_finished_run_is_left_as_it_is_and_fails_again_as_it_failed(
    small_home: Path, archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, output = uninterrupted(small_home, archive), archive.parent / "whole.jsonl"
    capsys.readouterr()

    assert resume(small_home, archive, output) == 1

    told = capsys.readouterr()
    assert output.read_bytes() == whole
    assert told.out.endswith("3 failed; nothing was left to do\n")
    assert told.err == ""


def refusal(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    capsys.readouterr()
    assert main(arguments) == 1
    told = capsys.readouterr()
    (line,) = told.err.splitlines()
    assert told.out == ""
    return line.removeprefix("classifier: ")


def test_an_input_that_changed_since_is_refused_by_name(
    small_home: Path, archive: Path, halfway: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = halfway.read_bytes()
    with (archive / "1" / "rows.jsonl").open("a") as rows:
        rows.write('\n{"text": "One more."}\n')

    said = refusal(capsys, call(small_home, archive, halfway, "--resume"))

    assert said.startswith(f"{archive / '1' / 'rows.jsonl'}: changed, added or gone since; ")
    assert halfway.read_bytes() == kept


def test_an_output_that_is_there_is_never_written_over_by_itself(
    small_home: Path, archive: Path, halfway: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = halfway.read_bytes()

    said = refusal(capsys, call(small_home, archive, halfway))

    assert said == f"{halfway}: is there already; go on with --resume or begin with --overwrite"
    assert halfway.read_bytes() == kept
    assert main(call(small_home, archive, halfway, "--overwrite")) == 1
    assert halfway.read_bytes() == uninterrupted(small_home, archive)


@pytest.mark.parametrize("damage", ["shorter", "no progress", "not JSON", "other keys", "other paths"])
def test_an_output_that_cannot_be_gone_on_with_is_refused(
    small_home: Path, archive: Path, halfway: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    arguments = call(small_home, archive, halfway, "--resume")
    progress = halfway.with_name("tags.jsonl.progress")
    match damage:
        case "shorter":
            os.truncate(halfway, 100)
        case "no progress":
            progress.unlink()
        case "not JSON":
            progress.write_text("{")
        case "other keys":
            progress.write_text('{"mark": {"files": 0}, "paths": [], "retired": []}')
        case "other paths":
            arguments.remove(str(archive / "0"))
    kept = halfway.read_bytes()

    said = refusal(capsys, arguments)

    assert said.startswith(f"{progress if damage in ('not JSON', 'other keys') else halfway}: ")
    assert said.endswith("see --overwrite")
    assert halfway.read_bytes() == kept


def test_the_model_that_began_a_run_ends_it(
    small_home: Path, archive: Path, halfway: Path, tmp_path: Path
) -> None:
    whole = uninterrupted(small_home, archive)
    models = small_home / "models"
    began = (models / "current").read_text()
    other = save(small_model(labels_fingerprint="1" * 64), models, probes=["Gas"], made_by={}, now=NOON)
    use(models, other.version)
    try:
        assert resume(small_home, archive, halfway) == 1
    finally:
        (models / "current").write_text(began)

    assert halfway.read_bytes() == whole


def test_a_full_disk_is_one_line_and_the_run_can_be_gone_on_with(
    small_home: Path, archive: Path, tmp_path: Path
) -> None:
    whole, output = uninterrupted(small_home, archive), tmp_path / "tags.jsonl"
    child = os.fork()
    if not child:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) // 2, len(whole) // 2))
        sys.stderr = (tmp_path / "said").open("w", buffering=1)
        os._exit(main(call(small_home, archive, output)))

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    assert (tmp_path / "said").read_text().endswith(f"{output}: File too large; go on with --resume\n")
    assert resume(small_home, archive, output) == 1
    assert output.read_bytes() == whole


def test_two_runs_do_not_write_one_output(tmp_path: Path) -> None:
    begin = Progress(("a",), "small", (), 0)
    first = Output(tmp_path / "tags.jsonl", begin)

    with pytest.raises(ClassifierError, match="another run is writing it"):
        Output(tmp_path / "tags.jsonl", begin)

    first.close()
    Output(tmp_path / "tags.jsonl", begin).close()


def test_progress_is_kept_now_and_then_and_never_ahead_of_the_output(tmp_path: Path) -> None:
    now = [0.0]
    path = tmp_path / "tags.jsonl"
    output = Output(path, Progress(("a",), "small", (), 0), clock=lambda: now[0])

    def kept() -> int:
        return int(json.loads(path.with_name("tags.jsonl.progress").read_text())["length"])

    output.add(b"one\n", Mark(1, seen="x"), size=1, articles=1, failed=0)
    assert kept() == 0
    now[0] += resuming.SAVED_EVERY
    output.add(b"two\n", Mark(2, seen="y"), size=1, articles=1, failed=0)
    assert kept() == path.stat().st_size == 8
    output.add(b"three\n", Mark(3, seen="z"), size=1, articles=1, failed=0)
    assert kept() == 8
    output.close()
    assert kept() == path.stat().st_size == 14


def test_standard_input_cannot_be_gone_on_with(
    small_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["tag", "-", "--home", str(small_home), "--output", str(tmp_path / "o"), "--resume"]

    assert refusal(capsys, arguments).startswith("-: standard input cannot be read again")


def test_an_output_is_not_its_own_input(
    small_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "Oil rose."}\n')

    said = refusal(
        capsys, ["tag", str(path), "--home", str(small_home), "--output", str(path), "--overwrite"]
    )

    assert "is a PATH as well" in said
    assert path.read_text() == '{"text": "Oil rose."}\n'


PEAKS = """
import sys
from pathlib import Path
from classifier.cli import main

for path in sys.argv[2:]:
    main(["tag", path, "--home", sys.argv[1], "--output", f"{path}.tags", "--jobs", "1", "--json"])
    print(*[line.split()[1] for line in Path("/proc/self/status").open() if line.startswith("VmHWM")])
"""


def test_memory_does_not_grow_with_the_archive(small_home: Path, tmp_path: Path) -> None:
    row = json.dumps({"text": "Oil exports rose. " * 50, "lang": "en"})
    for lines in (1_000, 8_000):
        (tmp_path / f"{lines}.jsonl").write_text(f"{row}\n" * lines, encoding="utf-8")
    paths = [tmp_path / "1000.jsonl", tmp_path / "8000.jsonl"]

    done = subprocess.run(
        [sys.executable, "-c", PEAKS, small_home, *paths], stdout=subprocess.PIPE, text=True, check=True
    )

    few, many = (int(line) for line in done.stdout.splitlines()[1::2])
    # The 7,000 lines between are 6 MiB as text, and several times that as articles or tags.
    assert many < few * 1.03
