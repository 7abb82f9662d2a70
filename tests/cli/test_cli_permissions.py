"""Whatever a command replaces keeps its permissions, and is never readable by more meanwhile."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.figure
import pytest

from n2d_framework.plots import write_png

Run = Callable[..., Any]

COMMANDS = {
    "predict.csv": ("predict", "{bundle}", "blobs.npz", "-o", "{file}"),
    "predict.tsv": ("predict", "{bundle}", "blobs.npz", "-o", "{file}"),
    "predict.npy": ("predict", "{bundle}", "blobs.npz", "-o", "{file}"),
    "predict.parquet": ("predict", "{bundle}", "blobs.npz", "-o", "{file}"),
    "upgraded.n2d": ("upgrade", "{bundle}", "-o", "{file}"),
    "schema.json": ("schema", "-o", "{file}"),
}


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=["file", "link"])
def target(request: pytest.FixtureRequest, elsewhere: Path) -> Callable[[str], Path]:
    """A file that is private, or a link to one."""

    def make(name: str) -> Path:
        real = elsewhere / "real"
        real.write_bytes(b"old")
        real.chmod(0o600)
        if request.param == "file":
            return real.rename(elsewhere / name)
        (elsewhere / name).symlink_to(real)
        return elsewhere / name

    return make


@pytest.mark.parametrize("name", COMMANDS)
def test_a_private_file_stays_private(
    n2d: Run, bundle: Path, target: Callable[[str], Path], name: str
) -> None:
    file = target(name)
    is_link = file.is_symlink()
    words = [word.format(bundle=bundle, file=file) for word in COMMANDS[name]]
    result = n2d(*words)
    assert result.exit_code == 0, result.output
    assert file.read_bytes() != b"old"
    assert (permissions(file), file.is_symlink()) == (0o600, is_link)
    assert not list(Path().glob(".*"))


def test_a_private_picture_stays_private(target: Callable[[str], Path]) -> None:
    figure = matplotlib.figure.Figure()
    figure.add_subplot().plot([1, 2])
    file = target("picture.png")
    write_png(figure, file)
    assert permissions(file) == 0o600
    assert file.read_bytes().startswith(b"\x89PNG")


def test_a_private_run_stays_private(n2d: Run, config: Path) -> None:
    assert n2d("run", config, "--out", "out", "--no-plots").exit_code == 0
    out = Path("out")
    for path in out.iterdir():
        assert permissions(path) == 0o666 & ~current_umask()
    (out / "labels.csv").chmod(0o640)
    (out / "quick.n2d").chmod(0o600)
    out.chmod(0o750)
    again = n2d("run", config, "--out", "out", "--no-plots", "--overwrite", "--seed", "9")
    assert again.exit_code == 0, again.output
    assert permissions(out) == 0o750
    assert permissions(out / "labels.csv") == 0o640
    assert permissions(out / "quick.n2d") == 0o600
    assert permissions(out / "run.json") == 0o666 & ~current_umask()


def test_the_folder_of_a_run_is_closed_while_it_replaces_one(
    n2d: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert n2d("run", config, "--out", "out", "--no-plots").exit_code == 0
    Path("out").chmod(0o700)
    seen = []
    chmod = Path.chmod

    def watched(self: Path, mode: int, **more: Any) -> None:
        seen.extend(permissions(path) for path in Path().glob(".out.*"))
        chmod(self, mode, **more)

    monkeypatch.setattr(Path, "chmod", watched)
    assert n2d("run", config, "--out", "out", "--no-plots", "--overwrite").exit_code == 0
    assert set(seen[1:]) == {0o700}
    assert permissions(Path("out")) == 0o700


@pytest.mark.parametrize("kind", ["folder", "pipe", "write-protected"])
def test_a_target_in_the_way_is_refused_before_anything_is_read(
    n2d: Run, bundle: Path, kind: str
) -> None:
    path = Path("labels.csv")
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(b"old")
        path.chmod(0o444)
    result = n2d("predict", bundle, "missing.npz", "-o", path)
    assert result.exit_code == 1
    assert "labels.csv" in result.stderr
    assert "missing.npz" not in result.stderr


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
