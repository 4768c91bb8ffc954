"""Trainings on a cluster: the same to the last digit, also where a worker dies over them."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from classifier import archives, cli, corpus, features, training
from classifier.cluster import Access, connected, trained_on
from classifier.evaluation import Judgements
from tests.archive import articles, write
from tests.builders import write_labels
from tests.workers import Workers

EXACT = 1e-12
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> corpus.Corpus:
    path = write(tmp_path_factory.mktemp("archive") / "archive.jsonl", articles(2000, words=100))
    return archives.corpus(archives.read(path))


@pytest.fixture(scope="module")
def here(archive: corpus.Corpus) -> Judgements:
    """What models say that joblib's own processes made."""
    return training.examine(archive, recipe=features.LARGE)


def access_to(site: Workers) -> Access:
    assert site.tls is not None
    return Access(site.address, site.tls / "ca.pem", site.tls / "cert.pem", site.tls / "key.pem")


@pytest.mark.thorough("the model of a cluster")
def test_a_command_says_the_same_of_the_folds_of_a_cluster(
    site: Workers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = write_labels(tmp_path / "labels")
    (tmp_path / "seeds").mkdir()
    command = ["evaluate", "--folds", "--labels", str(labels), "--seeds", str(tmp_path / "seeds"), "--json"]

    said = []
    for options in ([], site.options):
        assert cli.main([*command, "--home", str(tmp_path / "home"), *options]) == 0
        said.append(capsys.readouterr())

    assert json.loads(said[1].out) == json.loads(said[0].out)
    assert "2 workers" in said[1].err
    assert "2 workers" not in said[0].err


def test_a_model_of_a_cluster_is_the_same_model(
    site: Workers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "archive.jsonl", articles(60))

    sums = []
    for number, options in enumerate(([], site.options)):
        home = tmp_path / str(number)
        command = ["train", "--examples", str(path), "--home", str(home), "--json", *options]
        assert cli.main(command) == 0
        version = json.loads(capsys.readouterr().out)["version"]
        sums.append(json.loads((home / "models" / version / "MANIFEST.json").read_bytes())["sha256"])

    assert sums[0] == sums[1]


@pytest.mark.thorough("tests/test_cluster.py kills workers")
def test_a_worker_that_is_killed_in_the_middle_changes_no_probability(
    site: Workers, archive: corpus.Corpus, here: Judgements
) -> None:
    killed_at_work: list[bool] = []
    done = threading.Event()
    with connected(access_to(site), workers=2) as client:

        def kill() -> None:
            while not any(client.processing().values()):
                time.sleep(0.005)
            site.kill(site.running[0])
            killed_at_work.append(not done.is_set())

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            with trained_on(client):
                there = training.examine(archive, recipe=features.LARGE)
            done.set()
        finally:
            killer.join()
            site.add()

    assert killed_at_work == [True]
    assert np.abs(there.probabilities - here.probabilities).max() <= EXACT
    assert np.array_equal(there.said, here.said)
