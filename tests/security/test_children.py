"""No process imports what lies in the current folder by chance."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from n2d_framework.processes import import_path, module_command

TRAPS = (
    "attrs", "dask", "distributed", "h5py", "json", "multiprocessing", "n2d_builtin", "numpy",
    "pickle", "random", "sitecustomize", "sklearn", "struct", "usercustomize",
)  # fmt: skip
N2D = [sys.executable, "-P", "-c", "from n2d_framework.cli import main; main()"]
AS_MODULE = [sys.executable, "-m", "n2d_framework"]

CONFIG = """
data: rows.csv
embedders: [identity]
manifolders: [identity]
clusterers: [{name: kmeans, n_init: 1}]
n_clusters: 2
seeds: 2
dbcv_rows: 0
"""


@pytest.fixture
def trap(tmp_path) -> Path:
    """A folder in which every import leaves a trace and fails."""
    folder = tmp_path / "trap"
    folder.mkdir()
    for name in TRAPS:
        code = f"open({str(tmp_path / 'sprung')!r}, 'a').write('{name} ')\nraise SystemExit(77)\n"
        (folder / f"{name}.py").write_text(code)
    (folder / "config.yaml").write_text(CONFIG)
    rows = "".join(f"{i % 2 * 10 + i / 100},{i / 50}\n" for i in range(40))
    (folder / "rows.csv").write_text("a,b\n" + rows)
    return folder


def go(command, folder):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.mark.parametrize(
    "arguments",
    [["compare", "config.yaml", "--no-report", "--set", "timeout=100"],
     ["compare", "config.yaml", "--no-report", "--workers", "1"],
     ["doctor"]],
    ids=["limits", "workers", "doctor"],
)  # fmt: skip
def test_commands_do_not_import_from_the_current_folder(trap, arguments):
    done = go([*N2D, *arguments], trap)
    assert not (trap.parent / "sprung").exists(), (trap.parent / "sprung").read_text()
    assert done.returncode == 0, done.stderr[-800:]


def test_data_files_are_read_without_the_current_folder(trap):
    import h5py

    with h5py.File(trap / "rows.h5", "w") as file:
        file["x"] = [[1.0, 2.0], [3.0, 4.0]]
    code = "from n2d_framework.data import load; print(load('rows.h5').x.sum())"
    done = go([sys.executable, "-P", "-c", code], trap)
    assert not (trap.parent / "sprung").exists(), (trap.parent / "sprung").read_text()
    assert done.stdout == "10.0\n", done.stderr[-800:]


def test_the_module_is_the_command(trap):
    done = go([*AS_MODULE, "components"], trap)
    assert not (trap.parent / "sprung").exists(), (trap.parent / "sprung").read_text()
    assert done.returncode == 0, done.stderr[-800:]
    assert "kmeans" in done.stdout


@pytest.mark.slow
def test_the_kit_does_not_import_from_the_current_folder(trap):
    done = go([*N2D, "check-plugin", "clusterer/kmeans"], trap)
    assert not (trap.parent / "sprung").exists(), (trap.parent / "sprung").read_text()
    assert done.returncode == 0, done.stdout[-800:] + done.stderr[-800:]


def test_children_import_from_where_their_parent_does(tmp_path, monkeypatch):
    (tmp_path / "own_module.py").write_text("print('found', __import__('sys').argv[1:])")
    monkeypatch.syspath_prepend(tmp_path)
    done = go(module_command("own_module", "a b", "-c"), tmp_path.parent)
    assert done.stdout.strip() == "found ['a b', '-c']"


def test_the_current_folder_of_an_interactive_session_comes_last(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *filter(None, sys.path)])
    assert import_path() == [*sys.path[1:], str(tmp_path)]
    (tmp_path / "json.py").write_text("raise SystemExit('taken for the standard library')")
    (tmp_path / "local.py").write_text("import json; print(json.dumps('found'))")
    done = go(module_command("local"), tmp_path)
    assert done.stdout.strip() == '"found"', done.stderr


def test_numba_takes_no_cache_that_the_current_folder_names(trap):
    (trap / ".numba_config.yaml").write_text(f"cache_dir: {trap}\n")
    code = (
        "import sys; sys.argv = ['n2d', '--version']; from n2d_framework.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "import numba; print('cache', [numba.config.CACHE_DIR])"
    )
    for name in TRAPS:
        (trap / f"{name}.py").unlink()
    assert "cache ['']" in go([sys.executable, "-P", "-c", code], trap).stdout
