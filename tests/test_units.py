"""The systemd unit that is printed fits this installation."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.units import service


def values(unit: str, key: str) -> list[str]:
    return [line.partition("=")[2] for line in unit.splitlines() if line.startswith(f"{key}=")]


def test_the_unit_starts_this_program_on_this_home(tmp_path: Path) -> None:
    unit = service(tmp_path / "home", None)

    program = Path(sys.executable).parent / "topicwired"
    assert values(unit, "ExecStart") == [f"{program} run --home {tmp_path}/home"]
    assert values(unit, "ReadWritePaths") == [f"{tmp_path}/home"]


def test_a_configuration_is_named_with_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    unit = service(tmp_path / "home", Path("topicwire.toml"))

    assert values(unit, "ExecStart")[0].endswith(f" --config {tmp_path}/topicwire.toml")


def test_nothing_of_the_shipped_paths_is_left(tmp_path: Path) -> None:
    unit = service(tmp_path, None)

    assert "/opt/topicwire" not in unit
    assert "/var/lib/topicwire" not in "".join(values(unit, "ExecStart") + values(unit, "ReadWritePaths"))


def test_the_unit_tells_systemd_when_it_is_ready_and_gets_no_more_than_it_needs(tmp_path: Path) -> None:
    unit = service(tmp_path, None)

    assert values(unit, "Type") == ["notify"]
    assert values(unit, "Restart") == ["on-failure"]
    assert values(unit, "NoNewPrivileges") == ["yes"]
    assert values(unit, "ProtectSystem") == ["strict"]
    assert values(unit, "User") == ["topicwire"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    path = tmp_path / "topicwire.service"
    unit = service(tmp_path / "home", tmp_path / "topicwire.toml")
    # The manual page comes with a package; a checkout does not install it.
    path.write_text("".join(f"{line}\n" for line in unit.splitlines() if "Documentation=" not in line))

    said = subprocess.run(
        ["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False
    )

    assert (said.returncode, said.stderr) == (0, "")
