"""Where the rows of a fitted model are drawn: a layout of their own, made to be looked at."""

from __future__ import annotations

import numpy as np

from n2d_framework.config import Composition
from n2d_framework.config.choice import Choice
from n2d_framework.core.options import options_dict
from n2d_framework.core.protocols import FitContext
from n2d_framework.errors import StageError
from n2d_framework.plots.row_sample import to_plane
from n2d_framework.seeding import derive_seed
from n2d_framework.types import AnyArray

__all__ = ["map_layout"]

#: Rows that are laid out; more are drawn on the principal plane of what was clustered.
_MOST_ROWS = 100_000


def map_layout(
    composition: Composition,
    latent: AnyArray,
    coordinates: AnyArray,
    *,
    random_state: int,
    n_jobs: int,
) -> tuple[AnyArray, tuple[str, str]]:
    """Two coordinates of each row, and what to call them.

    The run's own manifolder lays the latent rows out again in two dimensions, if it is made for
    that (``map_options`` of its spec). After another manifolder, or a chain of them, rows are drawn
    on the principal plane of what was clustered; coordinates of two dimensions as they are.

    Parameters
    ----------
    composition : Composition
    latent : array of shape (n, d)
    coordinates : array of shape (n, m)
        What was clustered.
    random_state : int
        The composition's seed.
    n_jobs : int
        Threads, on which the layout does not depend.

    Returns
    -------
    array of shape (n, 2), and a tuple of two strings
    """
    points = np.asarray(coordinates)
    if points.shape[1] <= 2 or len(points) > _MOST_ROWS:
        return to_plane(points, random_state)
    manifolders = composition.choices("manifolder")
    choice = manifolders[-1]
    rows = np.ascontiguousarray(latent, dtype=np.float32)
    if len(manifolders) > 1 or not choice.spec.map_options:
        return to_plane(points, random_state)
    options = options_dict(choice.component) | dict(choice.spec.map_options)
    component = Choice.of(choice.entry, options).component
    if hasattr(component, "check_input") and component.check_input(len(rows), rows.shape[1:]):
        return to_plane(points, random_state)
    context = FitContext(seed=derive_seed(random_state, "map"), n_jobs=n_jobs)
    try:
        plane = component.fit_transform(rows, context=context)
    except StageError as error:
        found, (across, up) = to_plane(points, random_state)
        return found, (across, f"{up} (no layout of its own: {error})")
    return np.asarray(plane, dtype=np.float64), (f"{choice.name}, made to be looked at", "the same")
