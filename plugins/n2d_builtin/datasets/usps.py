"""USPS in the five forms that are about; all give the same rows, scaled to [0, 1]."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from n2d_builtin.datasets.shared_reading import (
    DIGIT_NAMES,
    Rows,
    join,
    make_set,
    npz_of,
    open_packed,
    read_npz,
    reading,
)
from n2d_builtin.datasets.specs import DATASETS
from n2d_builtin.datasets.value_checks import SIGNED, UNIT, Span, in_span, real_numbers
from n2d_framework.plugin import AnyArray, Dataset

__all__ = ["load_usps", "read_jf", "read_libsvm", "read_usps_hdf5"]

_FEATURES = 256
#: Range of the values in a .jf file.
_JF: Span = (0.0, 2.0)
_SPEC = next(spec for spec in DATASETS if spec.name == "usps")


def load_usps(files: Mapping[str, Path]) -> Dataset:
    """All rows: float32 in [0, 1], (9298, 16, 16); training rows first, save in ``.npz``."""
    return make_set(_SPEC, _rows(files), DIGIT_NAMES, files)


def _rows(files: Mapping[str, Path]) -> Rows:
    npz = npz_of(files)
    if npz is not None:
        x, y = read_npz(npz)
        return _unit(x, npz, UNIT), y
    if "usps.h5" in files:
        return read_usps_hdf5(files["usps.h5"])
    read = read_jf if any(name.endswith(".jf") for name in files) else read_libsvm
    # The names of the test files are the longer ones in one form, the lesser in the other.
    test = next(name for name in files if "test" in name or name.startswith("usps.t"))
    train = next(name for name in files if name != test)
    return join([read(files[train]), read(files[test])])


def read_libsvm(path: Path) -> Rows:
    """Read the form of the LIBSVM collection: values in [-1, 1], classes 1 to 10.

    Parameters
    ----------
    path : Path
        Its name ends in ``.bz2`` if it is packed.

    Returns
    -------
    x, y
        Scaled to [0, 1]; class 1 is the digit 0.
    """
    from sklearn.datasets import load_svmlight_file

    with reading(path, "a file of the LIBSVM collection"):
        matrix, labels = load_svmlight_file(io.BytesIO(open_packed(path)), n_features=_FEATURES)
        return _unit(matrix.toarray(), path, SIGNED), labels - 1


def read_jf(path: Path) -> Rows:
    """Read the form that the N2D paper's scripts use: text, values in [0, 2].

    The first line counts classes and features, each further line has the class and the
    values, and ``-1`` ends the file.
    """
    with reading(path, "a .jf file of USPS"):
        _, *lines = path.read_text(encoding="ascii").split("\n")
        lines = [line for line in lines if line.strip()]
        if not lines or lines.pop().strip() != "-1":
            raise ValueError("the -1 that ends it is missing")
        table = np.loadtxt(lines, dtype=np.float64, ndmin=2)
        return _unit(table[:, 1:], path, _JF), table[:, 0]


def read_usps_hdf5(path: Path) -> Rows:
    """Read the HDF5 form: groups ``train`` and ``test`` with ``data`` and ``target``."""
    import h5py

    with reading(path, "the HDF5 form of USPS"), h5py.File(path, "r") as file:
        parts = [(file[part]["data"][()], file[part]["target"][()]) for part in ("train", "test")]
    x, y = join(parts)
    return _unit(x, path, UNIT), y


def _unit(values: AnyArray, path: Path, span: Span) -> AnyArray:
    """Values of a range scaled to [0, 1], float32."""
    low, high = span
    in_span(real_numbers(values, str(path), "rows"), str(path), "this form of usps", span)
    return np.clip((values - low) / (high - low), 0, 1).astype(np.float32)
