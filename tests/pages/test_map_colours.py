"""Colours of the groups on a map: all different, and unlike where groups touch."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from n2d_framework.pages.map_colours import map_colours


def islands(number: int, rows: int = 30):
    """Groups on a square grid, each touching those beside it; and which touch."""
    side = int(np.ceil(np.sqrt(number)))
    centres = np.array(list(itertools.product(range(side), range(side))))[:number]
    order = np.random.default_rng(3).permutation(number)
    centres = centres[order].astype(float)
    codes = np.repeat(np.arange(number), rows)
    plane = centres[codes] + np.random.default_rng(0).uniform(-0.5, 0.5, size=(len(codes), 2))
    apart = np.abs(centres[:, None] - centres[None]).sum(axis=2)
    return plane, codes, np.argwhere(np.triu(apart == 1))


def places(colours: list[str], scheme: int):
    """Colours in OKLab, of light paper (0) or dark (1)."""
    found = [re.findall(r"oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)", text)[scheme] for text in colours]
    light, chroma, hue = np.array(found, dtype=float).T
    angle = np.radians(hue)
    return np.stack([light, chroma * np.cos(angle), chroma * np.sin(angle)], axis=1)


@pytest.mark.parametrize("number", [11, 26, 60])
def test_groups_that_touch_have_colours_far_apart(number):
    plane, codes, touching = islands(number)
    colours = map_colours(plane, codes, number)
    assert len(set(colours)) == number
    assert colours == map_colours(plane, codes, number)
    rng = np.random.default_rng(0)
    for scheme in (0, 1):
        at = places(colours, scheme)
        apart = ((at[:, None] - at[None]) ** 2).sum(axis=2) ** 0.5
        held = apart[tuple(touching.T)].min()
        chance = [
            apart[tuple(order[touching].T)].min()
            for order in (rng.permutation(number) for _ in range(200))
        ]
        assert held > np.quantile(chance, 0.99)
        assert held > 0.08


@pytest.mark.parametrize("number", [1, 10])
def test_few_groups_have_the_colours_of_the_style_sheet(number):
    plane, codes, _ = islands(number)
    assert map_colours(plane, codes, number) == [f"var(--tol-{i})" for i in range(number)]


@pytest.mark.parametrize("number", [100, 101, 3000])
def test_no_colour_comes_twice_with_many_groups(number):
    plane, codes, _ = islands(number, 1)
    assert len(set(map_colours(plane, codes, number))) == number


@pytest.mark.parametrize("rows", [np.zeros((40, 2)), np.eye(40, 2)])
def test_equal_places_groups_without_rows_and_noise_are_coloured(rows):
    codes = np.arange(40) % 15
    assert len(set(map_colours(rows, codes, 14))) == 14
    assert len(set(map_colours(rows, codes, 20))) == 20
    assert len(set(map_colours(rows[:1], codes[:1], 20))) == 20
