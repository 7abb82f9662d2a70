"""``n2d describe``, ``n2d edit``, ``n2d stability``, and the report that ``n2d run`` writes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.manifold import SpectralEmbedding

import n2d_framework

Run = Callable[..., Any]


@pytest.fixture
def flowers(elsewhere: Path) -> Path:
    """A bundle and the table that it was fitted on, in the current folder."""
    table = load_iris(as_frame=True).data
    table.index = [f"plant {i}" for i in range(len(table))]
    table.index.name = "plant"
    model = n2d_framework.N2D("pca", "identity", "kmeans", n_clusters=3, random_state=0)
    model.fit(table).save("flowers.n2d")
    table.to_csv("flowers.csv")
    return elsewhere


def test_clusters_are_described(n2d: Run, flowers: Path) -> None:
    words = ("describe", "flowers.n2d", "flowers.csv", "--id", "plant", "--features", "1")
    result = n2d(*words, "--report", "r.html")
    assert result.exit_code == 0, result.output
    for part in ("cluster 2: ", "typical: plant ", "rule: petal ", "report: r.html", "touches: "):
        assert part in result.stdout
    contrast = r"\(effect [+-]\d\.\d\d \[-?\d\.\d\d, -?\d\.\d\d\]\)"
    assert len(re.findall(contrast, result.stdout)) == 3
    assert "What prepare: minmax did to the data:" in result.stdout
    assert "each feature by itself: brought to [0, 1] by the least" in result.stdout
    assert "plant 1" in (flowers / "r.html").read_text(encoding="utf-8")
    assert json.loads(n2d(*words, "--json").stdout)["n_rows"] == 150
    assert "plant" not in n2d(*words, "--no-rows").stdout


TEXT_EMBEDDER = """
import numpy as np
from n2d_framework.plugin import ComponentSpec, component, hookimpl, learned

@hookimpl
def n2d_components():
    yield ComponentSpec(role="embedder", name="letters", factory="letters_plugin:Letters",
                        summary="How often letters occur.", input="text")

@component
class Letters:
    fitted_ = learned(dtype=bool)

    def fit(self, texts, *, context):
        self.fitted_ = True
        return self

    def transform(self, texts):
        return np.array([[t.count(c) for c in "abceilors"] for t in texts], dtype=np.float32)
"""


def test_texts_have_no_rules(n2d: Run, elsewhere: Path, use_plugin) -> None:
    use_plugin("letters_plugin", TEXT_EMBEDDER)
    words = [f"{'red apples' if i % 2 else 'blue boats sail'} number {i}" for i in range(40)]
    model = n2d_framework.N2D(
        "letters", "identity", "kmeans", describe=[], n_clusters=2, random_state=0
    )
    model.fit(words).save("texts.n2d")
    Path("texts.jsonl").write_text("".join(json.dumps({"text": word}) + "\n" for word in words))
    result = n2d("describe", "texts.n2d", "texts.jsonl")
    assert result.exit_code == 0, result.output
    assert "No rules: rows are texts." in result.stdout
    assert re.search(r"  words: (blue|boats|sail) \d", result.stdout)
    assert re.search(r"  typical: \d+: blue boats sail number \d+\n", result.stdout)
    assert "The package n2d-text names clusters" in result.stdout
    assert "number" not in n2d("describe", "texts.n2d", "texts.jsonl", "--no-rows").stdout


def test_series_are_described_by_channel_and_time(n2d: Run, elsewhere: Path) -> None:
    lines = ["id,hour,load"]
    for i in range(40):
        level = [1.0 + 0.001 * ((7 * i + t) % 11) + (i % 2) * (4 <= t <= 6) for t in range(10)]
        lines += [f"m{i},{t},{value:.4f}" for t, value in enumerate(level)]
    Path("loads.csv").write_text("\n".join(lines) + "\n")
    trio = ("embedder=pca", "manifolder=identity", "clusterer=kmeans", "n_clusters=2")
    sets = [word for part in trio for word in ("--set", f"model.{part}")]
    result = n2d("run", "loads.csv", "--id", "id", "--time", "hour", *sets, "--no-plots")
    assert result.exit_code == 0, result.output
    result = n2d("describe", "n2d-out/loads/loads.n2d", "loads.csv")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("load at hour 4\N{EN DASH}6: ") == 2
    assert re.search(
        r"  mean of load: from 1\.\d+ at \d to [12]\.\d+ at \d \(hour\)", result.stdout
    )


def test_other_rows_than_those_of_the_model_are_refused(n2d: Run, flowers: Path) -> None:
    Path("other.csv").write_text("a,b\n1,2\n3,4\n")
    result = n2d("describe", "flowers.n2d", "other.csv")
    assert result.exit_code == 2
    assert "lacks 4 of the 4 columns" in result.stderr


def test_mixed_tables_are_described_by_numbers_and_categories(n2d: Run, elsewhere: Path) -> None:
    rng = np.random.default_rng(0)
    lines = ["who,size,side,note"]
    for i in range(80):
        side, size = ("left", 1.0) if i % 2 else ("right", 5.0)
        gap = "" if i % 9 == 0 else f"{size + rng.normal(0, 0.3):.3f}"
        lines.append(f"p{i},{gap},{side},{'x' if i % 5 else ''}")
    Path("people.csv").write_text("\n".join(lines) + "\n")
    result = n2d("run", "people.csv", "--id", "who", "--set", "model.n_clusters=2", "--no-plots")
    assert result.exit_code == 0, result.output
    report = Path("n2d-out/people/report.html").read_text(encoding="utf-8")
    assert "side = left" in report
    assert "size: 5" in report
    said = n2d("describe", "n2d-out/people/people.n2d", "people.csv", "--id", "who").stdout
    assert "side = " in said
    assert "typical: p" in said


@pytest.mark.parametrize("wanted", [True, False])
def test_a_run_writes_its_report_unless_it_is_not_wanted(
    n2d: Run, config: Path, wanted: bool
) -> None:
    result = n2d("run", config, "--no-plots", "--report" if wanted else "--no-report")
    assert result.exit_code == 0, result.output
    report = Path("n2d-out/quick/report.html")
    assert report.is_file() == wanted
    record = json.loads(Path("n2d-out/quick/run.json").read_text())
    assert ("report" in record["paths"]) == wanted
    assert ("report " in result.stdout) == wanted
    if wanted:
        text = report.read_text(encoding="utf-8")
        assert "quick: 60 rows in 3 clusters" in text
        assert "n_init: 2" in text


def test_a_report_that_fails_costs_only_itself(
    n2d: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setattr("n2d_framework.pipeline.reporting.write_run_report", fails)
    result = n2d("run", config, "--no-plots")
    assert result.exit_code == 1
    assert "no ink" in result.stderr
    assert json.loads(Path("n2d-out/quick/run.json").read_text())["missing"].keys() == {"report"}
    assert Path("n2d-out/quick/quick.n2d").is_file()


def test_the_report_of_a_run_is_written_again(n2d: Run, config: Path) -> None:
    assert n2d("run", config, "--no-plots", "--no-report").exit_code == 0
    result = n2d("report", "n2d-out/quick")
    assert result.exit_code == 0, result.output
    text = Path("n2d-out/quick/report.html").read_text(encoding="utf-8")
    assert "quick: 60 rows in 3 clusters" in text
    assert "<dt>acc</dt><dd>1.000" in text
    Path("blobs.npz").rename("moved.npz")
    assert n2d("report", "n2d-out/quick").exit_code == 2
    result = n2d("report", "n2d-out/quick", "--data", "moved.npz", "-o", "r.html", "--no-rows")
    assert result.exit_code == 0, result.output
    assert "Typical:" not in Path("r.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "words", [["--metric", "acc"], ["--pictures", "2"], ["--max-points", "9"], ["--store", "s"]]
)
def test_options_of_comparisons_are_refused_for_runs(n2d: Run, config: Path, words) -> None:
    assert n2d("run", config, "--no-plots", "--no-report").exit_code == 0
    result = n2d("report", "n2d-out/quick", *words)
    assert result.exit_code == 2
    assert f"{words[0]}: is for comparisons" in result.stderr


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../else"}, {"name": 7}, {"config": 3}, {"scores": {"acc": "<b>"}},
        {"scores": [1]}, None,
    ],
)  # fmt: skip
def test_a_damaged_record_of_a_run_is_refused(n2d: Run, config: Path, change) -> None:
    assert n2d("run", config, "--no-plots", "--no-report").exit_code == 0
    path = Path("n2d-out/quick/run.json")
    text = "[" * 10_000 if change is None else json.dumps(json.loads(path.read_text()) | change)
    path.write_text(text)
    result = n2d("report", "n2d-out/quick")
    assert result.exit_code == 2
    assert "cannot be read as the record of a run" in result.stderr


def test_stability_of_a_bundle(n2d: Run, flowers: Path) -> None:
    words = ("stability", "flowers.n2d", "flowers.csv", "--id", "plant", "--seeds", "2")
    result = n2d(*words, "--resamples", "2", "-o", "sure.csv")
    assert result.exit_code == 0, result.output
    assert "4 refits: adjusted Rand index" in result.stdout
    lines = Path("sure.csv").read_text().splitlines()
    assert lines[0] == "row,id,label,confidence,consensus"
    assert len(lines) == 151
    assert lines[1].startswith("0,plant 0,")
    read = json.loads(n2d(*words, "--resamples", "0", "--json").stdout)
    assert read["refits"] == 2
    assert sum(about["size"] for about in read["clusters"]) == 150
    assert n2d(*words[:-2], "--seeds", "0", "--resamples", "1").exit_code == 2


def test_stability_of_a_configuration(n2d: Run, config: Path) -> None:
    words = ("--seeds", "2", "--resamples", "1", "--json")
    read = json.loads(n2d("stability", config, *words).stdout)
    assert read["refits"] == 3
    assert sum(about["size"] for about in read["clusters"]) == 60
    rows = np.load("blobs.npz")["x"][:40]
    np.save("fewer.npy", rows)
    fewer = json.loads(n2d("stability", config, "fewer.npy", *words).stdout)
    assert sum(about["size"] for about in fewer["clusters"]) == 40


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["quick.yaml", "--keep"], "--keep: needs a bundle; quick.yaml is a configuration"),
        (["quick.yaml", "--trust", "a.B"], "--trust: needs a bundle"),
        (["model.n2d", "x.npy", "--allow-code"], "--allow-code: is for a configuration"),
        (["model.n2d"], "DATA: is missing: give the rows after model.n2d"),
        (["quick.yaml", "--workers", "2", "--scheduler", "tcp://127.0.0.1:1"], "--workers: cannot"),
        (["quick.yaml", "--scheduler", "tcp://127.0.0.1:1"], "no scheduler answers"),
    ],
)
def test_stability_refuses(n2d: Run, config: Path, words, said) -> None:
    assert config.name == "quick.yaml"
    result = n2d("stability", *words)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_a_run_without_rows_holds_none(n2d: Run, elsewhere: Path) -> None:
    table = load_iris(as_frame=True).data
    table.iloc[0] = [71.5, 72.25, 73.125, 74.0625]
    table.index = [f"secret {i}" for i in range(len(table))]
    table.to_csv("flowers.csv", index_label="plant")
    trio = {"embedder": "pca", "manifolder": "identity", "clusterer": "kmeans"}
    quick = [f"--set=model.{role}={name}" for role, name in trio.items()]
    words = ("run", "flowers.csv", "--id", "plant", *quick, "--set=model.n_clusters=3")
    assert n2d(*words, "--no-rows", "--out", "without").exit_code == 0
    assert n2d(*words, "--out", "with").exit_code == 0
    assert "no golden rows" in n2d("verify", "without/flowers.n2d").stdout
    assert "no golden rows" not in n2d("verify", "with/flowers.n2d").stdout
    assert "secret" in Path("without/labels.csv").read_text()
    assert "secret" in Path("with/report.html").read_text(encoding="utf-8")
    for path in Path("without").rglob("*"):
        if path.is_file() and path.name != "labels.csv":
            assert b"secret" not in path.read_bytes(), path
    drawn = {path.name for path in Path("with/plots").iterdir()}
    assert {path.name for path in Path("without/plots").iterdir()} == drawn - {
        "reconstructions.png"
    }


def test_a_bundle_is_edited_and_predicts_with_names(n2d: Run, flowers: Path) -> None:
    before = Path("flowers.n2d").read_bytes()
    words = ("--merge", "2,1", "--rename", "2=large ones", "--by", "me", "--note", "alike")
    result = n2d("edit", "flowers.n2d", *words, "-o", "edited.n2d")
    assert result.exit_code == 0, result.output
    assert "merge" in result.stdout
    assert "large ones" in result.stdout
    assert Path("flowers.n2d").read_bytes() == before
    lines = n2d("predict", "edited.n2d", "flowers.csv", "-q").stdout.splitlines()
    assert lines[0] == "row,label,name,strength"
    assert {line.split(",")[1:3][1] for line in lines[1:] if line.split(",")[1] == "2"} == {
        "large ones"
    }
    assert {line.split(",")[1] for line in lines[1:]} == {"0", "2"}
    assert n2d("verify", "edited.n2d").exit_code == 0
    assert "large ones: " in n2d("describe", "edited.n2d", "flowers.csv").stdout
    assert n2d("edit", "edited.n2d", "--undo", "2").exit_code == 0
    assert "no edits" in n2d("edit", "edited.n2d").stdout
    read = json.loads(n2d("edit", "edited.n2d", "--delete", "0", "--json").stdout)
    assert read["journal"][0]["kind"] == "delete"


def test_predicted_tables_have_refined_labels_and_shares(n2d: Run, config: Path) -> None:
    words = ("--set", "model.clusterer={name: hdbscan, min_cluster_size: 5}", "--no-plots")
    stored = np.load("blobs.npz")
    far = np.array([[500, 0, 0, 0], [0, -500, 0, 0]], dtype=np.float32)
    np.savez("blobs.npz", x=np.vstack([stored["x"], far]), y=np.append(stored["y"], [0, 1]))
    assert n2d("run", config, *words, "--set", "model.refine=[reassign_noise]").exit_code == 0
    fitted = Path("n2d-out/quick/labels.csv").read_text().splitlines()
    assert fitted[0] == "row,label,strength"
    assert "-1" not in {line.split(",")[1] for line in fitted[1:]}
    words = ("predict", "n2d-out/quick/quick.n2d", "blobs.npz", "-q")
    assert n2d(*words).stdout.splitlines() == fitted
    shares = [line.split(",") for line in n2d(*words, "--proba").stdout.splitlines()]
    assert shares[0][-1] == "p_noise"
    model = n2d_framework.load("n2d-out/quick/quick.n2d")
    expected = model.predict_proba(np.load("blobs.npz")["x"])
    written = np.array([line[-expected.shape[1] :] for line in shares[1:]], dtype=float)
    np.testing.assert_array_equal(written, expected)


@pytest.mark.parametrize("keep", [True, False])
def test_an_edited_bundle_holds_what_it_held(n2d: Run, flowers: Path, keep: bool) -> None:
    table = load_iris(as_frame=True).data
    spectral = n2d_framework.adapt("manifolder", SpectralEmbedding, n_components=2)
    for name, manifolder in (("places", "identity"), ("fitted", spectral)):
        model = n2d_framework.N2D(
            "pca", manifolder, "kmeans", describe="summary", n_clusters=3, random_state=0
        )
        model.fit(table).save(f"{name}.n2d", keep_rows=keep)
        before = n2d_framework.load(f"{name}.n2d").to_snapshot().parts
        assert n2d("edit", f"{name}.n2d", "--merge", "0,1").exit_code == 0
        after = n2d_framework.load(f"{name}.n2d").to_snapshot().parts
        assert set(after) == {*before, "refine"} - {"descriptions"}
        assert set(after["golden"]) == set(before["golden"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--merge", "1;2"], "--merge: must be ids such as 3,5"),
        (["--rename", "cats"], "--rename: must be ID=NAME"),
        (["--merge", "0,7"], "cluster 7: there is no such cluster"),
        (["--undo", "1"], "there are 0 edits to undo"),
        (["--delete", "0", "--delete", "0"], "it was deleted"),
    ],
)
def test_wrong_edits_leave_the_bundle(n2d: Run, flowers: Path, words, said) -> None:
    before = Path("flowers.n2d").read_bytes()
    result = n2d("edit", "flowers.n2d", *words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert Path("flowers.n2d").read_bytes() == before


def test_clusters_are_split_joined_and_noise_is_reassigned(n2d: Run, flowers: Path) -> None:
    rows = ("--data", "flowers.csv", "--id", "plant")
    result = n2d("edit", "flowers.n2d", "--split", "0")
    assert result.exit_code == 2
    assert "give the rows, as in model.edit(X), or with --data" in result.stderr
    words = ("--split", "0=2", "--delete", "1", "--reassign-noise", "--rename", "0=first")
    words += ("--min-probability", "0.01")
    result = n2d("edit", "flowers.n2d", *words, *rows, "-o", "edited.n2d")
    assert result.exit_code == 0, result.output
    read = json.loads(n2d("edit", "edited.n2d", "--json").stdout)["journal"]
    assert [edit["kind"] for edit in read] == ["split", "delete", "reassign", "rename"]
    assert (read[2]["method"], read[2]["min_probability"]) == ("propagation", 0.01)
    result = n2d("edit", "flowers.n2d", "--reassign-by", "nearest")
    assert result.exit_code == 2
    assert "--reassign-by: is for --reassign-noise; add it" in result.stderr
    result = n2d("edit", "flowers.n2d", "--min-probability", "0.5")
    assert "--min-probability: is for --reassign-noise; add it" in result.stderr
    lines = n2d("predict", "edited.n2d", "flowers.csv", "-q", "--proba").stdout.splitlines()
    assert lines[0] == "row,label,name,strength,p_0,p_1,p_2,p_3,p_noise"
    assert {line.split(",")[1] for line in lines[1:]} == {"0", "2", "3"}
    result = n2d("predict", "edited.n2d", "flowers.csv", "-q", "--n-clusters", "2")
    assert len({line.split(",")[1] for line in result.stdout.splitlines()[1:]}) == 2
    result = n2d("predict", "edited.n2d", "flowers.csv", "--n-clusters", "9")
    assert result.exit_code == 2
    assert "the model has 3 clusters" in result.stderr
    for wrong in (("--split", "x"), ("--max-distance", "2"), ("--refit",)):
        assert n2d("edit", "flowers.n2d", *wrong, *rows).exit_code == 2
    result = n2d("edit", "flowers.n2d", "--split", "0=2", "--refit", *rows)
    assert result.exit_code == 0, result.output
    assert "split by a refit" in result.stdout
    lines = n2d("predict", "flowers.n2d", "flowers.csv", "-q", "--proba").stdout.splitlines()
    assert lines[0] == "row,label,strength,p_0,p_1,p_2,p_3"
    assert {line.split(",")[1] for line in lines[1:]} == {"0", "1", "2", "3"}


def test_rows_are_explained(n2d: Run, flowers: Path) -> None:
    words = ("explain", "flowers.n2d", "flowers.csv", "--id", "plant", "--row", "plant 4")
    result = n2d(*words, "--features", "1")
    assert result.exit_code == 0, result.output
    for part in ("row plant 4: cluster ", "margin: +", "nearest rows of its cluster: plant "):
        assert part in result.stdout
    read = json.loads(n2d(*words, "--row", "plant 3", "--json").stdout)
    assert [about["row"] for about in read] == ["plant 4", "plant 3"]
    result = n2d(*words, "--row", "plant 999")
    assert result.exit_code == 2
    assert "row plant 999: there is no such row" in result.stderr


def test_new_rows_are_explained_beside_those_of_the_fit(n2d: Run, flowers: Path) -> None:
    lines = Path("flowers.csv").read_text().splitlines()
    Path("new.csv").write_text("\n".join([lines[0], lines[60].replace("plant 59", "new")]))
    words = ("explain", "flowers.n2d", "new.csv", "--id", "plant")
    result = n2d(*words, "--among", "flowers.csv", "--features", "1")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("row new: cluster ")
    assert "nearest rows of its cluster: plant 59, " in result.stdout
    assert re.search(r"(petal|sepal) .* gives margin ", result.stdout)
    for more in ((), ("--row", "new")):
        refused = n2d(*words, *more)
        assert refused.exit_code == 2
        assert "--among" in refused.stderr
    kept = n2d("edit", "flowers.n2d", "--split", "0=2", "--data", "flowers.csv", "--id", "plant")
    assert kept.exit_code == 0, kept.output
    result = n2d(*words)
    assert "no change is tried: values of other rows are not known" in result.stdout


def test_confidence_is_kept_and_predicted(n2d: Run, flowers: Path) -> None:
    result = n2d("predict", "flowers.n2d", "flowers.csv", "--confidence")
    assert result.exit_code == 2
    assert "n2d stability BUNDLE DATA --keep" in result.stderr
    words = ("stability", "flowers.n2d", "flowers.csv", "--resamples", "3", "--seeds", "0")
    result = n2d(*words, "--keep")
    assert result.exit_code == 0, result.output
    result = n2d("predict", "flowers.n2d", "flowers.csv", "-q", "--confidence", "--abstain", "0.2")
    lines = [line.split(",") for line in result.stdout.splitlines()]
    assert lines[0] == ["row", "label", "strength", "confidence"]
    sure = np.array([float(line[3]) for line in lines[1:]])
    kept = np.array([line[1] != "-1" for line in lines[1:]])
    assert 0 < (~kept).mean() < 0.3
    assert sure[~kept].max() < sure[kept].min()
    assert n2d("verify", "flowers.n2d").exit_code == 0
    result = n2d("edit", "flowers.n2d", "--merge", "0,1")
    assert "it is not used until these edits are undone" in " ".join(result.stdout.split())
    assert n2d("predict", "flowers.n2d", "flowers.csv", "--confidence").exit_code == 2
    undone = n2d("edit", "flowers.n2d", "--undo", "1", "--json")
    assert json.loads(undone.stdout)["confidence_is_unused"] is False
    again = n2d("predict", "flowers.n2d", "flowers.csv", "-q", "--confidence", "--abstain", "0.2")
    assert again.stdout.splitlines() == [",".join(line) for line in lines]
    n2d_framework.load("flowers.n2d").save("bare.n2d", keep_rows=False)
    result = n2d("stability", "bare.n2d", *words[2:], "--keep")
    assert result.exit_code == 2
    assert "it was saved without rows" in result.stderr


def test_a_threshold_of_confidence_for_a_wanted_error(n2d: Run, flowers: Path) -> None:
    table = load_iris(as_frame=True).frame
    table.to_csv("classes.csv", index=False)
    words = ("stability", "flowers.n2d", "classes.csv", "--y", "target", "--seeds", "0")
    words += ("--resamples", "4", "--max-error")
    result = n2d(*words, "0.3", "--keep", "--json")
    assert result.exit_code == 0, result.output
    least = json.loads(result.stdout)["threshold"]
    assert least["error"] <= least["bound"] <= least["max_error"] == 0.3
    options = ("-q", "--min-confidence", str(least["confidence"]))
    lines = n2d("predict", "flowers.n2d", "flowers.csv", *options).stdout.splitlines()[1:]
    kept = [line.split(",")[1] != "-1" for line in lines]
    assert np.mean(kept) == pytest.approx(least["coverage"])
    assert "with a certainty of 95% at most" in n2d(*words, "0.3").stdout
    refused = n2d(*words, "0.001", "-o", "kept.csv")
    assert refused.exit_code == 2
    assert "no confidence keeps the error to 0.1%" in refused.stderr
    assert len(Path("kept.csv").read_text().splitlines()) == 151
    refused = n2d("stability", "flowers.n2d", "flowers.csv", "--max-error", "0.1")
    assert "--max-error: needs classes; name their column with --y" in refused.stderr


def test_rows_are_checked_for_drift(n2d: Run, flowers: Path) -> None:
    assert n2d("check", "flowers.n2d", "flowers.csv", "--id", "plant").exit_code == 0
    lines = (flowers / "flowers.csv").read_text().splitlines()
    (flowers / "half.csv").write_text("\n".join(lines[:76]))
    before = {path: path.read_bytes() for path in flowers.iterdir()}
    result = n2d("check", "flowers.n2d", "half.csv", "--id", "plant", "--json")
    assert result.exit_code == 3
    said = json.loads(result.stdout)
    assert (said["verdict"], said["failed_on"]) == ("drift", ["drift"])
    result = n2d("check", "flowers.n2d", "half.csv", "--with", "half.csv")
    assert result.exit_code == 0, result.output
    assert {path: path.read_bytes() for path in flowers.iterdir()} == before


def test_what_a_check_fails_on_is_chosen(n2d: Run, flowers: Path) -> None:
    lines = (flowers / "flowers.csv").read_text().splitlines()
    (flowers / "few.csv").write_text("\n".join(lines[:4]))
    (flowers / "half.csv").write_text("\n".join(lines[:76]))
    far = [",".join([f"new {n}", *["9.9"] * lines[0].count(",")]) for n in range(75)]
    (flowers / "far.csv").write_text("\n".join([*lines, *far]))

    def failed(data: str, *names: str) -> tuple[int, list[str]]:
        flags = [word for name in names for word in ("--fail-on", name)]
        result = n2d("drift", "flowers.n2d", data, "--id", "plant", "--json", *flags)
        return result.exit_code, json.loads(result.stdout)["failed_on"]

    result = n2d("drift", "flowers.n2d", "few.csv")
    assert result.exit_code == 0
    assert n2d("check", "flowers.n2d", "few.csv").stdout == result.stdout
    assert "3 rows: cannot tell from so few" in result.stdout
    assert failed("few.csv", "drift", "too-few") == (3, ["too-few"])
    assert failed("half.csv", "new-clusters", "too-few") == (0, [])
    assert failed("far.csv", "new-clusters", "drift") == (3, ["new-clusters", "drift"])
    assert n2d("drift", "flowers.n2d", "few.csv", "--fail-on", "noise").exit_code == 2


def test_an_update_follows_rows_that_drifted(n2d: Run, flowers: Path) -> None:
    before = (flowers / "flowers.n2d").read_bytes()
    assert n2d("update", "flowers.n2d", "flowers.csv", "--id", "plant").exit_code == 0
    lines = (flowers / "flowers.csv").read_text().splitlines()
    (flowers / "half.csv").write_text("\n".join(lines[:81]))
    words = ("update", "flowers.n2d", "half.csv", "--id", "plant")
    result = n2d(*words, "--choose-k", "1:3")
    assert result.exit_code == 2
    assert "at least 2, got 1" in result.stderr
    result = n2d(*words, "--report", str(flowers / "no" / "u.html"))
    assert result.exit_code != 0
    assert (flowers / "flowers.n2d").read_bytes() == before
    result = n2d(*words, "--with", "flowers.csv", "-o", "new.n2d", "--report", "u.html", "--json")
    assert result.exit_code == 3, result.output
    said = json.loads(result.stdout)
    assert (said["refitted"], said["bundle"], said["n_rows"]) == (True, "new.n2d", 230)
    assert {one["kind"] for one in said["transitions"]} <= {"kept", "split", "merged", "rearranged"}
    page = (flowers / "u.html").read_text(encoding="utf-8")
    assert "What became of the clusters" in page
    assert "shares of clusters" in page
    assert n2d("verify", "new.n2d").exit_code == 0
    result = n2d("refit", "flowers.n2d", "flowers.csv", "--id", "plant", "-o", "same.n2d", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert (said["refitted"], said["bundle"]) == (True, "same.n2d")
    assert {one["kind"] for one in said["transitions"]} == {"kept"}
    assert (flowers / "flowers.n2d").read_bytes() == before


def test_rows_are_linked_by_their_ids(n2d: Run, flowers: Path) -> None:
    words = ("edit", "flowers.n2d", "--data", "flowers.csv", "--id", "plant")
    result = n2d(*words, "--must-link", "plant 0,plant 149", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["journal"][0]["rows"] == [0, 149]
    result = n2d(*words, "--cannot-link", "plant 149,plant 0")
    assert result.exit_code != 0
    assert "cannot be apart" in result.stderr
    assert (
        n2d("predict", "flowers.n2d", "flowers.csv", "--id", "plant", "-o", "l.npy").exit_code == 0
    )
    labels = np.load(flowers / "l.npy")
    assert labels[0] == labels[149]


def test_the_curves_of_a_choice_are_in_the_report_and_in_one_written_again(
    n2d: Run, flowers: Path
) -> None:
    words = ("run", "flowers.csv", "--id", "plant", "--choose-k", "2:4", "--no-plots")
    trio = ("embedder=pca", "manifolder=identity", "clusterer=kmeans")
    options = [word for one in trio for word in ("--set", f"model.{one}")]
    result = n2d(*words, *options, "--out", "o", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    numbers = found["numbers_of_clusters"]
    assert [one["n_clusters"] for one in numbers["candidates"]] == [2, 3, 4]
    assert found["n_clusters_found"] == numbers["n_clusters"]
    assert "How many clusters" in (flowers / "o" / "report.html").read_text(encoding="utf-8")
    assert n2d("report", "o", "-o", "again.html").exit_code == 0
    assert "How many clusters" in (flowers / "again.html").read_text(encoding="utf-8")
    assert n2d(*words, "--choose-by", "bic", *options, "--out", "p").exit_code != 0
    assert n2d("run", "flowers.csv", "--choose-by", "bic").exit_code == 2
    for wrong in ("few", "5:2", "3:", "2:99999999999999999999", "2,,3"):
        refused = n2d("run", "flowers.csv", "--choose-k", wrong)
        assert refused.exit_code == 2, wrong
        assert "--choose-k" in refused.output, wrong
