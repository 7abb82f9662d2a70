"""``n2d new-plugin`` and ``n2d check-plugin``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from n2d_framework.cli.scaffold import ROLES
from n2d_framework.registry import default_catalogue


def install(package: Path, site: Path) -> None:
    """Installation of a package: its metadata and its code on the path."""
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = project["entry-points"]["n2d_framework"]
    lines = "".join(f"{name} = {value}\n" for name, value in points.items())
    (info / "entry_points.txt").write_text(f"[n2d_framework]\n{lines}")


@pytest.fixture
def put_on_path(tmp_path, monkeypatch):
    """Make a generated package known to this process and to those it starts."""
    before = set(sys.modules)

    def put(package: Path) -> None:
        install(package, tmp_path / "site")
        for path in (tmp_path / "site", package):
            monkeypatch.syspath_prepend(str(path))
        default_catalogue.cache_clear()

    yield put
    default_catalogue.cache_clear()
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.slow
def test_new_packages_pass_their_own_tests(n2d, elsewhere, tmp_path):
    packages = [elsewhere / f"n2d-mine-{role}" for role in ROLES]
    for role, package in zip(ROLES, packages, strict=True):
        assert n2d("new-plugin", package.name, "--role", role).exit_code == 0
        install(package, tmp_path / "site")
    # The tests of all in one process: importing the libraries is what takes the time.
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider",
         "--import-mode=importlib", "--rootdir=.", "-c", packages[0] / "pyproject.toml",
         *(package.name for package in packages)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, [tmp_path / "site", *packages]))},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for package in packages:
        assert f"PASSED {package.name}/tests/" in done.stdout


@pytest.mark.parametrize("role", ROLES)
def test_a_new_package_is_complete_and_in_style(role, n2d, elsewhere):
    result = n2d("new-plugin", "n2d-mine", "--role", role, "--out", "deep/down", "--json")
    assert result.exit_code == 0, result.output
    reported = json.loads(result.stdout)
    package = elsewhere / "deep" / "down" / "n2d-mine"
    assert {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()} == set(
        reported["files"]
    )
    assert {"pyproject.toml", "LICENSE", ".github/workflows/tests.yml"} <= set(reported["files"])
    for path in package.rglob("*.py"):
        text = path.read_text()
        compile(text, str(path), "exec")
        assert max(map(len, text.splitlines()), default=0) <= 100
    workflow = (package / ".github/workflows/tests.yml").read_text()
    assert "${{ matrix.python }}" in workflow
    tests = (package / "tests/test_conformance.py").read_text().split("\n")
    assert len([line for line in tests if line]) == 2
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    assert project["optional-dependencies"]["test"] == ["n2d_framework[test]"]
    assert "$" not in (package / "README.md").read_text()


@pytest.mark.parametrize(
    ("out", "installed", "tested"),
    [
        ((), './n2d-mine[test]"', "n2d-mine"),
        (("--out", "deep"), './deep/n2d-mine[test]"', "deep/n2d-mine"),
        (("--out", "../beside"), '../beside/n2d-mine[test]"', "../beside/n2d-mine"),
        (("--out", "two words"), './two words/n2d-mine[test]"', '"two words/n2d-mine"'),
    ],
)
def test_what_comes_next_can_be_typed_as_it_is(out, installed, tested, n2d):
    said = n2d("new-plugin", "n2d-mine", "--role", "metric", *out).stdout
    assert f'\n  pip install -e "{installed}\n' in said
    assert f"\n  python -m pytest -q {tested}\n" in said
    assert said.endswith("\n  n2d check-plugin metric/mine\n")


def test_an_absolute_folder_stays_absolute(n2d, elsewhere):
    said = n2d("new-plugin", "n2d-mine", "--role", "metric", "--out", elsewhere).stdout
    assert f'pip install -e "{elsewhere}/n2d-mine[test]"\n' in said


def test_a_new_package_never_overwrites(n2d, elsewhere):
    (elsewhere / "n2d-mine").mkdir()
    (elsewhere / "n2d-mine" / "work.txt").write_text("years of it")
    result = n2d("new-plugin", "n2d-mine", "--role", "metric")
    assert result.exit_code == 1
    assert [path.name for path in elsewhere.rglob("*")] == ["n2d-mine", "work.txt"]


@pytest.mark.parametrize(
    ("name", "role", "words"),
    [
        ("Mine", "metric", "lower-case"),
        ("../mine", "metric", "lower-case"),
        ("numpy", "metric", "n2d-numpy"),
        ("json", "metric", "n2d-json"),
        ("class", "metric", "Python package"),
        ("n2d-1st", "metric", "Python package"),
        ("n2d-plugin", "metric", "says nothing"),
        ("n2d-fit-context", "manifolder", "FitContext"),
        ("n2d-self", "manifolder", "class would be Self"),
        ("n2d-mine", "manifold", "manifolder"),
    ],
)
def test_a_wrong_request_is_refused(name, role, words, n2d, elsewhere):
    result = n2d("new-plugin", name, "--role", role)
    assert result.exit_code == 2
    assert list(elsewhere.iterdir()) == []


ANNOUNCED = """
from n2d_framework.plugin import DatasetSpec, MetricSpec, hookimpl

@hookimpl
def n2d_datasets():
    return [DatasetSpec(name="circles", loader="no:load", summary="s", n_rows=2, row_shape=(3,))]

@hookimpl
def n2d_metrics():
    return [MetricSpec(name="evenness", function="no:score", summary="s")]

@hookimpl
def n2d_run_started(event):
    pass
"""


@pytest.mark.parametrize(
    ("name", "role", "words"),
    [
        ("n2d-gmm", "clusterer", "n2d_framework {ours} has a clusterer named 'gmm' already"),
        ("gmm", "clusterer", "n2d_framework {ours} has a clusterer named 'gmm' already"),
        ("n2d-umap", "manifolder", "n2d_framework {ours} has a manifolder named 'umap' already"),
        ("n2d-dense-ae", "embedder", "n2d_framework {ours} has an embedder named 'dense_ae'"),
        ("n2d-digits", "dataset", "n2d_framework {ours} has a dataset named 'digits' already"),
        ("n2d-acc", "metric", "n2d_framework itself has a score named 'acc'"),
        ("n2d-seed", "metric", "n2d_framework itself has a column named 'seed'"),
        ("n2d-circles", "dataset", "theirs 3.4 has a dataset named 'circles' already"),
        ("n2d-evenness", "metric", "theirs 3.4 has a metric named 'evenness' already"),
        ("n2d-listens", "tracker", "theirs 3.4 has a tracker named 'listens' already"),
        ("theirs", "metric", "a distribution of that name is installed already: theirs 3.4"),
        ("n2d-framework", "metric", "would hide the module 'n2d_framework'"),
    ],
)
def test_a_name_of_something_installed_is_refused_and_a_free_one_suggested(
    name, role, words, n2d, use_plugin, elsewhere
):
    use_plugin("listens", ANNOUNCED, distribution="theirs", version="3.4")
    result = n2d("new-plugin", name, "--role", role)
    assert result.exit_code == 2
    assert words.format(ours=version("n2d_framework")) in result.stderr
    assert list(elsewhere.iterdir()) == []
    free = result.stderr.split("; try ")[1].strip()
    assert n2d("new-plugin", free, "--role", role).exit_code == 0


def test_a_name_of_another_role_is_free(n2d):
    assert n2d("new-plugin", "n2d-gmm", "--role", "embedder").exit_code == 0


def test_a_package_that_is_installed_is_not_suggested_in_its_own_place(n2d, put_on_path, elsewhere):
    n2d("new-plugin", "n2d-mine", "--role", "metric")
    put_on_path(elsewhere / "n2d-mine")
    result = n2d("new-plugin", "n2d-mine", "--role", "metric", "--out", "other")
    assert result.exit_code == 2
    assert "would hide the module 'n2d_mine' that is there already" in result.stderr
    assert result.stderr.strip().endswith("; try n2d-my-mine")
    assert n2d("new-plugin", "n2d-my-mine", "--role", "metric").exit_code == 0


def test_no_name_is_suggested_where_none_is_free(n2d, use_plugin):
    name = "n2d-" + "a" * 54
    use_plugin(name.replace("-", "_"), "", distribution="theirs")
    result = n2d("new-plugin", name, "--role", "metric")
    assert result.exit_code == 2
    assert "try" not in result.stderr


def test_check_plugin_prints_a_table_for_people_programs_and_readmes(n2d, put_on_path, elsewhere):
    n2d("new-plugin", "n2d-mine", "--role", "metric")
    put_on_path(elsewhere / "n2d-mine")
    for words in ((), ("metric/mine",), ("n2d-mine",)):
        result = n2d("check-plugin", *words)
        assert result.exit_code == 0, result.output
        assert re.search(r"metric/mine \(n2d-mine 0\.1\.0\): \d+ passed", result.stdout)
    table = n2d("check-plugin", "metric/mine", "--markdown").stdout
    assert "| ✓ | `metric_direction` |" in table
    (report,) = json.loads(n2d("check-plugin", "metric/mine", "--json").stdout)
    assert report["ok"]
    assert {outcome["status"] for outcome in report["outcomes"]} == {"passed"}


def test_check_plugin_reports_what_fails_by_its_exit_code(n2d, put_on_path, elsewhere):
    n2d("new-plugin", "n2d-mine", "--role", "metric")
    code = elsewhere / "n2d-mine" / "n2d_mine" / "mine.py"
    code.write_text(code.read_text().replace("return float(", "return 1 - float("))
    put_on_path(elsewhere / "n2d-mine")
    result = n2d("check-plugin", "metric/mine", "--markdown")
    assert result.exit_code == 1
    assert "| ✗ | `metric_direction` |" in result.stdout
    assert "chance" in result.stdout


@pytest.mark.parametrize("which", ["manifolder/umpa", "planet/mars", "n2d-absent", "metric/none"])
def test_check_plugin_does_not_find_what_is_not_there(which, n2d):
    assert n2d("check-plugin", which).exit_code == 2


def test_check_plugin_names_the_error_of_a_plugin_that_cannot_be_imported(
    n2d, put_on_path, elsewhere
):
    n2d("new-plugin", "n2d-mine", "--role", "metric")
    code = elsewhere / "n2d-mine" / "n2d_mine" / "plugin.py"
    code.write_text("raise RuntimeError('broken')")
    put_on_path(elsewhere / "n2d-mine")
    assert n2d("check-plugin", "n2d-mine").exit_code == 1
    assert default_catalogue().failures[0].error.endswith(f"RuntimeError: broken ({code}:1)")


def test_check_plugin_does_not_pass_over_the_half_that_is_broken(n2d, put_on_path, elsewhere):
    n2d("new-plugin", "n2d-mine", "--role", "metric")
    package = elsewhere / "n2d-mine"
    code = package / "n2d_mine" / "second.py"
    code.write_text("raise RuntimeError('broken')")
    project = package / "pyproject.toml"
    text = project.read_text()
    where = "[project.entry-points.n2d_framework]\n"
    assert where in text
    project.write_text(text.replace(where, where + 'second = "n2d_mine.second"\n'))
    put_on_path(package)
    assert n2d("check-plugin", "n2d-mine").exit_code == 1
    assert default_catalogue().failures[0].error.endswith(f"RuntimeError: broken ({code}:1)")


def test_check_plugin_gives_a_reason_once_and_refers_to_it(n2d, put_on_path, elsewhere):
    n2d("new-plugin", "n2d-mine", "--role", "metric")
    code = elsewhere / "n2d-mine" / "n2d_mine" / "mine.py"
    code.write_text("raise RuntimeError('broken')")
    put_on_path(elsewhere / "n2d-mine")
    result = n2d("check-plugin", "metric/mine")
    assert result.exit_code == 1
    said = " ".join(result.stdout.split())
    assert said.count("RuntimeError: broken") <= 2  # of this process, and of a fresh one
    assert "as metric_is_a_number" in said
