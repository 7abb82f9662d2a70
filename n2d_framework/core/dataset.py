"""A dataset: one return type, and the light announcement a plugin gives of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

import attrs
from attrs import validators

from n2d_framework.core.kinds import Kind, kind_name
from n2d_framework.core.rows import Rows, Schema, count_rows
from n2d_framework.core.spec import is_name, load_object
from n2d_framework.errors import PluginError
from n2d_framework.types import NOISE, AnyArray

__all__ = ["DataFile", "Dataset", "DatasetSpec", "Modality", "class_names"]

Modality: TypeAlias = Kind
"""A former name of :data:`n2d_framework.plugin.Kind`."""


def class_names(values: Iterable[Any], names: Sequence[str]) -> dict[Any, str]:
    """Names of classes, by their values.

    Parameters
    ----------
    values : iterable
        The distinct values of the classes, sorted. Noise (-1) needs no name.
    names : sequence of str
        One for each class, in this order, with or without one for noise; or, where classes are
        the integers from 0 on, the name of class ``i`` at position ``i``, so that there may be
        more names than classes.

    Returns
    -------
    dict
        Class to name; without noise. Empty if the names do not fit.
    """
    known = list(values)
    classes = [value for value in known if not (_is_number(value) and value == NOISE)]
    if len(names) == len(classes):
        return dict(zip(classes, map(str, names), strict=True))
    if len(names) == len(known):
        found = dict(zip(known, map(str, names), strict=True))
        return {value: found[value] for value in classes}
    if all(isinstance(value, int) and 0 <= value < len(names) for value in classes):
        return {value: str(names[value]) for value in classes}
    return {}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@attrs.frozen(kw_only=True, eq=False)
class Dataset:
    """Rows to cluster, with what is known about them.

    Attributes
    ----------
    name : str
        Name of the dataset, or of the file it came from.
    x : array of shape (n, ...), CSR array or Rows
        The rows, in the type the source has (images of bytes stay ``uint8``).
    y : array of shape (n,) or None
        True classes, if known; of any type. Never used for fitting.
    names : tuple of str
        Names of the classes, as :func:`class_names` takes them: mostly in the order of the
        sorted values of `y`; may be empty.
    modality : str, default "vector"
        Kind of the rows: ``"vector"``, ``"image"``, ``"sequence"``, or one that a plugin
        announces. ``"tabular"`` is a former name of ``"vector"``.
    licence, citation, source : str
        What may be done with the data, how to cite them, where they are from.
    schema : Schema or None
        The columns of `x`, where the source names them; see :mod:`n2d_framework.core.rows`.
    ids : array of str, shape (n,), or None
        Ids of the rows, where the source has them.
    thumbnails : array of shape (n, height, width[, channels]), or of str, or None
        Pictures that a report shows beside rows that are not images themselves: images, or paths
        of files, empty where a row has none. Never used for fitting.
    """

    name: str
    x: Any
    y: AnyArray | None = None
    names: tuple[str, ...] = ()
    modality: Kind = attrs.field(default="vector", converter=kind_name)
    licence: str = ""
    citation: str = ""
    source: str = ""
    schema: Schema | None = None
    ids: AnyArray | None = None
    thumbnails: AnyArray | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return count_rows(self.x)

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """Shape of one row."""
        return self.x.row_shape if isinstance(self.x, Rows) else tuple(self.x.shape[1:])

    def __n2d_rows__(self) -> Rows:
        """The rows with their columns and ids, unchecked; :meth:`Rows.of` checks them."""
        if not isinstance(self.x, Rows):
            return Rows(self.x, self.schema or Schema(), self.ids, named_kind=self.modality)
        ids = self.x.ids if self.ids is None else self.ids
        return attrs.evolve(self.x, ids=ids, named_kind=self.x.named_kind or self.modality)


def _inside(_: Any, attribute: attrs.Attribute[Any], value: str) -> None:
    path = PurePosixPath(value)
    if not value or path.is_absolute() or ".." in path.parts or "\\" in value:
        raise ValueError(f"{attribute.name} must be a path inside a folder, got {value!r}")


@attrs.frozen(kw_only=True)
class DataFile:
    """A file of a dataset that can be downloaded.

    Attributes
    ----------
    name : str
        Its path inside the cache, with ``/``; by custom ``"dataset/original_name"``.
    urls : tuple of str
        Where it is, tried in this order.
    sha256 : str
        Digest of the content, 64 hexadecimal digits. A file that differs is never used.
    size : int or None
        Number of bytes, where known; a longer answer is broken off.
    """

    name: str = attrs.field(validator=_inside)
    urls: tuple[str, ...] = attrs.field(
        validator=[
            validators.instance_of(tuple),
            validators.min_len(1),
            validators.deep_iterable(validators.matches_re(r"https?://\S+")),
        ],
    )
    sha256: str = attrs.field(validator=validators.matches_re(r"[0-9a-f]{64}"))
    size: int | None = None


@attrs.frozen(kw_only=True)
class DatasetSpec:
    """A dataset as a plugin announces it.

    Attributes
    ----------
    name : str
        Its name in config and command line.
    loader : str
        ``"package.module:function"``; returns a :class:`Dataset`. Called without arguments;
        or, if `files` or `alternatives` are given, with one mapping: file name (the last part
        of the path) to local path, of all files of one group.
    summary : str
        One line.
    n_rows : int
        Number of rows.
    row_shape : tuple of int
        Shape of one row.
    n_classes : int or None
        Number of true classes, if known.
    modality : str, default "vector"
        Kind of the rows: ``"vector"``, ``"image"``, ``"sequence"``, or one that a plugin
        announces. ``"tabular"`` is a former name of ``"vector"``.
    embedded : bool
        Whether it needs no download.
    licence, citation, source : str
    files : tuple of DataFile
        What is downloaded, once, into the cache; names of the last part are all different.
    alternatives : tuple of tuples of str
        Further groups of file (or folder) names that will do as well when all of a group lie
        in the user's own folder of data (``N2D_DATA``): other formats of the same rows.
    """

    name: str = attrs.field(validator=is_name)
    loader: str
    summary: str
    n_rows: int
    row_shape: tuple[int, ...]
    n_classes: int | None = None
    modality: Kind = attrs.field(default="vector", converter=kind_name)
    embedded: bool = False
    licence: str = ""
    citation: str = ""
    source: str = ""
    files: tuple[DataFile, ...] = attrs.field(default=(), validator=validators.instance_of(tuple))
    alternatives: tuple[tuple[str, ...], ...] = ()

    @property
    def from_files(self) -> bool:
        """Return whether the loader is given files."""
        return bool(self.files or self.alternatives)

    def load(self, files: Mapping[str, Path] | None = None) -> Dataset:
        """Import the loader and call it.

        Parameters
        ----------
        files : mapping of str to Path, optional
            Needed if :attr:`from_files`; :func:`n2d_framework.data.load` finds them.
        """
        loader: Any = load_object(self.loader, what=f"dataset {self.name!r}")
        if self.from_files and files is None:
            raise TypeError(f"dataset {self.name!r} is read from files; use n2d_framework.data")
        found = loader(files) if self.from_files else loader()
        if not isinstance(found, Dataset):
            raise PluginError(f"dataset {self.name!r}: {self.loader} did not return a Dataset")
        return found
