"""A study: what a publication ran, and the numbers it printed, from the files of this package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import attrs

from n2d_framework.config.reading import read_tree
from n2d_framework.core.roles import ROLE_TABLE
from n2d_framework.errors import ConfigError, Problem, did_you_mean
from n2d_framework.registry import default_catalogue
from n2d_framework.types import Role

__all__ = ["STUDIES", "Method", "Other", "Study", "Table", "read_study"]

_FOLDER = Path(__file__).with_name("studies")
#: Names of the studies that can be reproduced.
STUDIES: tuple[str, ...] = ("paper", "thesis", "tabular")

_ROLES: dict[str, Role] = {info.listed: info.name for info in ROLE_TABLE if info.needed}

Numbers = Mapping[str, Mapping[str, Mapping[str, float]]]


@attrs.frozen(kw_only=True)
class Method:
    """One row of a table.

    Attributes
    ----------
    id, label : str
        How it is called on the command line, and in tables.
    trio : mapping
        A rule of a comparison (embedder, manifolder, clusterer) that one method of its grid
        fits.
    adds : mapping of str to list
        Components of a plugin that the grid gets for this method, by axis (``embedders``, ...).
    plugin : str
        The distribution that brings them.
    view : {"all", "clustered"}
        Whether scores are of all rows, or of those that are not noise.
    notes : tuple of str
        What is to be known of the measured numbers.
    causes : tuple of str
        Why they may differ from the published ones.
    """

    id: str
    label: str
    trio: Mapping[str, Any]
    adds: Mapping[str, Sequence[Any]] = attrs.field(factory=dict)
    plugin: str = ""
    view: Literal["all", "clustered"] = "all"
    notes: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    causes: tuple[str, ...] = attrs.field(default=(), converter=tuple)

    def lacking(self) -> str:
        """Why it cannot be run with what is installed; empty if it can."""
        catalogue = default_catalogue()
        for axis, items in self.adds.items():
            role = _ROLES[axis]
            known = {entry.spec.name for entry in catalogue.components(role)}
            for item in items:
                name = item if isinstance(item, str) else item["name"]
                if name not in known:
                    return (
                        f"it needs the {role} {name!r} of the plugin {self.plugin}, which is not "
                        "installed"
                    )
        return ""

    def column(self, metric: str) -> str:
        """The column of a comparison's table that holds a score of this method."""
        both_views = metric in ("acc", "nmi", "ari", "ami")
        return f"{metric}_clustered" if self.view == "clustered" and both_views else metric


@attrs.frozen(kw_only=True)
class Table:
    """A published table.

    Attributes
    ----------
    id, title, source : str
    metrics, data, methods : tuple of str
        Its columns, blocks and rows.
    only_published : bool
        Whether only what has a published number is run.
    numbers : mapping of method to dataset to metric to number
    notes : tuple of str
    """

    id: str
    title: str
    source: str
    metrics: tuple[str, ...] = attrs.field(converter=tuple)
    data: tuple[str, ...] = attrs.field(converter=tuple)
    methods: tuple[str, ...] = attrs.field(converter=tuple)
    only_published: bool = False
    numbers: Numbers
    notes: tuple[str, ...] = attrs.field(default=(), converter=tuple)

    def published(self, method: str, data: str) -> Mapping[str, float]:
        """Published numbers of a method on a dataset, by metric."""
        return self.numbers.get(method, {}).get(data, {})

    def entries(self, data: str) -> Iterator[str]:
        """Methods that the table has for a dataset, whether a number was published or not."""
        for method in self.methods if data in self.data else ():
            # The same rows with noise counted stand beside those without, published or not.
            partner = method.removesuffix("_all")
            if (
                not self.only_published
                or self.published(method, data)
                or self.published(partner, data)
            ):
                yield method


@attrs.frozen(kw_only=True)
class Other:
    """Measurement by others."""

    method: str
    data: str
    scores: Mapping[str, float]
    what: str
    source: str


@attrs.frozen(kw_only=True)
class Study:
    """A publication, as far as it can be run again.

    Attributes
    ----------
    name, title, source, citation : str
    digits : int
        Decimals of the printed numbers.
    comparison : mapping
        Configuration of a comparison without data, seeds, number of clusters and rules.
    data : mapping of str to mapping
        Per dataset ``settings`` of the comparison, and ``notes``.
    methods : dict of str to Method
    tables : tuple of Table
    notes : tuple of str
    others : tuple of Other
    ranking : mapping
        For a study that ranks methods over its datasets: its ``main`` method, and those
        ``against`` which that is set; else empty.
    """

    name: str
    title: str
    source: str
    citation: str
    digits: int
    comparison: Mapping[str, Any]
    data: Mapping[str, Mapping[str, Any]]
    methods: Mapping[str, Method]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    others: tuple[Other, ...]
    ranking: Mapping[str, Any] = attrs.field(factory=dict)

    @property
    def published(self) -> bool:
        """Return whether there are published numbers to be set beside."""
        return any(table.numbers for table in self.tables)

    @property
    def data_names(self) -> list[str]:
        """Every dataset of its tables."""
        return list(dict.fromkeys(name for table in self.tables for name in table.data))

    @property
    def epochs(self) -> int:
        """Most epochs that an autoencoder of the study is trained for."""
        embedders = self.comparison["embedders"]
        return int(max((item["epochs"] for item in embedders if _is_trained(item)), default=0))

    def runs(self, data: str, chosen: Sequence[str] = ()) -> list[Method]:
        """Methods to be run on a dataset: those of its tables that what is installed can do.

        Parameters
        ----------
        data : str
        chosen : sequence of str, optional
            Ids of methods; all of them by default.
        """
        ids = dict.fromkeys(method for table in self.tables for method in table.entries(data))
        wanted = [name for name in ids if not chosen or name in chosen]
        return [self.methods[name] for name in wanted if not self.methods[name].lacking()]

    def config(
        self,
        data: str,
        methods: Sequence[Method],
        *,
        n_clusters: int,
        seeds: int,
        epochs: int | None,
    ) -> dict[str, Any]:
        """The configuration of the comparison of one dataset.

        Parameters
        ----------
        data : str
        methods : sequence of Method
            One or more that can be run.
        n_clusters, seeds : int
        epochs : int or None
            In place of the epochs of every autoencoder.
        """
        tree = dict(self.comparison) | dict(self.data.get(data, {}).get("settings", {}))
        for axis in _ROLES:
            added = [item for method in methods for item in method.adds.get(axis, ())]
            tree[axis] = [*tree[axis], *_distinct(added)]
        if epochs is not None:
            tree["embedders"] = [
                {**item, "epochs": epochs} if _is_trained(item) else item
                for item in tree["embedders"]
            ]
        rules = _distinct(method.trio for method in methods)
        more = {"data": data, "n_clusters": n_clusters, "seeds": seeds, "include": rules}
        return tree | more


def _is_trained(item: Any) -> bool:
    return isinstance(item, Mapping) and "epochs" in item


def _distinct(items: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if item not in found:
            found.append(item)
    return found


def read_study(name: str) -> Study:
    """Read a study from the files of this package.

    Parameters
    ----------
    name : {"paper", "thesis", "tabular"}

    Returns
    -------
    Study

    Raises
    ------
    ConfigError
        If there is no such study.
    """
    if name not in STUDIES:
        hint = did_you_mean(name, STUDIES, noun="study")
        raise ConfigError([Problem("study", f"unknown study {name!r}; {hint}")])
    recipe = read_tree(_FOLDER / f"{name}.yaml")
    printed = read_tree(_FOLDER / f"{name}.numbers.yaml")
    methods = {key: Method(id=key, **about) for key, about in recipe.pop("methods").items()}
    tables = tuple(
        Table(**about, **printed["tables"][about["id"]]) for about in recipe.pop("tables")
    )
    return Study(
        name=name,
        source=printed["source"],
        citation=printed["citation"],
        methods=methods,
        tables=tables,
        notes=tuple(recipe.pop("notes")),
        others=tuple(_other(item) for item in printed["others"]),
        **recipe,
    )


def _other(item: Mapping[str, Any]) -> Other:
    texts = {key: item[key] for key in ("method", "data", "what", "source")}
    return Other(**texts, scores={key: item[key] for key in item if key not in texts})
