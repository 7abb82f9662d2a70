"""Figures of a fitted stage: each figure once, however many cells share the stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import attrs
import numpy as np
from markupsafe import Markup

from n2d_framework import plots
from n2d_framework.pages.thumbnails import Images, data_uri
from n2d_framework.plots.palette import distinct, is_noise
from n2d_framework.plots.row_images import unchanged
from n2d_framework.plots.row_sample import sample_rows
from n2d_framework.report.fitted_stages import CellStages
from n2d_framework.report.svg import svg
from n2d_framework.types import ROLES, AnyArray, Role

__all__ = ["Figure", "MakeFigure", "figures_of"]

_MOST_MEANS = 40
_RECONSTRUCTED = 10
#: Longer drawings become pictures.
_MOST_BYTES = 400_000


@attrs.frozen(eq=False)
class Figure:
    """A figure of the page.

    Attributes
    ----------
    title : str
    drawing : Markup or None
        SVG.
    images : list of (list of (src, caption))
        Rows of small images.
    note : str
        Said beneath.
    light : bool
        Whether it keeps the light colours: a picture within it cannot change them.
    """

    title: str
    drawing: Markup | None = None
    images: Sequence[Sequence[tuple[str, str]]] = ()
    note: str = ""
    light: bool = False

    @property
    def size(self) -> int:
        """Characters that it adds to the page, nearly."""
        pictures = sum(len(src) for row in self.images for src, _ in row)
        return pictures + len(self.drawing or "")


MakeFigure = Callable[[str], "Figure | None"]


def figures_of(stages: CellStages, images: Images | None) -> dict[str, MakeFigure]:
    """Figures that may apply to a cell.

    Parameters
    ----------
    stages : CellStages
    images : Images or None
        How rows are shown as images; ``None`` shows profiles.

    Returns
    -------
    dict
        Key to a function that takes an identifier and returns the figure, or ``None`` where
        it does not apply. Equal keys stand for equal figures.
    """
    found: dict[str, MakeFigure] = {}
    for role in ROLES:
        found[f"loss-{stages.key(role)}"] = partial(_loss, stages, role)
    found[f"again-{stages.key('embedder')}"] = partial(_again, stages, images)
    found[f"means-{stages.key('clusterer')}"] = partial(_means, stages, images)
    for role in ROLES:
        found[f"scree-{stages.key(role)}"] = partial(_scree, stages, role)
        found[f"tree-{stages.key(role)}"] = partial(_tree, stages, role)
    return found


def _drawn(title: str, draw: Callable[[], Any], name: str) -> Figure:
    drawing = svg(draw, name, title)
    if len(drawing) <= _MOST_BYTES:
        return Figure(title, drawing)
    return Figure(title, svg(draw, name, title, flat=True), light=True)


def _loss(stages: CellStages, role: Role, name: str) -> Figure | None:
    history = getattr(stages.component(role), "history_", None) or {}
    if not any(key.endswith("loss") and len(history[key]) for key in history):
        return None
    return _drawn(f"Loss of the {role}", lambda: plots.loss_curve(history), name)


def _scree(stages: CellStages, role: Role, name: str) -> Figure | None:
    shares = getattr(stages.component(role), "explained_variance_ratio_", None)
    if shares is None:
        return None
    return _drawn(f"Variance per component ({role})", lambda: plots.scree(shares), name)


def _tree(stages: CellStages, role: Role, name: str) -> Figure | None:
    columns = getattr(stages.component(role), "condensed_tree_", None)
    if columns is None:
        return None

    def draw() -> Any:
        return plots.condensed_tree(
            columns["parent"], columns["child"], columns["lambda_val"], columns["child_size"],
            stages.output("clusterer"),
        )  # fmt: skip

    return _drawn("Condensed tree", draw, name)


def _again(stages: CellStages, images: Images | None, name: str) -> Figure | None:
    """Rows, and what the embedder makes of them again."""
    embedder = stages.component("embedder")
    if not hasattr(embedder, "reconstruct") or stages.rows.storage != "dense":
        return None
    rows = stages.rows.values
    few = np.sort(sample_rows(len(rows), _RECONSTRUCTED, 0))
    latent = stages.output("embedder")[few]
    again = stages.in_input_units(np.asarray(embedder.reconstruct(latent)))
    if unchanged(rows[few], again):
        return None
    title = "Rows, and their reconstructions"
    if images is None:
        return _drawn(title, lambda: plots.reconstructions(rows[few], again), name)
    pairs = ((rows[few], "row"), (again, "again"))
    return Figure(
        title,
        images=[
            [(data_uri(p), f"{what} {n}") for n, p in zip(few, images.bytes_of(some), strict=True)]
            for some, what in pairs
        ],
        note="Above as they are, below as the embedder gives them back.",
    )


def _means(stages: CellStages, images: Images | None, name: str) -> Figure | None:
    if stages.rows.storage != "dense":
        return None
    labels, rows = stages.output("clusterer"), stages.rows.values
    groups, note = _largest(labels)
    if images is None:
        chosen, schema = np.isin(labels, groups), stages.rows.schema
        features = schema.names if schema.named and rows.ndim == 2 else ()
        found = _drawn(
            "Cluster means",
            lambda: plots.cluster_means(rows[chosen], labels[chosen], features=features),
            name,
        )
        return attrs.evolve(found, note=note)
    means = np.stack([rows[labels == value].mean(axis=0, dtype=np.float64) for value in groups])
    names = ["noise" if is_noise(value) else str(value) for value in groups]
    captions = [
        f"{name} · {int((labels == value).sum()):,}"
        for name, value in zip(names, groups, strict=True)
    ]
    uris = [data_uri(picture) for picture in images.bytes_of(means)]
    return Figure("Cluster means", images=[list(zip(uris, captions, strict=True))], note=note)


def _largest(labels: AnyArray) -> tuple[list[Any], str]:
    """Clusters to be shown, noise last, and what is said about the others."""
    order = sorted(distinct(labels), key=is_noise)
    if len(order) <= _MOST_MEANS:
        return order, ""
    kinds, counts = np.unique(labels, return_counts=True)
    most = set(kinds[np.argsort(-counts, kind="stable")[:_MOST_MEANS]].tolist())
    return [value for value in order if value in most], f"The {_MOST_MEANS} largest clusters."
