"""Whether a daemon runs on a home is what the kernel says of its lock, and of no other home's."""

from __future__ import annotations

import os
from pathlib import Path

from daemon import alive


def locks(home: Path, *held: tuple[str, str]) -> Path:
    """What /proc/locks says where these devices and processes hold a lock of the same inode."""
    inode = (home / alive.LOCK).stat().st_ino
    lines = [
        f"{number}: FLOCK  ADVISORY  WRITE {process} {device}:{inode} 0 EOF\n"
        for number, (device, process) in enumerate(held, 1)
    ]
    file = home / "locks"
    file.write_text("".join(lines))
    return file


def device_of(home: Path) -> str:
    device = home.stat().st_dev
    return f"{os.major(device):02x}:{os.minor(device):02x}"


def test_the_daemon_of_another_disk_whose_lock_has_the_same_inode_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / alive.LOCK).touch()
    both = locks(tmp_path, ("fe:77", "11"), (device_of(tmp_path), "22"))

    assert alive.process_of_daemon(tmp_path, both) == 22


def test_where_the_kernel_names_another_device_than_the_file_system_the_inode_tells(tmp_path: Path) -> None:
    (tmp_path / alive.LOCK).touch()

    assert alive.process_of_daemon(tmp_path, locks(tmp_path, ("fe:77", "11"))) == 11
    assert alive.process_of_daemon(tmp_path, locks(tmp_path)) is None
