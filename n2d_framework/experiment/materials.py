"""Data of a comparison: loaded once, known by fingerprint, read by workers from the store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import attrs
import numpy as np

from n2d_framework.config import DataConfig
from n2d_framework.core.dataset import Dataset, class_names
from n2d_framework.core.options import options_dict
from n2d_framework.core.rows import (
    Rows,
    Schema,
    fingerprint,
    packed,
    refuse_equal_rows,
    state_of_rows,
    unpacked,
)
from n2d_framework.data import load
from n2d_framework.data.adapters import read_by_adapter
from n2d_framework.errors import ConfigError, DataError, Problem
from n2d_framework.plan.store import StageStore
from n2d_framework.plan.store.stored_arrays import KeyOf, arrays_of, read_rows, weights_key
from n2d_framework.types import NOISE, AnyArray, IntArray

__all__ = [
    "Material",
    "ids_of",
    "keep_material",
    "load_materials",
    "part_of",
    "truth_of",
]


@attrs.frozen(eq=False)
class Material:
    """One dataset of a comparison.

    Attributes
    ----------
    name : str
        Unique in the comparison.
    rows : Rows
        Checked, with their columns and ids.
    y : array of shape (n,), int64, or None
        True classes as codes.
    key : str
        Fingerprint of `rows`, under which the store has them.
    truth : str or None
        Key of `y` in the store.
    modality : str or None
        What a row is, where the source says so.
    class_names : tuple of str
        Names of the classes, in the order of their codes; may be empty.
    """

    name: str
    rows: Rows = attrs.field(repr=False)
    y: IntArray | None = attrs.field(repr=False)
    key: str
    truth: str | None
    modality: str | None = None
    class_names: tuple[str, ...] = ()

    @property
    def ids(self) -> AnyArray | None:
        """Ids of the rows."""
        return self.rows.ids

    @property
    def ids_key(self) -> str | None:
        """Key of `ids` in the store."""
        if self.ids is None:
            return None
        return _ids_key(self.ids)

    def describe(self) -> dict[str, Any]:
        """Record that is written."""
        classes = None if self.y is None else len(np.unique(self.y))
        return {
            "name": self.name,
            "key": self.key,
            "truth": self.truth,
            "n_rows": len(self.rows),
            "row_shape": list(self.rows.row_shape),
            "n_classes": classes,
            "modality": self.modality,
            "class_names": list(self.class_names),
            "schema": None if self.rows.schema == Schema() else self.rows.schema.as_json(),
            "ids": self.ids_key,
        }


def load_materials(
    references: list[Any],
    given: Mapping[str, Any] | None = None,
    select: Callable[[Any], Any] = lambda data: data,
) -> list[Material]:
    """Load every dataset.

    Parameters
    ----------
    references : list of str or DataConfig
        From the configuration.
    given : mapping of str to Dataset, array or (array, array), optional
        In-memory data, by name; they take the place of the configuration's.
    select : callable, optional
        Adds to a reference what is selected besides.

    Returns
    -------
    list of Material

    Raises
    ------
    ConfigError
        If there are none, or one is listed twice.
    DataError
        If they cannot be loaded or used.
    """
    if given is not None:
        found = [_given(name, value) for name, value in given.items()]
    else:
        found = [_loaded(ref, index, select) for index, ref in enumerate(references)]
    if not found:
        raise ConfigError([Problem("data", "is missing: name at least one dataset or path")])
    names = [material.name for material in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError([Problem("data", f"{name!r} is listed twice")])
    return found


def _given(name: str, value: Any) -> Material:
    if isinstance(value, Dataset):
        return _known(name, value)
    pair = value if isinstance(value, tuple) and len(value) == 2 else (value, None)
    return _material(name, *pair)


def _known(name: str, data: Dataset) -> Material:
    return attrs.evolve(_material(name, data, data.y, data.names), modality=data.modality)


def _loaded(reference: Any, index: int, select: Callable[[Any], Any]) -> Material:
    ref = reference
    if isinstance(reference, DataConfig):
        ref = {key: value for key, value in options_dict(reference).items() if value is not None}
    ref = select(ref)
    try:
        data = load(ref)
        name = ref if isinstance(ref, str) else ref["path"]
        return _known(name, data)
    except DataError as error:
        raise DataError(f"data[{index}]: {error}") from error


def _material(name: str, x: Any, y: Any, names: Sequence[str] = ()) -> Material:
    from n2d_framework.metrics.coding import code

    try:
        rows = Rows.of(read_by_adapter(x), fitting=True)
    except DataError as error:
        raise DataError(f"{name}: {error}") from error
    refuse_equal_rows(rows)
    key = rows.fingerprint()
    if y is None:
        return Material(name, rows, None, key, None)
    found = code(y, "y")
    codes = found.codes
    if len(codes) != len(rows):
        raise DataError(f"{name}: {len(rows)} rows but {len(codes)} true classes")
    called = _called(found.values, names)
    return Material(name, rows, codes, key, _truth_key(codes), class_names=called)


def part_of(material: Material, chosen: AnyArray) -> Material:
    """Some rows of a dataset, named by their number.

    Parameters
    ----------
    material : Material
    chosen : int array
        Their positions.

    Raises
    ------
    DataError
        If they are equal.
    """
    rows = material.rows.take(chosen)
    refuse_equal_rows(rows)
    y = None if material.y is None else material.y[chosen]
    return attrs.evolve(
        material, name=f"{material.name} ({len(rows)} rows)", rows=rows, y=y,
        key=rows.fingerprint(), truth=None if y is None else _truth_key(y),
    )  # fmt: skip


def _called(values: Sequence[Any], names: Sequence[str]) -> tuple[str, ...]:
    """Names of the classes, in the order of their codes.

    Names of the data come first, then classes that are strings; numbers are said to be
    classes. Noise is noise.
    """
    known = class_names(values, names)

    def called(value: Any) -> str:
        if value in known:
            return known[value]
        if not isinstance(value, (int, float)):
            return str(value)
        return "noise" if value == NOISE else f"class {value}"

    return tuple(map(called, values))


def _truth_key(codes: AnyArray) -> str:
    return hashlib.sha256(b"truth" + fingerprint(codes).encode()).hexdigest()


def _ids_key(ids: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(["ids", *ids]).encode()).hexdigest()


def keep_material(material: Material, store: StageStore) -> None:
    """Put rows and classes into the store, if they are not there in good order."""
    kept: list[tuple[str, dict[str, AnyArray], KeyOf]] = []
    if material.truth is not None and material.y is not None:
        kept.append((material.truth, {"values": material.y}, _truth_key))
    if material.ids is not None and material.ids_key is not None:
        kept.append((material.ids_key, packed(material.ids), _packed_key))
    weights = material.rows.weights
    if weights is not None:
        own = weights_key(material.key)
        kept.append((own, {"values": weights}, lambda _: own))
    about = {"role": "data", "name": material.name}
    for key, arrays, key_of in kept:
        try:
            arrays_of(store, key, key_of, *arrays)
        except DataError:
            store.write(key, about, {"data": dict(arrays)})
    try:
        read_rows(store.location, material.key)  # a store may have lost what memory has
    except DataError:
        store.write(material.key, about, {"data": state_of_rows(material.rows)})


def _packed_key(values: AnyArray, ends: AnyArray) -> str:
    return _ids_key(unpacked(values, ends))


@lru_cache(maxsize=8)
def truth_of(location: str, key: str) -> IntArray:
    """True classes as codes, from the store."""
    (codes,) = arrays_of(StageStore(location), key, _truth_key, "values")
    return np.asarray(codes, dtype=np.int64)


def ids_of(store: StageStore, key: str) -> list[str]:
    """Ids of rows, from the store."""
    return unpacked(*arrays_of(store, key, _packed_key, "values", "ends"))
