"""The drawing of the tree of a report: joins stay apart, and the axis says how."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from n2d_framework.metrics.hierarchy import Hierarchy
from n2d_framework.pages import RunView, write_run_report


def stairs(heights: Any) -> np.ndarray:
    """A linkage in which one cluster after another joins the first two."""
    k = len(heights) + 1
    joined = [(k + step - 1 if step else 1, step + 1 if step else 0) for step in range(k - 1)]
    return np.array(
        [(*sorted(pair), heights[step], step + 2) for step, pair in enumerate(joined)], dtype=float
    )


def written(linkage: np.ndarray, path: Any) -> tuple[dict[str, Any], str, list[tuple[float, str]]]:
    """Values for the script, the sentence on the axis, and what is written along it."""
    k = len(linkage) + 1
    labels = np.arange(2 * k) % k
    view = RunView(
        name="stairs", labels=labels, coordinates=np.arange(4.0 * k).reshape(-1, 2),
        tree=Hierarchy(tuple(range(k)), (2,) * k, linkage),
    )  # fmt: skip
    text = write_run_report(view, path / "r.html").read_text(encoding="utf-8")
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    axis = re.search(r'<div class="axis"[^>]*>(.*?)</div>', text)
    said = re.search(r"Across: (.*?)\.</p>\n  <div class=\"tree\"", text)
    assert data is not None
    assert axis is not None
    assert said is not None
    ticks = re.findall(r'left: ([\d.]+)%">([^<]*)<', axis[1])
    return json.loads(data[1])["tree"], said[1], [(float(at), value) for at, value in ticks]


def branches(tree: dict[str, Any]) -> np.ndarray:
    begins = np.array([0.0] * len(tree["leaves"]) + tree["at"])
    return np.array(tree["at"])[:, None] - begins[np.array(tree["joins"])]


def test_heights_that_are_apart_are_drawn_as_they_are(tmp_path):
    tree, said, ticks = written(stairs(np.arange(1.0, 11)), tmp_path)
    assert said == "height of the join"
    np.testing.assert_allclose(np.diff(tree["at"]), 9.8)
    assert [value for _, value in ticks] == ["0", "2.5", "5", "7.5", "10"]
    np.testing.assert_allclose([at for at, _ in ticks], [0, 24.5, 49, 73.5, 98])


def test_many_small_joins_are_drawn_on_the_scale_of_the_square_root(tmp_path):
    heights = np.arange(1.0, 26) ** 2
    tree, said, ticks = written(stairs(heights), tmp_path)
    assert "square root" in said
    np.testing.assert_allclose(tree["at"], 98 * np.sqrt(heights / 625), atol=1e-3)
    np.testing.assert_allclose(
        [at for at, _ in ticks], 98 * np.sqrt([float(v) / 625 for _, v in ticks]), atol=0.01
    )
    assert ticks[-1][1] == "620"


@pytest.mark.parametrize("heights", [2.0 ** np.arange(59), np.repeat([1e-9, 1.0], [58, 1])])
def test_joins_too_unequal_for_a_scale_are_drawn_one_after_another(tmp_path, heights):
    tree, said, ticks = written(stairs(heights), tmp_path)
    assert "one after another" in said
    distinct = np.unique(heights)
    places = np.unique(tree["at"])
    assert len(places) == len(distinct)
    np.testing.assert_allclose(np.diff(places, prepend=0), 98 / len(distinct), atol=2e-3)
    assert float(ticks[-1][1]) == pytest.approx(distinct[-1], rel=1e-3)
    assert float(ticks[0][1]) == pytest.approx(distinct[0], rel=1e-3)


@pytest.mark.parametrize("heights", [[0.0], [0.0, 0.0, 0.0], [1e-300, 1e300]])
def test_heights_without_a_scale_are_drawn(tmp_path, heights):
    tree, _, ticks = written(stairs(heights), tmp_path)
    assert np.isfinite(tree["at"]).all()
    assert all(0 <= at <= 98 for at, _ in ticks)
    assert (branches(tree) >= 0).all()


@pytest.mark.parametrize("power", [0.5, 1, 2, 4, 16])
@pytest.mark.parametrize("k", [10, 26, 60])
def test_few_branches_are_hardly_seen_and_the_order_stays(tmp_path, power, k):
    heights = np.sort(np.random.default_rng(0).uniform(size=k - 1) ** power)
    tree, _, _ = written(stairs(heights), tmp_path)
    assert (np.diff(tree["at"]) >= 0).all()
    assert (branches(tree) < 98 / 60 - 2e-3).mean() <= 0.1


def test_a_phone_scrolls_the_tree_and_not_the_page(browser, tmp_path):
    written(stairs(2.0 ** np.arange(59)), tmp_path)
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto((tmp_path / "r.html").as_uri())
    page.wait_for_selector("#map-legend li")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    size = "([...document.querySelectorAll('.tree')].map((t) => [t.scrollWidth, t.clientWidth])[0])"
    whole, shown = page.evaluate(size)
    assert whole > shown
    # Names stay where they are while the drawing moves below them.
    left = "document.querySelector('.leaves').getBoundingClientRect().left"
    before = page.evaluate(left)
    page.evaluate("document.querySelector('.tree').scrollLeft = 100")
    assert page.evaluate(left) == before
    context.close()
