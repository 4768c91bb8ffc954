"""Many threads that each need memory for a moment share few heaps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# A thread after the other waits for all others, so that each needs a heap while they have theirs.
_THREADS = """
import ctypes, sys, threading
from daemon import arenas

if sys.argv[1] == "few":
    arenas.keep_few()
together = threading.Barrier(12)

def work():
    libc.malloc(5000)
    together.wait()

libc = ctypes.CDLL(None)
threads = [threading.Thread(target=work) for _ in range(12)]
for each in threads:
    each.start()
for each in threads:
    each.join()
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""


def heaps(how: str, file: Path) -> int:
    subprocess.run([sys.executable, "-c", _THREADS, how, str(file)], check=True)
    return file.read_text().count("<heap ")


@pytest.mark.skipif("gnu" not in getattr(sys.implementation, "_multiarch", ""), reason="glibc's")
def test_threads_share_two_heaps_however_many_they_are(tmp_path: Path) -> None:
    assert heaps("few", tmp_path / "few") <= 2
    assert heaps("as many as come", tmp_path / "many") > 2
