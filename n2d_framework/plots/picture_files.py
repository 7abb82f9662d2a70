"""The pictures of a finished run, written as PNG files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from n2d_framework.core.kinds import guess_image_shape
from n2d_framework.core.rows import Rows, count_rows
from n2d_framework.errors import OutputError, UnsupportedError
from n2d_framework.plots.canvas import new_axes
from n2d_framework.plots.cluster_tree import condensed_tree
from n2d_framework.plots.curves import loss_curve, scree
from n2d_framework.plots.points import confidence, scatter, truth_and_prediction
from n2d_framework.plots.row_images import cluster_means, reconstructions, unchanged
from n2d_framework.plots.row_sample import Projection
from n2d_framework.storage import replacing
from n2d_framework.types import NOISE, AnyArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["FittedModel", "save_run_plots", "write_png"]

_SAMPLE = 5000
_DPI = 120


class FittedModel(Protocol):
    """Protocol of the fitted model that :func:`save_run_plots` takes."""

    @property
    def manifold_(self) -> Any:
        """Training coordinates of shape (n, m)."""
        ...

    @property
    def labels_(self) -> Any:
        """Training labels of shape (n,)."""
        ...

    @property
    def history_(self) -> Mapping[str, Any]:
        """Values per epoch, by role."""
        ...

    def reconstruct(self, x: Any) -> Any:
        """Rows as the embedder makes them again; raises UnsupportedError where it cannot."""
        ...

    def predict_proba(self, x: Any) -> Any:
        """Soft assignment; raises UnsupportedError where the clusterer has none."""
        ...


def save_run_plots(
    model: FittedModel,
    x: Any,
    y: AnyArray | None = None,
    names: Sequence[str] = (),
    *,
    folder: str | os.PathLike[str],
    rows: Any = None,
    features: Sequence[str] = (),
    match: Callable[[AnyArray, AnyArray], AnyArray] | None = None,
    image_shape: tuple[int, ...] | str | None = "auto",
    random_state: int = 0,
    projection: Projection = "principal",
    failed: Callable[[str, Exception], None] | None = None,
    further: Mapping[str, Callable[[Axes], object]] | None = None,
    keep_rows: bool = True,
) -> list[Path]:
    """Write every picture that applies to a fitted model.

    Parameters
    ----------
    model : FittedModel
        A fitted :class:`n2d_framework.N2D`, or anything with its attributes.
    x : array of shape (n, ...) or CSR array
        The training rows, in the order of ``model.labels_``, as numbers. They themselves are
        drawn only where they are an array.
    y : array of shape (n,), optional
        True classes.
    names : sequence of str, optional
        Names of the classes, in the order of the sorted values of `y`.
    folder : path
        Where to write; made if missing.
    rows : Rows, optional
        The training rows as the model takes them, if `x` is what its prepare components made of
        them; they have no reconstructions.
    features : sequence of str, optional
        Names of the values of a row of `x`.
    match : callable, optional
        ``match(y, labels)`` returns labels in the values of `y`
        (:func:`n2d_framework.metrics.match_labels`). Clusters keep their numbers in every
        picture; with it, ``truth_and_prediction.png`` gives them the colours of the classes
        that they stand for, and names these in the legend.
    image_shape : tuple of int, None or "auto", default "auto"
        Shape of one row as an image; ``None`` draws rows as profiles. ``"auto"`` takes rows
        of two dimensions, or of three with 1, 3 or 4 channels last, for images.
    random_state : int, default 0
        Seed of samples.
    projection : {"principal", "tsne"}, default "principal"
        How a manifold of more than two dimensions is drawn, as for :func:`scatter`. A map is
        made for each of at most three pictures.
    failed : callable, optional
        Called as ``failed(name, error)`` for a picture that cannot be drawn or written; the others
        are written all the same. Without it, the error is raised.
    further : mapping of str to callable, optional
        Further pictures by their names, such as those of plugins: each is called with an ``Axes``.
        One that has the name of a picture here is refused.
    keep_rows : bool, default True
        Whether single rows may be drawn: without them there are no reconstructions.

    Returns
    -------
    list of Path
        What was written: ``clusters.png``; ``truth_and_prediction.png`` with `y`;
        ``loss.png`` for stages trained in epochs; ``reconstructions.png`` where the embedder
        can, and changes rows; ``cluster_means.png``; ``confidence.png`` where the clusterer is
        soft; ``scree.png`` and ``condensed_tree.png`` where a component has
        ``explained_variance_ratio_`` or ``condensed_tree_``.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    numbers = isinstance(x, np.ndarray) and x.dtype.kind in "buif"  # not texts
    if image_shape == "auto":
        image_shape = guess_image_shape(x.shape[1:]) if numbers else None
    target = Path(folder)
    shape = cast("tuple[int, ...] | None", image_shape)
    pictures: dict[str, Callable[[], Axes | AnyArray | None]] = {
        "clusters": lambda: scatter(
            model.manifold_,
            model.labels_,
            random_state=random_state,
            projection=projection,
            title="clusters",
        ),
        "truth_and_prediction": lambda: _against_truth(
            model, y, names, match, random_state, projection
        ),
        "loss": lambda: _losses(model),
        "reconstructions": lambda: (
            _remade(model, x, shape, random_state, bool(features))
            if numbers and rows is None and keep_rows
            else None
        ),
        "cluster_means": lambda: (
            cluster_means(x, model.labels_, shape, features=features) if numbers else None
        ),
        "confidence": lambda: _confidence(
            model, x if rows is None else rows, random_state, projection
        ),
        "scree": lambda: _scree(model),
        "condensed_tree": lambda: _tree(model),
    }
    for name, draw_into in (further or {}).items():
        own = name in pictures
        pictures[f"{name} of a plugin" if own else name] = partial(
            _further, None if own else draw_into, name
        )
    written = []
    for name, draw in pictures.items():
        try:
            drawn = draw()
            if drawn is not None:
                written.append(write_png(drawn, target / f"{name}.png"))
        except Exception as error:
            if failed is None:
                raise
            failed(name, error)
    return written


def write_png(drawn: Axes | Figure | AnyArray, path: str | os.PathLike[str]) -> Path:
    """Write a figure, whole or not at all; equal figures give equal bytes.

    Parameters
    ----------
    drawn : Figure, Axes or array of Axes
        What a function of this package returned.
    path : path
        File to write; its folder is made if missing. Written beside and renamed.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        If it cannot be written; an older file of that name is then unchanged.
    """
    from matplotlib.figure import Figure

    target = Path(path)
    figure: Any = drawn.flat[0] if isinstance(drawn, np.ndarray) else drawn
    while not isinstance(figure, Figure):  # axes and subfigures know what they lie in
        figure = figure.figure
    # A figure with a layout of its own has room for everything; others are cut to what is drawn.
    box = "tight" if figure.get_layout_engine() is None else None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write the picture {target}: {error}") from error
    with replacing(target) as temporary, temporary.open("wb") as file:
        figure.savefig(file, format="png", dpi=_DPI, bbox_inches=box, metadata={"Software": None})
    return target


def _further(draw: Callable[[Axes], object] | None, name: str) -> Axes:
    if draw is None:
        raise UnsupportedError(f"{name}.png is a picture of the framework; rename the plot")
    axes = new_axes(None)
    draw(axes)
    return axes


def _against_truth(
    model: FittedModel,
    y: AnyArray | None,
    names: Sequence[str],
    match: Callable[[AnyArray, AnyArray], AnyArray] | None,
    random_state: int,
    projection: Projection,
) -> AnyArray | None:
    if y is None:
        return None
    labels = np.asarray(model.labels_)
    classes = set(np.asarray(y).tolist())
    matched = [] if match is None else np.asarray(match(y, labels)).tolist()
    pairs = zip(labels.tolist(), matched, strict=match is not None)
    stands_for = {label: value for label, value in pairs if value in classes and label != NOISE}
    return truth_and_prediction(
        model.manifold_,
        y,
        labels,
        names,
        stands_for=stands_for,
        random_state=random_state,
        projection=projection,
    )


def _losses(model: FittedModel) -> Axes | None:
    for role, history in model.history_.items():
        if history and any(name.endswith("loss") and len(history[name]) for name in history):
            return loss_curve(history, title=f"loss of the {role}")
    return None


def _remade(
    model: FittedModel,
    x: AnyArray,
    shape: tuple[int, ...] | None,
    random_state: int,
    named: bool,
) -> AnyArray | None:
    """Rows and their reconstructions; features with names are columns, each in its own unit."""
    few = x[np.sort(np.random.default_rng(random_state).permutation(len(x))[:10])]
    try:
        again = model.reconstruct(few)
    except UnsupportedError:
        return None
    again = np.reshape(again, few.shape)
    if unchanged(few, again):
        return None
    if named and shape is None:
        centre = x.mean(axis=0, dtype=np.float64)
        spread = x.std(axis=0, dtype=np.float64)
        unit = np.where(spread > 0, spread, 1.0)
        few, again = (few - centre) / unit, (again - centre) / unit
    grid = reconstructions(few, again, shape, random_state=random_state)
    if named and shape is None:
        grid[-1, 0].set_xlabel("feature, in standard deviations", fontsize=8)
    return grid


def _confidence(
    model: FittedModel, x: Any, random_state: int, projection: Projection
) -> Axes | None:
    n = count_rows(x)
    rows = np.sort(np.random.default_rng(random_state).permutation(n)[:_SAMPLE])
    try:
        some = x.take(rows) if isinstance(x, Rows) else x[rows]
        sure = np.asarray(model.predict_proba(some)).max(axis=1)
    except UnsupportedError:
        return None
    title = "largest probability"
    if len(rows) < n:
        title += f"\n{len(rows):,} of {n:,} rows, drawn at random"
    place = np.asarray(model.manifold_)[rows]
    return confidence(place, sure, title=title, random_state=random_state, projection=projection)


def _learned(model: FittedModel, name: str) -> Any:
    for role in ("embedder_", "manifolder_", "clusterer_"):
        value = getattr(getattr(model, role, None), name, None)
        if value is not None:
            return value
    return None


def _scree(model: FittedModel) -> Axes | None:
    shares = _learned(model, "explained_variance_ratio_")
    return None if shares is None else scree(shares)


def _tree(model: FittedModel) -> Axes | None:
    columns = _learned(model, "condensed_tree_")
    if columns is None:
        return None
    return condensed_tree(
        columns["parent"],
        columns["child"],
        columns["lambda_val"],
        columns["child_size"],
        model.labels_,
    )
