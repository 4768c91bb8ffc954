"""Mounts: which file system a path lies on, told from what the kernel says, and whose it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.mounts import file_system, is_network

# As read on real machines: the root is not always first, optional fields may stand before the dash.
TABLE = rb"""
22 27 0:21 / /proc rw,relatime - proc proc rw
23 27 0:22 / /sys rw,relatime shared:7 - sysfs sysfs rw
27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard
40 27 0:40 / /srv/press\040wire rw,relatime - nfs4 server:/press\040wire rw,vers=4.2
41 27 0:41 / /srv rw,relatime - xfs /dev/vdb rw
42 27 0:42 / /mnt/share rw,relatime - autofs systemd-1 rw
43 42 0:43 / /mnt/share rw,relatime - cifs //nas/news rw
44 27 0:44 / /mnt/\321\204 rw,relatime - btrfs /dev/vdc rw
45 27 0:45 / /mnt/back\134slash rw - fuse.sshfs host: rw
""".lstrip()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/topicwire", "ext4"),
        ("/", "ext4"),
        ("/srv/ledger.db", "xfs"),
        ("/srv/press wire/home/ledger.db", "nfs4"),
        ("/srv/press wire", "nfs4"),
        ("/srv/press wires", "xfs"),
        ("/mnt/share/inbox", "cifs"),
        ("/mnt/ф/inbox", "btrfs"),
        ("/mnt/back\\slash/x", "fuse.sshfs"),
        ("/proc/1", "proc"),
    ],
)
def test_a_path_lies_on_the_file_system_mounted_nearest_above_it(path: str, kind: str) -> None:
    assert file_system(Path(path), TABLE) == kind


def test_a_link_lies_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "home").symlink_to("/srv/press wire/home")

    assert file_system(tmp_path / "home" / "ledger.db", TABLE) == "nfs4"


@pytest.mark.parametrize("table", [b"", b"nonsense\n\n36 35 - \n", b"\xff\xfe\x00" * 50, b"1 2 3:4 / - ext4"])
def test_what_cannot_be_told_is_told_so(table: bytes) -> None:
    assert file_system(Path("/srv"), table) == ""


def test_this_machine_tells_us_of_its_own_mounts() -> None:
    assert file_system(Path("/proc/self/status")) == "proc"
    assert file_system(Path.cwd()) not in ("", "proc")


@pytest.mark.parametrize(
    "kind",
    ["nfs", "nfs4", "cifs", "smb3", "9p", "afs", "ceph", "virtiofs", "vboxsf", "fuse.sshfs", "fuse.rclone",
     "fuse.glusterfs", "fuse.s3fs", "fuse", "fuse.what-nobody-has-heard-of"],
)  # fmt: skip
def test_a_share_is_of_the_network(kind: str) -> None:
    assert is_network(kind)


@pytest.mark.parametrize(
    "kind",
    ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "fuseblk", "fuse.fuse-overlayfs", "fuse.ext4",
     "fuse.gocryptfs", "f2fs", "exfat", ""],
)  # fmt: skip
def test_a_disk_of_this_machine_is_not_of_the_network(kind: str) -> None:
    assert not is_network(kind)
