from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_hex

from n2d_framework.plots import condensed_tree, styles
from n2d_framework.plots.colours.colour_difference import ciede2000, cielab, of_hexadecimal
from n2d_framework.plots.palette import COLOURS, NOISE_STYLE

# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
SIGHT = {
    "full": np.eye(3),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.01182, 0.04294, 0.968881],
        ]
    ),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
}


def lab(colour: str, sight: np.ndarray) -> np.ndarray:
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(sight @ linear, 0, 1)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = to_xyz @ linear / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_stay_apart_for_colour_blind_readers(sight):
    everything = [lab(c, SIGHT[sight]) for c in (*COLOURS, NOISE_STYLE.color)]
    nearest = min(np.linalg.norm(a - b) for a, b in itertools.combinations(everything, 2))
    assert nearest > 8, "a just noticeable difference is about 2.3"


@pytest.mark.parametrize("count", [1, 2, 10, 11, 60])
def test_up_to_sixty_labels_have_styles_of_their_own(count):
    found = styles(np.arange(count))
    assert len({style.color for style in found.values()}) == count
    places = cielab(of_hexadecimal(style.color for style in found.values()))
    nearest = [ciede2000(one, np.delete(places, i, 0)) for i, one in enumerate(places)]
    assert min((apart.min() for apart in nearest if len(apart)), default=8) > 7.5


def test_further_labels_repeat_styles_and_noise_never_shares_one():
    found = styles(np.arange(-1, 130))
    assert len(found) == 131
    assert [value for value, style in found.items() if style == NOISE_STYLE] == [-1]


@pytest.mark.parametrize("count", [10, 11, 26, 60])
def test_areas_of_a_condensed_tree_have_colours_of_their_own(count):
    """A root that splits into so many clusters of five rows."""
    n = 5 * count
    nodes = n + 1 + np.arange(count)
    parent = np.concatenate([np.full(count, n), np.repeat(nodes, 5)])
    child = np.concatenate([nodes, np.arange(n)])
    density = np.repeat([1.0, 2.0], [count, n])
    size = np.repeat([5, 1], [count, n])
    axes = condensed_tree(parent, child, density, size, np.repeat(np.arange(count), 5))
    drawn = [to_hex(area.get_facecolor()[0]) for area in axes.collections]
    legend = {to_hex(handle.get_markerfacecolor()) for handle in axes.get_legend().legend_handles}
    assert len(set(drawn)) == count + 1  # and the root
    assert set(drawn) == legend
    own = [lab(colour, SIGHT["full"]) for colour in {*drawn} - {NOISE_STYLE.color.lower()}]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(own, 2)) > 8
