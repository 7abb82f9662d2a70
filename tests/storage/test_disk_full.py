"""A disk that is really full: a small file system in memory, where one may be mounted."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest

from n2d_framework.errors import OutputError
from n2d_framework.storage import decode, encode, read_file, write_atomic


@pytest.fixture
def small_disk(tmp_path):
    if shutil.which("mount") is None:
        pytest.skip("no mount here; the mocked disk of test_storage_files stays")
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no right to mount; the mocked disk of test_storage_files stays")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_leaves_the_old_bundle_and_nothing_else(small_disk):
    path = small_disk / "a.n2d"
    write_atomic(path, encode({"which": "old"}, {"p": {"a": np.zeros(9)}}, created=""))
    noise = np.frombuffer(np.random.default_rng(0).bytes(1_000_000), "u1")
    large = encode({"which": "new"}, {"p": {"a": noise}}, created="")
    with pytest.raises(OutputError, match=r"No space left.*unchanged"):
        write_atomic(path, large)
    assert decode(read_file(path))[0] == {"which": "old"}
    assert [item.name for item in small_disk.iterdir()] == ["a.n2d"]
    write_atomic(path, encode({"which": "next"}, {}, created=""))
    assert decode(read_file(path))[0] == {"which": "next"}
