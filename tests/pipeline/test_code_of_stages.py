"""Stages are fitted again when the code of their component has changed, whatever its version."""

from __future__ import annotations

import ast
import base64
import gc
import hashlib
import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PLUGIN = """
from n2d_framework.plugin import ComponentSpec, hookimpl

@hookimpl
def n2d_components():
    yield ComponentSpec(role="clusterer", name="mine", factory="{package}:Mine", summary="s")
"""
CLASS = """
import numpy as np
from n2d_framework.plugin import component

@component
class Mine:
    def fit(self, m, *, context):
        {imports}
        self.shift = {shift}
    def predict(self, m):
        return (m[:, 0] > m[:, 0].mean()).astype(int) + 0 * self.shift
    def get_state(self):
        return {{"shift": self.shift}}
    def set_state(self, state):
        self.shift = state["shift"]
"""
FIT = """
import sys, json
import numpy as np, n2d_framework as n2d
x = np.random.default_rng(0).random((30, 3))
events = []
model = n2d.N2D("identity", "identity", "mine", random_state=0, store=sys.argv[1],
                listeners=[events.append]).fit(x)
ends = [e for e in events if type(e).__name__ == "StageFinished"]
print(json.dumps([model.clusterer_.shift, *[e.cached for e in ends]]))
"""


def install(site: Path, package: Path, *, record: bool, editable: bool) -> None:
    """A distribution whose package lies in `package`, as pip would leave it."""
    info = site / "mine-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "top_level.txt").write_text("mine\n")
    (info / "entry_points.txt").write_text("[n2d_framework]\nmine = mine.plugin\n")
    if editable:
        about = {"url": package.as_uri(), "dir_info": {"editable": True}}
        (info / "direct_url.json").write_text(json.dumps(about))
    if record:
        lines = []
        for path in sorted(p for p in (site / "mine").rglob("*.*") if p.suffix != ".pyc"):
            content = path.read_bytes()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode()
            name = path.relative_to(site).as_posix()
            lines.append(f"{name},sha256={digest.rstrip('=')},{len(content)}")
        lines.append("mine-1.0.dist-info/RECORD,,")
        (info / "RECORD").write_text("\n".join(lines) + "\n")


@pytest.fixture
def fit(tmp_path: Path) -> Callable[..., list]:
    def call(site: Path) -> list:
        done = subprocess.run(
            [sys.executable, "-c", FIT, str(tmp_path / "store")],
            env={"PYTHONPATH": str(site), "PATH": "", "HOME": str(tmp_path)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return call


@pytest.mark.parametrize("kind", ["editable", "edited in place", "as installed"])
def test_an_edited_component_is_fitted_again(tmp_path, fit, kind):
    site = tmp_path / "site"
    package = site / "mine"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "plugin.py").write_text(PLUGIN.format(package="mine.model"))
    (package / "helper.py").write_text("SHIFT = 1\n")
    code = CLASS.format(imports="from mine.helper import SHIFT", shift="SHIFT")
    (package / "model.py").write_text(code)
    install(site, package, record=kind != "editable", editable=kind == "editable")
    assert fit(site) == [1, False, False, False]
    assert fit(site) == [1, True, True, True]
    # The component's file stays; a module of its package that it imports changes.
    (package / "helper.py").write_text("SHIFT = 2\n")
    if kind == "as installed":  # a new version with the same number, recorded as such
        install(site, package, record=True, editable=False)
        assert fit(site) == [1, True, True, True]
        return
    assert fit(site) == [2, True, True, False]
    (package / "helper.py").write_text("SHIFT = 1\n")
    assert fit(site)[0] == 1


@pytest.fixture
def forget() -> Iterator[Callable[[], None]]:
    """Forget what is known of code, as a new process would."""
    from n2d_framework.core.origin import code

    kept = (code._own, code._versions, code._distributions, code._recorded, code._is_local)

    def clear() -> None:
        for cached in kept:
            cached.cache_clear()
        for name in [n for n in sys.modules if n.partition(".")[0] == "mine"]:
            del sys.modules[name]
        importlib.invalidate_caches()

    clear()
    yield clear
    clear()


@pytest.mark.parametrize("editable", [True, False])
@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("parts/numbers.py", "SHIFT = 1\n", "SHIFT = 2\n"),
        ("parts/numbers.py", "SHIFT = 1\n", "SHIFT =  2\n"),
        ("parts/numbers.json", "1", "2"),
        ("model.yaml", "1", "2"),
        ("parts/fast.so", "1", "2"),
    ],
)
def test_whatever_a_package_holds_counts(
    tmp_path, monkeypatch, forget, editable, name, before, after
):
    """Modules of packages within it, and files that it reads."""
    from n2d_framework.core.origin import code

    package = tmp_path / "mine"
    (package / "parts").mkdir(parents=True)
    for init in (package, package / "parts"):
        (init / "__init__.py").write_text("")
    (package / "model.py").write_text(CLASS.format(imports="pass", shift="1"))
    (package / name).write_text(before)
    install(tmp_path, package, record=not editable, editable=editable)
    monkeypatch.syspath_prepend(tmp_path)

    def identity() -> dict[str, str]:
        forget()
        return dict(code._own(importlib.import_module("mine.model").Mine))

    first = identity()
    assert identity() == first
    (package / "parts" / "__pycache__").mkdir(exist_ok=True)
    (package / "parts" / "__pycache__" / "numbers.pyc").write_bytes(b"compiled")
    assert identity() == first
    (package / name).write_text(after)
    assert identity() != first


def test_a_plugin_s_stage_depends_on_the_version_of_the_framework(monkeypatch, forget):
    """Plugins are built on the components and networks that come with it."""
    from n2d_framework.core.origin import code

    class Plugin:
        """Comes from elsewhere."""

    Plugin.__module__ = "n2d_elsewhere"
    monkeypatch.setattr(code, "_is_edited", lambda name: False)
    monkeypatch.setattr(code, "_owners", lambda top: ["n2d_framework"] * (top == "n2d_framework"))
    found = []
    for version in ("1.0", "1.1"):
        forget()
        monkeypatch.setattr(code.metadata, "version", lambda name, version=version: version)
        found.append(dict(code._own(Plugin))["n2d_framework"])
    assert found == ["1.0", "1.1"]


def test_modules_beside_it_count_and_other_code_does_not(tmp_path, monkeypatch):
    """A single module that imports another one, inside of a function."""
    from n2d_framework.core.origin import code

    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "alone_a.py").write_text("def f():\n    import alone_b\n    import numpy\n")
    (tmp_path / "alone_b.py").write_text("X = 1\n")
    (tmp_path / "unrelated_c.py").write_text("X = 1\n")
    first = code._source("alone_a")
    (tmp_path / "unrelated_c.py").write_text("X = 2\n")
    assert code._source("alone_a") == first
    (tmp_path / "alone_b.py").write_text("X = 2\n")
    assert code._source("alone_a") != first


def test_parsers_called_while_it_reads_do_not_disturb(tmp_path, monkeypatch):
    """Garbage collection that runs Python code, as in Dask's workers, lets other threads parse."""
    from n2d_framework.core.origin import code

    text = "".join(f"def f{i}(x):\n    import math\n    return [x, {i}]\n" for i in range(200))
    (tmp_path / "crowded.py").write_text("import crowded_too\n" + text)
    (tmp_path / "crowded_too.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)

    def parse(phase: str, about: object) -> None:
        ast.parse("x = 1")

    usual = gc.get_threshold()
    gc.callbacks.append(parse)
    gc.set_threshold(50)
    try:
        both, one = code._source("crowded"), code._source("crowded_too")
    finally:
        gc.set_threshold(*usual)
        gc.callbacks.remove(parse)
    assert both != one
    (tmp_path / "crowded_too.py").write_text(text + "x = 1\n")
    assert code._source("crowded") != both
