"""Quick imports stay quick: no machine-learning library before it is used."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from n2d_framework import N2D
from n2d_framework.registry import default_catalogue

HEAVY = (
    "tensorflow",
    "keras",
    "jax",
    "torch",
    "numba",
    "umap",
    "pynndescent",
    "hdbscan",
    "openTSNE",
    "sklearn",
)
FACTORIES = sorted(
    {
        entry.spec.factory.partition(":")[0]
        for entry in default_catalogue().components()
        if entry.distribution == "n2d_framework"
    }
)
REPORT = "import json, sys; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"


def heavy_after(code: str) -> list[str]:
    """Heavy packages a fresh interpreter has loaded after running `code`."""
    result = subprocess.run(
        [sys.executable, "-c", f"{code}\n{REPORT}"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    loaded = json.loads(result.stdout.splitlines()[-1])
    return [name for name in HEAVY if name in loaded]


def run_cli(*arguments: str) -> str:
    return (
        f"import sys; sys.argv = ['n2d', *{arguments!r}]\n"
        "from n2d_framework.cli import main\n"
        "try: main()\n"
        "except SystemExit as stop: assert not stop.code, stop.code"
    )


def test_the_probe_sees_a_heavy_import():
    assert heavy_after("import sklearn") == ["sklearn"]


def test_importing_the_framework_is_light():
    assert heavy_after("import n2d_framework") == []


def test_listing_the_catalogue_is_light():
    assert heavy_after("import n2d_framework as n2d; assert n2d.components()") == []


@pytest.mark.parametrize("module", [*FACTORIES, "n2d_framework.networks", "n2d_builtin"])
def test_importing_a_component_module_is_light(module):
    assert heavy_after(f"import {module}") == []


@pytest.mark.parametrize(
    "arguments", [("--help",), ("components",), ("schema",), ("run", "--help")], ids=" ".join
)
def test_the_command_line_is_light(arguments):
    assert heavy_after(run_cli(*arguments)) == []


def test_predicting_with_a_plain_trio_is_light(tmp_path):
    bundle, rows = tmp_path / "digits.n2d", tmp_path / "rows.npy"
    x = load_digits().data
    model = N2D("pca", "identity", "kmeans", n_clusters=10, random_state=0).fit(x)
    model.save(bundle)
    np.save(rows, x[:5])
    written = tmp_path / "labels.npy"
    code = run_cli("predict", str(bundle), str(rows), "--output", str(written))
    assert heavy_after(code) == []
    np.testing.assert_array_equal(np.load(written), model.labels_[:5])


def test_the_package_can_be_run_where_the_command_is_not_on_the_path():
    command = [sys.executable, "-m", "n2d_framework", "--version"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.startswith("n2d ")
