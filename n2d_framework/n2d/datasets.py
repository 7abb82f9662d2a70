"""The loaders of the old package: the same values, from the cache of this framework.

New code: ``n2d_framework.data.load("mnist")``, which also knows usps, har_raw and cifar10.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from n2d_framework.core.dataset import Dataset
from n2d_framework.types import AnyArray

__all__ = ["load_fashion", "load_har", "load_mnist", "load_mnist_test", "load_pendigits"]


def load_mnist() -> tuple[AnyArray, AnyArray]:
    """All 70,000 digits of MNIST.

    Returns
    -------
    x : float64 array of shape (70000, 784), in [0, 1]
    y : int array of shape (70000,)
    """
    return _unit_images(_load("mnist"))


def load_mnist_test() -> tuple[AnyArray, AnyArray]:
    """The 10,000 test digits of MNIST.

    Returns
    -------
    x : float64 array of shape (10000, 784), in [0, 1]
    y : int array of shape (10000,)
    """
    return _unit_images(_load("mnist_test"))


def load_fashion() -> tuple[AnyArray, AnyArray, dict[int, str]]:
    """All 70,000 pictures of Fashion-MNIST.

    Returns
    -------
    x : float64 array of shape (70000, 784), in [0, 1]
    y : int array of shape (70000,)
    y_names : dict of int to str
    """
    found = _load("fashion")
    # So the old package spelt it; the framework has the spelling of the dataset's authors.
    return *_unit_images(found), {**_names(found), 9: "Ankle Boot"}


def load_har() -> tuple[AnyArray, AnyArray, dict[int, str]]:
    """Human activities: the 561 features that were made of the signals.

    Returns
    -------
    x : float64 array of shape (10299, 561), in [-1, 1]
    y : int array of shape (10299,)
        From 0.
    y_names : dict of int to str
    """
    found = _load("har")
    return found.x.astype(np.float64, copy=False), _labels(found), _names(found)


def load_pendigits(data_path: str = "data/pendigits") -> tuple[AnyArray, AnyArray]:
    """Digits written with a pen.

    Parameters
    ----------
    data_path : str, default "data/pendigits"
        Looked through first for ``pendigits.tra`` and ``pendigits.tes``. Nothing is written
        there: downloads go to the cache.

    Returns
    -------
    x : float32 array of shape (10992, 16), in [0, 1]
    y : int array of shape (10992,)
    """
    found = _load("pendigits", Path(data_path))
    return (found.x / 100.0).astype(np.float32), _labels(found)


def _load(name: str, *folders: Path) -> Dataset:
    from n2d_framework.data.sets import load_set
    from n2d_framework.registry import default_catalogue

    return load_set(default_catalogue().dataset(name).spec, folders=folders)


def _unit_images(found: Dataset) -> tuple[AnyArray, AnyArray]:
    """Flat images of bytes, whose range the framework's loader has checked, in [0, 1]."""
    flat = found.x.reshape(len(found.x), -1)
    return np.divide(flat, 255.0, dtype=np.float64), _labels(found)


def _labels(found: Dataset) -> AnyArray:
    return np.asarray(found.y)


def _names(found: Dataset) -> dict[int, str]:
    return dict(enumerate(found.names))
