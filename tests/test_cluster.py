"""Archives at a cluster: the same lines as on one machine, and one line where it cannot be."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from classifier import cli, parts, sharding, shards
from classifier.shards import Record
from classifier.storage import save, use
from tests.builders import NOON, small_model
from tests.workers import Workers, make_authority, workers

Call = Callable[..., tuple[int, list[str]]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("small")
    use(made / "models", save(small_model(), made / "models", probes=["Oil"], made_by={}, now=NOON).version)
    return made


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, tls: Path) -> Iterator[Workers]:
    with workers(tmp_path_factory.mktemp("site"), 2, tls=tls) as found:
        yield found


@pytest.fixture
def call(home: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """A run of `classifier tag`: its exit code and the lines of stderr that are no greeting."""

    def run(*arguments: object) -> tuple[int, list[str]]:
        capsys.readouterr()
        code = cli.main(["tag", *map(str, arguments), "--home", str(home)])
        said = capsys.readouterr().err.splitlines()
        return code, [line for line in said if "dashboard" not in line and "waiting for" not in line]

    return run


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "LEAST_BYTES", 700)
    monkeypatch.setattr(parts, "LEAST_ARTICLES", 3)


def rows(number: int) -> list[str]:
    texts = [f"Oil and gas exports rose by {each}." + " Oil." * (each % 7) for each in range(number)]
    return [json.dumps({"id": each, "text": text, "lang": "en"}) for each, text in enumerate(texts)]


def write_archive(folder: Path) -> None:
    """Files of many kinds, some of which cannot be read."""
    folder.mkdir()
    for each in range(8):
        (folder / f"{each}.txt").write_text(f"Oil rose, gas fell {each} times.", encoding="utf-8")
    (folder / "3-empty.txt").write_text("", encoding="utf-8")
    (folder / "4-page.html").write_text(
        "<html><title>Oil</title><p>Exports of oil and gas rose again, they say.</p></html>", encoding="utf-8"
    )
    lines = rows(200)
    lines[4], lines[120] = "no JSON", '{"no": "text"}'
    lines[60] = json.dumps({"id": "long", "text": "Oil exports. " * 400})
    (folder / "rows.jsonl").write_text("\ufeff" + "\r\n".join(lines), encoding="utf-8")
    whole = gzip.compress("\n".join(rows(50)).encode())
    (folder / "packed.jsonl.gz").write_bytes(whole)
    (folder / "torn.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jsonl").write_text("", encoding="utf-8")
    (folder / "empty.jsonl.gz").write_bytes(gzip.compress(b""))


def test_tags_and_problems_are_those_of_one_machine(
    site: Workers, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_parts: None
) -> None:
    write_archive(tmp_path / "archive")
    monkeypatch.chdir(tmp_path)
    paths = ("archive", "archive/rows.jsonl", "archive/no-such.txt", "nothing-*")

    one, problems = call(*paths, "--output", "one.jsonl", "--jobs", "1")
    two, told = call(*paths, "--output", "two.jsonl", *site.options)

    assert (tmp_path / "two.jsonl").read_bytes() == (tmp_path / "one.jsonl").read_bytes()
    assert told == problems
    assert len(told) == 8
    assert (one, two) == (1, 1)
    progress = [json.loads((tmp_path / f"{name}.jsonl.progress").read_text()) for name in ("one", "two")]
    assert [each["mark"] for each in progress] == [progress[0]["mark"]] * 2
    assert not (tmp_path / "two.jsonl.shards").exists()


def test_a_run_goes_on_with_the_shards_that_are_there_and_with_what_one_machine_began(
    site: Workers, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_parts: None
) -> None:
    source, output = tmp_path / "rows.jsonl", tmp_path / "tags.jsonl"
    source.write_text("\n".join(rows(300)), encoding="utf-8")
    tagged: list[str] = []
    submit, told = sharding.Cluster._submit, sharding._told

    def submitted(own: sharding.Cluster, each: sharding.Standing) -> None:
        tagged.append(each.name)
        submit(own, each)

    monkeypatch.setattr(sharding.Cluster, "_submit", submitted)
    call(source, "--output", tmp_path / "whole.jsonl", "--jobs", "1")

    def interrupted(*arguments: object) -> object:
        if len(tagged) > 8:
            raise KeyboardInterrupt
        return told(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(sharding, "_told", interrupted)
    code, said = call(source, "--output", output, *site.options)
    assert (code, said) == (130, ["classifier: interrupted; go on with --resume"])
    there = {path.stem for path in (tmp_path / "tags.jsonl.shards").glob("*.tags")}
    done = output.read_bytes()
    monkeypatch.setattr(sharding, "_told", told)
    before = set(tagged)
    tagged.clear()

    assert call(source, "--output", output, "--resume", *site.options) == (0, [])

    assert output.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert done and there and there <= before
    assert there.isdisjoint(tagged)


def test_the_same_part_is_the_same_bytes_whoever_tags_it(home: Path, tmp_path: Path) -> None:
    lines = [b'{"id": 1}\n', b'{"id": 2}\n']
    record = Record("part", "m", 2, 0, 20, 0, 2, 0, ("a: b",), ())
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        with shards.writing(tmp_path / name, "part") as writer:
            for line in lines if name == "one" else [b"".join(lines)]:
                writer.add(line)
            writer.keep(record)

    assert [path.name for path in (tmp_path / "one").iterdir()] == ["part.tags"]
    assert (tmp_path / "one" / "part.tags").read_bytes() == (tmp_path / "two" / "part.tags").read_bytes()
    with shards.reading(tmp_path / "one", "part", "m") as (found, content):
        assert (found, bytes(content)) == (record, b"".join(lines))


@pytest.mark.parametrize("at", [0, 5, 70, -1])
def test_a_damaged_shard_and_that_of_another_model_are_not_taken(tmp_path: Path, at: int) -> None:
    with shards.writing(tmp_path, "part") as writer:
        writer.add(b'{"id": 1}\n' * 100)
        writer.keep(Record("part", "m", 2, 0, 20, 0, 2, 0, (), ()))
    with (
        pytest.raises(shards.ShardError, match="another part or model"),
        shards.reading(tmp_path, "part", "n"),
    ):
        pass

    content = bytearray((tmp_path / "part.tags").read_bytes())
    content[at] ^= 1
    (tmp_path / "part.tags").write_bytes(content)

    with pytest.raises(shards.ShardError), shards.reading(tmp_path, "part", "m"):
        pass
