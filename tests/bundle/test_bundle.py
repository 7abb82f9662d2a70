"""Save, load, inspect, verify, upgrade: the public functions, and every way they can refuse."""

from __future__ import annotations

import copy
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import toy_plugin
from sklearn.exceptions import NotFittedError

from n2d_framework import bundle
from n2d_framework.errors import BundleError, BundleWarning, OutputError
from n2d_framework.pipeline import N2D
from n2d_framework.storage import encode

CATALOGUE = toy_plugin.catalogue()


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "toy.n2d"
    bundle.save(toy_plugin.model(), path)
    return path


def forged(tmp_path, change=None, **kwargs) -> Path:
    """A bundle whose manifest and parts were changed before they were written."""
    snapshot = toy_plugin.snapshot(**kwargs)
    manifest, parts = copy.deepcopy(snapshot.manifest), dict(snapshot.parts)
    if change:
        change(manifest, parts)
    path = tmp_path / "forged.n2d"
    path.write_bytes(encode(manifest, parts, created="2026"))
    return path


def load(path, **kwargs):
    return bundle.load(path, catalogue=CATALOGUE, **kwargs)


def test_a_loaded_model_answers_bit_identically(saved):
    model = toy_plugin.model()
    x = np.random.default_rng(1).normal(size=(50, 5)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = load(saved, verify=True)
    for method in ("embed", "transform", "predict"):
        one, other = getattr(model, method)(x), getattr(loaded, method)(x)
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes()
    assert np.array_equal(loaded.labels_, model.labels_)


def test_saving_a_loaded_model_gives_the_same_file(saved, tmp_path):
    again = tmp_path / "again.n2d"
    bundle.save(load(saved), again)
    assert again.read_bytes() == saved.read_bytes()
    load(saved).save(tmp_path / "method.n2d")
    assert (tmp_path / "method.n2d").read_bytes() == saved.read_bytes()


def test_an_unfitted_model_is_not_saved(tmp_path):
    with pytest.raises(NotFittedError):
        bundle.save(N2D(), tmp_path / "a.n2d")
    with pytest.raises(TypeError, match="only an N2D model"):
        bundle.save([1], tmp_path / "a.n2d")
    assert not list(tmp_path.iterdir())


def test_a_failed_save_leaves_the_old_file(saved, monkeypatch):
    before = saved.read_bytes()
    saved.chmod(0o444)
    with pytest.raises(OutputError, match="write-protected"):
        bundle.save(toy_plugin.model(), saved)
    assert saved.read_bytes() == before


def test_inspect(tmp_path):
    path = forged(tmp_path)
    info = bundle.inspect(path)
    assert info.components == {
        "prepare": "n2d_framework:none",
        "embedder": "n2d-toys:toy",
        "manifolder": "n2d-toys:toy",
        "clusterer": "n2d-toys:toy",
    }
    assert (info.format_version, info.framework_version) == (2, "0.1.0")
    assert info.file_size == path.stat().st_size
    assert info.manifest["data"]["row_shape"] == [5]
    arrays = {array.path: array for array in info.arrays}
    assert arrays["/embedder/weights"].shape == (5, 2)
    assert arrays["/embedder/weights"].dtype == "float32"
    assert arrays["/embedder/weights"].size == 40
    assert arrays["/embedder/history"].type == "plain"
    assert set(info.part_sizes) == set(toy_plugin.snapshot().parts)
    assert info.sha256 in str(info.to_dict())


def test_inspect_imports_no_component_and_no_heavy_library(tmp_path):
    path = forged(tmp_path)
    code = (
        "import sys; from n2d_framework.bundle import inspect\n"
        "inspect(sys.argv[1])\n"
        "heavy = {'sklearn', 'scipy', 'keras', 'tensorflow', 'numba', 'umap', 'hdbscan', 'h5py',\n"
        "         'pandas', 'matplotlib', 'pluggy', 'toy_plugin', 'n2d_builtin'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


def test_verify_says_that_all_is_well(saved):
    report = bundle.verify(saved, catalogue=CATALOGUE)
    assert report
    assert report.ok
    assert [stage.role for stage in report.stages] == ["embedder", "manifolder", "clusterer"]
    assert all(stage.identical and stage.rows == 8 for stage in report.stages)
    assert "embedder: identical on 8 rows" in str(report)


def test_verify_says_which_stage_moved_and_by_how_much(tmp_path):
    def change(manifest, parts):
        parts["manifolder"] = {"factor": 2.0002}
        manifest["environment"]["libraries"] = {"numpy": "0.0.1", "no-such-library": "1.0"}

    path = forged(tmp_path, change)
    report = bundle.verify(path, catalogue=CATALOGUE)
    assert not report
    embedder, manifolder, clusterer = report.stages
    assert embedder.identical
    assert clusterer.identical
    assert not manifolder.ok
    assert manifolder.moved == pytest.approx(1e-4, rel=0.9)
    assert report.changed["numpy"] == ("0.0.1", np.__version__)
    assert report.changed["no-such-library"] == ("1.0", "")
    with pytest.warns(BundleWarning, match=r"manifolder: moved .by .*numpy 0.0.1 -> "):
        load(path, verify=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(path)


def test_verify_accepts_the_last_bits_of_coordinates(tmp_path):
    def change(manifest, parts):
        parts["manifolder"] = {"factor": 2.0000005}

    stage = bundle.verify(forged(tmp_path, change), catalogue=CATALOGUE).stages[1]
    assert stage.ok
    assert not stage.identical
    assert "unchanged" in str(stage)


def test_verify_counts_labels(tmp_path):
    def change(manifest, parts):
        golden = dict(parts["golden"])
        golden["labels"] = np.where(np.arange(8) < 2, 9, golden["labels"])
        parts["golden"] = golden

    report = bundle.verify(forged(tmp_path, change), catalogue=CATALOGUE)
    assert report.stages[2].moved == 0.25
    assert "clusterer: 25.0% of 8 rows have another label" in str(report)


def test_a_model_without_golden_rows(tmp_path):
    path = forged(tmp_path, lambda manifest, parts: parts.update(golden={}))
    report = bundle.verify(path, catalogue=CATALOGUE)
    assert report.ok
    assert "no golden rows" in str(report)


@pytest.mark.parametrize(
    ("golden", "message"),
    [
        ({"x": np.zeros((2, 5))}, "/golden: state has no 'latent'"),
        ({"x": 1, "latent": 1, "manifold": 1, "labels": 1}, "state 'x' has the type int"),
        (
            {key: np.zeros((2, 3), np.float32) for key in ("x", "latent", "manifold", "labels")},
            "embedder: replaying the golden rows failed",
        ),
    ],
)
def test_damaged_golden_rows(tmp_path, golden, message):
    path = forged(tmp_path, lambda manifest, parts: parts.update(golden=golden))
    with pytest.raises(BundleError, match=message):
        bundle.verify(path, catalogue=CATALOGUE)


def test_golden_rows_that_a_stage_cannot_take(tmp_path):
    def change(manifest, parts):
        wide = np.zeros((8, 7), np.float32)
        parts["golden"] = parts["golden"] | {"latent": wide, "manifold": wide}

    with pytest.raises(BundleError, match="clusterer: replaying"):
        bundle.verify(forged(tmp_path, change), catalogue=CATALOGUE)


def test_outputs_of_another_shape_count_as_moved(tmp_path):
    def change(manifest, parts):
        parts["golden"] = parts["golden"] | {"labels": np.zeros(7, np.int64)}

    stage = bundle.verify(forged(tmp_path, change), catalogue=CATALOGUE).stages[2]
    assert stage.moved == float("inf")
    assert not stage.ok


def old(manifest, parts):
    manifest["composition"]["manifolder"]["state_version"] = 1
    manifest["extra"] = {"kept": True}
    parts["manifolder"] = {"inverse": 0.5}


def test_upgrade(tmp_path):
    path, out = forged(tmp_path, old), tmp_path / "new.n2d"
    info = bundle.upgrade(path, out, catalogue=CATALOGUE)
    assert info.manifest["composition"]["manifolder"]["state_version"] == 2
    before = bundle.inspect(path)
    for kept in ("created", "environment", "training", "extra", "data", "random_state"):
        assert info.manifest[kept] == before.manifest[kept]
    assert bundle.verify(out, catalogue=CATALOGUE).ok
    assert load(out).get_params(deep=False).keys() == load(path).get_params(deep=False).keys()
    bundle.upgrade(out, tmp_path / "again.n2d", catalogue=CATALOGUE)
    assert (tmp_path / "again.n2d").read_bytes() == out.read_bytes()


def test_older_states_are_read(tmp_path):
    assert bundle.verify(forged(tmp_path, old), catalogue=CATALOGUE).ok


def test_foreign_types_must_be_trusted(tmp_path):
    path = forged(tmp_path, clusterer="toy_foreign")
    with pytest.raises(BundleError, match=r"toy\.Foreign is not trusted"):
        load(path)
    assert load(path, trusted=["toy.Foreign"]).labels_ is not None
    with pytest.raises(BundleError, match="not trusted"):
        load(path)
    for wrong in ("toy.Foreign", [1]):
        with pytest.raises(TypeError, match="full names of types"):
            load(path, trusted=wrong)


def about(role, **changes):
    return lambda manifest, parts: manifest["composition"][role].update(changes)


def put(*path_and_value):
    *path, last, value = path_and_value

    def change(manifest, parts):
        place = manifest
        for name in path:
            place = place[name]
        if value is None:
            del place[last]
        else:
            place[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            about("embedder", name="gone"),
            r"embedder 'gone' is not installed; it comes from the distribution n2d-toys, "
            r"version 3.1 .*; install it",
        ),
        (about("clusterer", name="../../x"), "composition/clusterer/name: must be the name"),
        (about("clusterer", name="x" * (1 << 20)), "composition/clusterer/name"),
        (about("embedder", name="os:system"), "composition/embedder/name"),
        (
            about("embedder", options={"widht": 2}),
            r"widht: unknown option; did you mean 'width'.*n2d-toys 3.1.*; install these versions",
        ),
        (about("embedder", options={"width": "2"}), "width"),
        (about("embedder", options={"width": -2}), "width"),
        (about("manifolder", state_version=3), "version 3, .* reads up to 2; upgrade"),
        (about("manifolder", state_version=0), "state_version: must be an integer from 1"),
        (about("manifolder", state_version=True), "state_version"),
        (put("composition", None), "has no 'composition'"),
        (put("composition", []), "composition: must be a mapping"),
        (put("composition", "clusterer", None), "composition: it has no 'clusterer'"),
        (put("composition", "scaler", None), "has no component for /scaler"),
        (put("composition", "scaler", {"name": "evil"}), "prepare 'evil' is not installed"),
        (put("composition", "n_clusters", "3"), "n_clusters: must be null or a positive"),
        (put("random_state", -1), "random_state"),
        (put("random_state", 1.5), "random_state"),
        (put("created", 3), "created: must be at most 64 ASCII characters"),
        (put("data", "row_shape", [5, 0]), "row_shape"),
        (put("data", "row_shape", 5), "row_shape"),
        (put("data", "feature_names", [1]), "feature_names"),
        (put("data", "feature_names", ["a", "b"]), "names 2 columns for rows of shape"),
        (put("data", "feature_names", list("abcda"[:5])), "must not have a name twice"),
        (put("data", "schema", ["a"]), "schema: must be null or a mapping"),
        (put("data", "schema", {"fields": ["a"] * 5}), "fields: must be a list of mappings"),
        (put("data", "schema", {"fields": [{"name": 1}] * 5}), "fields: must be a list"),
        (put("data", "schema", {"fields": [{"name": "a"}]}), "names 1 columns"),
        (put("data", "schema", {"id": 3}), "schema/id: must be null or a string"),
        (put("data", "schema", {"width": -1}), "schema/width"),
        (put("training", "seconds", {}), "seconds"),
        (put("training", "keys", "embedder", 1), "keys"),
        (put("training", "agreement", 1), "agreement"),
        (lambda m, parts: parts.pop("golden"), "lacks /golden"),
        (lambda m, parts: parts.pop("embedder"), "lacks /embedder"),
        (lambda m, parts: parts.update(clusterer={}), "state has no 'centres'"),
        (
            lambda m, parts: parts.update(clusterer={"centres": np.zeros((9, 2), np.float32)}),
            "9 centres for 3 clusters",
        ),
        (lambda m, parts: parts.update(training={}), "state has no 'labels'"),
        (lambda m, parts: parts.update(embedder={"weights": [[1.0]]}), "type list"),
        (lambda m, parts: parts.update(manifolder={"factor": "2"}), "type str"),
    ],
)
def test_what_is_refused(tmp_path, change, message):
    path = forged(tmp_path, change)
    with pytest.raises(BundleError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 2000


def test_components_that_raise_anything_are_reported(tmp_path, monkeypatch):
    def fail(self, state):
        raise IndexError("list index out of range")

    monkeypatch.setattr(toy_plugin.ToyEmbedder, "set_state", fail)
    with pytest.raises(BundleError, match=r"IndexError: list index .*n2d-toys 3.1"):
        load(forged(tmp_path))


@pytest.mark.parametrize("function", [load, bundle.inspect, bundle.verify])
def test_bad_files(tmp_path, function):
    with pytest.raises(BundleError, match="there is no such file"):
        function(tmp_path / "missing.n2d")
    with pytest.raises(BundleError, match="it is a folder"):
        function(tmp_path)
    for content, message in {
        b"": "the file is empty",
        b"\x89HDF\r\n\x1a\n" + bytes(1000): "HDF5 file of another program",
        b"text": "not an n2d bundle",
        b"n2d bundle\nformat 7\n": "version 7.*upgrade n2d_framework",
        encode({}, {}, created="", kind="stage"): "holds a 'stage', not a 'bundle'",
        encode({}, {}, created=""): "not that of a fitted model",
    }.items():
        path = tmp_path / "bad.n2d"
        path.write_bytes(content)
        with pytest.raises(BundleError, match=message) as caught:
            function(path)
        assert str(path) in str(caught.value)


def test_max_bytes(saved):
    with pytest.raises(BundleError, match="raise max_bytes"):
        load(saved, max_bytes=100)
    assert load(saved, max_bytes=1 << 20)
    with pytest.raises(BundleError, match="raise max_bytes"):
        bundle.inspect(saved, max_bytes=100)
