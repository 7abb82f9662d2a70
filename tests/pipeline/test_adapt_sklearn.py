"""Every class of scikit-learn that can play a role: fitted, saved, loaded without ``trusted=``."""

from __future__ import annotations

import importlib
import json
import warnings
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import Birch
from sklearn.datasets import load_digits, make_blobs
from sklearn.random_projection import SparseRandomProjection
from sklearn.utils import all_estimators

import n2d_framework as n2d
from n2d_framework.core.trust import PLAIN_TYPES, object_from_state, object_state
from n2d_framework.errors import (
    ConfigError,
    N2DError,
    StageError,
    StateError,
    UnsupportedError,
)

FAMILIES = ("cluster", "decomposition", "manifold", "mixture", "random_projection")
# fmt: off
OPTIONS: dict[str, dict[str, Any]] = {
    "GaussianRandomProjection": {"n_components": 3},
    "SparseRandomProjection": {"n_components": 3, "dense_output": True},
    "LatentDirichletAllocation": {"n_components": 3},
    "LocallyLinearEmbedding": {"n_neighbors": 40},  # with fewer, clusters are points
    "TSNE": {"perplexity": 10, "max_iter": 250},
    "SpectralClustering": {"affinity": "nearest_neighbors", "n_clusters": 3},
    "DictionaryLearning": {"n_components": 2, "max_iter": 1, "transform_algorithm": "threshold"},
    "MiniBatchDictionaryLearning": {
        "n_components": 2, "max_iter": 1, "transform_algorithm": "threshold",
    },
    "SparsePCA": {"n_components": 3, "max_iter": 3},
    "MiniBatchSparsePCA": {"n_components": 3, "max_iter": 3},
    "AffinityPropagation": {"max_iter": 20},
}
# fmt: on
#: What cannot be fitted on rows alone, or gives no labels of rows.
OTHERS = {"SparseCoder", "NeighborhoodComponentsAnalysis"}
#: More options than the defaults, each of which leaves other objects behind.
VARIANTS = [
    ("manifolder", "sklearn.manifold", "Isomap", {"metric": "minkowski", "p": 3}),
    ("manifolder", "sklearn.manifold", "Isomap", {"neighbors_algorithm": "ball_tree"}),
    ("manifolder", "sklearn.manifold", "Isomap", {"metric": "chebyshev"}),
    ("manifolder", "sklearn.manifold", "Isomap", {"metric": "cityblock", "n_neighbors": 7}),
    ("manifolder", "sklearn.manifold", "Isomap", {"metric": "canberra"}),
    ("manifolder", "sklearn.manifold", "Isomap", {"metric": "cosine"}),
    (
        "manifolder",
        "sklearn.manifold",
        "Isomap",
        {"metric": "seuclidean", "metric_params": {"V": [1.0, 2, 3, 4, 5, 6]}},
    ),
    (
        "manifolder",
        "sklearn.manifold",
        "LocallyLinearEmbedding",
        {"method": "ltsa", "n_neighbors": 40},
    ),
    ("manifolder", "sklearn.manifold", "SpectralEmbedding", {"affinity": "rbf"}),
    ("manifolder", "sklearn.decomposition", "KernelPCA", {"kernel": "rbf", "n_components": 3}),
    ("clusterer", "sklearn.cluster", "Birch", {"threshold": 0.05, "branching_factor": 3}),
    ("clusterer", "sklearn.cluster", "Birch", {"n_clusters": None}),
    ("clusterer", "sklearn.cluster", "BisectingKMeans", {"algorithm": "elkan", "n_clusters": 4}),
    ("clusterer", "sklearn.cluster", "MeanShift", {"bin_seeding": True}),
    ("clusterer", "sklearn.cluster", "HDBSCAN", {"store_centers": "both", "copy": True}),
    ("clusterer", "sklearn.cluster", "DBSCAN", {"algorithm": "kd_tree", "eps": 0.2}),
    ("clusterer", "sklearn.cluster", "OPTICS", {"cluster_method": "dbscan", "eps": 0.2}),
    ("manifolder", "sklearn.neighbors", "NeighborhoodComponentsAnalysis", {}),
    ("manifolder", "sklearn.preprocessing", "KBinsDiscretizer", {"encode": "ordinal"}),
    ("manifolder", "sklearn.kernel_approximation", "Nystroem", {"n_components": 5}),
]


def estimators() -> list[Any]:
    """Each class once, in the role that it can play."""
    found = []
    for name, cls in all_estimators():
        family = cls.__module__.split(".")[1]
        if family in FAMILIES:
            role = "clusterer" if family in ("cluster", "mixture") else "manifolder"
            role = "manifolder" if name == "FeatureAgglomeration" else role
            found.append(
                pytest.param(role, f"sklearn.{family}", name, OPTIONS.get(name, {}), id=name)
            )
    return found


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    x, _ = make_blobs(90, 6, centers=3, random_state=0)
    return (x - x.min(axis=0)).astype(np.float32)


@pytest.mark.parametrize(("role", "module", "name", "options"), [*estimators(), *VARIANTS])
def test_it_is_loaded_as_it_was_saved_or_refused_before_training(
    rows, tmp_path, role, module, name, options
):
    cls = getattr(__import__(module, fromlist=[name]), name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trio = {"manifolder": "identity", "clusterer": "kmeans"}
        model = n2d.N2D("identity", **trio, n_clusters=3, random_state=0)
        if name in OTHERS:
            with pytest.raises(N2DError):
                model.set_params(**{role: n2d.adapt(role, cls, **options)}).fit(rows)
            return
        model.set_params(**{role: n2d.adapt(role, cls, **options)}).fit(rows)
        model.save(tmp_path / "model.n2d")
        again = n2d.load(tmp_path / "model.n2d")
    assert np.array_equal(again.labels_, model.labels_)
    before, after = (getattr(found, f"{role}_").estimator_ for found in (model, again))
    assert sorted(vars(after)) == sorted(vars(before))
    new = rows[::3] + np.float32(0.01)
    wide = new.astype(np.float64)  # as it was given the rows
    for verb in ("predict", "transform"):
        if hasattr(before, verb):
            expected = np.asarray(getattr(before, verb)(wide))
            assert np.asarray(getattr(after, verb)(wide)).tobytes() == expected.tobytes()
    if hasattr(before, "predict" if role == "clusterer" else "transform"):
        assert np.array_equal(again.predict(new), model.predict(new))


@pytest.mark.parametrize("name", ["SpectralBiclustering", "SpectralCoclustering"])
def test_clusters_of_rows_and_columns_give_labels_of_rows(rows, tmp_path, name):
    cls = getattr(importlib.import_module("sklearn.cluster"), name)
    clusterer = n2d.adapt("clusterer", cls, n_clusters=3)
    model = n2d.N2D("identity", "identity", clusterer, random_state=0).fit(rows)
    fitted = model.clusterer_.estimator_
    assert np.array_equal(model.labels_, fitted.row_labels_)
    with pytest.raises(UnsupportedError, match="cannot place new rows"):
        model.predict(rows)


@pytest.mark.parametrize(
    ("role", "module", "name", "options", "said"),
    [
        ("manifolder", "decomposition", "SparseCoder", {}, "dictionary: is missing"),
        ("manifolder", "cross_decomposition", "PLSSVD", {}, r"fitted on labels \(y\)"),
        ("embedder", "neighbors", "NeighborhoodComponentsAnalysis", {}, r"fitted on labels \(y\)"),
        ("embedder", "preprocessing", "TargetEncoder", {}, r"fitted on labels \(y\)"),
        ("embedder", "feature_selection", "RFE", {"n_features_to_select": 2}, "fitted on labels"),
        ("clusterer", "cluster", "KMeans", {"n_cluster": 3}, "did you mean 'n_clusters'"),
        ("embedder", "compose", "ColumnTransformer", {}, "transformers: is missing"),
    ],
)
def test_what_cannot_be_fitted_is_refused_before_anything_is(role, module, name, options, said):
    cls = getattr(importlib.import_module(f"sklearn.{module}"), name)
    with pytest.raises(ConfigError, match=said):
        n2d.adapt(role, cls, **options)


@pytest.mark.parametrize(
    ("role", "module", "name", "said"),
    [
        ("clusterer", "cluster", "FeatureAgglomeration", r"labels of shape \(6,\) for 90 rows"),
        ("manifolder", "feature_selection", "SelectKBest", "use a class that needs no labels"),
        ("manifolder", "feature_extraction.text", "HashingVectorizer", "change its options"),
        ("manifolder", "preprocessing", "KernelCenterer", "must be a square matrix"),
        ("embedder", "random_projection", "GaussianRandomProjection", "change its options"),
    ],
)
def test_what_fails_in_the_fit_says_which_class_and_what_to_do(rows, role, module, name, said):
    cls = getattr(importlib.import_module(f"sklearn.{module}"), name)
    trio = {"embedder": "identity", "manifolder": "identity", "clusterer": "kmeans"}
    with pytest.raises(StageError, match=said) as caught:
        n2d.N2D(**trio | {role: n2d.adapt(role, cls)}, random_state=0).fit(rows)
    assert name in str(caught.value)


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 99),
    threshold=st.sampled_from([0.001, 0.01, 0.1, 0.5]),
    branching=st.integers(2, 9),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_a_birch_continues_learning_after_it_was_loaded(seed, threshold, branching, dtype):
    x = np.random.default_rng(seed).random((70, 3)).astype(dtype)
    before = Birch(threshold=threshold, branching_factor=branching).fit(x[:50])
    after = object_from_state(object_state(before, what="b"), (), what="b")
    for model in (before, after):
        model.partial_fit(x[50:])
    assert after.subcluster_centers_.tobytes() == before.subcluster_centers_.tobytes()
    assert np.array_equal(after.predict(x), before.predict(x))


def test_the_list_of_types_is_fixed():
    assert isinstance(PLAIN_TYPES, tuple)
    assert PLAIN_TYPES == ("numpy.dtype", "sklearn.cluster._bisect_k_means._BisectingTree")


def edited(state: dict[str, Any], change) -> dict[str, Any]:
    """The state with another schema in the file of skops."""
    source = ZipFile(BytesIO(state["skops"].tobytes()))
    schema = json.loads(source.read("schema.json"))
    change(schema)
    target = BytesIO()
    with ZipFile(target, "w") as out:
        for name in source.namelist():
            if name != "schema.json":
                out.writestr(name, source.read(name))
        out.writestr("schema.json", json.dumps(schema))
    return {**state, "skops": np.frombuffer(target.getvalue(), dtype=np.uint8)}


@pytest.mark.parametrize(
    ("module", "name", "loader"),
    [
        ("os", "system", "FunctionNode"),
        ("builtins", "eval", "FunctionNode"),
        ("numpy", "load", "FunctionNode"),
        ("numpy", "mean", "FunctionNode"),
        ("subprocess", "Popen", "TypeNode"),
        ("sklearn.neighbors._kd_tree", "KDTree", "ObjectNode"),
        ("sklearn.neighbors._ball_tree", "BallTree", "ObjectNode"),
        ("sklearn.tree._tree", "Tree", "TreeNode"),
        ("scipy.sparse._csr", "csr_matrix", "SparseMatrixNode"),
        ("functools", "partial", "PartialNode"),
        ("operator", "methodcaller", "OperatorFuncNode"),
    ],
)
def test_a_file_cannot_make_other_objects(rows, module, name, loader):
    from sklearn.decomposition import PCA

    def put_in(schema: dict[str, Any]) -> None:
        plain = {"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode"}
        none = {
            "__class__": "str", "__module__": "builtins", "__loader__": "JsonNode",
            "content": "null", "is_json": True,
        }  # fmt: skip
        keys = {**plain, "__class__": "list", "__loader__": "ListNode", "content": []}
        content = plain | {"content": {}, "key_types": keys}
        if loader == "PartialNode":
            content = dict.fromkeys(("func", "args", "kwds", "namespace"), none)
        schema["content"]["content"]["mean_"] = {
            "__class__": name, "__module__": module, "__loader__": loader, "content": content,
            "__reduce__": {"args": none}, "type": "scipy", "file": "schema.json",
            "attrs": none,
        }  # fmt: skip

    state = edited(object_state(PCA(2).fit(rows), what="pca"), put_in)
    with pytest.raises(StateError, match=r"types that are not trusted|cannot be read"):
        object_from_state(state, (), what="pca")


def parts_of(model: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    state = object_state(model, what="model")
    return state, dict(state["parts"][0])


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "numpy.load", "numpy.linalg.inv"])
def test_a_part_cannot_name_another_function(rows, name):
    from sklearn.cluster import FeatureAgglomeration

    state, part = parts_of(FeatureAgglomeration().fit(rows))
    assert part == {"kind": "function", "name": "numpy.mean"}
    with pytest.raises(StateError, match=r"is not one of numpy\.mean"):
        object_from_state({**state, "parts": [part | {"name": name}]}, (), what="x")


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Tree"},
        {"name": "__class__"},
        {"metric": {"name": "pyfunc", "bits": 64, "options": {}}},
        {"metric": {"name": "euclidean", "bits": 64, "options": {"func": "os.system"}}},
        {"metric": {"name": "euclidean", "bits": 16, "options": {}}},
        {"metric": {"name": "nothing", "bits": 64, "options": {}}},
        {"rows": np.zeros((0, 6))},
        {"rows": np.full((4, 6), np.nan)},
        {"leaf_size": 0},
        {"leaf_size": -3},
        {"kind": "birch"},
        {"kind": "os.system"},
    ],
)
def test_a_damaged_search_tree_is_refused(rows, change):
    from sklearn.manifold import LocallyLinearEmbedding

    state, part = parts_of(LocallyLinearEmbedding(n_components=2).fit(rows))
    assert part["kind"] == "search_tree"
    with pytest.raises(StateError):
        object_from_state({**state, "parts": [part | change]}, (), what="x")


@pytest.mark.parametrize(
    "change",
    [
        {"indices": np.array([10**6] * 3)},
        {"indices": np.array([-1, 0, 0])},
        {"indptr": np.array([0, 9, 3])},
        {"shape": [-1, 3]},
        {"shape": [2]},
        {"format": "__class__"},
        {"data": np.zeros(1)},
    ],
)
def test_a_damaged_sparse_matrix_is_refused(change):
    from scipy.sparse import csr_matrix

    state, part = parts_of({"it": csr_matrix(np.eye(3))})
    with pytest.raises(StateError):
        object_from_state({**state, "parts": [part | change]}, (), what="x")


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"])
def test_sparse_matrices_keep_their_form(kind):
    from scipy import sparse

    for made in (getattr(sparse, f"{kind}_matrix"), getattr(sparse, f"{kind}_array")):
        matrix = made(np.diag([1.0, 0, 3]))
        state = object_state({"it": matrix}, what="x")
        again = object_from_state(state, (), what="x")["it"]
        assert type(again) is type(matrix)
        assert np.array_equal(again.toarray(), matrix.toarray())


def damaged_trees(part: dict[str, Any]) -> list[dict[str, Any]]:
    children = part["children"]
    last = int(np.flatnonzero(children >= 0)[-1])
    return [
        part | {"children": np.where(np.arange(len(children)) == last, 0, children)},  # a circle
        part | {"children": children + 1},
        part | {"sizes": part["sizes"] + 1},
        part | {"branching_factor": 10**9},
        part | {"chain": part["chain"][:-1]},
        part | {"chain": np.zeros_like(part["chain"])},
        part | {"n_samples": part["n_samples"][1:]},
        part | {"linear_sums": part["linear_sums"][:, :1]},
        part | {"is_leaf": ~part["is_leaf"]},
        part | {"threshold": "0.5"},
    ]


@pytest.mark.parametrize("which", range(10))
def test_a_damaged_birch_is_refused(rows, which):
    state, part = parts_of(Birch(threshold=0.1, branching_factor=4).fit(rows))
    with pytest.raises(StateError):
        object_from_state({**state, "parts": [damaged_trees(part)[which]]}, (), what="x")


@pytest.mark.parametrize("n_parts", [0, 2])
def test_marks_and_parts_must_belong_together(rows, n_parts):
    state, part = parts_of(Birch().fit(rows))
    with pytest.raises(StateError, match="do not belong together"):
        object_from_state({**state, "parts": [part] * n_parts}, (), what="x")


def test_what_holds_scikit_learns_own_parts_is_stored_with_them(rows):
    """A user's type needs trust by its own name only."""
    from sklearn.cluster import MeanShift
    from sklearn.neighbors import BallTree, KDTree

    held = {
        "trees": [KDTree(rows), BallTree(rows, metric="canberra")],
        "model": MeanShift().fit(rows),
    }
    again = object_from_state(object_state(held, what="x"), (), what="x")
    for before, after in zip(held["trees"], again["trees"], strict=True):
        for a, b in zip(before.query(rows[:9], k=4), after.query(rows[:9], k=4), strict=True):
            assert a.tobytes() == b.tobytes()
    assert held["trees"][0].query(rows[:1])[1] == 0


@pytest.mark.parametrize(
    ("cls", "options", "said"),
    [
        ("sklearn.ensemble:RandomTreesEmbedding", {"n_estimators": 3}, "sparse_output: false"),
        ("sklearn.preprocessing:KBinsDiscretizer", {"n_bins": 3}, "onehot-dense"),
        ("sklearn.neighbors:KNeighborsTransformer", {}, "sparse matrix"),
        ("sklearn.manifold:LocallyLinearEmbedding", {"n_components": 3}, "too close"),
    ],
)
def test_coordinates_that_cannot_be_used_are_refused_with_the_class(
    cls: str, options: dict[str, Any], said: str
) -> None:
    rows = load_digits().data[:400]
    module, name = cls.split(":")
    manifolder = n2d.adapt("manifolder", getattr(importlib.import_module(module), name), **options)
    model = n2d.N2D(embedder="identity", manifolder=manifolder, clusterer="kmeans", n_clusters=2)
    with pytest.raises(n2d.errors.StageError, match=said) as caught:
        model.fit(rows)
    assert name in str(caught.value)


def test_sums_that_differ_in_their_last_bits_are_one_value() -> None:
    """Terms that cancel leave the rounding of larger ones."""
    rows = load_digits().data[:400]
    projection = n2d.adapt("manifolder", SparseRandomProjection, n_components=20)
    model = n2d.N2D(
        embedder="identity", manifolder=projection, clusterer="kmeans", n_clusters=2, random_state=0
    )
    assert model.fit(rows).manifold_.shape == (400, 20)
