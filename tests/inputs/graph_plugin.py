"""A plugin that brings a kind of rows, `graph`, with everything that is needed to cluster some."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from n2d_framework.plugin import (
    ClusteredRows,
    ComponentSpec,
    DataError,
    Dataset,
    KindSpec,
    PanelSpec,
    PlotSpec,
    component,
    hookimpl,
    learned,
    option,
    require_fitted,
)


@hookimpl
def n2d_kinds():
    """Announce the kind."""
    yield KindSpec(
        name="graph",
        factory="graph_plugin:read_graphs",
        summary="Adjacency matrices of graphs of equally many nodes",
        libraries=("graph_plugin",),
        suffixes=(".graphs",),
    )


@hookimpl
def n2d_components():
    """Announce an embedder of graphs and a description of their clusters."""
    yield ComponentSpec(
        role="embedder", name="spectrum", factory="graph_plugin:Spectrum", input="graph",
        summary="Largest eigenvalues of the adjacency matrix",
    )  # fmt: skip
    yield ComponentSpec(
        role="describe", name="degrees", factory="graph_plugin:Degrees", input="graph",
        summary="Mean degree of the graphs of each cluster", default_for=("graph",),
    )  # fmt: skip


@hookimpl
def n2d_plots():
    """Announce a plot."""
    yield PlotSpec(name="mean_degrees", factory="graph_plugin:draw", summary="Mean degrees")


@hookimpl
def n2d_panels():
    """Announce a panel of reports."""
    yield PanelSpec(name="graph_cells", factory="graph_plugin:cells", summary="Cells of graphs")


class Graph:
    """A graph in memory: its edges, and the number of its nodes."""

    def __init__(self, nodes: int, edges: list[tuple[int, int]]) -> None:
        self.nodes, self.edges = nodes, edges

    def matrix(self) -> np.ndarray:
        """The adjacency matrix, float32."""
        found = np.zeros((self.nodes, self.nodes), dtype=np.float32)
        for a, b in self.edges:
            found[a, b] = found[b, a] = 1
        return found


def read_graphs(source: Any) -> Dataset:
    """Read a file, or a list of graphs."""
    ids = None
    if isinstance(source, Path):
        listed = json.loads(source.read_text())
        graphs = [Graph(item["nodes"], item["edges"]) for item in listed]
        ids = np.array([item["name"] for item in listed])
    else:
        graphs = [source] if isinstance(source, Graph) else list(source)
    sizes = Counter(graph.nodes for graph in graphs)
    if len(sizes) > 1:
        raise DataError(f"graphs must have equally many nodes, these have {sorted(sizes)}")
    return Dataset(name="", x=np.stack([graph.matrix() for graph in graphs]), ids=ids)


@component
class Spectrum:
    """Largest eigenvalues."""

    latent_dim: int = option(3, ge=1, help="How many eigenvalues.")
    n_nodes_: int | None = learned(dtype=int, ge=1)

    def check_input(self, n_rows, row_shape):
        """Graphs need as many nodes as there are eigenvalues."""
        wrong = len(row_shape) != 2 or row_shape[0] < self.latent_dim
        return [f"needs graphs of at least {self.latent_dim} nodes"] * wrong

    def fit(self, x, *, context):
        """Remember the number of nodes."""
        self.n_nodes_ = int(x.shape[1])
        return self

    def transform(self, x):
        """Eigenvalues, graph by graph."""
        if x.shape[1:] != (require_fitted(self.n_nodes_, "spectrum"),) * 2:
            raise DataError(f"graphs have {x.shape[1:]} nodes")
        values = [np.linalg.eigvalsh(row.astype(np.float64))[-self.latent_dim :] for row in x]
        return np.asarray(values, dtype=np.float32)


@component
class Degrees:
    """Mean degrees."""

    def describe(self, rows: ClusteredRows):
        """The mean degree in each cluster."""
        degrees = rows.x.sum(axis=(1, 2)) / rows.x.shape[1]
        return {
            str(label): float(degrees[rows.labels == label].mean())
            for label in np.unique(rows.labels)
        }


def draw(rows: ClusteredRows, axes) -> None:
    """Draw the mean degree of each graph against its cluster."""
    axes.scatter(rows.labels, rows.x.sum(axis=(1, 2)))
    axes.set_xlabel("cluster")


def cells(comparison):
    """Number of cells."""
    return [{"cells": len(comparison.table)}]


def graph_info(path: Path) -> None:
    """Say how many graphs a file has."""
    import typer

    data = read_graphs(path)
    typer.echo(f"{len(data.x)} graphs of {data.x.shape[1]} nodes")
