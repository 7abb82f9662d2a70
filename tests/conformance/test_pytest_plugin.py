"""The kit as a pytest plugin: light for everybody, two lines for authors."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from n2d_framework.testing import checks_for

AFTER = """
import sys
import pytest
pytest.main(["-q", "--collect-only", sys.argv[1]])
ours = sorted(name for name in sys.modules if name.startswith("n2d_framework"))
heavy = [name for name in ("numpy", "sklearn", "tensorflow", "attrs") if name in sys.modules]
sys.stdout.write("\\nLOADED " + " ".join(ours + heavy))
"""
TWO_LINES = """from n2d_framework.testing import conformance
test_conformance = conformance({which!r})
"""


def pytest_on(folder, text, *words):
    (folder / "test_it.py").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_announced():
    (point,) = entry_points(group="pytest11", name="n2d_framework")
    assert point.value == "n2d_framework.testing.pytest_plugin"


def test_an_unrelated_test_run_loads_next_to_nothing(tmp_path):
    (tmp_path / "test_other.py").write_text("def test_other(): pass\n")
    done = subprocess.run(
        [sys.executable, "-c", AFTER, str(tmp_path)], capture_output=True, text=True, check=True
    )
    loaded = done.stdout.partition("LOADED ")[2].split()
    assert [name for name in loaded if name.startswith("n2d_framework")] == [
        "n2d_framework", "n2d_framework.testing", "n2d_framework.testing.pytest_plugin",
    ]  # fmt: skip
    assert not {"sklearn", "tensorflow"} & set(loaded)


def test_two_lines_are_a_test_with_one_case_per_check(tmp_path):
    done = pytest_on(tmp_path, TWO_LINES.format(which="dataset/digits"), "-vv")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_conformance[dataset_rows] PASSED" in done.stdout
    assert f"{len(checks_for('dataset/digits'))} passed" in done.stdout


def test_a_name_that_is_not_installed_is_an_error_with_a_hint(tmp_path):
    done = pytest_on(tmp_path, TWO_LINES.format(which="manifolder/umpa"))
    assert done.returncode != 0
    assert "did you mean 'umap'" in done.stdout


@pytest.mark.slow
def test_the_time_limit_is_a_setting(tmp_path):
    text = TWO_LINES.format(which="clusterer/kmeans")
    done = pytest_on(tmp_path, text, "-k", "quick", "-o", "n2d_time_limit=0.00001")
    assert done.returncode == 1
    assert "at most 1e-05 s" in done.stdout
