"""The configuration as attrs models: what a file may say."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import attrs

from n2d_framework.core.budget.memory_sizes import memory_size
from n2d_framework.core.options import component, option
from n2d_framework.core.roles import role_info

__all__ = ["Chain", "Choosable", "DataConfig", "ModelConfig", "RunConfig"]

Choosable: TypeAlias = str | Mapping[str, Any]
#: One component, or several that follow each other.
Chain: TypeAlias = str | Mapping[str, Any] | tuple[str | Mapping[str, Any], ...]
_CHOSEN = "Name, or a mapping with name and options"


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
    text : str, tuple of str or None
    kinds : mapping of str to {"number", "category", "date", "text"} or None
    header : bool or None
    time : str or None
    steps : int or None
    resize : tuple of int, "auto", "none" or None
    mode : {"grey", "rgb", "rgba"} or None
    on_error : {"raise", "skip"} or None
    thumbnails : str or None
    """

    path: str = option(help="File, folder of images, or name of a dataset.")
    x: str | tuple[str, ...] | None = option(
        None,
        min_len=1,
        help="Name of the array with the rows, or the columns that are features: names, globs "
        "(price_*) or /regular expressions/. Left out, it is found: an array named x or the only "
        "one; all columns but the labels.",
    )
    drop: str | tuple[str, ...] | None = option(
        None,
        min_len=1,
        help="Columns of a table that are not features: names, globs or /regular expressions/.",
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
    text: str | tuple[str, ...] | None = option(
        None,
        min_len=1,
        help="Columns of a table that are texts: names, globs or /regular expressions/. They "
        "alone are the rows, unless x chooses more columns.",
    )
    kinds: Mapping[str, Literal["number", "category", "date", "text"]] | None = option(
        None,
        help="Kinds of columns where they are guessed wrong: {zip: category}, by names, globs or "
        "/regular expressions/. n2d inspect-data shows the guesses.",
    )
    header: bool | None = option(
        None,
        help="Whether the first line of a text table names the columns. Left out, it is found.",
    )
    time: str | None = option(
        None,
        help="Column of the times of a long table, whose rows are made series: those with the same "
        "id are one, and the other features are its values.",
    )
    steps: int | None = option(
        None,
        ge=2,
        help="Number of evenly spaced times at which series of a long table are interpolated. Left "
        "out, series of equal times stay as they are, others get their median length, at most 256.",
    )
    resize: tuple[int, int] | Literal["auto", "none"] | None = option(
        None,
        ge=1,
        help="[height, width] that images of a folder are scaled to, cut in the middle where "
        "proportions differ; auto: their median, at most 64 pixels a side; none: as they are. Left "
        "out, it is auto unless all are of one size of at most 256 pixels a side.",
    )
    mode: Literal["grey", "rgb", "rgba"] | None = option(
        None,
        help="Mode that images of a folder are brought to. Left out, the one that all have; of "
        "several, grey if all are grey, else rgb.",
    )
    on_error: Literal["raise", "skip"] | None = option(
        None,
        help="What an image that cannot be read does: raise (the default) ends the reading; skip "
        "leaves it out, and lists it in a warning at the end.",
    )
    thumbnails: str | None = option(
        None,
        help="Column with paths of pictures, relative to the folder of the table, or array of "
        "images: the report of a run shows them beside the rows. It is not a feature.",
    )


@component
class ModelConfig:
    """The composition: components of each role.

    Attributes
    ----------
    scaler : str, mapping or None
    prepare : str, mapping, tuple of them, or None
    embedder : str or mapping
    manifolder : str, mapping or tuple of them
    clusterer : str or mapping
    refine, describe : str, mapping, tuple of them, or None
    n_clusters : int, "auto" or None
    """

    scaler: Choosable | None = option(
        None,
        help=f"Short for prepare with this one component. Left out, it is "
        f"{role_info('prepare').default}, unless prepare is given.",
    )
    prepare: Chain | None = option(
        None, help=f"{_CHOSEN}; or a list of steps that bring rows to numbers, one after the other."
    )
    embedder: Choosable = option(role_info("embedder").default, help=f"{_CHOSEN}.")
    manifolder: Chain = option(
        role_info("manifolder").default,
        help=f"{_CHOSEN}; or a list, each of which is fitted on what the one before gives.",
    )
    clusterer: Choosable = option(role_info("clusterer").default, help=f"{_CHOSEN}.")
    refine: Chain | None = option(
        None, help=f"{_CHOSEN}; or a list of steps that change labels, one after the other."
    )
    describe: Chain | None = option(
        None, help=f"{_CHOSEN}; or a list. What describes clusters; it never changes a label."
    )
    n_clusters: int | Literal["auto"] | None = option(
        None,
        ge=1,
        help="Handed to every component that has such an option and was not given its own; the "
        "number of latent and manifold dimensions follows it too (up to 100). Components that "
        "find the number themselves ignore it. auto: 2 to 20 are tried, and the best without "
        "classes is the clusterer's.",
    )


@component
class RunConfig:
    """One run: data, model and seed.

    Attributes
    ----------
    data : str, DataConfig or None
    model : ModelConfig
    random_state : int
    memory : str, float or None
    composition : Composition or None
        What the model came to when the configuration was read; not an option.
    """

    data: str | DataConfig | None = option(
        None, help="Name of a dataset, a path, or a mapping with path, x and y."
    )
    model: ModelConfig = option(ModelConfig(), help="The composition: the components of each role.")
    random_state: int = option(
        0, ge=0, lt=2**31, help="The one seed; every stage's seed is derived from it."
    )
    memory: str | float | None = option(
        None,
        help="Memory that the fit may take, such as 4GiB; a number is one of GiB. Rows that do not "
        "fit into it are fitted out of core. Left out, all rows are in memory.",
    )
    composition: Any = attrs.field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.memory is not None:
            memory_size(self.memory)

    def with_data(self, data: str | DataConfig) -> RunConfig:
        """The configuration with other data."""
        changed = copy.copy(self)
        changed.data = data
        return changed
