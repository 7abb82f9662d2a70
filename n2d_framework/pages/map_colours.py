"""Colours of the groups on a map: no two alike, and the farthest apart where groups touch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from n2d_framework.core.arrays.contrasts import grouped
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
#: Distance of two colours from which on they look different.
_APART = 0.12
#: Lightness, chroma and hue that are tried, and how much lighter colours are on dark paper.
_LIGHTNESS, _CHROMA, _HUES = (0.42, 0.52, 0.62, 0.72), (0.09, 0.13, 0.17, 0.21), range(0, 360, 8)
_LIGHTER = 0.15
#: From OKLab to linear sRGB (Ottosson 2020).
_TO_CONES = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728],
     [1, -0.0894841775, -1.2914855480]]
)  # fmt: skip
_TO_RGB = np.array(
    [[4.0767416621, -3.3077115913, 0.2309699292], [-1.2684380046, 2.6097574011, -0.3413193965],
     [-0.0041960863, -0.7034186147, 1.7076147010]]
)  # fmt: skip


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
            _css(0.48 + place % 3 * 0.09, 0.15, place * 137.508 % 360) for place in range(number)
        ]
    palette = _palette(number)
    given = _assigned(_closeness(plane, codes, number), _likeness(palette))
    return [_css(*palette[place]) for place in given]


def _css(lightness: float, chroma: float, hue: float) -> str:
    light, dark = (
        f"oklch({value:.2f} {chroma:.2f} {hue:.3f})" for value in (lightness, lightness + _LIGHTER)
    )
    return f"light-dark({light}, {dark})"


def _palette(number: int) -> AnyArray:
    """Colours as lightness, chroma and hue: each the farthest from those before it."""
    tried = np.array([(x, c, h) for x in _LIGHTNESS for c in _CHROMA for h in _HUES])
    shown = np.all([_shown(tried + np.array([lighter, 0, 0])) for lighter in (0, _LIGHTER)], axis=0)
    tried = tried[shown]
    apart = _distances(tried)
    chosen = [int(tried[:, 1].argmax())]
    while len(chosen) < number:
        chosen.append(int(apart[chosen].min(axis=0).argmax()))
    return tried[chosen]


def _axes(colours: AnyArray) -> AnyArray:
    """Lightness, chroma and hue as coordinates of OKLab."""
    light, chroma, hue = colours[:, 0], colours[:, 1], np.radians(colours[:, 2])
    return np.stack([light, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)


def _shown(colours: AnyArray) -> AnyArray:
    """Which colours a screen shows as they are."""
    rgb = (_axes(colours) @ _TO_CONES.T) ** 3 @ _TO_RGB.T
    inside: AnyArray = ((rgb >= 0) & (rgb <= 1)).all(axis=1)
    return inside


def _distances(colours: AnyArray) -> FloatArray:
    """Distances of colours; OKLab makes too little of hue and chroma, which count double."""
    from scipy.spatial.distance import cdist

    places = _axes(colours) * (1, 2, 2)
    found: FloatArray = cdist(places, places)
    return found


def _likeness(palette: AnyArray) -> FloatArray:
    found = np.exp(-_distances(palette) / _APART)
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
