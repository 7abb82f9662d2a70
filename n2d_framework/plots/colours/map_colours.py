"""Colours of the groups on a map: no two alike, and the farthest apart where groups touch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from n2d_framework.core.arrays.contrasts import grouped
from n2d_framework.plots.colours.distant_colours import LIGHTER, distant_colours
from n2d_framework.types import AnyArray, FloatArray

__all__ = ["map_colours"]

#: Colours with names of their own in the style sheet, made for colour-blind readers.
_NAMED = 10
#: Most groups whose colours are chosen by where they lie; further ones get hues in turn.
_MOST = 100
#: Rows of a group that are looked at, in all groups together at most so many.
_ROWS, _ALL_ROWS = 60, 6000
#: Groups of which pairs are tried the other way round at the end.
_SWAPPED = 40
#: Distance on the map, as a share of its width, at which groups hardly matter to each other.
_REACH = 0.03
#: Difference of two colours (CIEDE2000) from which on a glance parts them.
_APART = 8.0


def map_colours(plane: AnyArray, codes: AnyArray, number: int) -> list[str]:
    """A colour of CSS for each group, for light and dark paper.

    Parameters
    ----------
    plane : array of shape (n, 2)
        Where each row is on the map.
    codes : int array of shape (n,)
        The group of each row; one that has no colour of its own, as noise, is out of range.
    number : int
        Of groups.

    Returns
    -------
    list of str
        Of ten groups and fewer those of the style sheet, in order. Of more, no two alike; groups
        that lie next to each other get colours that are far apart (a quadratic assignment).
    """
    if number <= _NAMED:
        return [f"var(--tol-{place})" for place in range(number)]
    if number > _MOST:
        return [
            _css(0.45 + place % 3 * 0.08, 0.14, place * 137.508 % 360) for place in range(number)
        ]
    palette = distant_colours(number)
    given = _assigned(_closeness(plane, codes, number), _likeness(palette.apart))
    return [_css(*palette.colours[place]) for place in given]


def _css(lightness: float, chroma: float, hue: float) -> str:
    light, dark = (
        f"oklch({value:.2f} {chroma:.2f} {hue:.3f})" for value in (lightness, lightness + LIGHTER)
    )
    return f"light-dark({light}, {dark})"


def _likeness(apart: FloatArray) -> FloatArray:
    found = np.exp(-apart / _APART)
    np.fill_diagonal(found, 0.0)
    return found


def _closeness(plane: AnyArray, codes: AnyArray, number: int) -> FloatArray:
    """Nearness of each two groups on the map: 1 where each row of one has one of the other."""
    from scipy.spatial import KDTree

    points = np.asarray(plane, dtype=np.float64)
    reach = _REACH * float(np.ptp(points, axis=0).max()) or 1.0
    rows = max(10, min(_ROWS, _ALL_ROWS // number))
    some = {
        group: points[own[np.linspace(0, len(own) - 1, min(rows, len(own))).astype(int)]]
        for group, own in grouped(codes)
        if 0 <= group < number
    }
    found = np.zeros((number, number))
    for group, own in some.items():
        search = KDTree(own)
        for other, others in some.items():
            if other != group:
                found[other, group] = np.exp(-search.query(others)[0] / reach).mean()
    return found + found.T


def _assigned(closeness: FloatArray, likeness: FloatArray) -> Sequence[int]:
    """The colour of each group, so that near groups have colours as unlike as may be."""
    from scipy.optimize import quadratic_assignment

    # Nothing is drawn: a generator only keeps NumPy's global one out.
    rng = np.random.default_rng(0)
    found = quadratic_assignment(closeness, likeness, method="faq", options={"rng": rng}).col_ind
    if len(found) <= _SWAPPED:
        given = {"partial_guess": np.stack([np.arange(len(found)), found], axis=1), "rng": rng}
        found = quadratic_assignment(closeness, likeness, method="2opt", options=given).col_ind
    best: list[int] = found.tolist()
    return best
