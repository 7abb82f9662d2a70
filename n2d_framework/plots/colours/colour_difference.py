"""Differences of colours as readers see them, colour-blind ones too (CIEDE2000), and contrast."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from n2d_framework.types import AnyArray, FloatArray

__all__ = [
    "SIGHTS",
    "ciede2000",
    "cielab",
    "contrast",
    "hexadecimal",
    "linear_rgb",
    "of_hexadecimal",
]

#: From OKLab to linear sRGB (Ottosson 2020).
_TO_CONES = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728],
     [1, -0.0894841775, -1.2914855480]]
)  # fmt: skip
_TO_RGB = np.array(
    [[4.0767416621, -3.3077115913, 0.2309699292], [-1.2684380046, 2.6097574011, -0.3413193965],
     [-0.0041960863, -0.7034186147, 1.7076147010]]
)  # fmt: skip
#: From linear sRGB to XYZ, and its white; the second row is luminance (IEC 61966-2-1).
_TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)  # fmt: skip
_WHITE = _TO_XYZ.sum(axis=1)

#: What linear sRGB becomes to readers without long or medium cones (Machado and others 2009).
SIGHTS = (
    np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
              [-0.003882, -0.048116, 1.051998]]),
    np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
              [-0.011820, 0.042940, 0.968881]]),
)  # fmt: skip


def linear_rgb(colours: FloatArray) -> FloatArray:
    """Lightness, chroma and hue in degrees, as in ``oklch``, as linear sRGB: (k, 3).

    Values outside [0, 1] are of colours that screens cannot show.
    """
    light, chroma, hue = colours[:, 0], colours[:, 1], np.radians(colours[:, 2])
    places = np.stack([light, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)
    found: FloatArray = (places @ _TO_CONES.T) ** 3 @ _TO_RGB.T
    return found


def hexadecimal(rgb: FloatArray) -> list[str]:
    """Linear sRGB (k, 3) as colours of CSS and matplotlib, such as ``#88ccee``."""
    share: AnyArray = np.clip(rgb, 0, 1)
    curved: AnyArray = np.where(
        share <= 0.0031308, 12.92 * share, 1.055 * share ** (1 / 2.4) - 0.055
    )
    return ["#" + bytes(one).hex() for one in np.round(255 * curved).astype(np.uint8)]


def of_hexadecimal(colours: Iterable[str]) -> FloatArray:
    """Colours such as ``#88ccee`` as linear sRGB: (k, 3)."""
    share = np.array([[int(one[i : i + 2], 16) for i in (1, 3, 5)] for one in colours]) / 255
    found: FloatArray = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return found


def contrast(rgb: FloatArray, paper: FloatArray) -> FloatArray:
    """Ratio of luminances (WCAG 2.2) of linear sRGB (k, 3) to a paper (3,)."""
    shown, behind = (values @ _TO_XYZ[1] + 0.05 for values in (rgb, paper))
    found: FloatArray = np.maximum(shown, behind) / np.minimum(shown, behind)
    return found


def cielab(rgb: FloatArray) -> FloatArray:
    """Linear sRGB (k, 3) as L*, a* and b*."""
    share = np.clip(rgb, 0, 1) @ _TO_XYZ.T / _WHITE
    x, y, z = np.where(share > 216 / 24389, np.cbrt(share), (24389 / 27 * share + 16) / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def ciede2000(one: FloatArray, others: FloatArray) -> FloatArray:
    """Difference of a colour from others: about 1 can just be seen side by side.

    Parameters
    ----------
    one : array of shape (3,)
        As :func:`cielab` gives it.
    others : array of shape (k, 3)

    Returns
    -------
    array of shape (k,)

    References
    ----------
    Sharma, Wu and Dalal 2005, The CIEDE2000 color-difference formula, Color Research and
    Application 30, whose names are used.
    """
    plain = (np.hypot(one[1], one[2]) + np.hypot(others[:, 1], others[:, 2])) / 2
    stretch = 1.5 - 0.5 * np.sqrt(_saturated(plain))
    c1, h1 = _chroma_and_hue(stretch * one[1], one[2])
    c2, h2 = _chroma_and_hue(stretch * others[:, 1], others[:, 2])
    turn = h2 - h1
    turn = np.where(c1 * c2 == 0, 0.0, turn - 360 * np.sign(turn) * (np.abs(turn) > 180))
    light, chroma = (one[0] + others[:, 0]) / 2, (c1 + c2) / 2
    hue = np.where(c1 * c2 == 0, h1 + h2, h1 + turn / 2) % 360
    t = (
        1 - 0.17 * _cosine(hue - 30) + 0.24 * _cosine(2 * hue)
        + 0.32 * _cosine(3 * hue + 6) - 0.20 * _cosine(4 * hue - 63)
    )  # fmt: skip
    far = (light - 50) ** 2
    lighter = (others[:, 0] - one[0]) / (1 + 0.015 * far / np.sqrt(20 + far))
    stronger = (c2 - c1) / (1 + 0.045 * chroma)
    turned = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * chroma * t)
    angle = 60 * np.exp(-(((hue - 275) / 25) ** 2))
    rotation = -2 * np.sqrt(_saturated(chroma)) * np.sin(np.radians(angle))
    square = lighter**2 + stronger**2 + turned**2 + rotation * stronger * turned
    return np.asarray(np.sqrt(np.maximum(square, 0.0)))


def _saturated(chroma: AnyArray) -> AnyArray:
    found: AnyArray = chroma**7 / (chroma**7 + 25.0**7)
    return found


def _chroma_and_hue(a: AnyArray, b: AnyArray) -> tuple[AnyArray, AnyArray]:
    return np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360


def _cosine(degrees: AnyArray) -> AnyArray:
    found: AnyArray = np.cos(np.radians(degrees))
    return found
