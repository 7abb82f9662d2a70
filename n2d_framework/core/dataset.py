"""A data set: one return type, and the light announcement a plugin gives of one."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import attrs
from attrs import validators

from n2d_framework.core.spec import load_object
from n2d_framework.errors import PluginError
from n2d_framework.types import AnyArray

__all__ = ["Dataset", "DatasetSpec", "Modality"]

Modality: TypeAlias = Literal["tabular", "image", "sequence"]


@attrs.frozen(kw_only=True, eq=False)
class Dataset:
    """Rows to cluster, with what is known about them.

    Attributes
    ----------
    name : str
        Name of the data set, or of the file it came from.
    x : array of shape (n, ...)
        The rows, in the type the source has (images of bytes stay ``uint8``).
    y : array of shape (n,) or None
        True classes, if known; of any type. Never used for fitting.
    names : tuple of str
        Names of the classes, in the order of the sorted values of `y`; may be empty.
    modality : {"tabular", "image", "sequence"}
    licence, citation, source : str
        What may be done with the data, how to cite them, where they are from.
    """

    name: str
    x: AnyArray
    y: AnyArray | None = None
    names: tuple[str, ...] = ()
    modality: Modality = "tabular"
    licence: str = ""
    citation: str = ""
    source: str = ""

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """Shape of one row."""
        return tuple(self.x.shape[1:])


@attrs.frozen(kw_only=True)
class DatasetSpec:
    """A data set as a plugin announces it.

    Attributes
    ----------
    name : str
        Its name in config and command line.
    loader : str
        ``"package.module:function"``; called without arguments, returns a :class:`Dataset`.
    summary : str
        One line.
    n_rows : int
        Number of rows.
    row_shape : tuple of int
        Shape of one row.
    n_classes : int or None
        Number of true classes, if known.
    modality : {"tabular", "image", "sequence"}
    embedded : bool
        Whether it needs no download.
    licence, citation, source : str
    """

    name: str = attrs.field(validator=validators.matches_re(r"[a-z][a-z0-9_]{0,63}"))
    loader: str
    summary: str
    n_rows: int
    row_shape: tuple[int, ...]
    n_classes: int | None = None
    modality: Modality = "tabular"
    embedded: bool = False
    licence: str = ""
    citation: str = ""
    source: str = ""

    def load(self) -> Dataset:
        """Import the loader and call it."""
        found: Any = load_object(self.loader, what=f"data set {self.name!r}")()
        if not isinstance(found, Dataset):
            raise PluginError(f"data set {self.name!r}: {self.loader} did not return a Dataset")
        return found
