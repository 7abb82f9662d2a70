"""From a file of texts to named clusters, and new texts from every source."""

from __future__ import annotations

import csv
import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from text_samples import SUBJECTS, texts_of
from typer.testing import CliRunner

from n2d_framework.cli import app


def n2d(*words: str, stdin: str | None = None) -> str:
    found = CliRunner().invoke(app, [*words], input=stdin)
    assert found.exit_code == 0, found.output
    return found.stdout


def table(path: Path, texts: list[str], **columns: list[str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", *columns])
        writer.writerows(zip(texts, *columns.values(), strict=True))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A file of posts, and the run of it that names nothing but its columns."""
    if find_spec("wordllama") is None:
        pytest.skip("needs the vectors that wordllama brings")
    folder = tmp_path_factory.mktemp("posts")
    texts, subjects = texts_of(120)
    ids = [f"post {i}" for i in range(120)]
    table(folder / "posts.csv", texts.tolist(), id=ids, label=[f"s{i}" for i in subjects])
    run(folder, "run", "--no-plots")
    return folder


def run(folder: Path, name: str, *more: str) -> None:
    columns = ("--text", "text", "--id", "id", "--y", "label")
    given = ("--set", "model.n_clusters=4", "--no-store", "--quiet", "--out", str(folder / name))
    n2d("run", str(folder / "posts.csv"), *columns, *given, *more)


def column(text: str, name: str) -> list[str]:
    return [row[name] for row in csv.DictReader(text.splitlines())]


def test_a_run_names_clusters_by_their_words_and_shows_texts(folder):
    record = json.loads((folder / "run/run.json").read_text())
    assert record["missing"] == {}
    assert record["scores"]["nmi"] == 1.0
    labels = (folder / "run/labels.csv").read_text()
    named = dict(zip(column(labels, "label"), column(labels, "name"), strict=True))
    assert len(named) == 4
    for name in named.values():
        assert any(set(name.split(", ")) <= set(subject.split()) for subject in SUBJECTS)
    described = json.loads((folder / "run/descriptions.json").read_text())["class_tfidf"]
    assert {about["name"] for about in described["clusters"]} == set(named.values())
    report = (folder / "run/report.html").read_text(encoding="utf-8")
    assert all(name in report for name in named.values())
    texts = (folder / "posts.csv").read_text().splitlines()[1:]
    assert sum(line.split(",")[0] in report for line in texts) == 120
    said = n2d("describe", str(folder / "run/posts.n2d"), str(folder / "posts.csv"))
    assert all(name in said for name in named.values())


def test_new_texts_come_from_tables_lines_and_standard_input(folder):
    texts = texts_of(12, seed=1)[0].tolist()
    bundle = str(folder / "run/posts.n2d")
    table(folder / "new.csv", texts)
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    (folder / "new.jsonl").write_text(lines)
    found = [
        n2d("predict", bundle, str(folder / "new.csv"), "-q"),
        n2d("predict", bundle, str(folder / "new.jsonl"), "-q"),
        n2d("predict", bundle, "-", "-q", stdin=(folder / "new.csv").read_text()),
        n2d("predict", bundle, "-", "--format", "jsonl", "-q", stdin=lines),
    ]
    assert len(set(found)) == 1
    labels = (folder / "run/labels.csv").read_text()
    names = dict(zip(column(labels, "label"), column(labels, "name"), strict=True))
    assert column(found[0], "name") == [names[label] for label in column(found[0], "label")]
    assert column(found[0], "name")[:4] == column(labels, "name")[:4]  # of the same subjects


def test_a_run_without_rows_shows_no_text(folder):
    run(folder, "bare", "--no-rows", "--no-plots")
    texts = [line.split(",")[0] for line in (folder / "posts.csv").read_text().splitlines()[1:]]
    for path in (folder / "bare").rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not any(text.encode() in content for text in texts), path
    assert not (folder / "bare/descriptions.json").exists()


def test_odd_texts_are_placed_and_reported_or_refused(folder):
    texts = [*texts_of(60)[0], "", "the of and", "12345", " ".join(["ship", "oven"] * 100_000)]
    table(folder / "odd.csv", texts)
    quick = ["embedder=tfidf_svd", "manifolder=identity", "n_clusters=4"]
    words = ("run", str(folder / "odd.csv"), "--text", "text", "--no-plots", "--no-store", "-q")
    words += tuple(f"--set=model.{one}" for one in quick)
    found = CliRunner().invoke(app, [*words, "--out", str(folder / "odd")])
    assert found.exit_code == 0, found.output
    assert "3 of 64 texts are empty or have no word" in found.output
    labels = column((folder / "odd/labels.csv").read_text(), "label")
    assert len(set(labels[60:63])) == 1
    assert n2d("verify", str(folder / "odd/odd.n2d"))
    again = n2d("predict", str(folder / "odd/odd.n2d"), str(folder / "odd.csv"), "-q")
    assert column(again, "label") == labels
    content = (folder / "odd.csv").read_bytes()
    for name, wrong, message in [
        ("latin", content.replace(b"ship", b"sh\xefp", 1), "bytes that are not UTF-8"),
        ("wide", content.decode().encode("utf-16"), "it is UTF-16, not UTF-8"),
        ("damaged", content.replace(b"ship", b"sh\0p", 1), "a NUL character"),
    ]:
        (folder / f"{name}.csv").write_bytes(wrong)
        bundle, new = str(folder / "odd/odd.n2d"), str(folder / f"{name}.csv")
        found = CliRunner().invoke(app, ["predict", bundle, new, "-q"])
        assert found.exit_code == 2
        assert message in found.output
