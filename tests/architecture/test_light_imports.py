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
MODULES = [*FACTORIES, "n2d_framework.networks", "n2d_builtin"]
COMMANDS = [("--help",), ("components",), ("schema",), ("run", "--help")]
#: Runs what it is given, one after the other, and reports which modules were new after each: on
#: stdout as it was, for a command closes its own.
PROBE = """
import json, os, sys
stdout, loaded, new = os.dup(1), set(), []
for code in sys.argv[1:]:
    exec(code, {})
    now = {name.partition(".")[0] for name in sys.modules}
    new.append(sorted(now - loaded))
    loaded |= now
os.write(stdout, ("\\n" + json.dumps(new)).encode())
"""


def heavy_after(*codes: str) -> list[list[str]]:
    """Heavy packages that each code loads, in one fresh interpreter: what loads it first has it."""
    result = subprocess.run(
        [sys.executable, "-c", PROBE, *codes], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout.splitlines()[-1])
    assert len(found) == len(codes)
    return [[name for name in HEAVY if name in loaded] for loaded in found]


def run_cli(*arguments: str) -> str:
    return (
        f"import sys; sys.argv = ['n2d', *{arguments!r}]\n"
        "from n2d_framework.cli import main\n"
        "try: main()\n"
        "except SystemExit as stop: assert not stop.code, stop.code"
    )


@pytest.fixture(scope="module")
def heavy_of_modules():
    """Heavy packages by the component module that loads them."""
    return dict(zip(MODULES, heavy_after(*(f"import {name}" for name in MODULES)), strict=True))


@pytest.fixture(scope="module")
def heavy_of_commands():
    """Heavy packages by the command that loads them."""
    found = heavy_after(*(run_cli(*arguments) for arguments in COMMANDS))
    return dict(zip(COMMANDS, found, strict=True))


def test_the_probe_sees_a_heavy_import():
    codes = ("import json", "import sklearn", "import sklearn, numba")
    assert heavy_after(*codes) == [[], ["sklearn"], ["numba"]]


def test_importing_the_framework_is_light():
    assert heavy_after("import n2d_framework") == [[]]


def test_listing_the_catalogue_is_light():
    assert heavy_after("import n2d_framework as n2d; assert n2d.components()") == [[]]


@pytest.mark.parametrize("module", MODULES)
def test_importing_a_component_module_is_light(module, heavy_of_modules):
    assert heavy_of_modules[module] == []


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_the_command_line_is_light(arguments, heavy_of_commands):
    assert heavy_of_commands[arguments] == []


def test_predicting_with_a_plain_trio_is_light(tmp_path):
    bundle, rows = tmp_path / "digits.n2d", tmp_path / "rows.npy"
    x = load_digits().data
    model = N2D("pca", "identity", "kmeans", n_clusters=10, random_state=0).fit(x)
    model.save(bundle)
    np.save(rows, x[:5])
    written = tmp_path / "labels.npy"
    code = run_cli("predict", str(bundle), str(rows), "--output", str(written))
    assert heavy_after(code) == [[]]
    np.testing.assert_array_equal(np.load(written), model.labels_[:5])


def test_the_package_can_be_run_where_the_command_is_not_on_the_path():
    command = [sys.executable, "-m", "n2d_framework", "--version"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.startswith("n2d ")
