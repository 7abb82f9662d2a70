"""CIFAR-10 in its binary form; the pickled form is never opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from n2d_builtin.datasets.members import read_members
from n2d_builtin.datasets.shared_reading import Rows, join, make_set, npz_of, read_npz, reading
from n2d_builtin.datasets.specs import DATASETS
from n2d_builtin.datasets.value_checks import BYTES
from n2d_framework.plugin import Dataset

__all__ = ["load_cifar10", "read_cifar_batch"]

_BATCHES = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")
_NAMES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
_SHAPE = (3, 32, 32)
_SPEC = next(spec for spec in DATASETS if spec.name == "cifar10")


def load_cifar10(files: Mapping[str, Path]) -> Dataset:
    """All rows: uint8, (60000, 32, 32, 3); training rows first."""
    npz = npz_of(files)
    if npz is not None:
        return make_set(_SPEC, read_npz(npz), _NAMES, files, BYTES)
    path = next(iter(files.values()))
    content = read_members(path, _BATCHES)
    with reading(path, "the binary form of CIFAR-10"):
        rows = join([read_cifar_batch(content[name]) for name in _BATCHES])
    return make_set(_SPEC, rows, _NAMES, files, BYTES)


def read_cifar_batch(content: bytes) -> Rows:
    """Read records of one byte for the class and 3072 for the image, channel by channel.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    x : uint8 array of shape (n, 32, 32, 3)
    y : int64 array of shape (n,)
    """
    length = 1 + int(np.prod(_SHAPE))
    if len(content) % length:
        raise ValueError(f"its length is not a multiple of {length} bytes")
    records = np.frombuffer(content, np.uint8).reshape(-1, length)
    images = records[:, 1:].reshape(-1, *_SHAPE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), records[:, 0].astype(np.int64)
