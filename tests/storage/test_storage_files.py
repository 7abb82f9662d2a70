"""Reading within limits; writing all or nothing; the first 512 bytes."""

from __future__ import annotations

import errno
import os
import stat
import struct
import tracemalloc
import zipfile

import h5py
import numpy as np
import pytest

from n2d_framework.errors import BundleError, OutputError
from n2d_framework.storage import (
    check_target,
    decode,
    encode,
    files,
    permissions,
    read_file,
    read_manifest,
    replacing,
    write_atomic,
)


@pytest.fixture
def image() -> bytes:
    return encode({"a": 1}, {"p": {"x": np.arange(5)}}, created="2026")


def test_write_and_read(tmp_path, image):
    write_atomic(tmp_path / "a.n2d", image)
    assert read_file(tmp_path / "a.n2d") == image
    assert [path.name for path in tmp_path.iterdir()] == ["a.n2d"]


def test_the_first_lines_are_readable_text(image):
    lines = image[:512].split(b"\n")
    assert lines[:3] == [b"n2d bundle", b"format 2", b"kind bundle"]
    assert lines[3] == b"length %d" % (len(image) - 512)


def test_a_replaced_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "a"
    write_atomic(path, b"old")
    path.chmod(0o640)
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_new_file_follows_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        write_atomic(tmp_path / "a", b"x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_atomic(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


class _FullDisk:
    """Writes half of what it gets, then the disk is full."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *details):
        self.file.close()

    def write(self, data):
        self.file.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("exists", [True, False])
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch, exists):
    path = tmp_path / "a.n2d"
    if exists:
        path.write_bytes(b"old")
    original = os.fdopen
    monkeypatch.setattr(files.os, "fdopen", lambda *a, **k: _FullDisk(original(*a, **k)))
    with pytest.raises(OutputError, match=r"No space left.*unchanged"):
        write_atomic(path, b"new" * 1000)
    monkeypatch.undo()
    assert [item.name for item in tmp_path.iterdir()] == (["a.n2d"] if exists else [])
    assert not exists or path.read_bytes() == b"old"


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.EIO, "broken"), KeyboardInterrupt()])
def test_whatever_fails_nothing_is_left_behind(tmp_path, monkeypatch, step, error):
    (tmp_path / "a").write_bytes(b"old")

    def fail(*args, **kwargs):
        raise error

    target = files.os if step == "fsync" else files.Path
    monkeypatch.setattr(target, step, fail)
    with pytest.raises(OutputError if isinstance(error, OSError) else KeyboardInterrupt):
        write_atomic(tmp_path / "a", b"new")
    assert [(item.name, item.read_bytes()) for item in tmp_path.iterdir()] == [("a", b"old")]


def test_folders_that_cannot_be_flushed_are_fine(tmp_path, monkeypatch):
    original = os.fsync

    def fsync(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not supported")
        original(handle)

    monkeypatch.setattr(files.os, "fsync", fsync)
    write_atomic(tmp_path / "a", b"x")
    assert (tmp_path / "a").read_bytes() == b"x"


def test_bad_targets(tmp_path):
    with pytest.raises(OutputError, match="it is a folder"):
        write_atomic(tmp_path, b"x")
    with pytest.raises(OutputError, match="No such file or directory"):
        write_atomic(tmp_path / "missing" / "a", b"x")
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(OutputError, match="Not a directory"):
        write_atomic(tmp_path / "file" / "a", b"x")
    with pytest.raises(OutputError, match="File name too long"):
        write_atomic(tmp_path / ("n" * 300), b"x")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="not a regular file"):
        write_atomic(tmp_path / "pipe", b"x")


def test_a_write_protected_file_stays(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o444)
    with pytest.raises(OutputError, match="write-protected"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_write_protected_folder(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(files.os, "open", refuse)
    with pytest.raises(OutputError, match="Permission denied"):
        write_atomic(tmp_path / "a", b"x")


def test_what_cannot_be_read(tmp_path, monkeypatch):
    with pytest.raises(BundleError, match="there is no such file"):
        read_file(tmp_path / "missing")
    with pytest.raises(BundleError, match="it is a folder"):
        read_file(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BundleError, match="not a regular file"):
        read_file(tmp_path / "pipe")
    with pytest.raises(BundleError, match="not a regular file"):
        read_file("/dev/zero")
    with pytest.raises(BundleError, match="null"):
        read_file("a\0b")
    (tmp_path / "big").write_bytes(b"12345")
    with pytest.raises(BundleError, match="larger than 4 bytes; raise max_bytes"):
        read_file(tmp_path / "big", max_bytes=4)
    assert read_file(tmp_path / "big", max_bytes=5) == b"12345"

    tracemalloc.start()
    read_file(tmp_path / "big")
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()

    def refuse(*args, **kwargs):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(files.os, "open", refuse)
    with pytest.raises(BundleError, match="Permission denied"):
        read_file(tmp_path / "big")


def _hdf5(tmp_path) -> bytes:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.arange(3)
    return (tmp_path / "other.h5").read_bytes()


def _zip(tmp_path) -> bytes:
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as file:
        file.writestr("a", "b")
    return (tmp_path / "other.zip").read_bytes()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: b"", "empty"),
        (_hdf5, "HDF5 file of another program"),
        (_zip, "zip archive"),
        (lambda _: b"\x80\x05K\x01.", "pickle .which is never opened"),
        (lambda _: b"hello", "not an n2d bundle$"),
        (lambda _: b"n2d bundle\n", "damaged"),
        (lambda _: b"n2d bundle\nformat 2\n", "damaged"),
        (
            lambda _: b"n2d bundle\nformat 3\nwhatever is new",
            "version 3; .* reads up to 2: upgrade",
        ),
    ],
)
def test_other_files_are_named(tmp_path, make, message):
    with pytest.raises(BundleError, match=message):
        decode(make(tmp_path))


def test_altered_files_are_refused(image):
    for position in (11, 18, 30, 45, 60, 130, 511, 512, 600, len(image) - 1):
        altered = bytearray(image)
        altered[position] ^= 1
        with pytest.raises(BundleError):
            decode(bytes(altered))
    with pytest.raises(BundleError, match="truncated"):
        decode(image[:-1])
    with pytest.raises(BundleError, match="appended"):
        decode(image + b"\0")


def test_the_kind_must_be_the_one_asked_for(image):
    stage = encode({}, {}, created="", kind="stage")
    with pytest.raises(BundleError, match="holds a 'stage', not a 'bundle'"):
        decode(stage)
    with pytest.raises(BundleError, match="holds a 'bundle', not a 'stage'"):
        read_manifest(image, kind="stage")
    assert decode(stage, kind="stage") == ({}, {})
    assert read_manifest(image, kind=None) == {"a": 1}


def _acl(user: int) -> bytes:
    """A list that lets one further user read, as Linux stores it."""
    whole = 0xFFFFFFFF
    entries = [(1, 6, whole), (2, 4, user), (4, 0, whole), (16, 4, whole), (32, 0, whole)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def _set_acl(path, name: str) -> None:
    try:
        os.setxattr(path, f"system.posix_acl_{name}", _acl(4321))
    except OSError:
        pytest.skip("this file system keeps no access control lists")


def _permissions(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o660, 0o644, 0o604, 0o4755, 0o2755, 0o1644])
def test_no_one_reads_the_new_content_who_could_not_read_the_old(tmp_path, mode):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(mode)
    with replacing(path) as temporary:
        assert _permissions(temporary) & ~mode == 0
        temporary.write_bytes(b"secret")
        assert _permissions(temporary) & ~mode == 0
    assert path.read_bytes() == b"secret"
    assert _permissions(path) == mode & 0o777


def test_an_access_control_list_is_handed_on(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    _set_acl(path, "access")
    write_atomic(path, b"new")
    assert os.getxattr(path, "system.posix_acl_access") == _acl(4321)
    assert path.read_bytes() == b"new"


def test_a_list_of_the_directory_does_not_reach_a_file_that_had_none(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o640)
    _set_acl(tmp_path, "default")
    write_atomic(path, b"new")
    assert "system.posix_acl_access" not in os.listxattr(path)
    write_atomic(tmp_path / "fresh", b"x")
    assert "system.posix_acl_access" in os.listxattr(tmp_path / "fresh")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root gives files away")
def test_owner_and_group_are_handed_on(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    os.chown(path, 1234, 2345)
    path.chmod(0o640)
    write_atomic(path, b"new")
    about = path.stat()
    assert (about.st_uid, about.st_gid, _permissions(path)) == (1234, 2345, 0o640)


@pytest.mark.parametrize(
    ("mode", "expected"), [(0o660, 0o600), (0o664, 0o644), (0o604, 0o600), (0o646, 0o644)]
)
def test_a_group_that_cannot_be_handed_on_leaves_no_one_more(tmp_path, monkeypatch, mode, expected):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(mode)
    monkeypatch.setattr(permissions, "_hand_on_group", lambda old, temporary: False)
    write_atomic(path, b"new")
    assert _permissions(path) == expected


def test_a_list_that_cannot_be_handed_on_leaves_the_owner_only(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    _set_acl(path, "access")

    def refuse(*args, **kwargs):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(files.os, "setxattr", refuse)
    write_atomic(path, b"new")
    assert _permissions(path) & 0o077 == 0


def test_a_dangling_link_is_filled_and_a_loop_is_refused(tmp_path):
    (tmp_path / "to").symlink_to("missing")
    write_atomic(tmp_path / "to", b"new")
    assert (tmp_path / "missing").read_bytes() == b"new"
    assert (tmp_path / "to").is_symlink()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OutputError, match="symbolic links"):
        write_atomic(tmp_path / "loop", b"new")


def test_a_link_into_another_folder_is_replaced_there(tmp_path):
    """The temporary file lies beside the target, so that no file system is crossed."""
    other = tmp_path / "other"
    other.mkdir()
    (tmp_path / "link").symlink_to(other / "real")
    with replacing(tmp_path / "link") as temporary:
        assert temporary.parent == other
    assert [path.name for path in other.iterdir()] == ["real"]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.write_bytes(b"")])
def test_a_target_that_cannot_be_written_is_known_beforehand(tmp_path, make):
    path = tmp_path / "a"
    check_target(path)
    make(path)
    path.chmod(0o444)
    with pytest.raises(OutputError, match=r"not a regular file|it is a folder|write-protected"):
        check_target(path)
    with pytest.raises(OutputError, match="there is no folder"):
        check_target(tmp_path / "none" / "a")
