"""Radii of a UMAP layout that follow those in the data: the additional term of densMAP.

The local radius of a row is the mean squared distance to its neighbours in the graph, weighted by
the strengths of the edges in the data and by the similarity in the layout. In the last epochs an
edge pulls its ends also towards where the logarithms of both radii correlate more, as in umap-learn
(Narayan, Berger and Cho 2021, doi:10.1038/s41587-020-00801-7). The radii of the layout are
measured before each epoch, each row's by itself, so that they do not depend on the threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_builtin.umap.umap_forces import Forces
from n2d_builtin.umap.umap_layout_kernel import local_radii
from n2d_framework.plugin import AnyArray, IntArray

__all__ = ["MORE_EPOCHS", "Density", "DensityOptions", "radii_in_the_data"]

#: So many epochs more than without are umap-learn's rule.
MORE_EPOCHS = 200
#: As umap-learn adds to squared radii.
_LEAST_SQUARE = 1e-8


@attrs.frozen
class DensityOptions:
    """Weight of the radii, the share of the epochs in which they act, and a shift.

    Attributes
    ----------
    weight, share, shift : float
        umap-learn's `dens_lambda`, `dens_frac` and `dens_var_shift`.
    """

    weight: float
    share: float
    shift: float


@attrs.frozen
class Density:
    """Local radii in the data, of rows as they were given.

    Attributes
    ----------
    options : DensityOptions
    radii : float64 array of shape (n,)
        Of mean 0 and variance 1.
    """

    options: DensityOptions
    radii: NDArray[np.float64]

    def over(
        self,
        graph: Any,
        order: IntArray,
        forces: Forces,
        rows: NDArray[np.float32],
        lanes: tuple[int, ...],
    ) -> LayoutRadii:
        """Follow the radii of a layout that moves.

        Parameters
        ----------
        graph : scipy sparse array of shape (n, n), in coordinate format
        order : int array of shape (n,)
            The given row that stands at each place of `rows`.
        forces : Forces
        rows : float32 array of shape (n, w)
            Coordinates; read at each call of :meth:`LayoutRadii.terms`.
        lanes : tuple of int
        """
        n = len(order)
        place = np.empty(n, dtype=np.int32)
        place[order] = np.arange(n, dtype=np.int32)
        heads = place[graph.row]
        by_head = np.argsort(heads, kind="stable")
        scale = self.options.weight * graph.data.sum(dtype=np.float64) / n
        return LayoutRadii(
            options=self.options,
            wanted=self.radii[order],
            rows=rows,
            lanes=lanes,
            begins=np.searchsorted(heads[by_head], np.arange(n + 1)),
            neighbors=place[graph.col][by_head],
            similarities=forces.similarities(),
            power=forces.b,
            # The weight of an edge is divided by its strength: the strongest has period 1.
            scale=scale / float(graph.data.max()),
        )


@attrs.define
class LayoutRadii:
    """Local radii of a layout, measured again before each epoch; attributes as in the kernel."""

    options: DensityOptions
    wanted: NDArray[np.float64]
    rows: NDArray[np.float32]
    lanes: tuple[int, ...]
    begins: IntArray
    neighbors: NDArray[np.int32]
    similarities: NDArray[np.float32]
    power: float
    scale: float
    _radii: NDArray[np.float64] = attrs.field(init=False)
    _totals: NDArray[np.float64] = attrs.field(init=False)
    _terms: tuple[Any, ...] = attrs.field(init=False, default=())

    def __attrs_post_init__(self) -> None:
        self._radii, self._totals = np.empty((2, len(self.wanted)))

    def act(self, epoch: int, n_epochs: int) -> bool:
        """True if the radii act in an epoch, counted from 1."""
        return self.options.weight > 0 and epoch / n_epochs > 1.0 - self.options.share

    def terms(self, worker: int, workers: int, wait: Callable[[], Any]) -> tuple[Any, ...]:
        """Arguments of the kernel; called by all workers, which wait for each other."""
        n = len(self.wanted)
        first, stop = (n * part // workers for part in (worker, worker + 1))
        local_radii(
            self.rows, self.lanes, self.begins, self.neighbors, self.similarities, first, stop,
            self._radii, self._totals,
        )  # fmt: skip
        wait()
        if worker == 0:
            self._terms = self._gains()
        wait()
        return self._terms

    def _gains(self) -> tuple[Any, ...]:
        """Gradient of the correlation of both radii, without what depends on the edge."""
        radii, n = self._radii, len(self.wanted)
        variance = float(radii.var()) + self.options.shift or 1.0
        covariance = radii @ self.wanted / (n - 1)
        gains = self.wanted - covariance * (radii - radii.mean()) / variance
        weight = self.scale / np.sqrt(variance)
        return self.similarities, gains / self._totals, np.exp(-radii), self.power, weight


def radii_in_the_data(graph: Any, indices: IntArray, distances: AnyArray) -> NDArray[np.float64]:
    """Logarithms of the local radii, moved and scaled to mean 0 and variance 1.

    Parameters
    ----------
    graph : scipy sparse array of shape (n, n)
        Symmetric strengths.
    indices, distances : arrays of shape (n, k)
        Nearest rows of each row, itself first.

    Returns
    -------
    float64 array of shape (n,)
        Zeros if all rows have one radius.
    """
    from scipy.sparse import csr_array

    n, k = indices.shape
    # Of any unit, since a small square is added.
    squares = np.square(np.ldexp(distances, -np.frexp(distances[:, -1].mean())[1]))
    begins = np.arange(0, n * k + 1, k)
    known = csr_array((squares.astype(np.float64).ravel(), indices.ravel(), begins), shape=(n, n))
    known = known.maximum(known.T)
    strengths = graph.tocsr().astype(np.float64)
    weighted = np.asarray(strengths.multiply(known).sum(axis=1)).ravel()
    total = np.asarray(strengths.sum(axis=1)).ravel()
    radii = np.log(_LEAST_SQUARE + weighted / np.maximum(total, np.finfo(float).tiny))
    scaled: NDArray[np.float64] = (radii - radii.mean()) / (radii.std() or 1.0)
    return scaled
