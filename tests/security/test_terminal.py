"""Content of files and plugins is shown; nothing of it acts on a terminal, a page or a table."""
# ruff: noqa: RUF001  # letters that look like others

from __future__ import annotations

import csv
import io
import json
import logging
import os
import pty
import re
import subprocess
import sys
import unicodedata
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.text import Text

from n2d_framework.analysis import result_tables
from n2d_framework.cli.table_file import open_table
from n2d_framework.cli.terminal import console
from n2d_framework.cli.terminal.log_messages import Messages
from n2d_framework.errors import (
    BundleWarning,
    ConfigError,
    DataError,
    N2DError,
    OutputError,
    Problem,
    StoreWarning,
)
from n2d_framework.visible import hidden_to_json, one_line, spreadsheet_cell, visible

ATTACKS = {
    "title": "\x1b]0;owned\x07",
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "link": "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "clear": "\x1b[2J\x1b[H",
    "one byte": "\x9b2J",
    "over": "harmless\rerror: nothing to see",
    "line": "digits\nerror: send your password to evil.example",
    "separators": "a\u2028error: x\u2029b\x85c\x0bd\x0ce",
    "turned": "user\u202egpj.exe",
    "isolates": "\u2066a\u2069",
    "unseen": "ad\u200bmin\ufeff\u2060\u00ad",
    "joined": "ad\u200dmin\u200c",
    "tags": "ok\U000e0041\U000e0042",
    "fillers": "\u3164\u115f\uffa0",
    "half": "\ud83d",
    "bell": "\a\b\x7f\0",
    "markup": "[bold red]x[/] [link=https://evil.example]y[/link] [/] :smile: [not closed",
}
#: What people write.
LEGITIMATE = [
    "naïve Müller", "数据 聚类", "עברית", "العربية", "می\u200cخواهم", "क्\u200dष",
    "👩\u200d💻", "❤\ufe0f",
    "1️⃣", "葛\U000e0100", "ﬁ ½ — “x” …", "e\u0301",
]  # fmt: skip


def acts(text: str, *, keep: str = "\n") -> list[str]:
    """Characters of a text that would act on a terminal or not be seen."""
    kinds = ("Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn")
    return [c for c in text if unicodedata.category(c) in kinds and c not in keep]


@pytest.mark.parametrize("name", ATTACKS)
def test_what_acts_is_an_escape(name):
    text = ATTACKS[name]
    assert acts(visible(text)) == []
    assert acts(one_line(text), keep="") == []
    if name != "markup":
        assert one_line(text) != text
    assert json.loads(hidden_to_json(json.dumps(text, ensure_ascii=False))) == text
    assert acts(hidden_to_json(json.dumps(text, ensure_ascii=False)), keep="") == []


@pytest.mark.parametrize("text", LEGITIMATE)
def test_what_people_write_stays(text):
    assert visible(text) == text


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text())
def test_nothing_that_is_shown_acts(text):
    shown = visible(text)
    left = [c for c in acts(shown, keep="\n\t") if c not in "\u200c\u200d"]
    # Signs that are seen, and characters that later versions of Unicode will name.
    assert all(unicodedata.category(c) in ("Cf", "Cn") and c.isprintable() is False for c in left)
    assert not any(unicodedata.bidirectional(c) in _TURNING for c in shown)
    assert visible(shown) == shown


_TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "BN"}


@pytest.fixture
def screen(monkeypatch):
    """Consoles as on a terminal with colours, written to strings."""
    stream = io.StringIO()
    for name in ("out", "err"):
        made = console._Console(file=stream, force_terminal=True, width=300, color_system=None)
        monkeypatch.setattr(console, name, lambda made=made: made)
    return stream


def lines_of(stream: io.StringIO) -> list[str]:
    text = stream.getvalue()
    assert acts(text) == [], repr(text)
    return text.splitlines()


@pytest.mark.parametrize("name", ATTACKS)
def test_every_way_to_the_screen(screen, name):
    text = ATTACKS[name]
    console.say_error(text)
    console.say_warning(text)
    console.out().print(f"name  {text}")
    console.out().print("name", text, style="bold")
    console.out().print(Text(f"name  {text}"), soft_wrap=True)
    console.out().print(console.styled((text, "bold"), f": {text}"))
    table = console.bare_table("a", text, title=text)
    table.add_row("x", text)
    table.add_row(text, "y")
    console.out().print(table)
    for line in lines_of(screen):
        assert not line.startswith("error: send")
        assert not line.startswith("error: x")
    if name == "markup":
        assert screen.getvalue().count("[/link]") == 11


@pytest.mark.parametrize("name", ATTACKS)
def test_progress_shows_strings_as_they_are(screen, name, monkeypatch):
    from n2d_framework.cli.terminal.compare_progress import _display as compared
    from n2d_framework.cli.terminal.run_progress import _display as run

    for display in (run, compared):
        live = display()
        monkeypatch.setattr(live.console, "_file", screen)  # one console serves all commands
        live.add_task(ATTACKS[name], total=2, note=ATTACKS[name], left="left")
        table = live.make_tasks_table(live.tasks)
        console.out().print(table)
        assert acts(screen.getvalue()) == []


@pytest.mark.parametrize("name", ATTACKS)
def test_errors_and_warnings_show_what_they_quote(name):
    text = ATTACKS[name]
    made = [DataError(text), OutputError(text), N2DError(text), BundleWarning(text),
            ConfigError([Problem(text, text)], source=text)]  # fmt: skip
    for error in made:
        assert acts(str(error)) == []
    with pytest.warns(StoreWarning) as caught:
        warnings.warn(text, StoreWarning, stacklevel=1)
    assert acts(str(caught[0].message)) == []


@pytest.mark.parametrize("name", ATTACKS)
def test_logs_show_what_they_quote(name, capsys, monkeypatch):
    # Half a character in the log that pytest keeps would end a worker of pytest-xdist.
    monkeypatch.setattr(logging.getLogger("n2d_framework"), "propagate", False)
    with Messages():
        logging.getLogger("n2d_framework.x").warning("reported: %s", ATTACKS[name])
    reported = capsys.readouterr().err
    assert acts(reported) == []
    assert all(not line.startswith("error:") for line in reported.splitlines())


def test_logs_of_plugins_are_shown_while_a_command_runs(install_plugin, capsys):
    install_plugin("loud_plugin", "")
    with Messages():
        logging.getLogger("loud_plugin.part").warning("of a plugin")
    shown = capsys.readouterr().err
    assert shown.count("loud_plugin.part: of a plugin") == 1
    assert not logging.getLogger("loud_plugin").handlers


@pytest.mark.parametrize("name", ATTACKS)
def test_json_holds_the_same_values(name, capsys):
    text = ATTACKS[name]
    console.print_json({text: [text]})
    printed = capsys.readouterr().out
    assert acts(printed) == []
    assert json.loads(printed) == {text: [text]}


@pytest.mark.skipif(sys.platform == "win32", reason="no terminals of that kind")
@pytest.mark.parametrize("arguments", [["inspect"], ["--debug", "inspect"], ["run"], ["report"]])
def test_names_of_files_on_a_real_terminal(tmp_path, arguments):
    """Archives hold files of any name, and shells complete them."""
    path = tmp_path / "x\x1b]0;owned\x07\u202e[bold]\nerror: y.n2d"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + b"\x1b]0;owned\x07" * 50)
    reader, writer = pty.openpty()
    command = [sys.executable, "-m", "n2d_framework", *arguments, str(path)]
    done = subprocess.Popen(
        command, stdout=writer, stderr=writer, env=os.environ | {"TERM": "xterm-256color"}
    )
    os.close(writer)
    said = b""
    try:
        while block := os.read(reader, 1 << 16):
            said += block
    except OSError:
        pass
    assert done.wait(timeout=60) != 0
    assert b"\x1b]" not in said
    assert b"\x07" not in said
    assert "\u202e".encode() not in said
    assert not re.search(rb"\n(\x1b\[[0-9;]*m)*error: y", said)


# Tables -----------------------------------------------------------------------------------------

FORMULAS = [
    "=1+1",
    "+cmd",
    "-2+3",
    "@SUM(A1)",
    "\tx",
    "\rx",
    "\n=x",
    " =1",
    "＝1",
    "'=1",
    "''-x",
    "-",
]
NO_FORMULAS = ["", "a", "1", "-1.5", "+3e4", "-inf", "a=b", "'a", "é", "3-4"]


def original(cell: str) -> str:
    """Reading of such a cell, as documented."""
    return cell[1:] if re.match(r"'+(\s*[=+@＝＋－＠-]|[\t\r\n])", cell) else cell


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_marked(text):
    cell = spreadsheet_cell(text)
    assert cell == "'" + text
    assert original(cell) == text


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(alphabet="'=+-@ 1a\t\n＝", max_size=6))
def test_marked_cells_are_recognized(text):
    cell = spreadsheet_cell(text)
    assert original(cell) == text
    assert not re.match(r"\s*[=+@-]", cell) or _is_number(cell)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("text", NO_FORMULAS)
def test_other_cells_stay(text):
    assert spreadsheet_cell(text) == text


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_written_tables_have_no_formulas(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    words = np.array(FORMULAS + NO_FORMULAS, dtype=object)
    numbers = np.linspace(-5, 5, len(words))
    with open_table(path) as table:
        table.write({"=id": words, "row": numbers, "name": words.astype(str)})
    with path.open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file, delimiter="\t" if suffix == ".tsv" else ",")
    assert head == ["'=id", "row", "name"]
    assert [original(row[0]) for row in rows] == words.tolist()
    assert [float(row[1]) for row in rows] == numbers.tolist()
    for row in rows:
        assert all(not re.match(r"\s*[=+@-]", cell) or _is_number(cell) for cell in row)


def test_tables_of_comparisons_have_no_formulas_links_or_commands():
    import pandas as pd

    evil = "=HYPERLINK(1)|<img src=x onerror=y>[a](javascript:x)`\\input{/etc/passwd}\n| b"
    frame = pd.DataFrame({"method": [evil], "=acc": [-0.5]})
    found = result_tables.to_csv(frame, costs=True)
    assert list(csv.reader(io.StringIO(found)))[:2] == [["method", "'=acc"], ["'" + evil, "-0.5"]]
    markdown = result_tables.to_markdown(frame)
    assert len(markdown.splitlines()) == 3
    assert not re.search(r"(?<!\\)<|(?<!\\)\[|(?<!\\)`", markdown)
    latex = result_tables.to_latex(frame)
    assert r"\input" not in latex


# Pages and pictures -----------------------------------------------------------------------------


def test_pictures_take_nothing_for_mathematics(monkeypatch, tmp_path):
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    from n2d_framework.plots.canvas import clean, literal

    for text in (r"$\frac$", "$x$ $", r"\$x$", "a\u202eb", "\x1b[2J"):
        for made in (literal(text), clean(text)):
            figure = plt.figure()
            figure.text(0, 0, made)
            figure.savefig(tmp_path / "x.png")
            figure.savefig(tmp_path / "x.svg")
            assert acts(made) == []
    plt.close("all")
    monkeypatch.setitem(mpl.rcParams, "text.usetex", True)
    from n2d_framework import plots
    from n2d_framework.report.svg import svg

    assert "<svg" in svg(lambda: plots.loss_curve({"loss": [2.0, 1.0]}, title="$x$"), "a", "b")


def test_pages_hide_and_turn_nothing():
    from n2d_framework.pages.html_page import _environment, _shown

    template = _environment("n2d_framework.pages").from_string("{{ x }}|{{ y|tojson }}")
    for text in ATTACKS.values():
        shown = template.render(x=text, y=_shown({text: [text]}))
        assert acts(shown) == []
        assert "<script" not in template.render(x=f"{text}</script><script>", y=text)


def test_the_source_has_one_way_to_the_screen():
    """Only the console's module makes consoles and tables, and nothing switches markup on."""
    root = Path(console.__file__).parents[1]
    for path in root.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name != "console.py":
            assert "rich.table" not in text, path
            assert "markup=True" not in text, path
            assert "from_markup" not in text, path
            if path.parent.name != "sets":
                assert not re.search(r"\bConsole\(", text), path
        for column in re.findall(r"TextColumn\([^)]*\)", text):
            assert "markup=False" in column, path
