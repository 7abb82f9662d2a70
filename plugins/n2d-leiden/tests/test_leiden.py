"""Communities, votes, states, and the framework's kit."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from n2d_leiden.leiden import Leiden
from sklearn.datasets import load_digits, make_blobs
from sklearn.metrics import adjusted_rand_score

import n2d_framework as n2d
from n2d_framework.plugin import DataError, FitContext, StateError
from n2d_framework.testing import conformance

CONTEXT = FitContext(seed=3)
ROWS, Y = make_blobs(300, 4, centers=5, cluster_std=0.6, random_state=2)
ROWS = ROWS.astype(np.float32)

test_conformance = conformance("n2d-leiden")


@pytest.mark.parametrize("objective", ["modularity", "cpm"])
@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev"])
def test_blobs_are_found_and_numbered_by_size(objective, metric):
    resolution = 0.5 if objective == "modularity" else 0.02
    rows = np.concatenate([ROWS, ROWS[Y == 4]])
    model = Leiden(resolution=resolution, objective=objective, metric=metric)
    model.fit(rows, context=CONTEXT)
    assert adjusted_rand_score(np.concatenate([Y, Y[Y == 4]]), model.labels_) == 1
    assert np.bincount(model.labels_).tolist() == [120, 60, 60, 60, 60]
    assert model.n_clusters_ == 5


def test_the_resolution_sets_how_many_there_are():
    x = load_digits().data.astype(np.float32)
    coarse = Leiden(resolution=0.2).fit(x, context=CONTEXT)
    fine = Leiden(resolution=3.0).fit(x, context=CONTEXT)
    default = Leiden().fit(x, context=CONTEXT)
    assert coarse.n_clusters_ < default.n_clusters_ < fine.n_clusters_
    assert adjusted_rand_score(load_digits().target, default.labels_) > 0.85


def test_new_rows_are_voted_on_one_by_one():
    model = Leiden().fit(ROWS[:250], context=CONTEXT)
    np.testing.assert_array_equal(model.predict(ROWS[:250]), model.labels_)
    whole, shares = model.predict(ROWS), model.predict_proba(ROWS)
    np.testing.assert_array_equal(shares.argmax(axis=1), whole)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    for part in (slice(7, 8), slice(None, None, -1), slice(100, 290)):
        np.testing.assert_array_equal(model.predict_proba(ROWS[part]), shares[part])
    np.testing.assert_array_equal(shares[:250].max(axis=1), 1)  # their own label alone
    again = Leiden()
    again.set_state(model.get_state())
    np.testing.assert_array_equal(again.predict_proba(ROWS), shares)


def test_votes_do_not_depend_on_the_unit():
    model = Leiden().fit(ROWS, context=CONTEXT)
    tiny = Leiden().fit(np.ldexp(ROWS, -60), context=CONTEXT)
    np.testing.assert_array_equal(tiny.labels_, model.labels_)
    new = ROWS[::3] + np.float32(0.25)
    np.testing.assert_array_equal(tiny.predict_proba(np.ldexp(new, -60)), model.predict_proba(new))


def test_equal_rows_share_a_label():
    rows = np.repeat(ROWS[:60], 5, axis=0)
    model = Leiden(n_neighbors=10).fit(rows, context=CONTEXT)
    assert (model.labels_.reshape(60, 5) == model.labels_[::5, None]).all()


def test_prediction_does_not_need_leidenalg(tmp_path):
    model = n2d.N2D("identity", "identity", "leiden", random_state=0).fit(ROWS)
    model.save(tmp_path / "model.n2d")
    np.save(tmp_path / "rows.npy", ROWS)
    code = (
        "import sys; sys.modules['leidenalg'] = sys.modules['igraph'] = None\n"
        "import numpy as np, n2d_framework as n2d\n"
        f"model = n2d.load({str(tmp_path / 'model.n2d')!r})\n"
        f"print(model.predict(np.load({str(tmp_path / 'rows.npy')!r})).tolist())"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == str(model.labels_.tolist())


def test_what_cannot_be_fitted_or_read_is_refused():
    with pytest.raises(DataError, match="needs at least 15 rows, got 9; lower n_neighbors"):
        Leiden().fit(ROWS[:9], context=CONTEXT)
    model = Leiden().fit(ROWS, context=CONTEXT)
    with pytest.raises(DataError, match="4 features"):
        model.predict(ROWS[:, :2])
    state = dict(model.get_state())
    with pytest.raises(StateError, match="leaves out a label"):
        Leiden().set_state({**state, "point_labels": state["point_labels"] * 2})


def test_the_example_of_the_readme_runs():
    text = (Path(__file__).parents[1] / "README.md").read_text()
    (block,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    namespace: dict[str, object] = {}
    exec(block, namespace)
    assert 8 <= namespace["model"].clusterer_.n_clusters_ <= 13
