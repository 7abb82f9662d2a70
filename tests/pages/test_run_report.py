"""The report of one run: what is in the page, and that nothing of it acts."""

from __future__ import annotations

import base64
import html
import json
import re
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris

import n2d_framework as n2d
from n2d_framework.errors import DataError, OutputError
from n2d_framework.metrics.cluster_profile import profiles
from n2d_framework.metrics.surrogate_rules import surrogate
from n2d_framework.pages import RunView, write_run_report
from n2d_framework.pages.data_map import points
from n2d_framework.plugin import NOISE, Dataset

TRIO = ("pca", "identity", "kmeans")


def payload(text: str) -> dict[str, Any]:
    """The values that the script reads."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    read: dict[str, Any] = json.loads(found[1])
    return read


def numbers(packed: str, dtype: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed), dtype=dtype)


@pytest.fixture(scope="module")
def flowers() -> pd.DataFrame:
    data = load_iris(as_frame=True)
    return data.data.set_index(pd.Index([f"plant {i}" for i in range(150)], name="plant"))


@pytest.fixture(scope="module")
def model(flowers):
    return n2d.N2D(*TRIO, n_clusters=3, random_state=0).fit(flowers)


def read(model: Any, path: Path, *args: Any, **more: Any) -> str:
    return model.report(path, *args, **more).read_text(encoding="utf-8")


def test_every_row_is_on_the_map_with_its_id_and_cluster(model, flowers, tmp_path):
    data = payload(read(model, tmp_path / "r.html", flowers))
    points = data["points"]
    rows = numbers(points["row"], "<u4")
    assert sorted(rows.tolist()) == list(range(150))
    assert data["ids"] == [f"plant {row}" for row in rows]
    shown = [data["clusters"][i]["label"] for i in numbers(points["cluster"], "<u2")]
    assert shown == model.labels_[rows].tolist()
    for cluster in data["clusters"]:
        assert cluster["size"] == int((model.labels_ == cluster["label"]).sum())
    column = {item["name"]: item for item in points["columns"]}["petal length (cm)"]
    values = numbers(column["values"], "<f8" if column["double"] else "<f4")
    np.testing.assert_allclose(values, flowers["petal length (cm)"].to_numpy()[rows], rtol=1e-6)


def test_whatever_scrolls_can_be_reached_by_keys_and_has_a_name(model, flowers, tmp_path):
    model.report(tmp_path / "r.html", flowers)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    scrolling = re.findall(r'<div class="(?:scroll|tree)[^>]*>', page)
    assert {"tree", "scroll"} <= {tag.split('"')[1].split()[0] for tag in scrolling}
    for tag in scrolling:
        assert 'tabindex="0" role="region" aria-label="' in tag


def test_the_same_model_gives_the_same_bytes_and_a_reloaded_one_the_same_clusters(
    model, flowers, tmp_path
):
    first, second = (read(model, tmp_path / name, flowers) for name in ("a.html", "b.html"))
    assert first == second
    model.save(tmp_path / "m.n2d")
    again = payload(read(n2d.load(tmp_path / "m.n2d"), tmp_path / "c.html", flowers))
    assert again["points"]["cluster"] == payload(first)["points"]["cluster"]
    assert again["clusters"] == payload(first)["clusters"]


def test_classes_and_scores_stand_next_to_clusters(model, flowers, tmp_path):
    y = load_iris().target
    text = read(model, tmp_path / "r.html", flowers, y, names=["setosa", "versi", "virginica"])
    data = payload(text)
    assert [one["name"] for one in data["classes"]] == ["setosa", "versi", "virginica"]
    rows = numbers(data["points"]["row"], "<u4")
    assert numbers(data["points"]["class"], "<u2").tolist() == y[rows].tolist()
    assert "classes: setosa 100%" in text
    assert "<dt>acc</dt>" in text
    with pytest.raises(DataError, match="y has 149 rows"):
        model.report(tmp_path / "r.html", flowers, y[:-1])


def test_new_rows_are_predicted(model, flowers, tmp_path):
    few = flowers.iloc[50:110]
    data = payload(read(model, tmp_path / "r.html", few))
    rows = numbers(data["points"]["row"], "<u4")
    shown = [data["clusters"][i]["label"] for i in numbers(data["points"]["cluster"], "<u2")]
    assert shown == model.predict(few)[rows].tolist()


def test_without_rows_no_value_of_a_row_is_in_the_page(flowers, tmp_path):
    secret = flowers.copy()
    secret.index = [f"secret-{i}" for i in range(150)]
    secret.iloc[7, 0] = 7.654321
    model = n2d.N2D(*TRIO, n_clusters=3, random_state=0).fit(secret)
    text = read(model, tmp_path / "r.html", secret, keep_rows=False)
    assert "secret-" not in text
    data = payload(text)
    assert data["ids"] is None
    assert data["points"]["columns"] == []
    assert "secret-" in read(model, tmp_path / "s.html", secret)


def test_images_have_thumbnails_and_means(tmp_path, digits):
    x, y = digits
    data = Dataset(name="few", x=x[:200].reshape(-1, 8, 8), y=y[:200], modality="image")
    model = n2d.N2D("pca", "pca", "kmeans", n_clusters=5, random_state=0).fit(data)
    text = read(model, tmp_path / "r.html", data)
    assert payload(text)["sprite"]["count"] == 200
    assert text.count('alt="mean of cluster') == 5
    assert 'alt="typical row' not in read(model, tmp_path / "r.html", data, keep_rows=False)


def test_a_manifold_made_for_it_is_laid_out_again_for_the_map(tmp_path, digits):
    x = digits[0][:150]
    given = {"name": "umap", "n_components": 3, "n_epochs": 30}
    model = n2d.N2D("pca", given, "kmeans", n_clusters=4, random_state=0).fit(x)
    data = payload(read(model, tmp_path / "r.html", x))
    assert data["axes"][0] == "umap, made to be looked at"
    planar = n2d.N2D("pca", given | {"n_components": 2}, "kmeans", n_clusters=4, random_state=0)
    assert payload(read(planar.fit(x), tmp_path / "r.html", x))["axes"][0] == "coordinate 1"


def test_mixed_columns_are_compared_by_values_and_shares(tmp_path):
    rng = np.random.default_rng(0)
    side = np.repeat(["left", "right"], 60)
    labels = np.repeat([0, 1], 60)
    columns = {"side": side.astype(object), "size": rng.normal(size=120), "gap": np.ones(120)}
    columns["gap"][::5] = np.nan
    from n2d_framework.core.rows import Rows
    from n2d_framework.pages.shown_rows import shown_rows

    shown = shown_rows(Rows.of(columns))
    assert set(shown.names) >= {"side = left", "side = right", "size", "gap is missing"}
    found = profiles(shown.features, labels, features=shown.features, names=shown.names)
    assert found[0].contrasts[0].feature == "side = left"
    assert found[0].contrasts[0].mean == 1.0
    assert shown.texts[0].startswith("side: left; size: ")
    assert "gap" not in shown.texts[0]


def mixed(n: int = 120) -> pd.DataFrame:
    """A number with gaps, a date, categories (twelve, of which two are rare), and ids."""
    rng = np.random.default_rng(0)
    late = np.arange(n) >= n // 2
    size = rng.normal(size=n) + 9 * late
    size[::10] = np.nan
    town = np.array([f"town {i}" for i in np.minimum(np.arange(n) % 13, 11)], dtype=object)
    town[5], town[7] = None, "town 99"
    return pd.DataFrame({
        "size": size, "town": town, "day": np.datetime64("2020-01-01", "s") + 86400 * 300 * late,
        "note": [f"word {'left' if i % 2 else 'right'}" for i in range(n)], "same": ["x"] * n,
    })  # fmt: skip


def test_rows_of_mixed_kinds_are_coloured_by_any_column(tmp_path):
    frame = mixed()
    model = n2d.N2D(*TRIO, scaler="table", n_clusters=2, random_state=0).fit(frame)
    data = payload(read(model, tmp_path / "r.html", frame))["points"]
    rows = numbers(data["row"], "<u4")
    columns = {one["name"]: one for one in data["columns"]}
    assert set(columns) >= {"size", "day", "town"}
    assert "same" not in columns
    size, levels = frame["size"].to_numpy()[rows], numbers(columns["size"]["levels"], "<u1")
    assert columns["size"]["gaps"] == 12
    assert ((levels == 255) == np.isnan(size)).all()
    low, high = columns["size"]["low"], columns["size"]["high"]
    assert (low, high) == (np.nanmin(size), np.nanmax(size))
    known = ~np.isnan(size)
    back = low + levels[known] / 254 * (high - low)
    np.testing.assert_allclose(back, size[known], atol=(high - low) / 500)
    groups = columns["town"]["groups"]
    assert [one["name"] for one in groups[-2:]] == ["3 other categories", "missing"]
    assert len(groups) == 12
    colours = [one["colour"] for one in groups]
    assert len(set(colours)) == 12
    assert colours[-2:] == ["var(--muted)", "var(--noise)"]
    named = [groups[code]["name"] for code in numbers(columns["town"]["codes"], "<u1")]
    shown, others = {one["name"] for one in groups[:-2]}, groups[-2]["name"]
    for name, town in zip(named, frame["town"][rows], strict=True):
        assert name == ("missing" if pd.isna(town) else town if town in shown else others)
    sizes = {one["name"]: one["size"] for one in groups}
    assert sizes == {name: named.count(name) for name in sizes}
    hidden = payload(read(model, tmp_path / "h.html", frame, keep_rows=False))
    assert hidden["points"]["columns"] == []


def test_the_report_says_what_was_done_to_the_data(tmp_path):
    frame = mixed()
    table = {"name": "table", "columns": {"note": "drop"}, "rare": 0.02}
    model = n2d.N2D(*TRIO, prepare=[table, "standard"], n_clusters=2, random_state=0).fit(frame)
    model.save(tmp_path / "m.n2d")
    described = n2d.load(tmp_path / "m.n2d").describe(frame)["prepare"]
    assert [*described] == ["prepare_0: table", "prepare_1: standard"]
    assert dict(described["prepare_0: table"]) == {
        "size": "number: mean 0 and variance 1 (1 feature); "
        "gaps (12) take the mean, and a feature of its own says so",
        "town": "category: 12 categories as 12 features, 1 rare one as the mean; "
        "gaps (1) take the mean",
        "day": "date: days since the first (1 feature)",
        "note": "category: left out, as the options say",
        "same": "category: left out, for it does not vary",
    }
    assert described["prepare_1: standard"] == [
        ["each feature by itself", "brought to mean 0 and variance 1"]
    ]
    page = read(model, tmp_path / "r.html", frame, keep_rows=False)
    for said in described.values():
        for what, how in said:
            assert f'<th scope="row">{what}</th><td>{how}</td>' in page
    assert json.loads(json.dumps(described)) == described


def odd_table(page: str) -> list[list[str]]:
    """Cells of the table of outliers."""
    body = page.split('id="odd"')[1].split("<tbody>")[1].split("</tbody>")[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line) for line in body.split("</tr>")]
    return [cells for cells in rows if cells]


@pytest.mark.parametrize("known", [(), ("strengths",), ("strengths", "confidence")])
def test_outliers_and_the_least_sure_rows_are_listed(known, tmp_path):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1, (60, 2)), rng.normal(0, 0.1, (60, 2)) + 50])
    x[7], x[110], x[30], x[31] = (0, 30), (50, 56), (0, 9), (70, 50)
    labels = np.repeat([0, 1], 60)
    labels[[30, 31]] = NOISE
    sure = {"strengths": np.linspace(1, 0.4, 120), "confidence": np.linspace(0.2, 1, 120)}
    view = RunView(
        name="odd", labels=labels, coordinates=x, ids=[f"id {i}" for i in range(120)],
        names={0: "wide"}, **{name: sure[name] for name in known},
    )  # fmt: skip
    page = write_run_report(view, tmp_path / "r.html").read_text(encoding="utf-8")
    rows = odd_table(page)
    assert len(rows) == 20
    # The narrow cluster is nearer, but counts in its own units.
    assert [row[:3] for row in rows[:2]] == [
        ["id 31", "noise", "nearest: wide"], ["id 30", "noise", "nearest: wide"],
    ]  # fmt: skip
    assert [row[:3] for row in rows[2:4]] == [
        ["id 110", "far from its cluster", "cluster 1"],
        ["id 7", "far from its cluster", "wide"],
    ]
    own = np.flatnonzero(labels == 0)
    medoid = own[np.linalg.norm(x[own, None] - x[own], axis=2).sum(axis=1).argmin()]
    away = np.linalg.norm(x[own] - x[medoid], axis=1)
    assert float(rows[3][3]) == pytest.approx(away[7] / np.median(away), rel=0.02)
    if not known:
        assert {row[1] for row in rows[2:]} == {"far from its cluster"}
    else:
        least = [row[0] for row in rows if row[1] == f"low {known[-1].removesuffix('s')}"]
        assert len(least) == 10
        worst = [f"id {i}" for i in np.argsort(sure[known[-1]]) if i not in (30, 31)]
        far = {row[0] for row in rows[:10]}
        assert least == [name for name in worst if name not in far][:10]
    hidden = RunView(name="odd", labels=labels, coordinates=x, keep_rows=False)
    assert 'id="odd"' not in write_run_report(hidden, tmp_path / "h.html").read_text()


NASTY = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a\u202eb",
    "\x1b[2J",
]


def test_nothing_in_the_data_acts(tmp_path):
    x = np.random.default_rng(0).normal(size=(40, 2))
    frame = pd.DataFrame(x, columns=NASTY[:2], index=[f"{NASTY[i % 4]}{i}" for i in range(40)])
    model = n2d.N2D("identity", "identity", "kmeans", n_clusters=2, random_state=0).fit(frame)
    text = read(model, tmp_path / "r.html", frame, [NASTY[i % 2] for i in range(40)])
    assert text.count("<script") == 2
    assert "<img src=x" not in text
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert "script-src &#39;sha256-" in text


def test_a_page_that_cannot_be_written_leaves_what_was_there(model, flowers, tmp_path):
    with pytest.raises(OutputError, match="there is no folder"):
        model.report(tmp_path / "none" / "r.html", flowers)


def blobs(centres: int, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(centres), size)
    return rng.normal(size=(len(labels), 3)) + 20.0 * labels[:, None], labels


@settings(max_examples=25, deadline=None)
@given(
    centres=st.integers(1, 6),
    size=st.integers(1, 30),
    seed=st.integers(0, 100),
    noisy=st.booleans(),
)
def test_profiles_are_of_the_rows_of_their_cluster(centres, size, seed, noisy):
    x, labels = blobs(centres, size, seed)
    if noisy:
        labels = np.where(np.arange(len(labels)) % 7 == 0, NOISE, labels)
    found = profiles(x, labels, features=x, names=("a", "b", "c"), random_state=seed)
    assert [profile.label for profile in found] == np.unique(labels).tolist()
    assert sum(profile.size for profile in found) == len(x)
    for profile in found:
        assert (labels[list(profile.exemplars)] == profile.label).all()
        assert len(set(profile.exemplars)) == len(profile.exemplars) >= 1
        assert all(0 < share <= 1 and label != profile.label for label, share in profile.touches)


def test_clusters_that_lie_next_to_each_other_touch():
    line = np.arange(300, dtype=np.float64)[:, None] * [1.0, 0.0]
    labels = np.repeat([0, 1, 2], 100)
    first, middle, last = profiles(line, labels)
    assert [label for label, _ in first.touches] == [1]
    assert {label for label, _ in middle.touches} == {0, 2}
    assert [label for label, _ in last.touches] == [1]
    assert abs(middle.exemplars[0] - 150) <= 2


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.full(30, NOISE), "30 rows in 0 clusters"),
        (np.zeros(30, dtype=int), "30 rows in 1 cluster<"),
        (np.arange(30), "30 rows in 30 clusters"),
    ],
)
def test_all_noise_one_cluster_and_a_cluster_per_row_are_shown(labels, said, tmp_path):
    x = np.random.default_rng(0).normal(size=(30, 4))
    view = RunView(name="n", labels=labels, coordinates=x, rows=x, feature_names=tuple("abcd"))
    assert said in write_run_report(view, tmp_path / "r.html").read_text()


@pytest.mark.parametrize("laid_out", [True, False])
def test_many_rows_are_not_copied_whole(tmp_path, monkeypatch, laid_out):
    """Of a fit out of core, copies of all rows or coordinates would not keep to its memory."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200_000)
    labels[:50] = NOISE
    x = (rng.normal(size=(len(labels), 96)) + labels[:, None]).astype(np.float32)
    monkeypatch.setattr("n2d_framework.plots.row_sample._FOR_AXES", 20_000)
    plane = x[:, :2] if laid_out else None
    view = RunView(name="m", labels=labels, coordinates=x, plane=plane, rows=x)
    tracemalloc.start()
    try:
        write_run_report(view, tmp_path / "r.html")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2.5 * x.nbytes


def test_of_more_rows_than_points_all_are_counted_in_cells():
    rng = np.random.default_rng(0)
    plane, codes = rng.normal(size=(3000, 2)), rng.integers(0, 3, 3000)
    assert points(plane, np.arange(3000), codes)["cells"] is None
    plane[:40], codes[:25], codes[25:40] = plane[0], 2, 1
    made = points(plane, np.arange(0, 3000, 30), codes)
    cells, n = made["cells"], made["cells"]["side"]
    read = {"at": "<u4", "cluster": "<u2", "depth": "<u1"}
    at, cluster, depth = (numbers(cells[name], kind) for name, kind in read.items())
    x, y = (numbers(made[name], "<u2").astype(int) for name in "xy")
    of_points = (y * n // 65536) * n + x * n // 65536
    assert set(of_points.tolist()) <= set(at.tolist())
    assert (np.diff(at.astype(int)) > 0).all()
    (fullest,) = np.flatnonzero(depth == 255)
    assert (at[fullest], cluster[fullest]) == (of_points[0], 2)
    alone = round(255 * np.log(2) / np.log1p(40))
    assert {alone} <= set(depth[depth < 255].tolist())


def test_ten_thousand_clusters_stay_small(tmp_path):
    x = np.random.default_rng(0).normal(size=(20_000, 2))
    view = RunView(name="n", labels=np.arange(20_000) // 2, coordinates=x)
    path = write_run_report(view, tmp_path / "r.html")
    assert path.stat().st_size < 3_000_000
    assert "9,800 smaller ones have no card" in path.read_text()


def test_described_clusters_are_the_clusters(model, flowers):
    described = model.describe(flowers, n_exemplars=3, n_features=2)
    assert described["n_rows"] == 150
    assert [about["label"] for about in described["clusters"]] == [0, 1, 2]
    for about in described["clusters"]:
        own = model.labels_ == about["label"]
        assert about["size"] == own.sum()
        assert about["share"] == pytest.approx(own.mean())
        rows = [int(name.removeprefix("plant ")) for name in about["exemplars"]]
        assert len(rows) == 3
        assert own[rows].all()
        for contrast in about["distinctive"]:
            values = flowers[contrast["feature"]].to_numpy()
            assert contrast["mean"] == pytest.approx(values[own].mean())
            assert contrast["others"] == pytest.approx(values[~own].mean())
            assert contrast["low"] < contrast["effect"] < contrast["high"]
    assert json.loads(json.dumps(described)) == described
    assert model.describe(flowers, keep_rows=False)["clusters"][0]["exemplars"] == []


def test_rules_hold_as_often_as_they_say(model, flowers):
    described = model.describe(flowers)
    assert described["fidelity"] > 0.9
    for about in described["clusters"]:
        rule = about["rule"]
        met = np.ones(len(flowers), dtype=bool)
        for condition in rule["conditions"]:
            feature, sign, at = condition.rsplit(" ", 2)
            values = flowers[feature].to_numpy()
            met &= values <= float(at) if sign == "<=" else values > float(at)
        own = model.labels_ == about["label"]
        assert own[met].mean() == pytest.approx(rule["precision"], abs=0.02)
        assert met[own].mean() == pytest.approx(rule["share"], abs=0.02)


def test_what_is_said_of_a_cluster_is_parted_and_scores_have_a_direction(model, flowers, tmp_path):
    text = read(model, tmp_path / "r.html", flowers, y=load_iris().target)
    notes = re.findall(r'<p class="note">\s*(density .*?)\s*(?:<br>.*?)?</p>', text, re.DOTALL)
    assert len(notes) == 3
    for note in notes:
        parts = note.strip().split(" · ")
        assert [part.split()[0] for part in parts] == ["density", "mean", "touches"][: len(parts)]
        assert "·" not in "".join(parts)
    assert any("touches" in note for note in notes)
    assert "<dt>davies_bouldin (less is better)</dt>" in text
    assert "<dt>nmi</dt>" in text


def card_of(page: str, label: int) -> str:
    """The card of a cluster as plain words."""
    card = page.split(f'id="cluster-{label}"')[1].split("</article>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", card)).split())


def test_cards_say_what_describe_says(model, flowers, tmp_path):
    page, described = read(model, tmp_path / "r.html", flowers), model.describe(flowers)
    assert described["rules"].startswith("The rules give 9")
    assert described["rules"] in page
    for about in described["clusters"]:
        card, rule = card_of(page, about["label"]), about["rule"]
        of_rows = f"({rule['share']:.0%} of its rows; {rule['precision']:.0%} right)"
        assert f"rule: {' and '.join(rule['conditions'])} {of_rows}" in card
        for one in about["distinctive"]:
            assert f"{one['effect']:+.2f} [{one['low']:.2f}, {one['high']:.2f}]" in card
        assert f"{about['exemplars'][0]} (medoid) , {about['exemplars'][1]} ," in card


@pytest.mark.parametrize(
    ("rows", "shape", "why"),
    [
        (np.random.default_rng(0).normal(size=(60, 3)), None, "a shallow tree gives only "),
        (np.random.default_rng(0).normal(size=(60, 4, 4)), (4, 4), "rows are images."),
        (None, None, "rows are texts."),
    ],
)
def test_cards_say_why_there_are_no_rules(rows, shape, why, tmp_path):
    labels = np.random.default_rng(1).integers(0, 3, 60)
    x = np.random.default_rng(0).normal(size=(60, 2))
    view = RunView(
        name="n", labels=labels, coordinates=x, rows=rows, image_shape=shape,
        texts=["some words"] * 60 if rows is None else None,
    )  # fmt: skip
    page = write_run_report(view, tmp_path / "r.html").read_text(encoding="utf-8")
    assert f"No rules: {why}" in page
    assert "rule: " not in card_of(page, 0)
    assert "medoid" in card_of(page, 0)


def test_rules_that_would_describe_something_else_are_not_given():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3))
    found = surrogate(x, rng.integers(0, 4, 400), ("a", "b", "c"))
    assert found is not None
    assert found.fidelity < 0.5
    assert found.rules == ()
    assert surrogate(x, np.zeros(400, dtype=int), ("a", "b", "c")) is None


def test_rules_of_very_many_features_ask_about_the_telling_ones():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 100)
    x = rng.normal(size=(300, 1500))
    x[:, 1400] += 20 * labels
    found = surrogate(x, labels, [f"f{i}" for i in range(1500)])
    assert found is not None
    assert found.fidelity == 1.0
    assert {c.split()[0] for rule in found.rules for c in rule.conditions} == {"f1400"}
    assert len(found.rules) == 3


def test_describing_keeps_the_parameter_of_the_same_name():
    from sklearn.base import clone

    model = n2d.N2D(*TRIO, n_clusters=3, describe="summary", random_state=0)
    assert model.get_params()["describe"] == "summary"
    assert clone(model).get_params()["describe"] == "summary"
    model.set_params(describe__n_features=3)
    assert model.get_params()["describe"] == {"name": "summary", "n_features": 3}
    assert callable(model.describe)
    x = load_iris().data
    assert "summary" in model.fit(x).describe(x)["components"]


@pytest.mark.parametrize("times", [1, 12])
def test_the_density_of_clusters_is_said_beside_the_others(times):
    """A cluster five times as narrow; and one whose rows are all at a few places."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1, (120, 2)), rng.normal(0, 0.2, (120, 2)) + 20])
    x[120:] = np.repeat(x[120 : 120 + 120 // times], times, axis=0)
    model = n2d.N2D("identity", "identity", "kmeans", n_clusters=2, scaler="none",
                    random_state=0).fit(x)  # fmt: skip
    about = {one["label"]: one for one in model.describe(x)["clusters"]}
    wide, narrow = about[model.labels_[0]], about[model.labels_[-1]]
    if times == 1:
        assert narrow["density"] / wide["density"] == pytest.approx(5.0, rel=0.3)
        assert wide["density"] < 1 < narrow["density"]
    else:
        assert narrow["density"] is None
    assert wide["confidence"] is None
    model.stability(x, resamples=3, seeds=2, keep=True)
    sure = model.confidence(x)
    for label, one in {one["label"]: one for one in model.describe(x)["clusters"]}.items():
        assert one["confidence"] == pytest.approx(sure[model.labels_ == label].mean())
