"""The generated reference says what the code knows."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from n2d_framework.config import RunConfig
from n2d_framework.core.options import options_of
from n2d_framework.registry import default_catalogue
from n2d_framework.types import ROLES

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def reference():
    before = list(sys.path)
    sys.path.insert(0, str(REPOSITORY / "docs" / "_ext"))
    try:
        import n2d_reference

        yield n2d_reference
    finally:
        sys.path[:] = before


@pytest.mark.parametrize("role", ROLES)
def test_every_component_and_option_is_described(reference, role):
    page = reference.components_page(role, default_catalogue())
    for entry in default_catalogue().components(role):
        assert f"## {entry.spec.name}\n" in page
        section = page.partition(f"## {entry.spec.name}\n")[2].partition("\n## ")[0]
        for opt in options_of(entry.spec.load()):
            assert f"| `{opt.name}` |" in section
            assert opt.help, f"{role} {entry.spec.name}: {opt.name} has no help"


def test_the_plugins_of_this_repository_are_described_installed_or_not(reference, tmp_path):
    reference.write_pages(tmp_path)
    pages = {path.name: path.read_text() for path in tmp_path.glob("reference/generated/*.md")}
    for distribution, page, name, option in (
        ("n2d-deep", "embedders.md", "dcec", "gamma"),
        ("n2d-deep", "clusterers.md", "soft_assignment", ""),
        ("n2d-sequence", "embedders.md", "gru_ae", "bidirectional"),
    ):
        section = pages[page].partition(f"## {name}\n")[2].partition("\n## ")[0]
        assert f"From `{distribution}` " in section
        assert f"`{option}`" in section or not option
        assert f"[`{name}`](#{page[:-4]}-{name})" in pages["plugins.md"]
    tracker = pages["plugins.md"].partition("## n2d-mlflow ")[2].partition("\n## ")[0]
    assert "A tracker: it hears `n2d_run_started`" in tracker
    assert "| `basic_motions` | 80 | 100 x 6 | 4 |" in pages["plugins.md"]


@pytest.mark.parametrize("role", ROLES)
def test_the_readme_lists_what_is_built_in(role):
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    [row] = [line for line in readme.splitlines() if line.startswith(f"| {role} |")]
    entries = default_catalogue().components(role)
    built_in = {entry.spec.name for entry in entries if entry.distribution == "n2d_framework"}
    # Any class is adapted by a function, which is described below the table.
    assert set(re.findall(r"`(\w+)`", row)) == built_in - {"adapted", "adapted_once"}


def test_every_key_of_the_configuration_is_described(reference):
    page = reference.configuration_page()
    for opt in options_of(RunConfig):
        assert f"| `{opt.name}` |" in page


def test_tables_have_four_columns_whatever_the_help_says(reference):
    pages = [reference.components_page(role, default_catalogue()) for role in ROLES]
    for line in "\n".join([*pages, reference.configuration_page()]).splitlines():
        if line.startswith("|"):
            assert line.replace("\\|", "").count("|") == 5, line


def test_a_component_that_cannot_be_imported_is_listed_with_its_error(
    reference, install_plugin, fresh_catalogue
):
    install_plugin(
        "broken_docs_plugin",
        "from n2d_framework.plugin import ComponentSpec, hookimpl\n"
        "@hookimpl\n"
        "def n2d_components():\n"
        "    yield ComponentSpec(role='embedder', name='absent', factory='absent_module:A',\n"
        "                        summary='Is not there', extra='absent-extra')\n",
    )
    page = reference.components_page("embedder", fresh_catalogue())
    section = page.partition("## absent\n")[2].partition("\n## ")[0]
    assert "absent_module" in section
    assert "absent-extra" in section


def test_unchanged_pages_are_left_alone(reference, tmp_path):
    reference.write_pages(tmp_path)
    written = {p: p.stat().st_mtime_ns for p in (tmp_path / "reference/generated").iterdir()}
    assert {p.name for p in written} == {
        "prepare.md", "embedders.md", "manifolders.md", "clusterers.md", "refine.md", "describe.md",
        "configuration.md", "plugins.md",
    }  # fmt: skip
    reference.write_pages(tmp_path)
    assert {p: p.stat().st_mtime_ns for p in written} == written
