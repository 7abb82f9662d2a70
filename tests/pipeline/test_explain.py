"""Why a row is in its cluster: neighbours, margin, and changes that are predicted to move it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.manifold import SpectralEmbedding

import n2d_framework as n2d
from n2d_framework.errors import DataError, UnsupportedError


def fitted(x, clusterer="kmeans", **more):
    more = {"n_clusters": 2, "random_state": 0} | more
    embedder = more.pop("embedder", "identity")
    return n2d.N2D(embedder, "identity", clusterer, **more).fit(x)


@pytest.fixture(scope="module")
def people():
    """Two groups that differ in size and side; each row has an id, one a gap."""
    rng = np.random.default_rng(0)
    odd = np.arange(80) % 2 == 1
    frame = pd.DataFrame(
        {
            "size": np.where(odd, 1.0, 5.0) + rng.normal(0, 0.3, 80),
            "side": np.where(odd, "left", "right"),
            "same": rng.normal(size=80),
        },
        index=[f"p{i}" for i in range(80)],
    )
    frame.loc["p9", "size"] = np.nan
    return frame


def test_neighbours_and_margin_are_those_of_the_coordinates(people):
    x = people[["same"]].assign(place=np.repeat([0.0, 10.0], 40) + np.arange(80) * 0.01)
    model = fitted(x, scaler="none")
    (about,) = model.explain(x, "p39", n_exemplars=4)
    points, own = model.manifold_.astype(float), model.labels_ == model.labels_[39]
    apart = np.linalg.norm(points - points[39], axis=1)
    apart[39] = np.inf
    order = np.argsort(apart)
    assert about["exemplars"] == [f"p{i}" for i in order if own[i]][:4]
    assert about["exemplars_of_second"] == [f"p{i}" for i in order if not own[i]][:4]
    here, there = (np.sort(apart[side])[:5].mean() for side in (own, ~own))
    assert about["margin"] == pytest.approx((there - here) / max(here, there))
    assert about["label"] == model.labels_[39] != about["second"]["label"]
    assert json.loads(json.dumps(about)) == about


def test_what_would_move_a_row_is_what_the_model_predicts(people):
    model = fitted(people, embedder="pca", prepare="table")
    (about,) = model.explain(people, ["p3"])
    assert {move["what"] for move in about["moves"][:2]} == {"side", "size"}
    changed = people.copy()
    for move in about["moves"]:
        assert move["value"] == people.loc["p3", move["what"]]
        changed = people.astype(object).loc[["p3"]]
        changed[move["what"]] = move["becomes"]
        changed = changed.astype(people.dtypes.to_dict())
        assert model.predict(changed).tolist() == [move["label"]]
        assert move["margin"] <= about["margin"] + 0.1
    assert about["moves"][0]["label"] == about["second"]["label"]
    (gap,) = model.explain(people, "p9")
    assert {move["what"]: move["value"] for move in gap["moves"]}["size"] is None


def test_images_sparse_rows_and_texts_have_parts_that_move_them(people):
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 0.1, (60, 8, 8))
    images[::2, :2, :2] = 1.0
    (about,) = fitted(images).explain(images, 0)
    assert about["moves"][0]["what"] == "rows 0 to 1, columns 0 to 1"
    assert about["moves"][0]["label"] == about["second"]["label"]
    flat = images.reshape(60, -1) * (images.reshape(60, -1) > 0.05)
    sparse = csr_array(flat)
    model = fitted(sparse, embedder="truncated_svd")
    (about,) = model.explain(sparse, 1)
    assert {move["what"] for move in about["moves"]} == {f"feature {i}" for i in (0, 1, 8, 9)} | {
        move["what"] for move in about["moves"][4:]
    }
    texts = ["red wine and grapes", "blue sky and sea"] * 20
    texts = [f"{text} {i}" for i, text in enumerate(texts)]
    from n2d_framework.core.rows import Rows
    from n2d_framework.pipeline.after_fit.explaining import _changes

    rows = Rows.of(texts)
    first, second = rows.take(np.array([0])), rows.take(np.array([1]))
    said = [one.what for one in _changes(first, first, second, 5)]
    name = rows.schema.names[0]
    assert said == [f"{name}: without {word!r}" for word in ("red", "wine", "and", "grapes", "0")]


def test_noise_one_cluster_and_models_that_place_no_rows():
    side = np.repeat([[0.0, 0.0], [9.0, 0.0]], 20, axis=0)
    x = np.concatenate([side + np.random.default_rng(0).normal(size=(40, 2)), [[4.0, 30.0]]])
    model = fitted(x, {"name": "hdbscan", "min_cluster_size": 8, "min_samples": 5})
    assert model.labels_[-1] == -1
    (about,) = model.explain(x, 40)
    assert (about["name"], about["margin"], about["exemplars"]) == ("noise", None, [])
    assert about["second"] is not None
    assert {move["label"] for move in about["moves"]} <= {-1, 0, 1}
    nothing = fitted(x, {"name": "hdbscan", "min_cluster_size": 40})
    assert nothing.explain(x, 0)[0]["second"] is None
    (alone,) = fitted(x, n_clusters=1).explain(x, 0)
    assert (alone["second"], alone["margin"], alone["moves"]) == (None, None, [])
    spectral = n2d.adapt("manifolder", SpectralEmbedding, n_components=2)
    model = n2d.N2D("identity", spectral, "kmeans", n_clusters=2, random_state=0).fit(x)
    assert model.explain(x, [0])[0]["moves"] == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("p99", "row p99: there is no such row; rows are named by their ids"),
        (80, "row 80: there is no such row"),
        (-1, "row -1: there is no such row"),
        (1.5, "row 1.5: rows are named by ids"),
        ([0, True], "row True: rows are named by ids"),
    ],
)
def test_unknown_rows_are_refused(people, row, said):
    model = fitted(people[["same"]])
    with pytest.raises(DataError, match=said):
        model.explain(people[["same"]], row)
    twice = people[["same"]].rename(index={"p1": "p0"})
    with pytest.raises(DataError, match="row p0: 2 rows have this id"):
        model.explain(twice, "p0")
    assert fitted(people[["same"]].to_numpy()).explain(people[["same"]].to_numpy(), "7")


def test_a_new_row_by_itself_is_compared_with_the_rows_of_the_fit(people, tmp_path):
    model = fitted(people, embedder="pca", prepare="table")
    new = people.iloc[[3]].rename(index={"p3": "new"})
    new["size"] += 0.01
    (about,) = model.explain(new)
    assert about["row"] == "new"
    assert about["label"] == model.predict(new)[0]
    assert about["exemplars"][0] == "p3"
    assert about["moves"] is None
    (whole,) = model.explain(new, among=people)
    assert {key: about[key] for key in about if key != "moves"} == {
        key: whole[key] for key in whole if key != "moves"
    }
    assert {move["what"] for move in whole["moves"][:2]} == {"side", "size"}
    (known,) = model.explain(people, ["p3"])
    (same,) = model.explain(people.iloc[[3]], among=people)
    assert (same["exemplars"], same["margin"]) == (known["exemplars"], known["margin"])
    assert [move["label"] for move in same["moves"]] == [move["label"] for move in known["moves"]]
    assert "p3" not in model.explain(people.iloc[[3]])[0]["exemplars"]
    assert len(model.explain(people.iloc[3:6])) == 3
    assert [one["moves"] is None for one in model.explain(people)] == [False] * 80
    with pytest.raises(DataError, match="one row, and no others to compare it with"):
        model.explain(new, "new")
    model.save(tmp_path / "m.n2d")
    again = n2d.load(tmp_path / "m.n2d")
    with pytest.raises(UnsupportedError, match="give rows to compare with, as among"):
        again.explain(new)
    assert again.explain(new, among=people) == [whole]
    again.edit(people).split(int(about["label"]), 2).undo().must_link(["p0", "p2"])
    again.save(tmp_path / "m.n2d")
    (kept,) = n2d.load(tmp_path / "m.n2d").explain(new)
    assert (kept["margin"], kept["exemplars"][0]) == (about["margin"], 3)


def test_new_images_and_sparse_rows_are_explained_beside_others():
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 0.1, (60, 8, 8))
    images[::2, :2, :2] = 1.0
    (about,) = fitted(images[2:]).explain(images[:1], among=images[2:])
    assert about["moves"][0]["what"] == "rows 0 to 1, columns 0 to 1"
    flat = csr_array(images.reshape(60, -1) * (images.reshape(60, -1) > 0.05))
    model = fitted(flat[2:], embedder="truncated_svd")
    (about,) = model.explain(flat[[1]], among=flat[2:])
    assert {move["what"] for move in about["moves"]} >= {f"feature {i}" for i in (0, 1, 8, 9)}
