"""The report of a run in headless Chromium: the map moves, shows points, and selects."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from n2d_framework.metrics.hierarchy import ClusterMeans, Hierarchy
from n2d_framework.pages import RunView, data_map, write_run_report
from n2d_framework.pages.map_columns import MapColumn

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def page_file(digits, tmp_path_factory) -> Path:
    """Sixty images in three clusters on a line, with ids."""
    x = np.arange(60)[:, None] * [1.0, 0.1]
    view = RunView(
        name="line", labels=np.repeat([0, 1, 2], 20), coordinates=x,
        rows=digits[0][:60].reshape(-1, 8, 8), image_shape=(8, 8),
        ids=[f"id-{i}" for i in range(60)], truth=np.arange(60) % 2, classes=("even", "odd"),
        strengths=np.linspace(0, 1, 60),
        tree=Hierarchy.of(ClusterMeans.of(x * [[1.0, 1.0]], np.repeat([0, 1, 2], [20, 19, 21]))),
    )  # fmt: skip
    return write_run_report(view, tmp_path_factory.mktemp("line") / "r.html")


@pytest.fixture
def opened(browser, page_file) -> Iterator[Any]:
    """Open the page; whatever it reports or asks the network for fails the test."""
    contexts, problems = [], list[str]()

    def asked(request: Any) -> None:
        if not request.url.startswith(("file:", "data:")):
            problems.append(request.url)

    def made(viewport: dict[str, int] = DESKTOP, file: Path = page_file, **more: Any) -> Any:
        contexts.append(browser.new_context(viewport=viewport, **more))
        page = contexts[-1].new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", asked)
        page.goto(file.as_uri())
        page.wait_for_selector("#map-legend li")
        page.locator("#map-canvas").scroll_into_view_if_needed()
        page.wait_for_timeout(100)
        return page

    yield made
    for context in contexts:
        context.close()
    assert problems == []


def painted(page: Any) -> int:
    """Pixels of the map that are not empty."""
    count: int = page.evaluate(
        """() => {
          const canvas = document.getElementById("map-canvas");
          const copy = new OffscreenCanvas(canvas.width, canvas.height);
          const pen = copy.getContext("2d", { willReadFrequently: true });
          pen.drawImage(canvas, 0, 0);
          const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
          let count = 0;
          for (let i = 3; i < data.length; i += 4) count += data[i] > 40;
          return count;
        }"""
    )
    return count


def place_of(page: Any, row: int) -> tuple[float, float]:
    """Where a row of the line is on the screen, before the map has been moved."""
    box = page.locator("#map-canvas").bounding_box()
    side = min(box["width"] / 1.08, box["height"] / (0.1 + 0.08))
    at = row / 59 - 0.5
    return box["x"] + box["width"] / 2 + at * side, box["y"] + box["height"] / 2 - at * side * 0.1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_points_have_notes_with_id_cluster_class_and_thumbnail(opened, scheme):
    page = opened(color_scheme=scheme)
    assert painted(page) > 500
    page.mouse.move(*place_of(page, 25))
    page.wait_for_selector("#tip:not([hidden])")
    said = page.inner_text("#tip")
    assert said.split("\n") == ["id-25", "row 25", "cluster 1", "class: odd", "strength: 0.42"]
    assert page.locator("#tip .thumb").count() == 1


def test_rows_that_are_not_points_are_seen_from_afar(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(data_map, "MOST_POINTS", 50)
    x = np.random.default_rng(0).normal(size=(5000, 2))
    view = RunView(name="many", labels=np.arange(5000) % 2, coordinates=x, plane=x)
    page = opened(file=write_run_report(view, tmp_path / "r.html"))
    everything = painted(page)
    page.locator("#map-legend button").first.click()
    page.wait_for_timeout(100)
    assert everything > 2 * painted(page) > 0


def test_searching_and_the_legend_fade_other_points(opened):
    page = opened()
    everything = painted(page)
    page.fill("#map-controls input", "odd id-5")
    page.wait_for_timeout(100)
    assert page.inner_text("#map-controls output") == "6 found"
    assert painted(page) < everything / 5
    page.fill("#map-controls input", "")
    page.click("#map-legend li:nth-child(1) button")
    page.wait_for_timeout(100)
    assert painted(page) < everything / 2
    page.select_option("#map-controls select", "class")
    assert page.locator("#map-legend li").all_inner_texts() == ["even\n30", "odd\n30"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("cluster 1", "20 found: cluster 1"),
        (" Cluster 1 ", "20 found: cluster 1"),
        ("2", "20 found: cluster with the number 2"),
        ("ID-5", "1 found: id id-5"),
        ("id-1", "1 found: id id-1"),
        ("even", "30 found: class even"),
        ("red app", "20 found"),
        ("pple", "0 found"),
        ("apple red", "20 found"),
        ('"apple red"', "0 found"),
        ('"red apples" odd', "10 found"),
        ("cluster", "60 found"),
    ],
)
def test_a_name_finds_exactly_that_and_words_begin_words(opened, tmp_path, asked, said):
    labels = np.repeat([0, 1, 2], 20)
    says = ["red apples 1 2", "blue 1 boats", "a 2 cluster"]
    x = np.arange(60)[:, None] * [1.0, 0.1]
    view = RunView(
        name="said", labels=labels, coordinates=x, ids=[f"id-{i}" for i in range(60)],
        texts=[says[label] for label in labels], truth=np.arange(60) % 2, classes=("even", "odd"),
    )  # fmt: skip
    page = opened(file=write_run_report(view, tmp_path / "r.html"))
    page.fill("#map-controls input", asked)
    assert page.inner_text("#map-controls output") == said


def test_gaps_and_further_categories_are_grey(opened, tmp_path):
    """Sixty points: a scale of which the first twenty are gaps, and twelve categories."""
    gaps = np.where(np.arange(60) < 20, np.nan, np.arange(60.0))
    kinds = tuple(f"kind {place}" for place in range(12))
    columns = [
        MapColumn("length", "number", gaps),
        MapColumn("kind", "category", np.append(np.arange(58) % 12, [-1, -1]), kinds),
    ]
    x = np.arange(60)[:, None] * [1.0, 0.1]
    view = RunView(
        name="mixed", labels=np.repeat([0, 1, 2], 20), coordinates=x, plane=x, columns=columns
    )
    page = opened(file=write_run_report(view, tmp_path / "r.html"), color_scheme="light")
    grey = "213,213,213"

    def colour_of(row: int) -> str:
        found: str = page.evaluate(
            """([x, y]) => {
              const canvas = document.getElementById("map-canvas");
              const box = canvas.getBoundingClientRect();
              const copy = new OffscreenCanvas(canvas.width, canvas.height);
              const pen = copy.getContext("2d", { willReadFrequently: true });
              pen.drawImage(canvas, 0, 0);
              const [r, g, b] = pen.getImageData(
                Math.round((x - box.left) * devicePixelRatio),
                Math.round((y - box.top) * devicePixelRatio), 1, 1).data;
              return [r, g, b].join();
            }""",
            place_of(page, row),
        )
        return found

    page.select_option("#map-controls select", label="length")
    page.wait_for_timeout(100)
    assert page.locator("#map-legend li").all_inner_texts() == ["20\n59", " missing 20"]
    ends = page.locator("#map-legend .ramp i").evaluate("i => getComputedStyle(i).transform")
    assert ends == "matrix(-1, 0, 0, 1, 0, 0)", "the greatest are drawn in the first colours"
    assert colour_of(3) == grey != colour_of(40) != colour_of(59)
    page.select_option("#map-controls select", label="kind")
    page.wait_for_timeout(100)
    said = page.locator("#map-legend li").all_inner_texts()
    assert said[-2:] == ["2 other categories\n8", "missing\n2"]
    assert len(said) == 12
    assert colour_of(59) == grey
    assert len({colour_of(row) for row in range(10)}) == 10
    page.click("#map-legend li:nth-child(12) button")
    page.wait_for_timeout(100)
    assert 0 < painted(page) < 200


def test_a_line_around_points_lists_their_ids(opened):
    page = opened()
    page.get_by_role("button", name="Select").click()
    (left, y), (right, _) = place_of(page, 9), place_of(page, 12)
    page.mouse.move(left - 5, y - 60)
    page.mouse.down()
    for x, up in ((right + 5, -60), (right + 5, 60), (left - 5, 60), (left - 5, -60)):
        page.mouse.move(x, y + up, steps=3)
    page.mouse.up()
    assert page.input_value("#selection-ids").split() == ["id-9", "id-10", "id-11", "id-12"]
    assert page.inner_text("#selection-title") == "4 rows selected"


def test_the_map_is_moved_by_wheel_keys_and_cards(opened):
    page = opened()
    before = painted(page)
    page.mouse.move(*place_of(page, 30))
    page.mouse.wheel(0, -1500)
    page.wait_for_timeout(150)
    assert painted(page) != before
    page.focus("#map-canvas")
    page.keyboard.press("0")
    page.mouse.move(5, 5)
    page.wait_for_timeout(150)
    assert painted(page) == before
    page.locator("#cluster-2 .show").click()
    page.wait_for_timeout(150)
    assert page.get_attribute("#map-legend li:nth-child(3) button", "aria-pressed") == "true"


def test_names_never_cover_each_other(opened):
    page = opened()
    boxes = [
        mark.bounding_box()
        for mark in page.locator("#map-names span").all()
        if mark.evaluate("mark => mark.style.visibility") == "visible"
    ]
    assert len(boxes) == 3
    boxes.sort(key=lambda box: box["x"])
    assert all(a["x"] + a["width"] <= b["x"] for a, b in itertools.pairwise(boxes))


def test_names_of_clusters_side_by_side_stand_around_them(opened, tmp_path):
    turn = np.repeat(np.arange(14), 5) * 2 * np.pi / 14
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    far = np.repeat([[-60.0, -40.0], [60.0, 40.0]], 5, axis=0)
    labels = np.repeat(np.arange(16), 5)
    names = {label: f"many words of cluster {label}" for label in range(16)}
    view = RunView(name="ring", labels=labels, coordinates=np.concatenate([ring, far]), names=names)
    page = opened(file=write_run_report(view, tmp_path / "r.html"))
    empty = page.locator("#map-canvas").bounding_box()
    for _ in range(2):
        boxes = {
            mark.text_content(): mark.bounding_box()
            for mark in page.locator("#map-names span").all()
            if mark.evaluate("mark => mark.style.visibility") == "visible"
        }
        assert set(boxes) >= {names[label] for label in range(14)}
        for one, other in itertools.combinations(boxes.values(), 2):
            assert (
                one["x"] + one["width"] <= other["x"] + 0.5
                or other["x"] + other["width"] <= one["x"] + 0.5
                or one["y"] + one["height"] <= other["y"] + 0.5
                or other["y"] + other["height"] <= one["y"] + 0.5
            )
        for box in boxes.values():
            assert box["x"] >= empty["x"] - 2
            assert box["x"] + box["width"] <= empty["x"] + empty["width"] + 2
        page.mouse.move(empty["x"] + empty["width"] / 2, empty["y"] + empty["height"] / 2)
        page.mouse.wheel(0, -300)
        page.wait_for_timeout(150)


def test_a_name_does_not_hide_its_cluster(opened, tmp_path):
    """The cluster in the middle is a handful of pixels: its name stands above it."""
    rng = np.random.default_rng(0)
    wide = rng.normal([4.0, 0.0], 0.4, (400, 2))
    x = np.concatenate([wide, rng.normal(0, 0.005, (30, 2)), -wide])
    labels, names = np.repeat([0, 1, 2], [400, 30, 400]), dict(enumerate(["one", "cyclops", "two"]))
    view = RunView(name="speck", labels=labels, coordinates=x, names=names)
    page = opened(file=write_run_report(view, tmp_path / "r.html"))
    whole = page.locator("#map-canvas").bounding_box()
    middle = whole["x"] + whole["width"] / 2, whole["y"] + whole["height"] / 2
    tops = {}
    for name in names.values():
        mark = page.locator("#map-names span", has_text=name)
        assert mark.evaluate("mark => mark.style.visibility") == "visible"
        tops[name] = mark.bounding_box()
    speck = tops["cyclops"]
    assert speck["x"] < middle[0] < speck["x"] + speck["width"]
    assert middle[1] - 40 < speck["y"] + speck["height"] < middle[1] - 2
    assert tops["one"]["y"] < middle[1] < tops["one"]["y"] + tops["one"]["height"]


def test_a_name_beside_an_edge_waits_there_until_its_cluster_is_gone(opened):
    page = opened()
    whole = page.locator("#map-canvas").bounding_box()
    page.focus("#map-canvas")
    waiting = 0
    for _ in range(30):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(40)
        for mark in page.locator("#map-names span").all():
            if mark.evaluate("mark => mark.style.visibility") == "visible":
                box = mark.bounding_box()
                left, right = box["x"] - whole["x"], box["x"] + box["width"] - whole["x"]
                assert left > -2
                assert right < whole["width"] + 2
                waiting += min(left, whole["width"] - right) < 2
    assert waiting


def test_the_tree_is_cut_by_keys_and_by_the_mouse(opened):
    page = opened()
    page.focus("#tree-level")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#tree-said") == "2 groups"
    assert page.input_value("#map-controls select") == "level"
    named = page.locator("#map-legend li").all_inner_texts()
    assert sorted(text.split("\n")[-1] for text in named) == ["20", "40"]
    assert sum(" and 1 more" in text for text in named) == 1
    page.locator("#tree-drawing").scroll_into_view_if_needed()
    box = page.locator("#tree-drawing").bounding_box()
    page.mouse.click(box["x"] + 2, box["y"] + 5)
    assert page.inner_text("#tree-said") == "3 groups"
    page.click("#tree summary")
    assert page.locator("#tree tbody tr").count() == 2


def test_a_phone_needs_no_scrolling_sideways(opened):
    page = opened(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert painted(page) > 100
