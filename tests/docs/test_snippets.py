"""Every snippet of README and documentation does what its page says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import attrs
import pandas as pd
import pytest
from snippet_runner import Block, Runner, blocks_of

from n2d_framework.registry import default_catalogue

REPOSITORY = Path(__file__).parents[2]
DOCUMENTS = [
    path
    for path in (REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md")))
    if not {"_build", "generated"} & set(path.parts)
]
RUNNABLE = {"python", "console"}
WITH_CODE = [path for path in DOCUMENTS if RUNNABLE & {block.language for block in blocks_of(path)}]


@pytest.fixture
def runner(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield Runner(tmp_path)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
    default_catalogue.cache_clear()


@pytest.mark.slow
@pytest.mark.parametrize("document", WITH_CODE, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_snippets_run(document, runner):
    for block in blocks_of(document):
        installed = len(sys.path)
        runner.run(block)
        if len(sys.path) != installed:
            default_catalogue.cache_clear()


def test_most_pages_have_something_to_run():
    assert len(WITH_CODE) >= 10


def test_fences_are_of_known_languages():
    known = RUNNABLE | {"sh", "py", "yaml", "toml", "json", "text"}
    strange = [str(b) for p in DOCUMENTS for b in blocks_of(p) if b.language not in known]
    assert strange == []


def test_code_that_needs_a_service_is_python_at_least():
    """Blocks in ``py`` are for clusters that a test does not have."""
    found = [b for path in DOCUMENTS for b in blocks_of(path) if b.language == "py"]
    assert found
    for one in found:
        compile(one.text, str(one), "exec")


def block(language: str, text: str) -> Block:
    return Block(Path("page.md"), 7, language, text)


def test_a_failing_snippet_is_noticed_with_its_line(runner):
    with pytest.raises(AssertionError) as caught:
        runner.run(block("python", "1 + 1\nassert False\n"))
    assert caught.traceback[-1].lineno + 1 == 8


def test_a_failing_command_is_noticed(runner):
    with pytest.raises(AssertionError, match=r"page\.md:7"):
        runner.run(block("console", "$ echo problem >&2; exit 3\n"))


def test_another_output_is_noticed(runner):
    runner.run(block("console", "$ echo one two three\none ... three\n"))
    with pytest.raises(AssertionError, match="expected"):
        runner.run(block("console", "$ echo one\ntwo\n"))


def test_a_folder_is_kept_as_a_shell_keeps_it(runner, tmp_path):
    runner.run(block("console", "$ mkdir inner && cd inner\n$ pwd\n.../inner\n"))
    runner.run(block("console", "$ cd .. && mkdir outer\n"))
    assert (tmp_path / "outer").is_dir()


TUTORIAL = REPOSITORY / "docs" / "tutorial-plugin.md"


@pytest.mark.slow
def test_the_tutorial_s_component_keeps_its_promises_and_is_worth_its_row(runner, tmp_path):
    """The page's steps once pacmap is there: its code, the kit, and the comparison."""
    pytest.importorskip("pacmap")
    page = TUTORIAL.read_text(encoding="utf-8")
    answer = "manifolder/pacmap (n2d-pacmap 0.1.0): ... passed, 2 skipped\n"
    expected = {"check-plugin": f"...{answer}...", "compare": ""}
    run = []
    for one in blocks_of(TUTORIAL):
        command = re.match(r"n2d (\S+).*\n", one.text) if one.language == "sh" else None
        if command:
            run.append(command[1])
            text = f"$ {command[0]}{expected[command[1]]}"
            runner.run(attrs.evolve(one, language="console", text=text))
        elif one.language != "console" or "n2d new-plugin" in one.text:
            runner.run(one)
    assert run == ["check-plugin", "compare"]
    table = pd.read_csv(tmp_path / "second" / "table.csv").set_index("manifolder")
    with_it, without = re.search(r"accuracy of ([\d.]+), against ([\d.]+)", page).groups()
    assert table["acc"]["pacmap"] == pytest.approx(float(with_it), abs=0.03)
    assert table["acc"]["identity"] == pytest.approx(float(without), abs=0.03)


def test_ci_runs_the_test_command_of_the_readme(tmp_path):
    """`.ci/run` takes its command from the README: exchange it and see it run."""
    (tmp_path / ".ci").mkdir()
    script = tmp_path / ".ci" / "run"
    script.write_bytes((REPOSITORY / ".ci" / "run").read_bytes())
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    _, found, rest = readme.partition("<!-- test command -->\n```sh\n")
    assert found, "README.md marks its test command"
    command = rest.partition("\n```")[0]
    assert "pytest" in command
    probe = 'test "$CI" = true && pwd'
    (tmp_path / "README.md").write_text(readme.replace(command, probe))
    done = subprocess.run(["bash", str(script)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == str(tmp_path)
