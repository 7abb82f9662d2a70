"""MNIST and Fashion-MNIST."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from n2d_builtin.datasets.idx import read_idx
from n2d_builtin.datasets.shared_reading import (
    DIGIT_NAMES,
    Rows,
    join,
    make_set,
    npz_of,
    read_npz,
    reading,
)
from n2d_builtin.datasets.specs import DATASETS
from n2d_builtin.datasets.value_checks import BYTES
from n2d_framework.plugin import Dataset

__all__ = ["load_fashion", "load_mnist", "load_mnist_test"]

_CLOTHES = (
    "T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
    "Ankle boot",
)  # fmt: skip
_SPECS = {spec.name: spec for spec in DATASETS}


def load_mnist(files: Mapping[str, Path]) -> Dataset:
    """Training and test rows: uint8, (70000, 28, 28)."""
    return make_set(_SPECS["mnist"], _rows(files, ("train", "t10k")), DIGIT_NAMES, files, BYTES)


def load_mnist_test(files: Mapping[str, Path]) -> Dataset:
    """Test rows: uint8, (10000, 28, 28)."""
    return make_set(_SPECS["mnist_test"], _rows(files, ("t10k",)), DIGIT_NAMES, files, BYTES)


def load_fashion(files: Mapping[str, Path]) -> Dataset:
    """Training and test rows: uint8, (70000, 28, 28)."""
    return make_set(_SPECS["fashion"], _rows(files, ("train", "t10k")), _CLOTHES, files, BYTES)


def _rows(files: Mapping[str, Path], parts: tuple[str, ...]) -> Rows:
    npz = npz_of(files)
    if npz is not None:
        return read_npz(npz, "test" if parts == ("t10k",) else "")
    by_kind = {tuple(name.split("-")[:2]): path for name, path in files.items()}
    with reading(next(iter(files.values())).parent, "a folder of IDX files"):
        return join(
            [
                (read_idx(by_kind[part, "images"]), read_idx(by_kind[part, "labels"]))
                for part in parts
            ]
        )
