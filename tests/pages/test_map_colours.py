"""Colours of the groups on a map: all different, and unlike where groups touch."""

from __future__ import annotations

import itertools
import re
from importlib.resources import files

import numpy as np
import pytest

from n2d_framework.plots.colours.colour_difference import (
    SIGHTS,
    ciede2000,
    cielab,
    contrast,
    linear_rgb,
)
from n2d_framework.plots.colours.map_colours import map_colours


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


def seen(colours: list[str], scheme: int):
    """Colours as linear sRGB, on light paper (0) or dark (1)."""
    style = (files("n2d_framework.pages") / "static/page.css").read_text(encoding="utf-8")
    found = []
    for text in colours:
        name = re.search(r"var\((--tol-\d)\)", text)
        if name is None:
            values = re.findall(r"oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)", text)[scheme]
            found.append(linear_rgb(np.array([values], dtype=float))[0])
        else:
            given = re.search(rf"{name[1]}: light-dark\(#(\w+), #(\w+)\)", style)
            found.append(of_hex(given[1 + scheme]))
    return np.array(found)


def of_hex(text: str):
    share = np.array([int(text[i : i + 2], 16) for i in (0, 2, 4)]) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def apart(rgb: np.ndarray):
    """Differences of each two, their own infinite."""
    places = cielab(rgb)
    return np.stack([ciede2000(one, places) for one in places]) + np.diag([np.inf] * len(places))


@pytest.mark.parametrize(
    ("number", "least", "least_touching", "least_unseen"),
    [(10, 14, 14, 5), (20, 14, 25, 4), (40, 9, 22, 3), (60, 7.5, 20, 2)],
)
def test_colours_differ_most_of_all_where_groups_touch(number, least, least_touching, least_unseen):
    plane, codes, touching = islands(number)
    colours = map_colours(plane, codes, number)
    assert len(set(colours)) == number
    assert colours == map_colours(plane, codes, number)
    for scheme, paper in enumerate(("ffffff", "1a1d23")):
        rgb = seen(colours, scheme)
        assert apart(rgb).min() >= least
        assert apart(rgb)[tuple(touching.T)].min() >= least_touching
        for sight in SIGHTS:
            assert apart(rgb @ sight.T).min() >= least_unseen
        assert contrast(rgb, of_hex(paper)).min() >= 3


@pytest.mark.parametrize("number", [26, 60])
def test_colours_lie_better_than_by_chance(number):
    plane, codes, touching = islands(number)
    differences = apart(seen(map_colours(plane, codes, number), 0))
    rng = np.random.default_rng(0)
    chance = [
        differences[tuple(order[touching].T)].min()
        for order in (rng.permutation(number) for _ in range(200))
    ]
    assert differences[tuple(touching.T)].min() > np.quantile(chance, 0.99)


@pytest.mark.parametrize("number", [101, 400])
def test_colours_of_very_many_groups_stand_out_from_the_paper(number):
    colours = map_colours(np.zeros((0, 2)), np.zeros(0, dtype=int), number)
    for scheme, paper in enumerate(("ffffff", "1a1d23")):
        assert contrast(seen(colours, scheme), of_hex(paper)).min() >= 3


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
        ((50, 2.49, -0.001), (50, -2.49, 0.001), 7.1792),
        ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
        ((50, -0.001, 2.49), (50, 0.0009, -2.49), 4.8045),
        ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((50, 2.5, 0), (56, -27, -3), 31.9030),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_differences_are_those_of_the_published_pairs(one, other, difference):
    pair = np.array([one, other], dtype=float)
    np.testing.assert_allclose(ciede2000(pair[0], pair[1:]), difference, atol=1e-4)
    np.testing.assert_allclose(ciede2000(pair[1], pair[:1]), difference, atol=1e-4)


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
