"""Text tables of the UCI repository: Pendigits and HAR."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from n2d_builtin.datasets.members import read_members
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
from n2d_builtin.datasets.value_checks import PERCENT, SIGNED
from n2d_framework.plugin import AnyArray, Dataset

__all__ = ["CHANNELS", "load_har", "load_har_raw", "load_pendigits"]

#: Channels of the raw signals, in the order of the last axis.
CHANNELS = tuple(
    f"{kind}_{axis}" for kind in ("body_acc", "body_gyro", "total_acc") for axis in "xyz"
)
_ACTIVITIES = ("Walking", "Upstairs", "Downstairs", "Sitting", "Standing", "Laying")
_PARTS = ("train", "test")
_SPECS = {spec.name: spec for spec in DATASETS}


def load_pendigits(files: Mapping[str, Path]) -> Dataset:
    """All rows: float64 in [0, 100], (10992, 16); training rows first."""
    npz = npz_of(files)
    if npz is not None:
        rows = read_npz(npz)
    else:
        path = next(iter(files.values()))
        names = ("pendigits.tra", "pendigits.tes")
        if len(files) == len(names):
            content = {name: files[name].read_bytes() for name in names}
        else:
            content = read_members(path, names)
        with reading(path, "Pendigits, lines of 17 numbers with commas"):
            tables = [_table(content[name], ",") for name in names]
            rows = join([(table[:, :-1], _classes(table[:, -1:])) for table in tables])
    return make_set(_SPECS["pendigits"], rows, DIGIT_NAMES, files, PERCENT)


def load_har(files: Mapping[str, Path]) -> Dataset:
    """The 561 features: float64 in [-1, 1], (10299, 561); training rows first."""
    npz = npz_of(files)
    if npz is not None:
        return make_set(_SPECS["har"], read_npz(npz), _ACTIVITIES, files, SIGNED)
    path = next(iter(files.values()))
    members = {part: f"{part}/X_{part}.txt" for part in _PARTS}
    rows = _har_rows(path, {part: [name] for part, name in members.items()})
    return make_set(_SPECS["har"], (rows[0][:, :, 0], rows[1]), _ACTIVITIES, files, SIGNED)


def load_har_raw(files: Mapping[str, Path]) -> Dataset:
    """The signals: float64, (10299, 128, 9), in g and rad/s; training rows first.

    The channels are those of :data:`CHANNELS`, sampled at 50 Hz.
    """
    npz = npz_of(files)
    if npz is not None:
        return make_set(_SPECS["har_raw"], read_npz(npz), _ACTIVITIES, files)
    members = {
        part: [f"{part}/Inertial Signals/{channel}_{part}.txt" for channel in CHANNELS]
        for part in _PARTS
    }
    rows = _har_rows(next(iter(files.values())), members)
    return make_set(_SPECS["har_raw"], rows, _ACTIVITIES, files)


def _har_rows(path: Path, members: Mapping[str, list[str]]) -> Rows:
    """Tables of each part, stacked along a last axis, with the labels."""
    labels = {part: f"{part}/y_{part}.txt" for part in _PARTS}
    content = read_members(path, [*labels.values(), *members["train"], *members["test"]])
    with reading(path, "the HAR dataset"):
        return join(
            [
                (
                    np.stack([_table(content[name]) for name in members[part]], axis=-1),
                    _classes(_table(content[labels[part]])) - 1,
                )
                for part in _PARTS
            ]
        )


def _table(content: bytes, separator: str = r"\s+") -> AnyArray:
    import pandas as pd

    frame = pd.read_csv(io.BytesIO(content), sep=separator, header=None, dtype=np.float64)
    table: AnyArray = frame.to_numpy()
    if not np.isfinite(table).all():
        raise ValueError("lines have different numbers of values")
    return table


def _classes(column: AnyArray) -> AnyArray:
    """A column of integers."""
    if column.shape[1] != 1 or not np.array_equal(column, np.round(column)):
        raise ValueError("labels are not one integer in each line")
    return column[:, 0].astype(np.int64)
