"""The house's plan, checked: imports run one way, modules stay small."""

from __future__ import annotations

import ast
import re
import runpy
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from n2d_framework.registry import default_catalogue

REPOSITORY = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for folder in ("n2d_framework", "plugins/n2d_builtin")
    for path in (REPOSITORY / folder).rglob("*.py")
)
BUILTINS = [path for path in SOURCES if "n2d_builtin" in path.parts]
#: Length is a sign, not a law: nothing is split to be short, but beyond this a module has
#: more than one reason to change.
MOST_LINES = 450


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def imported(path: Path) -> set[str]:
    """Every module a file imports, at its head or inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found.add(str(node.module))
    return found


def test_imports_keep_the_contracts_of_the_floors():
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as run; run()",
    ]
    result = subprocess.run(
        [*command, "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


def test_every_part_has_a_floor():
    """A package that no contract names would be free to import anything."""
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    placed = {name.strip() for layer in layers for name in re.split(r"[|:]", layer)}
    parts = {
        "n2d_framework."
        + path.relative_to(REPOSITORY / "n2d_framework").parts[0].removesuffix(".py")
        for path in SOURCES
        if path not in BUILTINS
    }
    doors = {"n2d_framework.__init__", "n2d_framework.plugin"}
    assert parts - doors - placed == set()


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_modules_are_short(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MOST_LINES, f"{name_of(path)} has {lines} lines, at most {MOST_LINES}"


@pytest.mark.parametrize("path", BUILTINS, ids=name_of)
def test_built_ins_know_the_framework_by_its_doors_for_authors_only(path):
    ours = {name for name in imported(path) if name.split(".")[0] == "n2d_framework"}
    assert ours <= {"n2d_framework.plugin", "n2d_framework.networks"}


def test_tests_mean_the_same_in_any_company():
    """Their folders are not packages: a name that two have would mean the first of them."""
    modules = sorted((REPOSITORY / "tests").rglob("*.py"))
    names = Counter(path.stem for path in modules if path.stem != "conftest")
    assert [name for name, count in names.items() if count > 1] == []
    assert [name_of(path) for path in modules if "conftest" in imported(path)] == []


def test_only_the_command_line_prints():
    def prints(path: Path) -> bool:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        return any(
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "print"
            for node in ast.walk(tree)
        )

    talkers = [name_of(path) for path in SOURCES if "cli" not in path.parts and prints(path)]
    assert talkers == []


#: Where built-in components are meant by name: the defaults of the public interface; the old
#: package's calls, which name methods; libraries, checks of the kit with a trio that is there.
NAMING = {
    "config/models.py", "config/checking.py", "pipeline/estimator.py",
    "testing/heavy.py", "testing/checks/inputs.py", "core/roles.py",
}  # fmt: skip
#: Names that are words of their own, or also those of libraries and of projections for a plot.
AMBIGUOUS = {
    "hdbscan", "identity", "keras", "maxabs", "minmax", "none", "pca", "standard", "summary",
    "tsne",
}  # fmt: skip


def test_the_framework_does_not_know_the_names_of_built_in_components():
    catalogue = default_catalogue()
    # Scalers are left out: `scaler=` takes their names, and files of all versions have them.
    names = {
        entry.spec.name
        for entry in catalogue.components()
        if entry.distribution == "n2d_framework" and entry.spec.role != "prepare"
    }
    names = (names | {"n2d_builtin"}) - AMBIGUOUS
    assert {"umap", "adapted"} <= names
    found = []
    for path in sorted(set(SOURCES) - set(BUILTINS)):
        place = path.relative_to(REPOSITORY / "n2d_framework").as_posix()
        if place in NAMING or place.startswith("n2d/"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and node.value in names:
                found.append(f"{place}:{node.lineno} {node.value}")
    assert found == [], found


def test_the_picture_of_the_architecture_is_drawn_from_the_code():
    tool = REPOSITORY / "docs" / "_ext" / "n2d_architecture.py"
    picture = REPOSITORY / "docs" / "architecture.svg"
    drawn = runpy.run_path(str(tool))["draw"]()
    assert drawn == picture.read_text(encoding="utf-8"), f"run python {name_of(tool)}"


def test_no_file_name_occurs_twice():
    """Modules of the old package `n2d` keep the names that scripts import."""
    former = REPOSITORY / "n2d_framework" / "n2d"
    own = [path for path in SOURCES if former not in path.parents and path.stem != "plugin"]
    names = Counter(path.stem for path in own if not path.stem.startswith("__"))
    assert [name for name, count in names.items() if count > 1] == []


def test_folders_have_at_most_fifteen_modules():
    """One command is one file, however many commands there are."""
    own = [path for path in SOURCES if path not in BUILTINS and not path.stem.startswith("__")]
    counts = Counter(name_of(path.parent) for path in own)
    assert {name for name, count in counts.items() if count > 15} <= {"n2d_framework/cli/commands"}
