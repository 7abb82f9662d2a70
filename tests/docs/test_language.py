"""Terms of the glossary, in names, docstrings, messages and documentation."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

pytest.importorskip("codespell_lib")

REPOSITORY = Path(__file__).parents[2]
TOOL = runpy.run_path(str(REPOSITORY / "docs" / "_ext" / "n2d_language.py"))
REFUSED, SIMILAR = TOOL["terms"]()


def found(path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    path.write_text(text, encoding="utf-8")
    clean = TOOL["check"]([str(path)])
    lines = capsys.readouterr().out.splitlines()
    assert clean == (not lines)
    return [line.removeprefix(f"{path}:") for line in lines]


def test_everything_is_written_in_the_terms_of_the_glossary(capsys):
    paths = [str(REPOSITORY / name) for name in TOOL["READ"] if (REPOSITORY / name).exists()]
    assert TOOL["check"](paths), capsys.readouterr().out


@pytest.mark.parametrize("word", REFUSED)
def test_a_word_that_is_not_used_is_named_with_file_line_and_term(word, tmp_path, capsys):
    term = REFUSED[word]
    text = f"Fine.\nThis has {word} in it.\n"
    assert found(tmp_path / "page.md", text, capsys) == [f"2: {word} ==> {term}"]
    name = "test_" + word.replace(" ", "_") + "_name"
    assert len(found(tmp_path / "code.py", f"def {name}():\n    pass\n", capsys)) == 1


@pytest.mark.parametrize("phrase", SIMILAR)
def test_what_only_looks_like_it_is_left_alone(phrase, tmp_path, capsys):
    assert found(tmp_path / "page.md", f"It {phrase} word.\n", capsys) == []


@pytest.mark.parametrize("begin", TOOL["QUESTIONS"])
def test_docstrings_that_begin_like_a_question_are_found(begin, tmp_path, capsys):
    lines = found(tmp_path / "code.py", f'def f():\n    """{begin} it is."""\n', capsys)
    assert [line.partition(" ==> ")[0] for line in lines] == [f'2: """{begin}']


def test_a_word_that_is_meant_as_itself_is_marked(tmp_path, capsys):
    text = "position = file.tell()  # codespell:ignore tell\n"
    assert found(tmp_path / "code.py", text, capsys) == []
