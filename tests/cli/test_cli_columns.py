"""Columns and ids on the command line: from each kind of file to each kind of output."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import n2d_framework
from n2d_framework.bundle import inspect
from n2d_framework.cli import app
from n2d_framework.data import load

Run = Callable[..., Any]
NAMES = ["alpha", "beta", "gamma", "delta"]
MODEL = "model: {embedder: identity, manifolder: identity, clusterer: kmeans, n_clusters: 3}\n"


@pytest.fixture
def frame(elsewhere: Path) -> pd.DataFrame:
    """Three clusters, with ids that numbers would spoil and a class."""
    rng = np.random.default_rng(0)
    y = np.arange(30) % 3
    x = rng.normal(size=(30, 4)) + 20 * y[:, None] + [0, 100, 200, 300]
    made = pd.DataFrame(x, columns=NAMES)
    made.insert(0, "customer", [f"{n:05d}" for n in range(29)] + [str(2**63 + 5)])
    made["class"] = np.array(["ja", "nein", "egal"])[y]
    return made


def write(frame: pd.DataFrame, path: str) -> str:
    """Write a table in the format of the suffix."""
    suffix = Path(path).suffix
    if suffix in (".csv", ".tsv"):
        frame.to_csv(path, index=False, sep="\t" if suffix == ".tsv" else ",")
    elif suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True, double_precision=15)
    elif suffix == ".parquet":
        frame.to_parquet(path, index=False)
    elif suffix == ".h5":
        kinds = [(name, "f8" if name in NAMES else "S24") for name in frame]
        table = np.empty(len(frame), dtype=kinds)
        for name in frame:
            table[name] = frame[name].to_numpy(dtype=table.dtype[name])
        with h5py.File(path, "w") as file:
            file["table"] = table
    else:
        features = [name for name in frame if name not in ("customer", "class")]
        beside = {
            name: frame[name].to_numpy(dtype="U") for name in ("customer", "class") if name in frame
        }
        np.savez(path, x=frame[features].to_numpy(), feature_names=features, **beside)
    return path


def column(text: str, name: str) -> list[str]:
    """A column of a table in CSV."""
    return [row[name] for row in csv.DictReader(io.StringIO(text))]


FORMATS = [".csv", ".tsv", ".jsonl", ".parquet", ".h5", ".npz"]


def fitted(n2d: Run, data: str, *words: str) -> Path:
    Path("model.yaml").write_text(f"data: {{path: {data}, y: class}}\n{MODEL}")
    run = n2d("run", "model.yaml", "--no-plots", "--overwrite", "--no-store", "-q", *words)
    assert run.exit_code == 0, run.output
    return Path("n2d-out/model/model.n2d")


@pytest.mark.parametrize("kind", FORMATS)
def test_a_run_keeps_names_and_predicts_its_own_file(
    n2d: Run, frame: pd.DataFrame, kind: str
) -> None:
    bundle = fitted(n2d, write(frame, f"rows{kind}"), "--id", "customer")
    assert inspect(bundle).manifest["data"]["feature_names"] == NAMES
    made = pd.read_csv("n2d-out/model/labels.csv", dtype=str)
    assert list(made) == ["row", "id", "label", "strength"]
    assert list(made["id"]) == list(frame["customer"])
    for other in FORMATS:
        said = n2d("predict", bundle, write(frame, f"again{other}"))
        assert said.exit_code == 0, said.output
        again = pd.read_csv(io.StringIO(said.stdout), dtype=str)
        pd.testing.assert_frame_equal(again, made)
    # The config that the run writes says it all, and gives the same.
    assert (
        n2d(
            "run", "n2d-out/model/config.json", "--no-plots", "--out", "b", "--no-store", "-q"
        ).exit_code
        == 0
    )
    assert Path("b/labels.csv").read_bytes() == Path("n2d-out/model/labels.csv").read_bytes()


@pytest.mark.parametrize("kind", FORMATS)
def test_new_tables_are_matched_by_name(n2d: Run, frame: pd.DataFrame, kind: str) -> None:
    bundle = fitted(n2d, write(frame, "rows.csv"), "--drop", "customer")
    expected = n2d("predict", bundle, "rows.csv").stdout
    order = ["delta", "class", "alpha", "customer", "gamma", "beta"]
    said = n2d("predict", bundle, write(frame[order], f"other{kind}"))
    assert said.exit_code == 0, said.output
    assert said.stdout == expected
    if kind != ".npz":
        assert said.stderr.count("left out: 'class', 'customer'") == 1
    missing = n2d("predict", bundle, write(frame.drop(columns="gamma"), f"missing{kind}"))
    assert missing.exit_code == 2
    assert "lacks 1 of the 4 columns that the model was fitted on: 'gamma'" in missing.stderr
    renamed = frame.rename(columns={"alpha": "Alpha", "beta": "p", "gamma": "q", "delta": "r"})
    refused = n2d("predict", bundle, write(renamed, f"renamed{kind}"), "-o", "labels.csv")
    assert refused.exit_code == 2
    assert "did you mean 'Alpha'" in refused.stderr
    assert not Path("labels.csv").exists()


@pytest.mark.parametrize("kind", [".csv", ".jsonl", ".parquet", ".h5"])
def test_columns_that_hold_strings_are_refused_by_name_unless_they_are_further(
    n2d: Run, frame: pd.DataFrame, kind: str
) -> None:
    bundle = fitted(n2d, write(frame, "rows.csv"), "--drop", "customer")
    texts = frame.assign(beta="word", note="word")
    if kind == ".h5":
        table = np.array(
            [(1.0, b"word", 2.0, 3.0)], dtype=[(n, "S4" if n == "beta" else "f8") for n in NAMES]
        )
        with h5py.File("texts.h5", "w") as file:
            file["table"] = table
    else:
        write(texts, f"texts{kind}")
    said = n2d("predict", bundle, f"texts{kind}")
    assert said.exit_code == 2
    assert "column 'beta'" in said.stderr


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_ids_come_out_in_each_format(n2d: Run, frame: pd.DataFrame, suffix: str) -> None:
    bundle = fitted(n2d, write(frame, "rows.csv"), "--id", "customer")
    assert n2d("predict", bundle, "rows.csv", "-o", f"out{suffix}", "--chunk", "7").exit_code == 0
    if suffix == ".parquet":
        made = pd.read_parquet("out.parquet")
    else:
        made = pd.read_csv(f"out{suffix}", dtype={"id": str}, sep="\t" if suffix == ".tsv" else ",")
    assert list(made) == ["row", "id", "label", "strength"]
    assert list(made["id"]) == list(frame["customer"])
    assert list(made["row"]) == list(range(30))


def test_strength_follows_the_label(n2d: Run, frame: pd.DataFrame) -> None:
    clusterer = "model.clusterer={name: hdbscan, min_cluster_size: 5}"
    bundle = fitted(n2d, write(frame, "rows.csv"), "--id", "customer", "--set", clusterer)
    head = Path("n2d-out/model/labels.csv").read_text().splitlines()[0].split(",")
    assert head == ["row", "id", "label", "strength"]
    made = pd.read_csv("n2d-out/model/labels.csv")
    said = pd.read_csv(io.StringIO(n2d("predict", bundle, "rows.csv").stdout))
    assert list(said) == ["row", "id", "label", "strength"]
    np.testing.assert_array_equal(said["label"], made["label"])
    np.testing.assert_allclose(said["strength"], made["strength"], atol=1e-6)


@pytest.mark.parametrize(
    ("clusterer", "columns"),
    [
        ("{name: gmm, n_init: 1}", ["row", "label", "strength"]),
        ("kmeans", ["row", "label", "strength"]),
        ("{adapt: 'sklearn.mixture:BayesianGaussianMixture'}", ["row", "label", "strength"]),
        ("{adapt: 'sklearn.cluster:Birch'}", ["row", "label"]),
        ("{adapt: 'sklearn.cluster:DBSCAN', eps: 9.0}", ["row", "label"]),
    ],
)
def test_labels_have_the_same_columns_wherever_they_are_written(
    n2d: Run, frame: pd.DataFrame, clusterer: str, columns: list[str]
) -> None:
    words = ("--drop", "customer", "--set", f"model.clusterer={clusterer}", "--allow-code")
    bundle = fitted(n2d, write(frame, "rows.csv"), *words)
    made = pd.read_csv("n2d-out/model/labels.csv")
    assert list(made) == columns
    if "DBSCAN" in clusterer:
        return
    said = pd.read_csv(io.StringIO(n2d("predict", bundle, "rows.csv").stdout))
    assert list(said) == columns
    if "strength" in columns:
        np.testing.assert_array_equal(said, made)
        shares = pd.read_csv(io.StringIO(n2d("predict", bundle, "rows.csv", "--proba").stdout))
        largest = shares.filter(like="p_").max(axis=1)
        np.testing.assert_array_equal(shares["strength"], largest)


def test_repeated_and_missing_ids_come_out_as_they_are(n2d: Run, frame: pd.DataFrame) -> None:
    frame.loc[3, "customer"] = "00001"
    frame.loc[4, "customer"] = None
    bundle = fitted(n2d, write(frame, "rows.csv"), "--drop", "customer")
    said = n2d("predict", bundle, "rows.csv", "--id", "customer")
    assert said.exit_code == 0, said.output
    assert column(said.stdout, "id")[3:5] == ["00001", ""]
    assert "rows.csv: 1 rows have no id, 1 one that came before" in said.stderr
    run = n2d("run", "model.yaml", "--id", "customer", "--no-plots", "--out", "b", "-q")
    assert "id '00001' of row 1 comes again in row 3, and 1 more such rows" in run.stderr
    frame.loc[3, "customer"] = "00003"
    write(frame, "rows.csv")
    run = n2d("run", "model.yaml", "--id", "customer", "--no-plots", "--out", "c", "-q")
    assert "row 4 has no id" in run.stderr
    without = n2d("predict", *Path("c").glob("*.n2d"), write(frame[NAMES], "without.csv"))
    assert "it has no column 'customer' of ids; rows have numbers alone" in without.stderr


@pytest.mark.parametrize("full", [False, True], ids=["", "no room"])
def test_ids_beyond_those_in_memory_are_compared_too(
    n2d: Run, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    from n2d_framework.cli.predicting import seen_ids

    monkeypatch.setattr(seen_ids, "_HELD", 7)
    frame.loc[len(frame) - 1, "customer"] = frame.loc[0, "customer"]
    frame.loc[20, "customer"] = frame.loc[2, "customer"]
    frame.loc[4, "customer"] = None
    bundle = fitted(n2d, write(frame, "rows.csv"), "--drop", "customer")
    if full:
        monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: open("/dev/full", "wb"))  # noqa: PTH123, SIM115
    said = n2d("predict", bundle, "rows.csv", "--id", "customer", "--chunk", "5")
    assert said.exit_code == 0, said.output
    assert column(said.stdout, "id")[0] == frame["customer"][0]
    repeated = "" if full else ", 2 one that came before"
    assert f"rows.csv: 1 rows have no id{repeated}; ids come out" in said.stderr
    assert ("whether ids are repeated is not known: there is no room" in said.stderr) == full


@pytest.mark.parametrize("rows", [0, 5, 6, 200, 20_000])
def test_repeated_ids_are_counted_however_many_there_are(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from n2d_framework.cli.predicting import seen_ids

    monkeypatch.setattr(seen_ids, "_HELD", 5)
    rng = np.random.default_rng(rows)
    ids = [
        ["", f"{number:05}", number + 1][number % 3]
        for number in rng.integers(rows or 1, size=rows)
    ]
    seen = seen_ids.SeenIds()
    for start in range(0, rows, 3000):
        seen.add(ids[start : start + 3000])
    known = [one for one in ids if one]
    assert (seen.without, seen.repeated()) == (rows - len(known), len(known) - len(set(known)))
    seen.close()


def test_no_id_column_of_that_name(n2d: Run, frame: pd.DataFrame) -> None:
    write(frame, "rows.csv")
    for words in (
        ["run", "rows.csv"],
        ["predict", fitted(n2d, "rows.csv", "--drop", "customer"), "rows.csv"],
    ):
        said = n2d(*words, "--id", "custmer")
        assert said.exit_code == 2
        assert "it has no column 'custmer'; did you mean 'customer'?" in said.stderr


@pytest.mark.parametrize("kind", [".csv", ".parquet"])
def test_an_index_of_pandas_is_the_ids_and_no_feature(
    n2d: Run, frame: pd.DataFrame, kind: str
) -> None:
    indexed = frame.drop(columns="customer").set_axis([f"r{i}" for i in range(30)])
    if kind == ".csv":
        indexed.to_csv("rows.csv")
        pd.read_csv("rows.csv").to_csv("again.csv", index=False)  # Unnamed: 0
    else:
        indexed.to_parquet("rows.parquet")
        plain = indexed.reset_index(names="__index_level_0__")
        plain.to_parquet("again.parquet", index=False)
    bundle = fitted(n2d, f"rows{kind}")
    assert inspect(bundle).manifest["data"]["feature_names"] == NAMES
    for name in ("rows", "again"):
        said = n2d("predict", bundle, f"{name}{kind}")
        assert [row["id"] for row in csv.DictReader(io.StringIO(said.stdout))] == list(
            indexed.index
        )
        assert "left out: 'class'" in said.stderr
    again = fitted(n2d, f"again{kind}")
    assert inspect(again).manifest["data"]["feature_names"] == NAMES


@pytest.mark.parametrize("label", [0, 4])
def test_a_table_without_a_header_predicts_itself(
    n2d: Run, frame: pd.DataFrame, label: int
) -> None:
    frame = frame.drop(columns="customer")
    order = [*NAMES] if label else []
    order = [*order, "class", *([] if label else NAMES)]
    frame[order].to_csv("bare.csv", index=False, header=False)
    Path("bare.yaml").write_text(f"data: {{path: bare.csv, y: '{label}', header: false}}\n{MODEL}")
    run = n2d("run", "bare.yaml", "--no-plots", "--no-store", "-q")
    assert run.exit_code == 0, run.output
    labels = column(Path("n2d-out/bare/labels.csv").read_text(), "label")
    frame[NAMES].to_csv("rows.csv", index=False, header=False)
    frame[NAMES[:3]].to_csv("narrow.csv", index=False, header=False)
    for name in ("bare.csv", "rows.csv"):
        said = n2d("predict", "n2d-out/bare/bare.n2d", name)
        assert said.exit_code == 0, said.output
        assert column(said.stdout, "label") == labels
    refused = n2d("predict", "n2d-out/bare/bare.n2d", "narrow.csv")
    assert (refused.exit_code, "has 3 features" in refused.stderr) == (2, True)


def test_names_that_are_numbers_are_names_at_predict_too(n2d: Run, frame: pd.DataFrame) -> None:
    waves = ["400", "410", "420", "430"]
    x = frame[["beta", "alpha", "delta", "gamma"]].set_axis(waves, axis=1)
    x.to_csv("waves.csv", index=False)
    Path("waves.yaml").write_text(f"data: {{path: waves.csv, header: true}}\n{MODEL}")
    assert n2d("run", "waves.yaml", "--no-plots", "--no-store", "-q").exit_code == 0
    bundle = "n2d-out/waves/waves.n2d"
    expected = n2d("predict", bundle, "waves.csv").stdout
    x[waves[::-1]].to_csv("other.csv", index=False)
    assert n2d("predict", bundle, "other.csv").stdout == expected
    for names in (["500", *waves[1:]], ["500", "510", "520", "530"], waves[:3]):
        x.iloc[:, : len(names)].set_axis(names, axis=1).to_csv("other.csv", index=False)
        said = n2d("predict", bundle, "other.csv")
        assert (said.exit_code, "lacks" in said.stderr, said.stdout) == (2, True, "")


def test_columns_chosen_by_name_predict_their_file(n2d: Run, frame: pd.DataFrame) -> None:
    write(frame, "rows.csv")
    Path("some.yaml").write_text(f"data: {{path: rows.csv, x: [gamma, alpha], y: class}}\n{MODEL}")
    assert n2d("run", "some.yaml", "--no-plots", "--no-store", "-q").exit_code == 0
    labels = column(Path("n2d-out/some/labels.csv").read_text(), "label")
    said = n2d("predict", "n2d-out/some/some.n2d", "rows.csv")
    assert column(said.stdout, "label") == labels
    flagged = n2d("run", "rows.csv", "--x", "gamma", "--x", "alpha", "--y", "class", "--no-plots",
                  "--set", "model={embedder: identity, manifolder: identity, clusterer: kmeans, "
                  "n_clusters: 3}", "--no-store", "-q")  # fmt: skip
    assert flagged.exit_code == 0, flagged.output
    assert (
        Path("n2d-out/rows/labels.csv").read_bytes() == Path("n2d-out/some/labels.csv").read_bytes()
    )


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_chosen_arrays_are_recognized(n2d: Run, frame: pd.DataFrame, suffix: str) -> None:
    arrays = {
        "left": frame[NAMES].to_numpy(),
        "right": frame[NAMES].to_numpy()[::-1],
        "kinds": np.arange(30) % 3,
        "keys": np.array([f"{n:03d}" for n in range(30)], dtype="S3"),
    }
    if suffix == ".npz":
        np.savez("rows.npz", **arrays)
    else:
        with h5py.File("rows.h5", "w") as file:
            file.update(arrays)
    Path("a.yaml").write_text(f"data: {{path: rows{suffix}, x: left, y: kinds, id: keys}}\n{MODEL}")
    assert n2d("run", "a.yaml", "--no-plots", "--no-store", "-q").exit_code == 0
    made = pd.read_csv("n2d-out/a/labels.csv", dtype=str)
    assert list(made["id"]) == [f"{n:03d}" for n in range(30)]
    said = n2d("predict", "n2d-out/a/a.n2d", f"rows{suffix}")
    assert said.exit_code == 0, said.output
    again = pd.read_csv(io.StringIO(said.stdout), dtype=str)
    pd.testing.assert_frame_equal(again, made)


def test_names_that_an_archive_cannot_give(n2d: Run, frame: pd.DataFrame) -> None:
    x = frame[NAMES].to_numpy()
    np.savez("objects.npz", x=x, feature_names=np.array(NAMES, dtype=object))
    np.savez("short.npz", x=x, feature_names=NAMES[:3])
    for name in ("objects.npz", "short.npz"):
        with pytest.warns(n2d_framework.errors.DataWarning, match="'feature_names' does not name"):
            assert load(name).schema.names == ()


def test_file_names_are_the_ids_of_images(n2d: Run, elsewhere: Path) -> None:
    rng = np.random.default_rng(0)
    for kind in ("cat", "dog"):
        Path("pets", kind).mkdir(parents=True)
        for number in range(6):
            pixels = rng.integers(0, 99, size=(4, 4)) + (100 if kind == "dog" else 0)
            Image.fromarray(pixels.astype(np.uint8)).save(Path("pets", kind, f"{number}.png"))
    words = [
        "--set",
        "model={embedder: pca, manifolder: identity, clusterer: kmeans, n_clusters: 2}",
    ]
    assert n2d("run", "pets", "--no-plots", "--no-store", "-q", *words).exit_code == 0
    made = pd.read_csv("n2d-out/pets/labels.csv")
    ids = [f"{kind}/{number}.png" for kind in ("cat", "dog") for number in range(6)]
    assert list(made["id"]) == ids
    said = n2d("predict", "n2d-out/pets/pets.n2d", "pets", "--chunk", "5")
    assert list(pd.read_csv(io.StringIO(said.stdout))["id"]) == ids


def piped(text: str | bytes, *words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words], input=text)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_rows_on_stdin(n2d: Run, frame: pd.DataFrame, kind: str) -> None:
    bundle = fitted(n2d, write(frame, "rows.csv"), "--id", "customer")
    expected = n2d("predict", bundle, "rows.csv").stdout
    order = ["delta", "class", "alpha", "customer", "gamma", "beta"]
    text = Path(write(frame[order], f"other.{kind}")).read_text()
    words = [] if kind == "csv" else ["--format", "jsonl"]
    said = piped(text, "predict", bundle, "-", *words, "--chunk", "7")
    assert said.exit_code == 0, said.output
    assert said.stdout == expected
    assert "stdin: columns that the model was not fitted on are left out: 'class'" in said.stderr
    assert piped(text, "predict", bundle, "-", *words, "-o", "out.csv").exit_code == 0
    assert Path("out.csv").read_text() == expected


@pytest.mark.parametrize(
    ("words", "text", "said"),
    [
        ([], "", "stdin: there are no rows"),
        ([], "alpha,beta,gamma,delta\n", "stdin: it has no rows"),
        ([], "alpha,beta,gamma\n1,2,3\n", "stdin lacks 1 of the 4 columns"),
        ([], "alpha,beta,gamma,delta\n1,2,3,4\n1,x,3,4\n", "stdin: column 'beta' has 'x' in row 2"),
        (["--format", "jsonl"], '{"alpha": 1}\n', "stdin lacks 3 of the 4 columns"),
        (["--format", "jsonl"], "[1, 2, 3, 4]\n", "stdin: line 1 is not a JSON object"),
        (["--format", "jsonl"], "alpha,beta\n", "stdin: line 1 is not a JSON object"),
        (["--format", "jsonl"], '{"alpha": 1, "alpha": 2}\n', "names 'alpha' twice"),
        (
            ["--format", "jsonl"],
            '{"alpha": 1, "beta": "x", "gamma": 3, "delta": 4}\n',
            "column 'beta' has \"x\" in row 1",
        ),
        (
            ["--format", "jsonl"],
            '{"alpha": 1, "beta": 2, "gamma": 3, "delta": 4}\n{"alpha": 1, "gamma": 3}\n',
            "column 'beta' has no value in row 2",
        ),
        (["--format", "jsonl"], "[" * 100_000, "line 1 is"),
        (["--format", "xml"], "", "xml"),
        ([], '{"alpha": 1, "beta": 2, "gamma": 3, "delta": 4}\n', "need --format jsonl"),
    ],
)
def test_wrong_rows_on_stdin(
    n2d: Run, frame: pd.DataFrame, words: list[str], text: str, said: str
) -> None:
    bundle = fitted(n2d, write(frame, "rows.csv"), "--drop", "customer")
    result = piped(text, "predict", bundle, "-", *words)
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    refused = n2d("predict", bundle, "rows.csv", "--format", "csv")
    assert (refused.exit_code, "--format" in refused.stderr) == (2, True)


def test_a_closed_stdin_is_named(
    n2d: Run, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    from n2d_framework.data.stdin import from_stdin

    monkeypatch.setattr("sys.stdin", None)
    with (
        pytest.raises(n2d_framework.errors.DataError, match="stdin: it is closed"),
        from_stdin("-", "csv"),
    ):
        pass


def test_what_is_said_of_rows_on_stdin_names_stdin(n2d: Run, frame: pd.DataFrame) -> None:
    bundle = fitted(n2d, write(frame, "rows.csv"), "--drop", "customer")
    row = '{"alpha": 1, "beta": 2, "gamma": 3, "delta": 4'
    text = f'{row}}}\n{row}, "more": 1}}\n'
    said = piped(text, "predict", bundle, "-", "--format", "jsonl")
    assert said.exit_code == 0, said.output
    assert "stdin: columns that the first row does not have" in said.stderr
    assert "stdin.jsonl" not in said.stderr
    words = ["predict", bundle, "-", "--chunk", "1"]
    said = piped("alpha,beta,gamma,delta\n1,2,3,4\n1,2,1e300,4\n", *words)
    assert said.exit_code == 2
    assert "stdin, rows 1 to 1" in said.stderr


def test_a_comparison_keeps_columns_and_ids(n2d: Run, frame: pd.DataFrame) -> None:
    write(frame, "rows.csv")
    Path("grid.yaml").write_text(
        "data: [{path: rows.csv, y: class}]\nembedders: [identity]\nmanifolders: [identity]\n"
        "clusterers: [{name: kmeans, n_clusters: 3}]\nseeds: 1\n"
    )
    said = n2d("compare", "grid.yaml", "--id", "customer", "-q")
    assert said.exit_code == 0, said.output
    comparison = n2d_framework.open_comparison("n2d-out/grid")
    best = comparison.best()
    assert best.schema_.names == tuple(NAMES)
    assert best.schema_.id == "customer"
    best.save("best.n2d")
    result = n2d("predict", "best.n2d", write(frame[["delta", "beta", "alpha", "gamma"]], "b.csv"))
    assert column(result.stdout, "label") == list(map(str, best.labels_))
    page = Path("n2d-out/grid/report.html").read_text()
    assert json.dumps(list(frame["customer"]), separators=(",", ":")) in page


def test_old_bundles_predict_by_position(n2d: Run, blobs: Path, config: Path) -> None:
    assert n2d("run", config, "--no-plots", "--no-store").exit_code == 0
    frame = pd.DataFrame(load("blobs.npz").x.astype(float), columns=NAMES)
    frame.to_csv("named.csv", index=False)
    said = n2d("predict", "n2d-out/quick/quick.n2d", "named.csv")
    assert said.exit_code == 0
    assert "knows no names of columns" in said.stderr
    assert said.stdout == n2d("predict", "n2d-out/quick/quick.n2d", "blobs.npz").stdout
