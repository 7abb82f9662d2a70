"""Clusters of series: prototypes, when and by what they differ, and the curve of each row."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import n2d_framework as n2d
from n2d_framework.data import load
from n2d_framework.plugin import Dataset

STEPS, CHANNELS = 30, ["acc_x", "acc_y"]
REF = {"id": "id", "time": "hour"}
MEANS = '''"""An embedder of series, of which it knows the padding."""
import numpy as np
from n2d_framework.plugin import ComponentSpec, component, hookimpl, learned, option

@hookimpl
def n2d_components():
    yield ComponentSpec(role="embedder", name="observed", factory="observed_plugin:Observed",
                        summary="Means without padding.", input="sequence")

@component
class Observed:
    fitted_ = learned(dtype=bool)

    def observed_steps(self, x):
        known = (x.reshape(len(x), x.shape[1], -1) != -9).any(axis=2)
        return known.shape[1] - known[:, ::-1].argmax(axis=1)

    def fit(self, x, *, context):
        self.fitted_ = True
        return self

    def transform(self, x):
        flat = x.reshape(len(x), x.shape[1], -1)
        known = np.arange(x.shape[1]) < self.observed_steps(x)[:, None]
        sums = np.where(known[:, :, None], flat, 0).sum(axis=1)
        return (sums / known.sum(axis=1)[:, None]).astype(np.float32)
'''


def waves() -> np.ndarray:
    """Two groups of series: the second has a bump in acc_x at the steps 12 to 18."""
    rng = np.random.default_rng(0)
    x = rng.normal(0, 0.3, (40, STEPS, 2)) + 5.0
    x[20:, 12:19, 0] += 3.0
    return x


def long_table(x: np.ndarray, times: Any, offset: float = 0.0) -> pd.DataFrame:
    parts = []
    for row, series in enumerate(x):
        at = times + offset * row if offset else times
        parts.append(pd.DataFrame(series, columns=CHANNELS).assign(id=f"s{row}", hour=at))
    return pd.concat(parts)


def fitted(x: Any) -> Any:
    return n2d.N2D("pca", "identity", "kmeans", n_clusters=2, random_state=0).fit(x)


def cluster_of_bumps(said: dict[str, Any], labels: np.ndarray) -> dict[str, Any]:
    return next(one for one in said["clusters"] if one["label"] == labels[-1])


@pytest.fixture(scope="module")
def recordings(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("series") / "waves.csv"
    long_table(waves(), np.arange(STEPS) / 2).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def model(recordings):
    return fitted(load({"path": recordings, **REF}))


def test_a_cluster_has_its_mean_and_its_middle_half_by_channel_and_time(model, recordings):
    said = model.describe(load({"path": recordings, **REF}))
    assert said["series"]["channels"] == CHANNELS
    assert said["series"]["axis"] == "hour"
    assert said["series"]["times"][:3] == ["0", "0.5", "1"]
    x = waves()[20:]
    about = cluster_of_bumps(said, model.labels_)
    for place, channel in enumerate(CHANNELS):
        one = about["prototype"][place]
        assert one["channel"] == channel
        np.testing.assert_allclose(one["mean"], x[:, :, place].mean(axis=0))
        np.testing.assert_allclose(one["low"], np.quantile(x[:, :, place], 0.25, axis=0))
        np.testing.assert_allclose(one["high"], np.quantile(x[:, :, place], 0.75, axis=0))
        assert one["rows"] == [20] * STEPS
    json.dumps(said, allow_nan=False)


def test_what_sets_a_cluster_apart_is_named_by_channel_and_time(model, recordings):
    said = model.describe(load({"path": recordings, **REF}))
    first = cluster_of_bumps(said, model.labels_)["distinctive"][0]
    assert first["feature"] == "acc_x at hour 6\N{EN DASH}9"
    window = waves()[:, 12:19, 0].mean(axis=1)
    assert first["mean"] == pytest.approx(window[20:].mean())
    assert first["others"] == pytest.approx(window[:20].mean())
    assert first["low"] < first["effect"] < first["high"]
    assert first["effect"] > 10
    rules = [one["rule"]["conditions"] for one in said["clusters"]]
    assert all(text.startswith("acc_x at hour ") for (text,) in rules)


@pytest.mark.parametrize(
    ("times", "offset", "axis", "feature"),
    [
        (np.arange(STEPS), 100.0, "hour from the start", "hour 12\N{EN DASH}18 from the start"),
        (pd.date_range("2024-05-01", periods=STEPS), 0, "hour", "2024-05-13 to 2024-05-19"),
        (pd.date_range("2024-05-01", periods=STEPS, freq="10min"), 0, "hour, 2024-05-01",
         "02:00 to 03:00"),
    ],
)  # fmt: skip
def test_times_are_written_as_they_are_known(tmp_path, times, offset, axis, feature):
    path = tmp_path / "waves.csv"
    long_table(waves(), times, offset).to_csv(path, index=False)
    rows = load({"path": path, **REF})
    model = fitted(rows)
    model.save(tmp_path / "m.n2d")
    again = n2d.load(tmp_path / "m.n2d")
    for one in (model, again):
        said = one.describe(rows)
        assert said["series"]["axis"] == axis
        about = cluster_of_bumps(said, model.labels_)
        assert about["distinctive"][0]["feature"] == f"acc_x at {feature}"
    # Rows without times of their own are those of the fit.
    assert again.describe(rows.x)["series"]["axis"] == axis


def test_durations_and_shares_of_interpolated_series_have_units(tmp_path):
    path = tmp_path / "waves.csv"
    start = pd.date_range("2024-05-01", periods=STEPS, freq="2h")
    parts = [
        long_table(waves()[[row]], start + pd.Timedelta(days=row)).assign(id=f"s{row}")
        for row in range(40)
    ]
    pd.concat(parts).to_csv(path, index=False)
    rows = load({"path": path, **REF})
    about = cluster_of_bumps(fitted(rows).describe(rows), np.array([fitted(rows).labels_[-1]]))
    assert about["distinctive"][0]["feature"] == "acc_x at 1\N{EN DASH}1.5 days from the start"
    with pytest.warns(UserWarning, match="interpolated"):
        rows = load({"path": path, **REF, "steps": 11})
    said = fitted(rows).describe(rows)
    assert said["series"]["times"] == [str(10 * i) for i in range(11)]
    assert "% of the series" in said["clusters"][0]["distinctive"][0]["feature"]


def test_new_rows_have_the_times_of_their_own_table(tmp_path, recordings, model):
    path = tmp_path / "later.csv"
    long_table(waves(), 100 + np.arange(STEPS) / 2).to_csv(path, index=False)
    said = model.describe(load(path, like=model.schema_))
    assert said["series"]["times"][0] == "100"
    assert model.describe(load({"path": recordings, **REF}))["series"]["times"][0] == "0"


def test_padding_counts_nowhere(use_plugin, tmp_path):
    use_plugin("observed_plugin", MEANS)
    x, rng = waves(), np.random.default_rng(1)
    x[20:] += 2.0
    lengths = rng.integers(20, STEPS - 3, 40)
    for row, length in enumerate(lengths):
        x[row, length:] = -9
    model = n2d.N2D(
        "observed", "identity", "kmeans", scaler="none", n_clusters=2, random_state=0
    ).fit(x)
    said = model.describe(x)
    assert said["series"]["channels"] == ["channel 0", "channel 1"]
    about = cluster_of_bumps(said, model.labels_)
    for place, one in enumerate(about["prototype"]):
        known = np.where(np.arange(STEPS) < lengths[:, None], x[:, :, place], np.nan)[20:]
        assert one["rows"] == (~np.isnan(known)).sum(axis=0).tolist()
        some = np.array(one["rows"]) > 0
        assert [value is None for value in one["mean"]] == (~some).tolist()
        for name, wanted in (
            ("mean", np.nanmean(known[:, some], axis=0)),
            ("low", np.nanquantile(known[:, some], 0.25, axis=0)),
            ("high", np.nanquantile(known[:, some], 0.75, axis=0)),
        ):
            np.testing.assert_allclose(np.array(one[name], dtype=float)[some], wanted)
    for contrast in about["distinctive"]:
        assert contrast["mean"] > 5
        assert contrast["others"] > 4
    text = model.report(tmp_path / "r.html", x).read_text(encoding="utf-8")
    assert "-9" not in re.findall(r"<small>([^<]*) to [^<]*</small></figcaption>", text)
    curves = payload(text)["curves"]
    values = numbers(curves["channels"][0]["values"]).reshape(40, -1)
    assert (values[:, -1] == 255).all()
    assert float(curves["channels"][0]["low"]) > 0


def test_steps_that_hardly_any_row_has_set_nothing_apart(use_plugin):
    use_plugin("observed_plugin", MEANS)
    x = waves()
    x[20:] += 2.0
    x[:, 24:] = -9
    # Two rows of each cluster are longer, and differ by far.
    for row, value in ((0, 1.0), (1, 1.001), (20, 90.0), (21, 90.001)):
        x[row, 24:] = value
    given = {"scaler": "none", "n_clusters": 2, "random_state": 0}
    model = n2d.N2D("observed", "identity", "kmeans", **given).fit(x)
    for about in model.describe(x, n_features=20)["clusters"]:
        last = [contrast["feature"].split("\N{EN DASH}")[-1] for contrast in about["distinctive"]]
        assert last
        assert all(int(step.split()[-1]) < 24 for step in last)


def payload(text: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def numbers(packed: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed), dtype="<u1")


def test_cards_draw_prototypes_that_are_said_in_words(model, recordings, tmp_path):
    rows = load({"path": recordings, **REF})
    text = model.report(tmp_path / "r.html", rows).read_text(encoding="utf-8")
    charts = re.findall(r'<svg viewBox="0 0 320 96"[^>]*role="img" aria-label="([^"]*)">', text)
    assert len(charts) == 4
    assert all(said.startswith(("acc_x: the mean begins at", "acc_y: the mean")) for said in charts)
    assert sum("(hour 6" in said or "(hour 7" in said for said in charts) >= 1
    data = payload(text)
    rows_shown = np.frombuffer(base64.b64decode(data["points"]["row"]), dtype="<u4")
    curves = data["curves"]
    assert (curves["steps"], curves["count"], curves["last"]) == (STEPS, 40, "14.5")
    first = curves["channels"][0]
    values = numbers(first["values"]).reshape(40, STEPS) / 254
    own = waves()[rows_shown, :, 0]
    shown = own.min() + values * (own.max() - own.min())
    np.testing.assert_allclose(shown, own, atol=0.51 * (own.max() - own.min()) / 254)
    assert "acc_x at hour 6\N{EN DASH}9" in [one["name"] for one in data["points"]["columns"]]
    hidden = model.report(tmp_path / "s.html", rows, keep_rows=False).read_text(encoding="utf-8")
    assert payload(hidden)["curves"] is None
    assert payload(hidden)["points"]["columns"] == []
    assert hidden.count('role="img" aria-label="acc_') == 4


def test_series_that_say_so_are_not_pictures(tmp_path):
    data = Dataset(name="waves", x=waves(), modality="sequence")
    model = fitted(data)
    text = model.report(tmp_path / "r.html", data).read_text(encoding="utf-8")
    assert 'aria-label="channel 0: the mean' in text
    assert 'alt="mean of' not in text
    one = Dataset(name="waves", x=waves()[:, :, 0], modality="sequence")
    said = fitted(one).describe(one)
    assert said["series"]["channels"] == ["value"]
    assert said["clusters"][0]["distinctive"][0]["feature"] == "value at step 12\N{EN DASH}18"
    picture = fitted(waves()).describe(waves())
    assert "series" not in picture


@pytest.mark.parametrize("x", [np.ones((12, 4, 2)), np.zeros((12, 2))])
def test_constant_series_have_prototypes_and_nothing_that_sets_them_apart(tmp_path, x):
    data = Dataset(name="flat", x=x + np.arange(12).reshape(-1, *[1] * (x.ndim - 1)) * 1e-3,
                   modality="sequence")  # fmt: skip
    model = fitted(data)
    flat = Dataset(name="flat", x=x, modality="sequence")
    said = model.describe(flat)
    assert all(one["distinctive"] == [] for one in said["clusters"])
    model.report(tmp_path / "r.html", flat)


def test_hovering_shows_the_curve_of_a_row(browser, model, recordings, tmp_path):
    file = model.report(tmp_path / "r.html", load({"path": recordings, **REF}))
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, problems = context.new_page(), list[str]()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(file.as_uri())
    page.wait_for_selector("#map-legend li")
    page.locator("#map-canvas").scroll_into_view_if_needed()
    box = page.locator("#map-canvas").bounding_box()
    at = payload(file.read_text(encoding="utf-8"))["clusters"][0]["at"]
    extent = payload(file.read_text(encoding="utf-8"))["points"]["extent"]
    side = min(box["width"] / (extent[0] + 0.08), box["height"] / (extent[1] + 0.08))
    page.mouse.move(
        box["x"] + box["width"] / 2 + (at[0] - 0.5) * side,
        box["y"] + box["height"] / 2 + (at[1] - 0.5) * side,
    )
    page.wait_for_selector("#tip .curves polyline")
    assert page.locator("#tip .curves svg").count() == 2
    assert "acc_x (" in page.inner_text("#tip")
    assert problems == []
    context.close()
