"""Curves: the loss over epochs, the variance over components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from n2d_framework.errors import DataError
from n2d_framework.plots.canvas import clean, literal, new_axes
from n2d_framework.plots.palette import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["loss_curve", "scree"]

_NAMES = {"loss": "training", "val_loss": "validation"}
#: Beyond this ratio of largest to smallest loss, the axis is logarithmic.
_WIDE = 20.0


def loss_curve(
    history: Mapping[str, Sequence[float]], *, ax: Axes | None = None, title: str = ""
) -> Axes:
    """Draw the loss of each epoch.

    Parameters
    ----------
    history : mapping of str to sequence of float
        Values per epoch; every entry whose name ends in ``loss`` is drawn. The best epoch of
        ``val_loss`` is marked.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    title : str, optional

    Returns
    -------
    matplotlib.axes.Axes
        Logarithmic where losses differ by more than a factor of twenty.

    Raises
    ------
    DataError
        If the history has no loss.
    """
    from matplotlib.ticker import MaxNLocator

    losses = {
        name: np.asarray(values, dtype=np.float64)
        for name, values in history.items()
        if name.endswith("loss") and len(values)
    }
    if not losses:
        raise DataError(f"the history has no loss; it has {', '.join(history) or 'nothing'}")
    ax = new_axes(ax, 6.4, 4.0)
    for (name, values), colour in zip(losses.items(), _colours(len(losses)), strict=True):
        epochs = np.arange(1, len(values) + 1)
        marker = "o" if len(values) == 1 else None
        label = _NAMES.get(name, clean(name.replace("_", " ")))
        ax.plot(epochs, values, color=colour, linewidth=1.6, label=label, marker=marker)
    if np.isfinite(losses.get("val_loss", np.array([np.nan]))).any():
        _mark_best(ax, losses["val_loss"])
    everything = np.concatenate(list(losses.values()))
    finite = everything[np.isfinite(everything)]
    if finite.size and finite.min() > 0 and finite.max() > _WIDE * finite.min():
        ax.set_yscale("log")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss")
    ax.set_title(literal(title), fontsize=11)
    ax.grid(visible=True, alpha=0.25)
    ax.legend(frameon=False, fontsize=9)
    return ax


def _colours(count: int) -> list[str]:
    first = [COLOURS[0], COLOURS[4], COLOURS[2], COLOURS[3]]
    rest = [colour for colour in COLOURS if colour not in first]
    return [[*first, *rest][index % len(COLOURS)] for index in range(count)]


def _mark_best(ax: Axes, values: ArrayLike) -> None:
    found = np.asarray(values)
    best = int(np.nanargmin(found))
    ax.plot(
        best + 1,
        found[best],
        marker="o",
        markersize=7,
        markerfacecolor="none",
        markeredgecolor="#1A1A1A",
        linestyle="none",
        label=f"best epoch ({best + 1})",
    )


def scree(explained_variance_ratio: ArrayLike, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw the share of variance of each principal component, and their running sum.

    Parameters
    ----------
    explained_variance_ratio : array of shape (n_components,)
        Shares between 0 and 1, the largest first.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    title : str, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        If there are no shares.
    """
    from matplotlib.ticker import MaxNLocator

    shares = np.asarray(explained_variance_ratio, dtype=np.float64)
    if shares.ndim != 1 or not shares.size:
        raise DataError(f"shares must have the shape (n_components,), not {shares.shape}")
    ax = new_axes(ax, 6.4, 4.0)
    number = np.arange(1, len(shares) + 1)
    ax.bar(number, shares, color=COLOURS[1], label="each")
    marker = "o" if len(shares) <= 30 else None
    ax.plot(number, np.cumsum(shares), color=COLOURS[0], marker=marker, ms=4, label="running sum")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_ylim(0.0, 1.05)
    ax.set_xlabel("component")
    ax.set_ylabel("share of variance")
    ax.set_title(literal(title), fontsize=11)
    ax.legend(frameon=False, fontsize=9, loc="center right")
    return ax
