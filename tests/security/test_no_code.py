"""Loading runs nothing from a file: every door to code is nailed shut, and the load still works."""

from __future__ import annotations

import ast
import builtins
import copy
import importlib
import pickle
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "bundle"))

import toy_plugin

import n2d_framework
from n2d_framework import bundle
from n2d_framework.errors import BundleError
from n2d_framework.storage import encode

CATALOGUE = toy_plugin.catalogue()


class Forbidden(BaseException):
    """Not an Exception, so that nobody can turn it into something else."""


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
    allowed = {"toy_plugin"}
    original = importlib.import_module

    def import_module(name, package=None):
        if name.split(".")[0] not in allowed | {"n2d_framework"}:
            raise Forbidden(f"{name} was imported by name while a bundle was loaded")
        return original(name, package)

    def nail():
        for module, name in doors:
            monkeypatch.setattr(module, name, _forbid(f"{module.__name__}.{name}"))
        monkeypatch.setattr(importlib, "import_module", import_module)

    yield nail
    monkeypatch.undo()


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "toy.n2d"
    bundle.save(toy_plugin.model(), path)
    bundle.load(path, catalogue=CATALOGUE)  # what is imported on first use is imported now
    return path


def test_loading_opens_no_door(saved, nailed):
    nailed()
    assert bundle.load(saved, catalogue=CATALOGUE, verify=True).n_clusters_ == 3
    assert bundle.verify(saved, catalogue=CATALOGUE).ok
    assert bundle.inspect(saved).arrays


def test_the_doors_are_really_nailed(nailed):
    nailed()
    for attempt in (
        lambda: pickle.loads(b"N."),
        lambda: eval("1"),
        lambda: importlib.import_module("os"),
        lambda: __import__("joblib").load("x"),
    ):
        with pytest.raises(Forbidden):
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
        nailed()
        if field == "name":
            with pytest.raises(BundleError):
                bundle.load(path, catalogue=CATALOGUE)
        else:
            bundle.load(path, catalogue=CATALOGUE)
        assert "antigravity" not in set(sys.modules) - before


def test_a_pickle_is_not_opened_whatever_it_is_called(tmp_path, nailed):
    evil = pickle.dumps(_Evil())
    nailed()
    path = tmp_path / "evil.n2d"
    path.write_bytes(evil)
    with pytest.raises(BundleError, match=r"a pickle .which is never opened"):
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
