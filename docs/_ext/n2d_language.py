"""Check terms with codespell: ``python docs/_ext/n2d_language.py [PATH ...]``.

The terms are those of docs/glossary.md. Names, docstrings, comments, messages and documentation
are read alike; names are taken apart at ``_``. A finding is ``file:line: word ==> term``; the exit
status is 1 if there is one.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import codespell_lib

REPOSITORY = Path(__file__).parents[2]
GLOSSARY = REPOSITORY / "docs" / "glossary.md"
#: Everything that people read, but records of measurements and files that are not text.
READ = (
    "n2d_framework", "plugins", "docs", "tests", "examples", "benchmarks", "changelog", "README.md",
    "CONTRIBUTING.md", "CHANGELOG.md", "pyproject.toml", "tox.ini",
)  # fmt: skip
SKIPPED = (
    "*/benchmarks/results/*",
    "*.png",
    "*.svg",
    "*.npz",
    "*.n2d",
    "glossary.md",
    "*/_build/*",
    "*/generated/*",
)
#: Docstrings that begin like a question.
QUESTIONS = ("What", "How", "Whether")


def terms() -> tuple[dict[str, str], list[str]]:
    """Words that are not used with what to write, and phrases that only look like them."""
    table = GLOSSARY.read_text(encoding="utf-8").partition("| instead of |")[2]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()[2:]
        if line.startswith("|")
    ]
    words = {word.strip(): row[1] for row in rows for word in row[0].split(",")}
    return words, [word.strip() for row in rows for word in row[2].split(",") if word.strip()]


def words_of(phrases: list[str]) -> str:
    """A regular expression for what is looked up: phrases first, then the words of each name."""
    ordered = sorted(phrases, key=len, reverse=True)
    questions = rf'"""(?:{"|".join(QUESTIONS)})\b'
    listed = "|".join(re.escape(phrase).replace(r"\ ", "[ _]") for phrase in ordered)
    return rf"(?i:(?<![A-Za-z])(?:{listed})(?![A-Za-z]))|{questions}|[A-Z]?[a-z]+|[A-Z]+"


def check(paths: list[str]) -> bool:
    """Print the findings in files and folders; return whether there are none."""
    words, similar = terms()
    lines = {word: term for phrase, term in words.items() for word in _spellings(phrase)}
    lines |= {f'"""{word.lower()}': "a noun phrase, or an imperative" for word in QUESTIONS}
    phrases = [word for word in (*words, *similar) if " " in word]
    with tempfile.TemporaryDirectory() as folder:
        dictionary = Path(folder) / "terms.txt"
        # A comma at the end says that there is a choice: codespell never replaces by itself.
        text = "".join(f"{word}->{term},\n" for word, term in lines.items())
        dictionary.write_text(text, encoding="utf-8")
        options = ["--dictionary", str(dictionary), "--regex", words_of(phrases)]
        return codespell_lib.main(*options, "--skip", ",".join(SKIPPED), *paths) == 0


def _spellings(phrase: str) -> set[str]:
    """A phrase in prose and in a name."""
    return {phrase, phrase.replace(" ", "_")}


if __name__ == "__main__":
    there = [str(REPOSITORY / name) for name in READ if (REPOSITORY / name).exists()]
    sys.exit(not check(sys.argv[1:] or there))
