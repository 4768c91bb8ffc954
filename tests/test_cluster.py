"""Archives at a cluster: the same lines as on one machine, and one line where it cannot be."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from classifier import cli, cluster, parts, sharding, shards
from classifier.cluster import Access, ClusterError
from classifier.shards import Record
from classifier.storage import current, save, use
from tests import cluster as proof
from tests.builders import NOON, small_model
from tests.workers import Workers, make_authority, workers

Call = Callable[..., tuple[int, list[str]]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("small")
    use(made / "models", save(small_model(), made / "models", probes=["Oil"], made_by={}, now=NOON).version)
    return made


@pytest.fixture
def call(home: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """A run of `classifier tag`: its exit code, and on stderr what is neither greeting nor progress."""

    def run(*arguments: object) -> tuple[int, list[str]]:
        capsys.readouterr()
        code = cli.main(["tag", *map(str, arguments), "--home", str(home)])
        said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("classifier: ")]
        return code, [line for line in said if not re.search("; dashboard |waiting for| a second", line)]

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


def connect(access: Access) -> None:
    with cluster.connected(access):
        pass


def access_to(site: Workers, tls: Path | None = None) -> Access:
    folder = tls or site.tls or Path()
    return Access(site.address, folder / "ca.pem", folder / "cert.pem", folder / "key.pem")


@pytest.mark.parametrize("address", ["tcp://192.0.2.7:8786", "tcp://[2001:db8::1]:8786", "tcp://newsroom"])
def test_plain_tcp_beyond_this_machine_is_refused_before_anyone_is_asked(address: str) -> None:
    with pytest.raises(ClusterError) as caught:
        connect(Access(address))

    said = str(caught.value)
    assert said.startswith(f"{address}: the scheduler is open to other machines by plain TCP")
    assert "whoever reaches the port runs code" in said and "--insecure" in said


def test_a_scheduler_that_others_reach_by_plain_tcp_is_refused_though_we_come_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_WORKERS_WITHIN", 0.1)
    with workers(tmp_path, 0, host="0.0.0.0") as open_to_all:
        host, _, port = open_to_all.address.rpartition(":")
        if host == "tcp://127.0.0.1":
            pytest.skip("this machine has no address but loopback")
        with pytest.raises(ClusterError, match=rf"^{host}:{port}: the scheduler is open to other machines"):
            connect(Access(f"tcp://127.0.0.1:{port}"))

        with pytest.raises(ClusterError, match=r"0 workers, 1 wanted; start them with `dask worker"):
            connect(Access(f"tcp://127.0.0.1:{port}", insecure=True))


def test_each_side_must_show_a_certificate_of_the_same_authority(
    site: Workers, tls: Path, tmp_path: Path
) -> None:
    other = make_authority(tmp_path)

    with pytest.raises(ClusterError, match=r"its certificate is not of the authority in --tls-ca-file$"):
        connect(access_to(site, other))
    ours = Access(site.address, tls / "ca.pem", other / "cert.pem", other / "key.pem")
    with pytest.raises(ClusterError, match=r"hangs up on us; either our certificate \(--tls-cert\)"):
        connect(ours)
    mixed = Access(site.address, tls / "ca.pem", tls / "cert.pem", other / "key.pem")
    with pytest.raises(ClusterError, match=r"cert.pem: not a certificate with its key"):
        connect(mixed)
    with pytest.raises(ClusterError, match=r"--tls-key .*no-such: there is no such file"):
        connect(Access(site.address, tls / "ca.pem", tls / "cert.pem", tmp_path / "no-such"))
    with pytest.raises(ClusterError, match=r"needs --tls-ca-file FILE as well, or the same in Dask's"):
        connect(Access(site.address))


def test_what_dasks_own_configuration_says_need_not_be_said_again(site: Workers, tls: Path) -> None:
    import dask

    told = {
        "scheduler-address": site.address,
        "distributed.comm.tls.ca-file": str(tls / "ca.pem"),
        "distributed.comm.tls.client.cert": str(tls / "cert.pem"),
        "distributed.comm.tls.client.key": str(tls / "key.pem"),
    }
    with dask.config.set(told), cluster.connected(Access()) as client:
        assert client.submit(sum, [1, 2]).result() == 3


def test_where_no_scheduler_is_one_line_says_so(tls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_CONNECTED_WITHIN", 0.5)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{held.getsockname()[1]}"
        access = Access(address, tls / "ca.pem", tls / "cert.pem", tls / "key.pem")
        with pytest.raises(ClusterError, match=rf"^tls://{address}: no scheduler there: .+; start one"):
            connect(access)
    with pytest.raises(ClusterError, match=r"^ftp://host: not the address of a scheduler"):
        connect(Access("ftp://host"))
    with pytest.raises(ClusterError, match=r"^--backend dask needs --scheduler ADDRESS"):
        connect(Access())


def test_without_the_extra_one_line_says_what_to_install(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)

    code, said = call(tmp_path, "--output", tmp_path / "o", "--backend", "dask", "--scheduler", "tls://a:1")

    assert code == 1
    assert len(said) == 1
    assert "pip install 'topicwire[dask]'" in said[0]


def test_a_worker_with_another_topicwire_is_refused_at_once_or_when_it_comes_late(
    tmp_path: Path, tls: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = Path(cluster.__file__).parent
    shutil.copytree(ours, tmp_path / "other" / "classifier", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "other" / "classifier" / "words.py").open("a") as file:
        file.write("# another day\n")
    (tmp_path / "none" / "classifier").mkdir(parents=True)
    (tmp_path / "none" / "classifier" / "__init__.py").touch()
    (tmp_path / "a.txt").write_text("Oil.", encoding="utf-8")
    with workers(tmp_path / "site", 0, tls=tls) as found:
        other = found.add(PYTHONPATH=str(tmp_path / "other"))
        with pytest.raises(ClusterError, match=r"^the worker at tls://\S+ has topicwire .*, and here it is"):
            connect(access_to(found))

        with monkeypatch.context() as late:
            late.setattr(cluster, "_refuse_others", lambda client: None)
            code, said = call(tmp_path / "a.txt", "--output", tmp_path / "o", *found.options)
        assert (code, len(said)) == (1, 1)
        assert said[0].startswith("classifier: the worker at tls://")

        found.kill(other)
        found.add(PYTHONPATH=str(tmp_path / "none"))
        with pytest.raises(ClusterError, match=r"has another topicwire, or none: "):
            connect(access_to(found))


def test_shards_of_another_run_or_model_are_neither_taken_nor_swept_away(
    site: Workers, home: Path, call: Call, tmp_path: Path
) -> None:
    version = current(home / "models")
    source, output = tmp_path / "a.txt", tmp_path / "tags.jsonl"
    source.write_text("Oil.", encoding="utf-8")
    folder = sharding.folder_of(output)
    shards.make(folder, "a run", "another-model")

    found = [call(source, "--output", output, *more, *site.options) for more in ((), ("--resume",))]

    whose = ("another run; begin with --overwrite", f"model another-model, not {version}; see --overwrite")
    assert found == [(1, [f"classifier: {folder}: holds shards of {of}"]) for of in whose]
    assert folder.exists() and not output.exists()
    (folder / "shards.json").rename(folder / "letter.txt")
    assert call(source, "--output", output, "--overwrite", *site.options) == (
        1,
        [f"classifier: {folder}: is there and holds no shards; move it away"],
    )
    (folder / "letter.txt").rename(folder / "shards.json")
    assert call(source, "--output", output, "--overwrite", *site.options) == (0, [])
    assert output.read_bytes().count(b"\n") == 1


def test_a_worker_that_does_not_see_the_same_folders_is_named(
    site: Workers, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, output = tmp_path / "a.txt", tmp_path / "tags.jsonl"
    source.write_text("Oil.", encoding="utf-8")
    make, tag_part = shards.make, sharding.tag_part

    def elsewhere(*arguments: object) -> shards.About:
        return replace(make(*arguments), token="other")  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(shards, "make", elsewhere)
        code, said = call(source, "--output", output, *site.options)
    assert code == 1
    assert said[0].startswith("classifier: the worker at tls://")
    assert f"does not see {output}.shards" in said[0]

    def changed(own: sharding.Cluster, each: sharding.Standing) -> None:
        source.write_text("Gas and oil.", encoding="utf-8")
        each.task = own.client.submit(tag_part, own._run, each.part)

    monkeypatch.setattr(sharding.Cluster, "_submit", changed)
    assert call(source, "--output", output, "--overwrite", *site.options) == (
        1,
        [f"classifier: {source}: changed or gone since it was listed; begin again with --overwrite"],
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--scheduler", "tls://a:1", "--output", "o"),
            "--scheduler, --tls-… and --insecure need --backend dask",
        ),
        (("--backend", "dask"), "--backend dask needs --output FILE, in a folder that all machines share"),
        (("--backend", "dask", "--output", "o", "--jobs", "2"), "--jobs is of this machine; "),
    ],
)
def test_options_that_do_not_go_together_are_named(call: Call, options: tuple[str, ...], said: str) -> None:
    code, lines = call("a.txt", *options)

    assert code == 1
    assert lines[0].startswith(f"classifier: {said}")


@pytest.mark.slow
def test_workers_and_the_client_may_be_killed_and_nothing_is_missing_or_twice(
    home: Path, tls: Path, tmp_path: Path
) -> None:
    archive, one, two = tmp_path / "rows.jsonl", tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    archive.write_text("\n".join(rows(24_000)), encoding="utf-8")
    subprocess.run(proof.command(archive, home, one, "--jobs", "1"), check=True)

    with workers(tmp_path / "site", 2, tls=tls) as found:
        came = proof.run(found, archive, home, two, kill_every=2.0, kill_client_at=0.3, least=60_000)

    assert came.faults == ()
    assert list(proof.differences(two, one)) == []
    assert came.clients_killed == 1
    assert came.workers_killed >= 1


@pytest.mark.slow
def test_workers_read_a_bucket_and_a_web_server(
    home: Path, tls: Path, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_parts: None
) -> None:
    archive = tmp_path / "archive"
    write_archive(archive)
    with bucket("news") as endpoint, web_server(archive) as web:
        environment = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "ours",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        fill("news", archive)
        paths = ("s3://news/archive", "s3://news/archive/*.txt", f"{web}/rows.jsonl", f"{web}/no-such.jsonl")
        with workers(tmp_path / "site", 2, tls=tls, **environment) as found:
            two, told = call(*paths, "--output", tmp_path / "two", *found.options)
        one, problems = call(*paths, "--output", tmp_path / "one", "--jobs", "1")
    call(archive, *sorted(archive.glob("*.txt")), archive / "rows.jsonl", "--output", tmp_path / "here")

    assert (tmp_path / "two").read_bytes() == (tmp_path / "one").read_bytes()
    assert (two, told) == (one, problems)
    assert without_files(tmp_path / "two") == without_files(tmp_path / "here")


@contextmanager
def bucket(name: str) -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


def fill(name: str, folder: Path) -> None:
    import s3fs

    system = s3fs.S3FileSystem()
    system.mkdir(name)
    for path in folder.iterdir():
        system.put_file(str(path), f"{name}/archive/{path.name}")


@contextmanager
def web_server(folder: Path) -> Iterator[str]:
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def without_files(path: Path) -> list[dict[str, object]]:
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [{key: value for key, value in row.items() if key != "file"} for row in found]
