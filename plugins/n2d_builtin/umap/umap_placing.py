"""The placing of new rows into a UMAP embedding, with what it needs made once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.compiled import compiling_pays
from n2d_builtin.umap.umap_forces import Forces, widened
from n2d_builtin.umap.umap_placing_few import place_few
from n2d_framework.plugin import AnyArray, IntArray

__all__ = ["Placer", "placer_of"]

#: Takes the nearest training rows of rows, their distances, and what coordinates are written to.
Placer: TypeAlias = Callable[[IntArray, AnyArray, NDArray[np.float32]], None]

#: Repelling rows that are drawn, a power of two: so few stay in the cache of a processor, and a
#: new row takes about half of them with the defaults.
_DRAWN = 4096


def placer_of(
    version: int,
    embedding: NDArray[np.float32],
    forces: Forces,
    *,
    n_epochs: int,
    connectivity: float,
    seed: int,
) -> Placer:
    """A function that places new rows, each on its own.

    Parameters
    ----------
    version : {1, 2}
        2: by the tables of the layout, on vectors; every row takes the same repelling rows in the
        same order, drawn once from the embedding. 1: as states of that version did.
    embedding : float32 array of shape (n, m)
    forces : Forces
    n_epochs : int
    connectivity : float
        Local connectivity of a new row.
    seed : int
    """
    rate, negatives = forces.learning_rate, forces.negatives
    if version == 1:
        from n2d_builtin.umap.umap_kernel import place, random_words

        seeds, shape = random_words(seed), (forces.a, forces.b, forces.repulsion)

        def place_alone(indices: IntArray, distances: AnyArray, placed: AnyArray) -> None:
            options = *shape, rate, float(negatives), connectivity, n_epochs
            place(indices, distances, embedding, placed, seeds, *options)

        return place_alone
    rows, lanes = widened(embedding)
    # The one generator of NumPy whose numbers stay as they are.
    drawn = rows[np.random.RandomState(seed).randint(len(rows), size=_DRAWN)]
    tables = forces.tables()

    def place_wide(indices: IntArray, distances: AnyArray, placed: AnyArray) -> None:
        wide = np.empty((len(placed), rows.shape[1]), dtype=np.float32)
        options = *tables, rate, negatives, connectivity, n_epochs
        if compiling_pays(len(placed)):
            from n2d_builtin.umap.umap_placing_kernel import place_together as placing
        else:
            placing = place_few
        placing(indices, distances, rows, wide, drawn, lanes, *options)
        placed[:] = wide[:, : placed.shape[1]]

    return place_wide
