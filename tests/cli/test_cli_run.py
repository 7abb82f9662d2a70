"""``n2d run``: what it makes, and that it loses nothing."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import n2d_framework
from n2d_framework.cli import run_to_folder
from n2d_framework.data import load

Run = Callable[..., Any]


def test_a_run_leaves_everything(n2d: Run, config: Path) -> None:
    result = n2d("run", config)
    assert result.exit_code == 0, result.output
    folder = Path("n2d-out/quick")
    assert {path.name for path in folder.iterdir()} == {
        "quick.n2d", "labels.csv", "config.json", "run.json", "report.html", "plots",
    }  # fmt: skip
    assert {"clusters.png", "truth_and_prediction.png"} <= {p.name for p in folder.glob("plots/*")}
    record = json.loads((folder / "run.json").read_text())
    assert record["random_state"] == 7
    assert record["n_clusters_found"] == 3
    assert record["scores"]["acc"] == 1.0
    assert list(record["stages"]) == ["prepare", "embedder", "manifolder", "clusterer"]
    assert record["config"]["model"]["clusterer"]["n_init"] == 2
    assert record["environment"]["libraries"]["numpy"]
    assert record["data"]["n_rows"] == 60
    for name in ("bundle", "labels", "config", "run"):
        assert Path(record["paths"][name]).is_file()
    assert all(Path(path).is_file() for path in record["paths"]["plots"])
    for word in ("acc", "embedder", "pca", "n2d-out/quick/quick.n2d", "seed 7"):
        assert word in result.stdout


def test_every_step_is_in_the_table_with_its_time(n2d: Run, config: Path) -> None:
    chain = (
        "--set",
        "model.prepare=[standard, minmax]",
        "--set",
        "model.manifolder=[pca, identity]",
    )
    added = ("--set", "model.refine=reassign_noise", "--set", "model.describe=[summary]")
    result = n2d("run", config, *chain, *added, "--no-plots")
    assert result.exit_code == 0, result.output
    record = json.loads(Path("n2d-out/quick/run.json").read_text())
    assert {label: about["component"] for label, about in record["stages"].items()} == {
        "prepare_0": "standard", "prepare_1": "minmax", "embedder": "pca", "manifolder_0": "pca",
        "manifolder_1": "identity", "clusterer": "kmeans", "refine": "reassign_noise",
        "describe": "summary",
    }  # fmt: skip
    seconds = dict(record["seconds"])
    alone = ("start", "load the data", "predict again", "scores", "save", "report", "all else")
    assert {*seconds} == {*alone, "descriptions", "total"}
    for name in (*alone, *record["stages"]):
        assert any(line.startswith(f"{name} ") for line in result.stdout.splitlines())
    total = seconds.pop("total")
    steps = sum(about["seconds"] for about in record["stages"].values())
    assert sum(seconds.values()) + steps == pytest.approx(total)


def test_steps_within_the_choice_of_a_number_count_once(n2d: Run, config: Path) -> None:
    record = json.loads(n2d("run", config, "--choose-k", "2:3", "--no-plots", "--json").stdout)
    seconds = record["seconds"]
    assert seconds["choose the number"] > 0
    steps = sum(about["seconds"] for about in record["stages"].values())
    assert sum(seconds.values()) + steps == pytest.approx(2 * seconds["total"])


def test_both_views_of_noise_are_shown(n2d: Run, config: Path) -> None:
    stored = np.load("blobs.npz")
    far = np.array([[500, 0, 0, 0], [0, -500, 0, 0]], dtype=np.float32)
    np.savez("blobs.npz", x=np.vstack([stored["x"], far]), y=np.append(stored["y"], [0, 1]))
    words = ("--set", "model.clusterer={name: hdbscan, min_cluster_size: 5}", "--no-plots")
    result = n2d("run", config, *words)
    scores = json.loads(Path("n2d-out/quick/run.json").read_text())["scores"]
    assert scores["coverage"] < 1
    assert {"acc", "acc_clustered", "dbcv"} <= set(scores)
    line = next(line for line in result.stdout.splitlines() if line.startswith("acc "))
    assert line.split()[1:] == [f"{scores['acc']:.4f}", f"{scores['acc_clustered']:.4f}"]
    assert "acc_clustered" not in result.stdout


def test_labels_are_those_of_the_bundle(n2d: Run, config: Path) -> None:
    assert n2d("run", config, "--no-plots").exit_code == 0
    rows = list(csv.DictReader(Path("n2d-out/quick/labels.csv").read_text().splitlines()))
    labels = [int(row["label"]) for row in rows]
    model = n2d_framework.load("n2d-out/quick/quick.n2d")
    x = load("blobs.npz").x
    assert labels == model.predict(x).tolist()
    assert [int(row["row"]) for row in rows] == list(range(60))
    np.testing.assert_array_equal(
        [float(row["strength"]) for row in rows], model.predict_proba(x).max(axis=1)
    )
    assert not Path("n2d-out/quick/plots").exists()


def test_json_is_run_json_and_nothing_else(n2d: Run, config: Path) -> None:
    result = n2d("run", config, "--json", "--no-plots")
    assert json.loads(result.stdout) == json.loads(Path("n2d-out/quick/run.json").read_text())


def test_the_written_config_gives_the_same_run(n2d: Run, config: Path) -> None:
    assert n2d("run", config, "--no-plots", "--seed", "3").exit_code == 0
    again = n2d("run", "n2d-out/quick/config.json", "--out", "again", "--no-plots", "--no-store")
    assert again.exit_code == 0, again.output
    assert Path("again/labels.csv").read_bytes() == Path("n2d-out/quick/labels.csv").read_bytes()
    assert json.loads(Path("again/run.json").read_text())["random_state"] == 3


@pytest.mark.parametrize("name", ["digits", "n2d_framework:digits"])
def test_a_dataset_needs_no_config(n2d: Run, name: str) -> None:
    result = n2d(
        "run", name, "--no-plots", "--json",
        "--set", "model.embedder=pca", "--set", "model.manifolder=identity",
        "--set", "model.clusterer.name=kmeans",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert record["config"]["model"]["n_clusters"] == 10
    assert record["config"]["data"] == name
    assert Path("n2d-out/digits/digits.n2d").is_file()


def test_an_option_of_a_default_component_can_be_set(n2d: Run) -> None:
    Path("bare.yaml").write_text("model: {embedder: {name: pca, latent_dim: 2}}\n")
    np.save("rows.npy", np.arange(40.0).reshape(20, 2))
    words = ("--data", "rows.npy", "--set", "model.manifolder=identity", "--no-plots", "--json")
    record = json.loads(n2d("run", "bare.yaml", *words, "--set", "model.clusterer.n_init=2").stdout)
    assert record["config"]["model"]["clusterer"]["name"] == "gmm"
    assert record["config"]["model"]["clusterer"]["n_init"] == 2


def test_data_can_be_replaced(n2d: Run, config: Path) -> None:
    np.save("other.npy", np.load("blobs.npz")["x"][::2])
    record = json.loads(n2d("run", config, "--data", "other.npy", "--no-plots", "--json").stdout)
    assert record["data"]["n_rows"] == 30
    assert "silhouette" in record["scores"]
    assert "acc" not in record["scores"]


def test_stages_are_reused_unless_refused(n2d: Run, config: Path, tmp_path: Path) -> None:
    def cached(*words: str) -> list[bool]:
        result = n2d("run", config, "--json", "--no-plots", "--overwrite", *words)
        stages = json.loads(result.stdout)["stages"]
        return [stages[role]["cached"] for role in ("embedder", "manifolder", "clusterer")]

    assert cached() == [False] * 3
    assert cached() == [True] * 3
    assert cached("--set", "model.clusterer.n_clusters=4") == [True, True, False]
    assert cached("--no-store") == [False] * 3
    assert cached("--store", str(tmp_path / "elsewhere")) == [False] * 3
    assert list((tmp_path / "elsewhere").rglob("*.stage"))


def test_an_earlier_run_is_replaced_only_on_demand(n2d: Run, config: Path) -> None:
    assert n2d("run", config, "--out", "out", "--no-plots").exit_code == 0
    before = Path("out/run.json").read_bytes()
    refused = n2d("run", config, "--out", "out", "--no-plots")
    assert refused.exit_code == 2
    assert "--overwrite" in refused.stderr
    assert Path("out/run.json").read_bytes() == before
    assert n2d("run", config, "--out", "out", "--overwrite", "--seed", "8").exit_code == 0
    assert json.loads(Path("out/run.json").read_text())["random_state"] == 8
    assert sorted(path.name for path in Path().iterdir()) == ["blobs.npz", "out", "quick.yaml"]


def test_what_is_not_a_run_is_never_replaced(n2d: Run, config: Path) -> None:
    Path("precious").mkdir()
    Path("precious/thesis.txt").write_text("years")
    Path("file").write_text("x")
    Path("link").symlink_to("precious")
    for target in ("precious", "file", "link"):
        result = n2d("run", config, "--out", target, "--overwrite")
        assert result.exit_code == 2
        assert target in result.stderr
    assert Path("precious/thesis.txt").read_text() == "years"
    Path("empty").mkdir()
    assert n2d("run", config, "--out", "empty", "--no-plots").exit_code == 0


def test_a_place_that_cannot_be_written(n2d: Run, config: Path) -> None:
    Path("file").write_text("x")
    result = n2d("run", config, "--out", "file/out")
    assert result.exit_code == 1
    assert "cannot write there" in result.stderr
    assert "--out" in result.stderr


def fail(*_: object, **__: object) -> None:
    raise OSError("disk full")


def test_a_failure_before_there_are_labels_leaves_nothing_but_the_old(
    n2d: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert n2d("run", config, "--out", "out", "--no-plots").exit_code == 0
    before = Path("out/run.json").read_bytes()
    monkeypatch.setattr(run_to_folder.RunFiles, "write_labels", fail)
    for words in (("--out", "deep/er/out"), ("--out", "out", "--overwrite")):
        result = n2d("run", config, *words)
        assert result.exit_code == 1
        assert "disk full" in result.stderr
        assert "Traceback" not in result.stderr
    assert Path("out/run.json").read_bytes() == before
    assert sorted(path.name for path in Path().iterdir()) == ["blobs.npz", "out", "quick.yaml"]


@pytest.mark.parametrize(
    ("broken", "missing"),
    [
        ("n2d_framework.bundle.save", "bundle"),
        ("n2d_framework.plots.picture_files.scatter", "plots/clusters"),
        ("n2d_framework.plots.picture_files.cluster_means", "plots/cluster_means"),
        ("n2d_framework.plots.save_run_plots", "plots"),
        ("n2d_framework.pipeline.N2D.assess", "scores"),
        ("n2d_framework.cli.run_files.RunFiles._write_config", "config"),
        ("n2d_builtin.kmeans.kmeans.KMeans.predict_proba", "labels/strength"),
    ],
)
def test_what_fails_once_there_are_labels_costs_only_itself(
    n2d: Run, config: Path, monkeypatch: pytest.MonkeyPatch, broken: str, missing: str
) -> None:
    drawn = "plots" in missing
    words = () if drawn else ("--no-plots",)  # pictures take most of the time
    with monkeypatch.context() as patch:
        patch.setattr(broken, fail)
        result = n2d("run", config, "--json", *words)
    assert result.exit_code == 1
    assert f"{missing} is missing: disk full" in result.stderr
    folder = Path("n2d-out/quick")
    record = json.loads((folder / "run.json").read_text())
    assert json.loads(result.stdout) == record
    assert record["missing"][missing] == "disk full"
    assert len((folder / "labels.csv").read_text().splitlines()) == 61
    made = {name for name in record["paths"] if name != "folder"}
    kinds = {"labels", "run", "config", "bundle", "report", *(["plots"] if drawn else [])}
    # Strengths are in the report, too.
    assert made == kinds - {missing} - ({"report"} if missing == "labels/strength" else set())
    assert bool(record["scores"]) == (missing != "scores")
    assert (folder / "quick.n2d").exists() == (missing != "bundle")
    whole = n2d("run", config, "--overwrite", "--no-plots")
    assert whole.exit_code == 0, whole.stderr
    assert json.loads((folder / "run.json").read_text())["missing"] == {}


def test_a_record_that_cannot_be_written_in_the_end_loses_nothing(
    n2d: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full by then: the first record stays whole, and what it says is printed."""
    from n2d_framework.cli import run_files

    assert n2d("run", config, "--out", "out", "--no-plots").exit_code == 0
    before = Path("out/run.json").read_bytes()
    write, calls = run_files.write_atomic, []

    def write_once(path: Path, data: bytes) -> None:
        calls.append(path.name)
        if calls.count("run.json") > 1:
            raise n2d_framework.errors.OutputError("No space left on device")
        write(path, data)

    monkeypatch.setattr(run_files, "write_atomic", write_once)
    result = n2d("run", config, "--out", "out", "--overwrite", "--no-plots", "--seed", "5")
    assert result.exit_code == 1
    assert "run is missing: No space left" in result.stderr
    assert "acc" in result.stdout
    assert Path("out/run.json").read_bytes() == before
    kept = Path("out-incomplete")
    assert json.loads((kept / "run.json").read_text())["missing"]
    assert n2d_framework.load(kept / "quick.n2d").random_state_ == 5


LEFT = """
import sys
from pathlib import Path
from n2d_framework.cli.output_dir import output_folder
with output_folder(Path(sys.argv[1]), overwrite=True) as output:
    (output.path / "labels.csv").write_text("half")
    if sys.argv[2] == "swap":
        output.target.rename(output.path.with_suffix(".old"))
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(os.name != "posix", reason="locks that end with a process")
@pytest.mark.parametrize("out", ["out", "od[d]*", "o" * 200])
@pytest.mark.parametrize("moment", ["fit", "swap"])
def test_what_a_killed_run_left_is_cleaned_up_once_it_is_gone(
    n2d: Run, config: Path, out: str, moment: str
) -> None:
    assert n2d("run", config, "--out", out, "--no-plots").exit_code == 0
    before = Path(out, "run.json").read_bytes()
    words = [sys.executable, "-c", LEFT, out, moment]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        left = sorted(path for path in Path().iterdir() if path.name.startswith("."))
        assert [path.suffix for path in left] == [".old", ".part"][moment == "fit" :]
        if moment == "fit":  # it is alive: its folder is left alone
            assert n2d("run", config, "--out", out, "--no-plots").exit_code == 2
            assert left[0].is_dir()
        process.kill()
    foreign = Path(f".{out[:80]}.0123456789ab.part")  # of another machine, or of somebody else
    foreign.mkdir()
    assert n2d("run", config, "--out", out, "--no-plots").exit_code == 2
    assert Path(out, "run.json").read_bytes() == before
    assert [path for path in Path().iterdir() if path.name.startswith(".")] == [foreign]


def test_what_is_incomplete_replaces_nothing(
    n2d: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert n2d("run", config, "--out", "out", "--no-plots").exit_code == 0
    before = Path("out/run.json").read_bytes()
    monkeypatch.setattr("n2d_framework.bundle.save", fail)
    for name in ("out-incomplete", "out-incomplete-2"):
        result = n2d("run", config, "--out", "out", "--overwrite", "--no-plots")
        assert result.exit_code == 1
        record = json.loads((Path(name) / "run.json").read_text())
        assert record["paths"]["folder"] == str(Path(name).absolute())
        assert Path(record["paths"]["labels"]).is_file()
        assert name in result.stdout
    assert Path("out/run.json").read_bytes() == before


@pytest.fixture
def mounted(monkeypatch: pytest.MonkeyPatch, elsewhere: Path) -> Path:
    """A folder that no other can replace, as one that a container mounts."""
    folder = elsewhere / "mounted"
    folder.mkdir()
    whole = os.path.ismount
    monkeypatch.setattr("os.path.ismount", lambda path: Path(path) == folder or whole(path))
    return folder


def test_a_folder_that_cannot_be_replaced_is_filled(
    n2d: Run, config: Path, mounted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = mounted.stat().st_ino
    assert n2d("run", config, "--out", "mounted").exit_code == 0
    names = {path.name for path in mounted.iterdir()}
    assert names == {"quick.n2d", "labels.csv", "config.json", "run.json", "report.html", "plots"}
    first = (mounted / "run.json").read_bytes()
    assert n2d("run", config, "--out", "mounted").exit_code == 2
    assert (mounted / "run.json").read_bytes() == first
    result = n2d("run", config, "--out", "mounted", "--overwrite", "--no-plots", "--seed", "5")
    assert result.exit_code == 0, result.stderr
    assert {path.name for path in mounted.iterdir()} == names - {"plots"}
    record = json.loads((mounted / "run.json").read_text())
    assert record["random_state"] == 5
    assert Path(record["paths"]["bundle"]).is_file()
    monkeypatch.setattr("n2d_framework.bundle.save", fail)
    assert n2d("run", config, "--out", "mounted", "--overwrite", "--no-plots").exit_code == 1
    assert json.loads((mounted / "run.json").read_text()) == record
    assert json.loads((mounted / "mounted-incomplete/run.json").read_text())["missing"]
    assert mounted.stat().st_ino == about
    assert not list(mounted.glob(".*"))


@pytest.mark.skipif(os.name != "posix", reason="folders with names of other owners")
def test_a_folder_in_one_that_renames_nothing_is_filled(
    n2d: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sticky bit, another's folder, a share: only trying says that it cannot be renamed."""
    Path("out").mkdir()
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if Path(path).absolute() == Path("out").absolute():
            raise PermissionError(1, "Operation not permitted")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    about = Path("out").stat().st_ino
    assert n2d("run", config, "--out", "out", "--no-plots").exit_code == 0
    assert (Path("out/run.json").is_file(), Path("out").stat().st_ino) == (True, about)
    assert not list(Path().glob(".*"))


@pytest.mark.parametrize("moves", [0, 1, 3, 5, 10])
def test_an_output_that_cannot_be_moved_up_leaves_the_earlier_one(
    n2d: Run, config: Path, mounted: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    """Whatever the move at which a process ends, the next run has a whole output before it."""
    from n2d_framework.cli import output_dir as folder

    assert n2d("run", config, "--out", "mounted", "--no-plots").exit_code == 0
    before = {path.name: path.read_bytes() for path in mounted.iterdir()}
    words = [sys.executable, "-c", MOVED, "mounted", str(moves)]
    subprocess.run(words, check=False, timeout=60)
    if moves < 10:
        assert list(mounted.glob(".mounted.*.old"))
    assert n2d("run", config, "--out", "mounted", "--no-plots").exit_code == 2
    after = {path.name: path.read_bytes() for path in mounted.iterdir()}
    whole = dict.fromkeys(before, b"new")
    assert after in (before, whole)
    assert (after == whole) == (moves == 10)
    assert folder.MARK in after


MOVED = """
import os, sys
from pathlib import Path
from n2d_framework.cli import output_dir as folder
target, moves = Path(sys.argv[1]), int(sys.argv[2])
os.path.ismount = lambda path: Path(path).name == target.name
rename, left = folder._rename, [moves]

def limited(source, goal):
    if not left[0]:
        os._exit(9)
    left[0] -= 1
    rename(source, goal)

folder._rename = limited
with folder.output_folder(target, overwrite=True) as output:
    for name in [path.name for path in target.iterdir() if not path.name.startswith(".")]:
        (output.path / name).write_text("new")
    output.has_labels = output.complete = True
os._exit(0)
"""


@pytest.mark.parametrize("y", [
    np.where(np.arange(60) < 5, np.nan, 1.0),
    np.array([None, *"a" * 59], dtype=object),
    np.array(["2020-01-01", "NaT"] * 30, dtype="datetime64[D]"),
    np.zeros((60, 2)),
    np.zeros(60),
    np.array([1, "a", 2.5] * 20, dtype=object),
    np.array([b"a", b"b"] * 30),
    np.array([True, False] * 30),
    np.array(["2020-01-01", "2020-01-02"] * 30, dtype="datetime64[D]"),
    np.array(["é", "\u202e"] * 30),
    np.array(["\udcff", "b"] * 30, dtype=object),
])  # fmt: skip
def test_labels_of_every_kind_are_scored_or_refused_before_training(
    n2d: Run, config: Path, y: np.ndarray, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from n2d_framework.core.dataset import Dataset

    rows = Dataset(name="odd", x=np.load("blobs.npz")["x"], y=y)
    monkeypatch.setattr(run_to_folder, "load", lambda *_, **__: rows)
    result = n2d("run", config, "--quiet")
    if result.exit_code == 0:
        assert json.loads(Path("n2d-out/quick/run.json").read_text())["missing"] == {}
        return
    assert result.exit_code == 2, result.stderr
    assert "odd: " in result.stderr
    assert not Path("n2d-out").exists()
    assert not list((tmp_path / "store").rglob("*.stage"))


@pytest.mark.parametrize("rows", [59, 61])
def test_labels_of_another_length_are_refused_before_training(
    n2d: Run, config: Path, rows: int, tmp_path: Path
) -> None:
    np.savez("blobs.npz", x=np.load("blobs.npz")["x"], y=np.zeros(rows))
    result = n2d("run", config)
    assert result.exit_code == 2
    assert str(rows) in result.stderr
    assert not list((tmp_path / "store").rglob("*.stage"))


def test_an_adapted_class_that_cannot_be_saved_is_refused_before_training(
    n2d: Run, config: Path, tmp_path: Path, install_plugin: Callable[..., None]
) -> None:
    install_plugin("secretive", (
        "class Hidden:\n"
        "    def fit(self, x):\n"
        "        self.labels_ = [0] * len(x)\n"
        "        self.secret_ = (i for i in ())\n"
        "        return self\n"
        "    def predict(self, x):\n"
        "        return [0] * len(x)\n"
    ))  # fmt: skip
    words = ("--set", "model.clusterer={adapt: 'secretive:Hidden'}", "--allow-code")
    result = n2d("run", config, *words)
    assert result.exit_code == 2
    assert "secretive:Hidden: it cannot be stored" in result.stderr
    assert not Path("n2d-out").exists()
    assert not list((tmp_path / "store").rglob("*.stage"))


@pytest.mark.parametrize("name", ["x" * 300, "nul\0byte", "file/out"])
def test_a_name_that_cannot_be_is_refused_before_training(
    n2d: Run, config: Path, tmp_path: Path, name: str
) -> None:
    Path("file").write_text("x")
    result = n2d("run", config, "--out", name)
    # A name with NUL is refused by the command line itself, before it can be a path.
    assert result.exit_code == (2 if "\0" in name else 1)
    assert "--out" in result.stderr
    assert "unexpected" not in result.stderr
    assert not Path("n2d-out").exists()
    assert not list((tmp_path / "store").rglob("*.stage"))


@pytest.mark.parametrize("length", [200, 243, 250])
def test_long_names_are_used_or_refused(n2d: Run, config: Path, length: int) -> None:
    """The bundle is called as the configuration, and the folder too."""
    long = config.rename("q" * length + ".yaml") if length < 250 else config
    out = ("--out", "o" * length) if length == 250 else ()
    result = n2d("run", long, "--no-plots", *out)
    assert result.exit_code == 0, result.stderr


@pytest.mark.skipif(os.name != "posix", reason="names of any bytes")
def test_names_that_are_not_utf8(n2d: Run, config: Path) -> None:
    odd = os.fsdecode(b"d\xff")
    Path(odd).mkdir()
    Path("blobs.npz").rename(f"{odd}/b\udcfe.npz")
    result = n2d("run", config, "--data", f"{odd}/b\udcfe.npz", "--out", f"{odd}/out", "--json")
    assert result.exit_code == 0, result.stderr
    record = json.loads(Path(f"{odd}/out/run.json").read_text())
    assert Path(record["paths"]["bundle"]).is_file()
    assert record["config"]["data"] == f"{odd}/b\udcfe.npz"
    again = n2d("run", f"{odd}/out/config.json", "--out", "again", "--no-plots")
    assert again.exit_code == 0, again.stderr
    bundle = record["paths"]["bundle"]
    for words in (
        ("predict", bundle, f"{odd}/b\udcfe.npz", "-o", f"{odd}/p.csv"),
        ("predict", bundle, f"{odd}/b\udcfe.npz", "-o", f"{odd}/p.parquet", "--json"),
        ("inspect", bundle),
        ("inspect", bundle, "--json"),
        ("verify", bundle),
        ("upgrade", bundle, "-o", f"{odd}/new\udcfd.n2d"),
        ("upgrade", bundle, "--json"),
        ("verify", f"{odd}/new\udcfd.n2d"),
        ("store", "--store", f"{odd}/store"),
    ):
        done = n2d(*words)
        assert done.exit_code == 0, (words, done.stderr)


def test_a_disk_that_is_full_already_is_noticed_before_training(
    n2d: Run, config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from n2d_framework.cli import output_dir as folder

    monkeypatch.setattr(folder.shutil, "disk_usage", lambda _: type("Free", (), {"free": 2000}))
    result = n2d("run", config)
    assert result.exit_code == 1
    assert "free some space" in result.stderr
    assert not Path("n2d-out").exists()
    assert not list((tmp_path / "store").rglob("*.stage"))


def test_a_store_that_fails_while_a_run_continues_costs_nothing_but_itself(
    n2d: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from n2d_framework.plan.store import stage_store as store

    monkeypatch.setattr(store, "write_atomic", fail)
    result = n2d("run", config, "--no-plots")
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count("continues without the store") == 1


def test_a_swap_that_fails_puts_the_old_back(
    n2d: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert n2d("run", config, "--out", "out", "--no-plots").exit_code == 0
    before = Path("out/run.json").read_bytes()
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self.name.endswith(".part"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    result = n2d("run", config, "--out", "out", "--no-plots", "--overwrite", "--seed", "9")
    assert result.exit_code == 1
    assert "No space left" in result.stderr
    assert Path("out/run.json").read_bytes() == before
    assert sorted(path.name for path in Path().iterdir()) == ["blobs.npz", "out", "quick.yaml"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nothing.yaml"], 2, "cannot be read"),
        (["digts"], 2, "did you mean 'digits'"),
        (["quick.yaml", "--set", "model.embeder=pca"], 2, "did you mean 'embedder'"),
        (["quick.yaml", "--set", "model.embedder.latent_dim=0"], 2, "must be >= 1, got 0"),
        (["quick.yaml", "--set", "model.clusterer=kmean"], 2, "did you mean 'kmeans'"),
        (["quick.yaml", "--set", "nonsense"], 2, "path=value"),
        (["quick.yaml", "--data", "none.npy"], 2, "no such file"),
        (["quick.yaml", "--n-jobs", "0"], 2, "positive number"),
        (["quick.yaml", "--seed", "-1"], 2, "random_state"),
        (["quick.yaml", "--store", "s", "--no-store"], 2, "--no-store"),
        (["blobs.npz", "--data", "digits"], 2, "names data already"),
        (["quick.yaml", "--set", "model.clusterer.n_clusters=61"], 2, "61"),
        (["quick.yaml", "--set", "data=null"], 2, "give --data"),
        (["quick.yaml", "--nonsense"], 2, "No such option"),
    ],
)
def test_wrong_requests(n2d: Run, config: Path, words: list[str], code: int, said: str) -> None:
    result = n2d("run", *words)
    assert result.exit_code == code, result.output
    assert said in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    assert not Path("n2d-out").exists()


def test_all_problems_are_said_at_once(n2d: Run, config: Path) -> None:
    result = n2d("run", config, "--set", "model.scaler=maxmin", "--set", "random_state=-1")
    assert "model.scaler" in result.stderr
    assert "random_state" in result.stderr


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (np.full((9, 2), np.nan), "NaN"),
        (np.ones((9, 2)), "all 9 rows are equal"),
        (np.ones((1, 2)), "minimum of 2"),
        (np.array([[0.0, 1], [np.inf, 2], [3, 3]]), "inf"),
    ],
)
def test_wrong_rows(n2d: Run, config: Path, x: np.ndarray, said: str) -> None:
    np.save("x.npy", x)
    result = n2d("run", config, "--data", "x.npy")
    assert result.exit_code == 2
    assert said in result.stderr
    assert not Path("n2d-out").exists()


@pytest.mark.parametrize(
    "written",
    ["{name: adapted, factory: 'sklearn.cluster:KMeans'}", "{adapt: 'sklearn.cluster:KMeans'}"],
)
def test_code_in_a_config_needs_leave(n2d: Run, config: Path, written: str) -> None:
    words = ("--set", f"model.clusterer={written}")
    result = n2d("run", config, *words)
    assert result.exit_code == 2
    assert "trust" in result.stderr
    assert n2d("run", config, *words, "--allow-code", "--no-plots").exit_code == 0


def test_debug_shows_where(n2d: Run, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def surprise(*_: object) -> None:
        raise RuntimeError("surprise")

    monkeypatch.setattr(run_to_folder.RunFiles, "_draw", surprise)
    plain = n2d("run", config)
    assert (plain.exit_code, "Traceback" in plain.stderr) == (1, False)
    assert "unexpected RuntimeError: surprise" in plain.stderr
    reported = n2d("--debug", "run", config, "--overwrite")
    assert (reported.exit_code, "Traceback" in reported.stderr) == (1, True)
    monkeypatch.setenv("N2D_DEBUG", "1")
    assert "Traceback" in n2d("run", config, "--overwrite").stderr


def test_a_store_that_cannot_be_written_is_not_a_reason_to_stop(
    n2d: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("file").write_text("x")
    monkeypatch.setenv("N2D_STORE", "file/store")
    result = n2d("run", config, "--no-plots")
    assert result.exit_code == 0
    assert "stage store" in result.stderr
    asked_for = n2d("run", config, "--no-plots", "--overwrite", "--store", "file/store")
    assert asked_for.exit_code == 1
    assert "stage store" in asked_for.stderr
