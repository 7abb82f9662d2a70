"""The configuration as attrs models: what a file may say."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import attrs

from n2d_framework.core.options import component, option

__all__ = ["DataConfig", "ModelConfig", "RunConfig", "ScalerConfig", "ScalerName"]

ScalerName: TypeAlias = Literal["none", "minmax", "standard", "maxabs"]
Choosable: TypeAlias = "str | Mapping[str, Any]"


@component
class ScalerConfig:
    """Scaling of input values before the embedder sees them.

    Attributes
    ----------
    name : {"none", "minmax", "standard", "maxabs"}
    per : {"auto", "feature", "array"}
    """

    name: ScalerName = option(
        "minmax",
        help="minmax: to [0, 1]; standard: mean 0, variance 1; maxabs: to [-1, 1], zero stays "
        "zero; none: values as they are.",
    )
    per: Literal["auto", "feature", "array"] = option(
        "auto",
        help="feature: each feature by its own range; array: all values by one range, as for "
        "pixels; auto: array for images, for other rows of more than one dimension and for "
        "bytes (uint8), feature otherwise.",
    )


@component
class DataConfig:
    """Where rows come from.

    Attributes
    ----------
    path : str
    x : str, tuple of str or None
    drop : str, tuple of str or None
    id : str or None
    y : str, False or None
    header : bool or None
    """

    path: str = option(help="File, folder of images, or name of a dataset.")
    x: str | tuple[str, ...] | None = option(
        None,
        min_len=1,
        help="Name of the array with the rows, or names of the columns that are features. Left "
        "out, it is found: an array named x or the only one; all columns but the labels.",
    )
    drop: str | tuple[str, ...] | None = option(
        None, min_len=1, help="Names of columns of a table that are not features."
    )
    id: str | None = option(
        None,
        help="Name of the column or array with the ids of rows, which come out beside the labels. "
        "Left out, it is an index that pandas wrote, or the names of the files of a folder.",
    )
    y: str | Literal[False] | None = option(
        None,
        help="Name of the array or column with the true classes, or false for data without. Left "
        "out, it is found by its name: y, label, labels, target, targets or class.",
    )
    header: bool | None = option(
        None,
        help="Whether the first line of a text table names the columns. Left out, it is found.",
    )


@component
class ModelConfig:
    """The composition: a scaler and a trio.

    Attributes
    ----------
    scaler : str or ScalerConfig
    embedder, manifolder, clusterer : str or mapping
    n_clusters : int or None
    """

    scaler: ScalerName | ScalerConfig = option(
        "minmax", help="Name of a scaler, or a mapping with name and per."
    )
    embedder: Choosable = option("dense_ae", help="Name, or a mapping with name and options.")
    manifolder: Choosable = option("umap", help="Name, or a mapping with name and options.")
    clusterer: Choosable = option("gmm", help="Name, or a mapping with name and options.")
    n_clusters: int | None = option(
        None,
        ge=1,
        help="Handed to every component that has such an option and was not given its own; the "
        "number of latent and manifold dimensions follows it too. Components that find the "
        "number themselves ignore it.",
    )


@component
class RunConfig:
    """One run: data, model and seed.

    Attributes
    ----------
    data : str, DataConfig or None
    model : ModelConfig
    random_state : int
    composition : Composition or None
        What the model came to when the configuration was read; not an option.
    """

    data: str | DataConfig | None = option(
        None, help="Name of a dataset, a path, or a mapping with path, x and y."
    )
    model: ModelConfig = option(
        ModelConfig(), help="The composition of scaler, embedder, manifolder and clusterer."
    )
    random_state: int = option(
        0, ge=0, lt=2**31, help="The one seed; every stage's seed is derived from it."
    )
    composition: Any = attrs.field(default=None, init=False, repr=False)

    def with_data(self, data: str | DataConfig) -> RunConfig:
        """The configuration with other data."""
        changed = copy.copy(self)
        changed.data = data
        return changed
