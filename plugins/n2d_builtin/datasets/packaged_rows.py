"""Tables that come with scikit-learn, or are made by its generators from a fixed seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_builtin.datasets.table_specs import EMBEDDED_TABLES
from n2d_framework.plugin import AnyArray, Dataset

__all__ = [
    "load_breast_cancer", "load_iris", "load_wine", "made_blobs", "made_circles", "made_moons",
    "made_stretched",
]  # fmt: skip

_SPECS = {spec.name: spec for spec in EMBEDDED_TABLES}
_ROWS = 500


def load_iris() -> Dataset:
    """150 flowers of three kinds, four lengths in cm."""
    from sklearn.datasets import load_iris

    return _packaged("iris", load_iris())


def load_wine() -> Dataset:
    """178 wines of three cultivars, 13 measurements in units of their own."""
    from sklearn.datasets import load_wine

    return _packaged("wine", load_wine())


def load_breast_cancer() -> Dataset:
    """569 tumours, 30 measurements of the shapes of their cell nuclei."""
    from sklearn.datasets import load_breast_cancer

    return _packaged("breast_cancer", load_breast_cancer())


def made_moons() -> Dataset:
    """Two half circles that reach into each other."""
    from sklearn.datasets import make_moons

    return _named("made_moons", *make_moons(_ROWS, noise=0.05, random_state=0))


def made_circles() -> Dataset:
    """A circle of half the radius within another."""
    from sklearn.datasets import make_circles

    return _named("made_circles", *make_circles(_ROWS, factor=0.5, noise=0.05, random_state=0))


def made_blobs() -> Dataset:
    """Three normal groups whose standard deviations are 1, 2.5 and 0.5."""
    from sklearn.datasets import make_blobs

    found = make_blobs(_ROWS, cluster_std=[1.0, 2.5, 0.5], random_state=0)
    return _named("made_blobs", found[0], found[1])


def made_stretched() -> Dataset:
    """Three normal groups, stretched and turned by the same matrix."""
    from sklearn.datasets import make_blobs

    found = make_blobs(_ROWS, random_state=0)
    matrix = np.array([[0.6, -0.6], [-0.4, 0.8]])
    return _named("made_stretched", found[0] @ matrix, found[1])


def _packaged(name: str, bunch: Any) -> Dataset:
    return _named(name, bunch.data, bunch.target, tuple(str(text) for text in bunch.target_names))


def _named(name: str, x: AnyArray, y: AnyArray, names: tuple[str, ...] = ()) -> Dataset:
    spec = _SPECS[name]
    return Dataset(
        name=name,
        x=np.asarray(x, dtype=np.float64),
        y=np.asarray(y).astype(np.int64),
        names=names,
        modality=spec.modality,
        licence=spec.licence,
        citation=spec.citation,
        source=spec.source,
    )
