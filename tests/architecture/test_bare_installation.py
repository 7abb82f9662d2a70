"""An installation without extras: abilities, and messages about what is missing."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from n2d_framework.core.libraries import EXTRAS
from n2d_framework.registry import default_catalogue

REPOSITORY = Path(__file__).parents[2]
ARCHIVES = sorted((REPOSITORY / "tests" / "archives").glob("v*/*.n2d"))
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
#: What bundles of this component hold is a network of the user's, which Keras computes.
OF_KERAS = "keras-pca-gmm"

#: Run by a process in which no module of an extra can be found.
PROBE = """
import importlib.machinery as machinery, io, json, sys, traceback
from contextlib import redirect_stdout
from pathlib import Path

absent, archives, folder = json.loads(sys.argv[1])
find = machinery.PathFinder.find_spec
machinery.PathFinder.find_spec = classmethod(
    lambda cls, name, path=None, target=None: (
        None if name.partition(".")[0] in absent else find(name, path, target)
    )
)
sys.path.insert(0, str(Path(archives[0]).parents[1]))
import numpy as np
import n2d_framework as n2d
from exchange import differences

found = {}

def attempt(name, call):
    try:
        found[name] = call()
    except n2d.N2DError as error:
        found[name] = f"{type(error).__name__} {error.exit_code}: {error}"
    except BaseException:
        found[name] = traceback.format_exc()

def command(*arguments):
    from typer.testing import CliRunner
    from n2d_framework.cli import app
    done = CliRunner().invoke(app, list(map(str, arguments)))
    return [done.exit_code, done.output]

folder = Path(folder)
rows = np.load(Path(archives[0]).with_name("rows.npz"))["rows"]
np.save(folder / "rows.npy", rows)
rows = rows.reshape(45, -1)
np.save(folder / "flat.npy", rows)
(folder / "rows.csv").write_text("a,b\\n1,2\\n3,4\\n")
trio = next(path for path in archives if "dense_ae" in path)
for path in archives:
    attempt(path, lambda: differences(Path(path)))
    attempt(f"verify {path}", lambda: n2d.verify(path).ok)
    attempt(f"inspect {path}", lambda: n2d.inspect(path).manifest["n_clusters_found"])
attempt("deep", lambda: n2d.N2D("dense_ae", "umap", "hdbscan").fit(rows))
attempt("plain", lambda: n2d.N2D("pca", "isomap", "gmm", n_clusters=3, random_state=0)
        .fit(rows).predict(rows).tolist())
again = n2d.load(trio)
attempt("parameters", lambda: again.get_params()["embedder__hidden"] and repr(again)[:3])
attempt("table", lambda: n2d.N2D(prepare="table", embedder="identity", manifolder="identity",
        clusterer="kmeans", n_clusters=2, random_state=0)
        .fit_predict({"a": ["x", "y", None] * 10, "b": list(range(30))}).tolist())
attempt("compare", lambda: n2d.compare(
    {"data": "digits", "embedders": ["pca"], "manifolders": ["identity"],
     "clusterers": ["kmeans"], "n_clusters": 3}, folder / "out"))
attempt("tensorboard", lambda: n2d.TensorBoard(folder))
from n2d_framework.plots import scatter
attempt("plot", lambda: scatter(rows[:, :2], rows[:, 0].astype(int)))
attempt("predict", lambda: command("predict", trio, folder / "rows.npy", "-o", folder / "y.csv"))
attempt("csv", lambda: command("predict", trio, folder / "rows.csv"))
attempt("parquet", lambda: command("predict", trio, folder / "rows.npy", "-o", "y.parquet"))
(folder / "pictures").mkdir()
attempt("images", lambda: command("predict", trio, folder / "pictures"))
attempt("verify", lambda: command("verify", trio))
attempt("export", lambda: command("export", trio, "--onnx", folder / "encoder.onnx"))
attempt("warm", lambda: command("warm-up", "gmm", "kmeans"))
attempt("warm umap", lambda: command("warm-up", "umap"))
attempt("doctor", lambda: command("doctor"))
attempt("pictures", lambda: command("run", "digits"))
for name in ("flat", "rows"):
    (folder / f"{name}.json").write_text(json.dumps(
        {"data": str(folder / f"{name}.npy"), "model": {"embedder": "pca", "manifolder": "identity",
         "clusterer": "kmeans", "n_clusters": 3}}))
attempt("run", lambda: command(
    "run", folder / "flat.json", "--no-plots", "--no-store", "--out", folder / "run"))
attempt("report", lambda: command(
    "run", folder / "rows.json", "--no-plots", "--no-store", "--out", folder / "no"))
print(json.dumps(found))
"""


def of_extra(name: str) -> set[str]:
    """Distributions of an extra, with those of the extras in it."""
    found: set[str] = set()
    for text in PROJECT["optional-dependencies"][name]:
        requirement = Requirement(text)
        if canonicalize_name(requirement.name) == "n2d-framework":
            found |= set().union(*map(of_extra, requirement.extras))
        else:
            found.add(canonicalize_name(requirement.name))
    return found


known_packages = functools.cache(packages_distributions)


def distributions_of(modules: tuple[str, ...]) -> set[str]:
    known = known_packages()
    return {canonicalize_name(name) for module in modules for name in known[module]}


def test_the_framework_asks_for_what_its_extras_bring():
    for name, modules in EXTRAS.items():
        assert distributions_of(modules) & of_extra(name), name
        assert len(distributions_of(modules) & of_extra(name)) >= len(modules), name


def test_components_ask_for_what_their_extras_bring():
    asked = 0
    for entry in default_catalogue().components():
        named = re.fullmatch(r"n2d_framework\[(\w+)\]", entry.spec.extra)
        if named:
            asked += 1
            assert distributions_of(entry.spec.fit_libraries) >= of_extra(named[1])
            assert of_extra(named[1]) <= of_extra("train") <= of_extra("all")
    assert asked >= 6


def test_all_is_everything_but_another_backend():
    extras = PROJECT["optional-dependencies"].keys() - {"test", "lint", "docs", "jax"}
    assert of_extra("all") == set().union(*map(of_extra, extras))
    assert of_extra("test") >= of_extra("all")


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> dict:
    """The result of each attempt where nothing of any extra is installed."""
    wanted = of_extra("all") | {"pynndescent", "polars", "xarray", "tensorflow", "jax"}
    absent = [
        module
        for module, names in known_packages().items()
        if {canonicalize_name(name) for name in names} & wanted
    ]
    assert {"tensorflow", "keras", "umap", "hdbscan", "pandas", "pyarrow", "dask"} <= set(absent)
    given = json.dumps([absent, list(map(str, ARCHIVES)), str(tmp_path_factory.mktemp("bare"))])
    done = subprocess.run(
        [sys.executable, "-c", PROBE, given], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.stem)
def test_a_bundle_is_inspected_verified_and_answers(bare, path):
    assert bare[f"inspect {path}"] >= 1
    if path.stem == OF_KERAS:
        for found in (bare[str(path)], bare[f"verify {path}"]):
            assert 'pip install "n2d_framework[tensorflow]"' in found
            assert found.startswith(("MissingLibraryError", "BundleError"))
        return
    assert bare[str(path)]["predict"] == 0.0
    assert max(bare[str(path)].values()) <= 1e-6
    assert bare[f"verify {path}"] is True


def test_commands_and_fits_that_need_nothing_more_work(bare):
    assert bare["predict"][0] == 0, bare["predict"]
    assert bare["verify"][0] == 0, bare["verify"]
    assert bare["doctor"] == [0, bare["doctor"][1]], bare["doctor"]
    assert bare["run"][0] == 0, bare["run"]
    assert bare["warm"][0] == 0, bare["warm"]
    assert len(bare["plain"]) == 45
    assert len(bare["table"]) == 30
    assert bare["parameters"] == "N2D"


def test_everything_that_is_missing_is_named_before_training(bare):
    said = bare["deep"]
    assert said.startswith("ConfigError 2: 3 problems"), said
    for extra in ("tensorflow", "umap", "hdbscan"):
        assert f'pip install "n2d_framework[{extra}]"' in said


@pytest.mark.parametrize(
    ("work", "extra"), [("compare", "compare"), ("tensorboard", "tensorboard"), ("plot", "plots")]
)
def test_work_names_its_extra(bare, work, extra):
    assert bare[work].startswith("MissingLibraryError 2:"), bare[work]
    assert bare[work].endswith(f'pip install "n2d_framework[{extra}]"')


@pytest.mark.parametrize(
    ("work", "extra"),
    [
        ("csv", "tables"),
        ("parquet", "tables"),
        ("pictures", "plots"),
        ("images", "images"),
        ("warm umap", "umap"),
        ("report", "images"),
        ("export", "onnx"),
    ],
)
def test_commands_name_their_extra(bare, work, extra):
    code, said = bare[work]
    assert code == 2, said
    assert f'pip install "n2d_framework[{extra}]"' in " ".join(said.split())
