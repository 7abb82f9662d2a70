"""Fixtures of several test folders."""

from __future__ import annotations

import cProfile
import functools
import gc
import os
import pstats
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
import typer.testing

from n2d_framework.core.origin.distributions import distribution_of
from n2d_framework.core.origin.markers import PROJECT
from n2d_framework.registry import Catalogue, default_catalogue
from n2d_framework.registry.entry_points import BLOCK_VARIABLE, installed_entry_points


def pytest_configure(config: pytest.Config) -> None:
    """Collect garbage rarely; files begin in the order of the collection, not by their size."""
    # Looking through the objects of all libraries again and again takes a quarter of the time.
    gc.set_threshold(10_000)
    # Each call of CliRunner makes all commands from their signatures: a fifth of its time.
    typer.testing._get_command = functools.cache(typer.testing._get_command)  # type: ignore[attr-defined]
    # A machine that others use as well is slow at times.
    hypothesis.settings.register_profile("any_machine", deadline=None)
    hypothesis.settings.load_profile("any_machine")
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put files with slow tests first, so that several processes have done at the same time."""
    if hasattr(config, "workerinput"):
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Spare the garbage collector what stays to the end: modules, TensorFlow's too, and tests."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Spare it also what a file has left for good: it is looked at after each training of Keras."""
    yield
    if nextitem is None or nextitem.path != item.path:
        gc.collect()
        gc.freeze()


@pytest.fixture
def calls() -> Callable[[Callable[[], Any]], int]:
    """Count the calls of functions that an action makes: seconds depend on the machine."""

    def count(action: Callable[[], Any]) -> int:
        profile = cProfile.Profile()
        profile.runcall(action)
        return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]

    return count


@pytest.fixture(autouse=True)
def the_scheduler_of_dask_is_left_as_it_was() -> Iterator[None]:
    """Name the test that leaves a client behind: later ones would compute by it, and fail."""
    before = _scheduler_of_dask()
    yield
    assert _scheduler_of_dask() == before


def _scheduler_of_dask() -> Any:
    dask = sys.modules.get("dask.config")
    return None if dask is None else dask.get("scheduler", None)


@pytest.fixture(scope="session")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's digits: (1797, 64) float64 and the classes."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x.setflags(write=False)
    return x, y


@pytest.fixture
def install_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., None]]:
    """Install a distribution with one plugin module, for the length of a test."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    before = set(sys.modules)

    def install(
        module: str,
        source: str,
        *,
        distribution: str = "",
        version: str = "1.0",
        commands: str = "",
    ) -> None:
        name = distribution or module
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        points = f"[n2d_framework.commands]\n{commands}\n[n2d_framework]\n{module} = {module}\n"
        (info / "entry_points.txt").write_text(points)
        (site / f"{module}.py").write_text(source)

    yield install
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "") or "").startswith(str(site)):
            del sys.modules[name]


@pytest.fixture
def fresh_catalogue() -> Callable[[], Catalogue]:
    """Build a catalogue of what is installed right now."""
    return lambda: Catalogue.from_entry_points(installed_entry_points())


@pytest.fixture
def use_plugin(install_plugin: Callable[..., None]) -> Iterator[Callable[..., None]]:
    """Install a plugin and let the default catalogue see it, for the length of a test."""

    def use(module: str, source: str, **about: str) -> None:
        install_plugin(module, source, **about)
        default_catalogue.cache_clear()

    yield use
    default_catalogue.cache_clear()


@pytest.fixture
def only_builtin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out all plugins that are installed now; those of a test come after it."""
    names = {distribution_of(point)[0] for point in installed_entry_points()}
    monkeypatch.setenv(BLOCK_VARIABLE, ",".join(sorted(names - {PROJECT})))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium without a window, driven by Playwright."""
    place = os.environ.get("N2D_CHROMIUM") or shutil.which("chromium")
    if place is None:
        pytest.skip("no chromium: install Debian's package, or name one by N2D_CHROMIUM")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    flags = [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ]  # fmt: skip
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=place, args=flags)
        yield chromium
        chromium.close()
