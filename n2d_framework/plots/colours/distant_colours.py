"""Colours that look as different from each other as may be, on light and dark paper."""

from __future__ import annotations

from functools import cache

import attrs
import numpy as np

from n2d_framework.plots.colours.colour_difference import (
    SIGHTS,
    ciede2000,
    cielab,
    contrast,
    linear_rgb,
)
from n2d_framework.types import AnyArray, FloatArray

__all__ = ["LIGHTER", "Palette", "distant_colours"]

#: How much lighter a colour is on dark paper.
LIGHTER = 0.2
#: Lightness (on light paper), chroma and hue that are tried.
_LIGHTNESS, _CHROMA, _HUES = (
    np.arange(0.3, 0.7, 0.03),
    np.arange(0.07, 0.26, 0.02),
    range(0, 360, 6),
)
#: Cards of the style sheet as linear sRGB, light and dark, and the least contrast with them
#: (WCAG 2.2, 1.4.11, asks for 3 of graphics).
_PAPERS, _CONTRAST = ((1.0, 1.0, 1.0), (0.0103, 0.0123, 0.0168)), 3.1
#: Differences as colour-blind readers see them count so many times: they are small, for a third
#: of colour is not seen, and yet must not vanish.
_UNSEEN = 3.0


@attrs.frozen(eq=False)
class Palette:
    """Colours, and how different they look.

    Attributes
    ----------
    colours : float64 array of shape (k, 3)
        Lightness on light paper, chroma and hue, as in ``oklch``; on dark paper they are
        :data:`LIGHTER`.
    apart : float64 array of shape (k, k)
        The least of their differences on light and dark paper, by CIEDE2000, and, enlarged, of
        those that readers without long or medium cones see.
    """

    colours: FloatArray
    apart: FloatArray


def distant_colours(number: int) -> Palette:
    """Choose colours that look different.

    Each is the farthest from those before it (Gonzalez 1985); then one of the two nearest moves
    away as long as that helps.

    Parameters
    ----------
    number : int
        At least 1.
    """
    tried = _Candidates.all()
    chosen = [int(tried.colours[:, 1].argmax())]
    nearest = tried.apart(chosen[0])
    while len(chosen) < number:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, tried.apart(chosen[-1]))
    chosen = _improved(chosen, tried)
    apart: FloatArray = np.array([tried.apart(one)[chosen] for one in chosen])
    return Palette(tried.colours[chosen], apart)


@attrs.frozen(eq=False)
class _Candidates:
    """Colours that screens show and that stand out from both papers, in the ways they are seen."""

    colours: FloatArray
    seen: list[FloatArray]
    known: dict[int, FloatArray] = attrs.field(factory=dict)

    @classmethod
    @cache
    def all(cls) -> _Candidates:
        tried = np.array([(x, c, h) for x in _LIGHTNESS for c in _CHROMA for h in _HUES])
        both = [linear_rgb(tried + np.array([lighter, 0, 0])) for lighter in (0, LIGHTER)]
        usable: AnyArray = np.ones(len(tried), dtype=bool)
        for rgb, paper in zip(both, _PAPERS, strict=True):
            usable &= ((rgb >= 0) & (rgb <= 1)).all(axis=1)
            usable &= contrast(rgb, np.array(paper)) >= _CONTRAST
        seen = [cielab(rgb[usable]) for rgb in both]
        unseen = [cielab(rgb[usable] @ sight.T) for rgb in both for sight in SIGHTS]
        return cls(tried[usable], [*seen, *unseen])

    def apart(self, one: int) -> FloatArray:
        """Difference of a colour from each."""
        if one not in self.known:
            weights = [1.0] * len(_PAPERS) + [_UNSEEN] * (len(self.seen) - len(_PAPERS))
            self.known[one] = np.min(
                [
                    weight * ciede2000(places[one], places)
                    for weight, places in zip(weights, self.seen, strict=True)
                ],
                axis=0,
            )
        return self.known[one]


def _improved(chosen: list[int], tried: _Candidates) -> list[int]:
    """Move one of the two nearest colours to a better place, until there is none."""
    while len(chosen) > 1:
        rows = np.stack([tried.apart(one) for one in chosen])
        own = rows[:, chosen] + np.diag(np.full(len(chosen), np.inf))
        least, better = own.min(), None
        for member in np.unravel_index(own.argmin(), own.shape):
            free = np.delete(rows, member, axis=0).min(axis=0)
            if free.max() > least + 1e-9:
                least, better = free.max(), (int(member), int(free.argmax()))
        if better is None:
            break
        chosen[better[0]] = better[1]
    return chosen
