"""Contract of every manifolder and linear component, checked in one place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from n2d_builtin.isomap.isomap import Isomap
from n2d_builtin.linear.linear import Identity, PCAEmbedder, PCAManifolder
from n2d_builtin.spectral.lle import LocallyLinear
from n2d_builtin.spectral.spectral import Spectral
from n2d_builtin.tsne.tsne import Tsne
from n2d_builtin.umap.umap import Umap
from n2d_framework.plugin import DataError, FitContext, StateError

MAKERS = {
    "umap": lambda: Umap(n_neighbors=8, n_components=3, n_epochs=30, transform_epochs=20),
    "umap_cosine": lambda: Umap(
        n_neighbors=8, metric="cosine", init="pca", local_connectivity=2.5, n_epochs=30
    ),
    "isomap": lambda: Isomap(n_neighbors=6, n_components=3),
    "isomap_landmarks": lambda: Isomap(n_neighbors=6, max_landmarks=100, metric="manhattan"),
    "spectral": lambda: Spectral(n_neighbors=6, n_components=3),
    "spectral_landmarks": lambda: Spectral(
        n_neighbors=6, max_landmarks=100, metric="cosine", affinity="connectivity"
    ),
    "lle": lambda: LocallyLinear(n_neighbors=6, n_components=3, max_landmarks=150),
    "tsne": lambda: Tsne(
        perplexity=8.0, n_iter=40, early_exaggeration_iter=20, transform_iter=30
    ),
    "tsne_1d": lambda: Tsne(
        n_components=1, perplexity=8.0, n_iter=20, early_exaggeration_iter=20,
        transform_iter=10, initialization="spectral", negative_gradient_method="fft",
    ),
    "pca_embedder": lambda: PCAEmbedder(latent_dim=5),
    "pca_manifolder": lambda: PCAManifolder(n_components=3, whiten=True),
    "identity": Identity,
}  # fmt: skip


def data():
    digits = load_digits().data[:260]
    rows = PCA(8, random_state=0).fit_transform(digits).astype(np.float32)
    return rows[:200], rows[200:]


def coordinates(model, x, context):
    if hasattr(model, "fit_transform"):
        return model.fit_transform(x, context=context)
    return model.fit(x, context=context).transform(x)


def pack(states, outputs):
    arrays = {f"out:{name}": value for name, value in outputs.items()}
    for name, state in states.items():
        arrays |= {f"state:{name}:{key}": np.asarray(value) for key, value in state.items()}
    return arrays


def unpack(archive, name):
    prefix = f"state:{name}:"
    found = {k.removeprefix(prefix): archive[k] for k in archive.files if k.startswith(prefix)}
    return {key: value.item() if value.ndim == 0 else value for key, value in found.items()}


@pytest.fixture(scope="module")
def fitted():
    train, new = data()
    models, trained = {}, {}
    for name, make in MAKERS.items():
        models[name] = make()
        trained[name] = coordinates(models[name], train, FitContext(seed=3, n_jobs=1))
    return train, new, models, trained


def in_fresh_process(code, *arguments, **environment):
    here = str(Path(__file__).parent)
    script = f"import sys; sys.path.insert(0, {here!r})\nimport numpy as np\n{code}"
    subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        check=True, env=os.environ | environment, timeout=300,
    )  # fmt: skip


def test_same_seed_gives_the_same_in_another_process_with_other_threads(fitted, tmp_path):
    _, new, models, trained = fitted
    code = f"""
from {Path(__file__).stem} import *
train, new = data()
out = {{}}
for name, make in MAKERS.items():
    model = make()
    out[name + "/train"] = coordinates(model, train, FitContext(seed=3, n_jobs=2))
    out[name + "/new"] = model.transform(new)
assert "tensorflow" not in sys.modules
np.savez(sys.argv[1], **pack({{}}, out))
"""
    in_fresh_process(code, tmp_path / "other.npz", OMP_NUM_THREADS="2", OPENBLAS_NUM_THREADS="2")
    with np.load(tmp_path / "other.npz") as other:
        for name, model in models.items():
            np.testing.assert_array_equal(other[f"out:{name}/train"], trained[name], name)
            np.testing.assert_array_equal(other[f"out:{name}/new"], model.transform(new), name)


def test_state_restores_bit_identically_in_a_fresh_process_without_umap(fitted, tmp_path):
    _, new, models, _ = fitted
    states = {name: model.get_state() for name, model in models.items()}
    np.savez(tmp_path / "states.npz", **pack(states, {}))
    code = f"""
sys.modules["umap"] = None
from {Path(__file__).stem} import *
_, new = data()
out = {{}}
with np.load(sys.argv[1], allow_pickle=False) as archive:
    for name, make in MAKERS.items():
        model = make()
        model.set_state(unpack(archive, name))
        out[name] = model.transform(new)
np.savez(sys.argv[2], **pack({{}}, out))
"""
    in_fresh_process(code, tmp_path / "states.npz", tmp_path / "out.npz", NUMBA_NUM_THREADS="1")
    with np.load(tmp_path / "out.npz") as other:
        for name, model in models.items():
            np.testing.assert_array_equal(other[f"out:{name}"], model.transform(new), name)


@pytest.mark.parametrize("name", MAKERS)
def test_a_row_gets_the_same_coordinates_in_any_company(fitted, name):
    train, new, models, _ = fitted
    transform = models[name].transform
    rows = np.concatenate([new, train[:40]])
    together = transform(rows)
    assert together.dtype == np.float32
    single = np.concatenate([transform(row[None]) for row in rows])
    sevens = np.concatenate([transform(rows[i : i + 7]) for i in range(0, len(rows), 7)])
    many = transform(np.concatenate([rows] * 13))[-len(rows) :]
    np.testing.assert_array_equal(single, together)
    np.testing.assert_array_equal(sevens, together)
    np.testing.assert_array_equal(transform(rows[::-1])[::-1], together)
    np.testing.assert_array_equal(many, together)
    assert transform(rows[:0]).shape == (0, together.shape[1])


@pytest.mark.parametrize("name", MAKERS)
def test_training_rows_are_placed_where_training_put_them(fitted, name):
    train, _, models, trained = fitted
    np.testing.assert_array_equal(models[name].transform(train), trained[name])


@pytest.mark.parametrize("name", MAKERS)
def test_transform_does_not_change_the_model_nor_its_input(fitted, name):
    _, new, models, _ = fitted
    before = {key: np.copy(value) for key, value in models[name].get_state().items()}
    rows = new.copy()
    models[name].transform(rows)[:] = 0
    np.testing.assert_array_equal(rows, new)
    for key, value in models[name].get_state().items():
        np.testing.assert_array_equal(before[key], value)


@pytest.mark.parametrize("name", MAKERS)
def test_fit_forgets_the_earlier_fit_and_leaves_its_input_alone(fitted, name):
    train, new, models, _ = fitted
    model = MAKERS[name]()
    other = np.ascontiguousarray(train[:150, :5])
    model.fit(other, context=FitContext(seed=9))
    rows = train.copy()
    rows.flags.writeable = False
    model.fit(rows, context=FitContext(seed=3))
    np.testing.assert_array_equal(model.transform(new), models[name].transform(new))


@pytest.mark.parametrize("name", MAKERS)
def test_every_missing_or_altered_part_of_a_state_is_refused(fitted, name):
    state = fitted[2][name].get_state()
    for key, value in state.items():
        wrong = [None, "text", {k: v for k, v in state.items() if k != key}]
        if isinstance(value, np.ndarray):
            wrong += [value[..., :-1], value.astype(np.int32), np.full_like(value, np.nan)]
            wrong += [value[None], value[:0]]
        for item in wrong:
            broken = item if isinstance(item, dict) else {**state, key: item}
            if _same_shapes(broken, state):
                continue
            with pytest.raises(StateError):
                MAKERS[name]().set_state(broken)


def _same_shapes(broken, state):
    """Fewer columns of coordinates are a smaller model, not a broken one."""
    return all(
        isinstance(broken.get(key), type(value))
        and (not isinstance(value, np.ndarray) or broken[key].dtype == value.dtype)
        and (not isinstance(value, np.ndarray) or np.isfinite(broken[key]).all())
        and (
            not isinstance(value, np.ndarray)
            or broken[key].shape == value.shape
            or (key in ("embedding", "latent", "landmarks") and broken[key].ndim == 2
                and len(broken[key]) == len(value) and broken[key].size > 0)
        )
        for key, value in state.items()
    )  # fmt: skip


@pytest.mark.parametrize("name", MAKERS)
def test_unfitted_and_wrong_features_are_refused(fitted, name):
    _, new, models, _ = fitted
    with pytest.raises(StateError, match="not fitted"):
        MAKERS[name]().transform(new)
    with pytest.raises(StateError, match="not fitted"):
        MAKERS[name]().get_state()
    with pytest.raises(DataError, match="8 features"):
        models[name].transform(new[:, :7])


@pytest.mark.parametrize("name", MAKERS)
def test_duplicates_and_constant_columns_work(name):
    train, _ = data()
    rows = np.repeat(train[:60], 3, axis=0)
    rows[:, 2] = 7
    found = coordinates(MAKERS[name](), rows, FitContext(seed=1))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("name", MAKERS)
def test_equal_rows_work_or_are_refused_with_their_number(name):
    rows = np.full((60, 4), 3, dtype=np.float32)
    model = MAKERS[name]()
    if name.startswith(("umap", "tsne", "isomap", "spectral", "lle")):
        with pytest.raises(DataError, match="only 1 of the 60 rows are distinct"):
            model.fit(rows, context=FitContext(seed=1))
        return
    assert np.isfinite(coordinates(model, rows, FitContext(seed=1))).all()
    assert np.isfinite(model.transform(rows[:2] + 1)).all()


@pytest.mark.parametrize("name", MAKERS)
def test_fits_at_the_least_number_of_rows_and_says_why_not_below(name):
    train, _ = data()
    model = MAKERS[name]()
    least = next(n for n in range(1, 200) if not model.check_input(n, (8,)))
    found = coordinates(model, train[:least], FitContext(seed=1))
    assert found.shape[0] == least
    assert np.isfinite(found).all()
    reasons = model.check_input(least - 1, (8,))
    assert all(f"got {least - 1}" in reason for reason in reasons)
    with pytest.raises(DataError, match=f"got {least - 1}"):
        model.fit(train[: least - 1], context=FitContext(seed=1))


@pytest.mark.parametrize("name", MAKERS)
def test_importing_and_describing_a_component_is_light(name):
    maker = type(MAKERS[name]())
    code = f"""
import {maker.__module__}
heavy = {{"tensorflow", "keras", "numba", "umap", "sklearn", "scipy", "openTSNE"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    if name in ("umap", "isomap", "spectral", "lle", "tsne", "pca_embedder"):
        in_fresh_process(code)
