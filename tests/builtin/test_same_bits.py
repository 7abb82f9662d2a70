"""Equal rows have equal bits wherever they stand, whatever the widths, threads and processor."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from n2d_builtin.adapted import AdaptedTransformer
from n2d_builtin.gmm.bayesian_gmm import BayesianGaussianMixture
from n2d_builtin.gmm.gmm import GaussianMixture
from n2d_builtin.isomap.isomap import Isomap
from n2d_builtin.linear.linear import PCAEmbedder, PCAManifolder
from n2d_builtin.linear.truncated_svd import TruncatedSVDEmbedder
from n2d_framework.plugin import FitContext

#: More than any kernel takes at once, and no multiple of a block.
_PLACES = 203


def _pairs(n: int, d: int):
    """Rows whose second half repeats the first, and one for which the halves cancel out.

    What is left of a sum that cancels is rounding, which rounding to float32 does not hide.
    """
    half = np.random.default_rng(d).standard_normal((n, d // 2), dtype=np.float32)
    return np.concatenate([half, half], axis=1), np.concatenate([half[:1], -half[:1]], axis=1)


_WIDE = {
    "pca, 257 outputs": (PCAManifolder(n_components=257), "transform", 280, 534),
    "pca, 500 outputs": (PCAEmbedder(latent_dim=500, whiten=True), "transform", 510, 1020),
    "truncated_svd": (TruncatedSVDEmbedder(latent_dim=257), "transform", 280, 534),
    "gmm": (GaussianMixture(n_clusters=1, n_init=1), "score_samples", 300, 258),
    "bayesian_gmm": (BayesianGaussianMixture(n_clusters=1, n_init=1), "predict_proba", 300, 500),
    "isomap": (Isomap(n_components=257), "transform", 280, 40),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("wide", list(_WIDE))
def test_equal_rows_of_wide_products(wide):
    component, verb, n, d = _WIDE[wide]
    rows, row = _pairs(n, d)
    component.fit(rows, context=FitContext(seed=0))
    ask = getattr(component, verb)
    expected = ask(row)
    for threads in (1, 2, 3):
        with threadpool_limits(threads):
            found = ask(np.repeat(row, _PLACES, axis=0))
        differ = np.flatnonzero((found != expected).reshape(_PLACES, -1).any(axis=1))
        assert not len(differ), f"{threads} threads: other bits in rows {differ[:5]}"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("decomposition:NMF", {"n_components": 5, "max_iter": 5}),  # one stop for all rows
        ("decomposition:KernelPCA", {"kernel": "rbf", "n_components": 5}),
        ("cluster:Birch", {"n_clusters": 5}),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_classes_of_scikit_learn_in_any_company(name, options):
    rng = np.random.default_rng(0)
    x = np.abs(rng.standard_normal((300, 33), dtype=np.float32))
    fitted = AdaptedTransformer(factory=f"sklearn.{name}", options=options)
    fitted.fit(x, context=FitContext(seed=0))
    whole = fitted.transform(x)
    for rows in ([7], rng.permutation(300)[:31], np.arange(97)[::-1], np.arange(43, 300)):
        np.testing.assert_array_equal(fitted.transform(x[rows]), whole[rows])
    state = fitted.get_state()
    older = AdaptedTransformer(factory=fitted.factory, options=options)
    older.set_state(older.upgrade_state({k: state[k] for k in state if k != "at_once"}, 3))
    np.testing.assert_allclose(older.transform(x), whole, rtol=1e-2, atol=1e-3)
    assert older.at_once_ == 256, "bundles of before are asked as before"


_NETWORKS = """
import numpy as np
from keras import Input, Sequential, layers
from n2d_builtin.autoencoders.custom import KerasEmbedder
from n2d_framework.plugin import FitContext
convolved = [layers.Conv2D(32, 3, padding="same"), layers.Conv2D(64, 3, 2), layers.Flatten()]
encoder = Sequential([Input((28, 28, 1)), *convolved, layers.Dense(5)])
decoder = Sequential([Input((5,)), layers.Dense(784), layers.Reshape((28, 28, 1))])
rows = np.random.default_rng(0).random((16, 784), dtype=np.float32)
fitted = KerasEmbedder.from_models(encoder, decoder, epochs=1, precision="float32")
fitted.fit(rows, context=FitContext(seed=0))
latent = fitted.transform(rows[:1])
for ask, row in ((fitted.transform, rows[:1]), (fitted.reconstruct, latent)):
    expected = ask(row)
    for count in (2, 7, 61, 150):
        assert (ask(np.repeat(row, count, axis=0)) == expected).all(), (row.shape, count)
"""


def test_own_networks_on_a_processor_without_avx512():
    """In float32, oneDNN's products for AVX2 round a row by its place."""
    environment = os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-W", "ignore", "-c", _NETWORKS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
