"""Series from long tables: an id, a time and values in each row."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from n2d_framework import N2D
from n2d_framework import load as load_bundle
from n2d_framework.data import load
from n2d_framework.errors import DataError, DataWarning

rng = np.random.default_rng(0)


def long_table(lengths: list[int], *, channels: int = 2, jitter: float = 0.0) -> pd.DataFrame:
    """Waves of two phases, in the order b, a, d, c, ..., with shuffled rows."""
    parts = []
    for number, length in enumerate(lengths):
        times = np.linspace(0, 6, length) + jitter * rng.random(length)
        waves = {f"v{c}": np.sin(times + c) + 3.0 * (number % 2) for c in range(channels)}
        at = pd.Timestamp("2024-05-01") + pd.to_timedelta(times, unit="h")
        parts.append(
            pd.DataFrame({"device": f"d{number ^ 1}", "at": at, **waves, "kind": "xy"[number % 2]})
        )
    return pd.concat(parts, ignore_index=True)


REF = {"id": "device", "time": "at", "y": "kind"}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_series_of_equal_times_are_taken_as_they_are(tmp_path: Path, suffix: str) -> None:
    table = long_table([20] * 4)
    path = tmp_path / f"t{suffix}"
    shuffled = pd.concat([table[:1], table[1:].sample(frac=1, random_state=1)])
    (shuffled.to_csv if suffix == ".csv" else shuffled.to_parquet)(path, index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = load({"path": path, **REF})
    assert (data.x.shape, data.modality) == ((4, 20, 2), "sequence")
    assert data.ids is not None
    assert data.y is not None
    order = np.argsort(data.ids)
    expected = table["v1"].to_numpy().reshape(4, 20)[[1, 0, 3, 2]]  # the table begins with d1
    np.testing.assert_allclose(data.x[order, :, 1], expected, rtol=1e-12)
    assert data.y[order].tolist() == ["y", "x", "y", "x"]
    assert data.ids[0] == "d1"
    one = load({"path": path, **REF, "x": "v0"})
    np.testing.assert_array_equal(one.x, data.x[:, :, 0])


def test_other_series_are_interpolated_and_a_bundle_knows_how(tmp_path: Path) -> None:
    table = long_table([20, 30, 25, 40], jitter=0.01)
    table.loc[[3, 50], "v1"] = np.nan
    table.to_csv(tmp_path / "t.csv", index=False)
    said = r"4 series of 20 to 40 times are interpolated at 28 .*, 2 missing values with them"
    with pytest.warns(DataWarning, match=said):
        data = load({"path": tmp_path / "t.csv", **REF})
    assert data.x.shape == (4, 28, 2)
    assert data.ids is not None
    assert data.ids.tolist() == ["d1", "d0", "d3", "d2"]
    wave = np.sin(np.linspace(0, 6, 28))
    np.testing.assert_allclose(data.x[0, :, 0], wave, atol=0.03)
    model = N2D("pca", "identity", "kmeans", n_clusters=2, random_state=0).fit(data)
    model.save(tmp_path / "m.n2d")
    again = load_bundle(tmp_path / "m.n2d")
    new = long_table([50, 12])
    new.drop(columns="kind").to_csv(tmp_path / "new.csv", index=False)
    found = load(tmp_path / "new.csv", like=again.schema_)
    assert found.x.shape == (2, 28, 2)
    assert again.predict(found).tolist() == model.labels_[:2].tolist()


@pytest.mark.parametrize(
    ("change", "ref", "reason"),
    [
        (lambda t: t, {"id": None}, "a long table needs id as well"),
        (lambda t: t, {"time": "when"}, "no column 'when'"),
        (lambda t: t, {"time": None, "steps": 5}, "data.steps: is for series"),
        (lambda t: t, {"steps": 1}, "data.steps: must be an integer from 2"),
        (lambda t: t.assign(v0="a b"), {}, "'v0' holds no numbers"),
        (lambda t: t.assign(at="late"), {}, "'at' holds neither numbers nor dates"),
        (lambda t: t[[*[*t][:2], "kind"]], {}, "no column of values is left"),
        (lambda t: t[9:], {}, "series of one time only: 'd1'"),
        (lambda t: pd.concat([t, t[4:5]]), {}, "rows 5 and 21 .* same id and time"),
        (lambda t: t.assign(kind=["y", *t["kind"][1:]]), {}, "has several classes"),
        (lambda t: t.assign(device=[None, *t["device"][1:]]), {}, "'device' has no value in row 1"),
        (lambda t: t.assign(v0=[np.nan] * 10 + [1.0] * 10), {}, "'d1' has no value of 'v0'"),
    ],
)
def test_what_makes_no_series_is_refused(
    tmp_path: Path, change: Any, ref: dict[str, Any], reason: str
) -> None:
    change(long_table([10, 10])).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(DataError, match=reason):
        load({"path": tmp_path / "t.csv", **REF, **ref})
