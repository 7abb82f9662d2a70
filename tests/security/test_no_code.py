"""Loading runs nothing from a file: every door to code is nailed shut, and the load still works."""

from __future__ import annotations

import ast
import builtins
import contextlib
import copy
import importlib
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path[:0] = [str(Path(__file__).parent.parent / name) for name in ("bundle", "archives")]

import make  # noqa: E402
import toy_plugin  # noqa: E402

import n2d_framework  # noqa: E402
from n2d_framework import bundle  # noqa: E402
from n2d_framework.errors import BundleError  # noqa: E402
from n2d_framework.registry import default_catalogue  # noqa: E402
from n2d_framework.storage import decode, encode  # noqa: E402

CATALOGUE = toy_plugin.catalogue()


class Forbidden(BaseException):
    """Not an Exception, so that no one can turn it into something else."""


def _forbid(name):
    def door(*args, **kwargs):
        raise Forbidden(f"{name} was called while a bundle was loaded: {args!r:.200}")

    return door


@pytest.fixture
def nailed(monkeypatch):
    """Doors that raise when they are opened; imports of what plugins name are allowed."""
    doors = [(pickle, name) for name in ("load", "loads", "Unpickler", "_Unpickler")]
    doors += [(builtins, "eval"), (builtins, "exec"), (builtins, "compile")]
    for module, names in {
        "joblib": ("load",),
        "dill": ("load", "loads"),
        "cloudpickle": ("load", "loads"),
        "marshal": ("load", "loads"),
        "shelve": ("open",),
        "numpy": ("load",),
        "subprocess": ("Popen",),
        "os": ("system", "execv", "fork"),
    }.items():
        try:
            found = importlib.import_module(module)
        except ImportError:
            continue
        doors += [(found, name) for name in names if hasattr(found, name)]
    if "keras" in sys.modules:
        doors += [
            (sys.modules["keras"].saving, name)
            for name in ("deserialize_keras_object", "load_model")
        ]
    if "keras" in sys.modules:
        from keras.src.saving import serialization_lib as inner

        monkeypatch.setattr(
            inner, "deserialize_keras_object", _only_listed(inner.deserialize_keras_object)
        )
    # The catalogue's own names; a file cannot name what these plugins do not announce.
    allowed = {"toy_plugin", "n2d_builtin"}
    original = importlib.import_module

    def import_module(name, package=None):
        if name.split(".")[0] not in allowed | {"n2d_framework"}:
            raise Forbidden(f"{name} was imported by name while a bundle was loaded")
        return original(name, package)

    @contextlib.contextmanager
    def nail():
        """Only around what is watched: pytest itself needs these doors to show a failure."""
        with monkeypatch.context() as patch:
            for module, name in doors:
                patch.setattr(module, name, _forbid(f"{module.__name__}.{name}"))
            patch.setattr(importlib, "import_module", import_module)
            yield

    return nail


def _only_listed(deserialize):
    """Keras's own rebuilding, for configurations from the allow-list only."""
    from n2d_builtin.autoencoders import allowlist

    def door(config, *args, **kwargs):
        if isinstance(config, dict) and "class_name" in config:
            known = {name.lower() for names in allowlist._OTHERS.values() for name in names}
            # Defaults of listed layers are named like glorot_uniform.
            asked = config["class_name"].replace("_", "").lower()
            if asked not in known | {"kerastensor", "functional"}:
                raise Forbidden(f"keras was asked to rebuild {config['class_name']!r}")
        return deserialize(config, *args, **kwargs)

    return door


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "toy.n2d"
    bundle.save(toy_plugin.model(), path)
    bundle.load(path, catalogue=CATALOGUE)  # what is imported on first use is imported now
    return path


def test_loading_opens_no_door(saved, nailed):
    with nailed():
        model = bundle.load(saved, catalogue=CATALOGUE, verify=True)
        checked = bundle.verify(saved, catalogue=CATALOGUE)
        described = bundle.inspect(saved)
    assert model.n_clusters_ == 3
    assert checked.ok
    assert described.arrays


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["dense_ae-umap-gmm", "conv_ae-isomap-hdbscan", "denoising_ae-tsne-kmeans",
             "keras-pca-gmm"]
)  # fmt: skip
def test_real_models_are_loaded_and_asked_with_every_door_shut(name, real_model, request):
    path, rows = real_model(name)
    # Libraries compile, and import parts of themselves, when they are used first.
    expected = make.answers(bundle.load(path, verify=True), rows)
    with request.getfixturevalue("nailed")():
        found = make.answers(bundle.load(path, verify=True), rows)
    assert all(np.array_equal(found[ability], expected[ability]) for ability in expected)


@pytest.fixture(scope="module")
def real_model(tmp_path_factory):
    """A fitted model by its name, fitted once, and rows that it was not fitted on."""
    folder = tmp_path_factory.mktemp("real")

    def made(name):
        path, rows = folder / f"{name}.n2d", make.images()
        if not path.exists():
            chosen = [dict(part) for part in make.TRIOS[name]]
            if chosen[0]["name"] == "keras":
                small = default_catalogue().get("embedder", "keras").spec.small_options
                chosen[0] = {**small, **chosen[0]}
            n2d_framework.N2D(*chosen, n_clusters=4, random_state=0).fit(rows[:150]).save(path)
        return path, rows[150:170]

    return made


@pytest.mark.slow
def test_keras_is_never_asked_for_what_is_not_listed(tmp_path, real_model, nailed):
    """A Lambda layer in the file: refused before Keras is notified."""
    manifest, parts = decode(real_model("keras-pca-gmm")[0].read_bytes())
    path = tmp_path / "lambda.n2d"
    options = manifest["composition"]["embedder"]["options"]
    options["encoder"] = options["encoder"].replace('"Dense"', '"Lambda"')
    path.write_bytes(encode(manifest, parts, created=manifest["created"]))
    with pytest.raises(BundleError, match="Lambda"), nailed():
        bundle.load(path)


def test_the_doors_are_really_nailed(nailed):
    for attempt in (
        lambda: pickle.loads(b"N."),
        lambda: eval("1"),
        lambda: importlib.import_module("os"),
        lambda: __import__("joblib").load("x"),
    ):
        with pytest.raises(Forbidden), nailed():
            attempt()


class _Evil:
    def __reduce__(self):
        return (sys.exit, ("code from a bundle was run",))


@pytest.mark.parametrize(
    "name", ["os:system", "builtins.eval", "antigravity", "toy_plugin:ToyEmbedder"]
)
def test_names_in_a_file_are_never_imported(tmp_path, nailed, name):
    snapshot = toy_plugin.snapshot()
    for field in ("name", "distribution", "version"):
        manifest = copy.deepcopy(snapshot.manifest)
        manifest["composition"]["embedder"][field] = name
        manifest["composition"]["embedder"]["factory"] = name
        path = tmp_path / f"{field}.n2d"
        path.write_bytes(encode(manifest, snapshot.parts, created=""))
        before = set(sys.modules)
        names_another = field in ("name", "distribution")
        refused = pytest.raises(BundleError) if names_another else contextlib.nullcontext()
        with refused, nailed():
            bundle.load(path, catalogue=CATALOGUE)
        assert "antigravity" not in set(sys.modules) - before


def test_a_pickle_is_not_opened_whatever_it_is_called(tmp_path, nailed):
    path = tmp_path / "evil.n2d"
    path.write_bytes(pickle.dumps(_Evil()))
    with pytest.raises(BundleError, match=r"a pickle .which is never opened"), nailed():
        bundle.load(path, catalogue=CATALOGUE)


def test_no_module_of_storage_and_bundle_knows_a_door():
    """Nothing that could run code is even mentioned in the source."""
    words = {"pickle", "dill", "joblib", "marshal", "eval", "exec", "__import__", "import_module",
             "h5py", "subprocess", "getattr_static", "compile_command"}  # fmt: skip
    root = Path(n2d_framework.__file__).parent
    for path in [*root.glob("storage/**/*.py"), *root.glob("bundle/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            names: set[str] = set()
            if isinstance(node, ast.Import):
                names = {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names = {(node.module or "").split(".")[0]} | {alias.name for alias in node.names}
            elif isinstance(node, ast.Name):
                names = {node.id}
            elif isinstance(node, ast.Attribute):
                names = {node.attr}
            assert not names & words, f"{path}: {names & words}"
