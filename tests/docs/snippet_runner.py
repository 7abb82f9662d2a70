"""Runs the fenced blocks of a document, in order, in one folder and one namespace.

- ``python`` is executed here; ``console`` lines that start with ``$`` are run by bash, and what
  follows is compared with their output (``...`` stands for anything). As in one shell, a ``cd``
  holds for all that come after. A plain ``n2d ...`` is run here, unless the page has installed a
  package: importing the libraries for each would take most of the time.
- A block whose first line is a comment with a file name is written to that file.
- ``sh`` is for commands that need a network and is not run, but ``pip install ./FOLDER`` (also
  ``-e "./FOLDER[test]"``) makes the package in that folder known, by the entry points of its
  ``pyproject.toml``.
"""

from __future__ import annotations

import contextlib
import doctest
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import attrs
from typer.testing import CliRunner

from n2d_framework.cli import app

FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"#\s*(?P<name>[\w./-]+\.(?:py|yaml|toml|json))\n")
INSTALL = re.compile(r'pip install (?:-e )?"?\./([\w-]+)(?![\w/-])')
PLAIN = re.compile(r"n2d [\w\s./,:=@+-]+")
FREE = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@attrs.frozen
class Block:
    """A fenced block and where it stands."""

    document: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def blocks_of(document: Path) -> Iterator[Block]:
    """Every fenced block of a document."""
    text = document.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        line = text[: match.start("text")].count("\n") + 1
        yield Block(document, line, match["language"], match["text"])


@attrs.define
class Runner:
    """Runs blocks in `folder`, the current folder; `shell` is where commands are run."""

    folder: Path
    shell: Path = attrs.field(init=False)
    namespace: dict[str, Any] = attrs.field(factory=lambda: {"__name__": "__main__"})

    def __attrs_post_init__(self) -> None:
        self.shell = self.folder

    def run(self, block: Block) -> None:
        """Run one block, or write it to its file."""
        named = FILE.match(block.text)
        if named:
            path = self.folder / named["name"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            code = "\n" * (block.line - 1) + block.text
            exec(compile(code, str(block.document), "exec"), self.namespace)
        elif block.language == "console":
            self._console(block)
        elif block.language == "sh":
            for package in INSTALL.findall(block.text):
                self._install(self.shell / package)

    def _console(self, block: Block) -> None:
        first, *parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
        assert not first.strip(), f"{block}: a console block begins with '$ '"
        for part in parts:
            command, _, want = part.partition("\n")
            # What a page installs and edits is imported by a fresh process.
            here = PLAIN.fullmatch(command) and not self._sites()
            code, output, errors = (self._here if here else self._in_bash)(command)
            assert code == 0, f"{block}: {command}\n{output}{errors}"
            if want.strip():
                matches = doctest.OutputChecker().check_output(want, output, FREE)
                assert matches, f"{block}: {command}\nexpected\n{want}\ngot\n{output}"

    def _here(self, command: str) -> tuple[int, str, str]:
        with contextlib.chdir(self.shell), mock.patch.dict(os.environ, self._settings()):
            done = CliRunner().invoke(app, shlex.split(command)[1:])
        return done.exit_code, done.stdout, done.stderr

    def _in_bash(self, command: str) -> tuple[int, str, str]:
        reading, writing = os.pipe()
        with os.fdopen(reading) as left_in:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", f"{command}\npwd >&{writing}"],
                cwd=self.shell,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
                pass_fds=(writing,),
            )
            os.close(writing)
            self.shell = Path(left_in.read().strip() or self.shell)
        return done.returncode, done.stdout, done.stderr

    def _environment(self) -> dict[str, str]:
        binaries = str(Path(sys.executable).parent)
        path = os.pathsep.join([binaries, os.environ.get("PATH", "")])
        known = os.environ.get("PYTHONPATH", "")
        extra = os.pathsep.join([*map(str, self._sites()), *filter(None, [known])])
        return {**os.environ, "PATH": path, "PYTHONPATH": extra, **self._settings()}

    def _settings(self) -> dict[str, str]:
        return {"COLUMNS": "200", "N2D_STORE": str(self.folder / "stages")}

    def _sites(self) -> list[Path]:
        return sorted(path.parent for path in self.folder.glob("*/*.dist-info"))

    def _install(self, package: Path) -> None:
        """Do what an editable installation of `package` comes to: metadata on the path."""
        project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        name, version = project["name"], project["version"]
        info = package / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = [
            f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
            for group, entries in project["entry-points"].items()
        ]
        (info / "entry_points.txt").write_text("\n".join(lines))
        sys.path.insert(0, str(package))
