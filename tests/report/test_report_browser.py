"""The report in headless Chromium: it loads, sorts, filters, hovers, and fits a phone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from imagining import NASTY, imagined

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
MISSING = "\N{EN DASH}"


class Tab:
    """A page that remembers what it complained of, and every address it asked for."""

    def __init__(self, browser: Any, path: Any, viewport: dict[str, int], **more: Any) -> None:
        self.context = browser.new_context(viewport=viewport, **more)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("#table tbody th")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:")):
            self.complaints.append(request.url)

    def rows(self, place: int = 1) -> list[str]:
        """Texts of a column of the leaderboard, from the rows that are in the page."""
        cells = f"#table tbody tr[aria-rowindex] > :nth-child({place})"
        return [
            text.removeprefix("◉").strip() for text in self.page.locator(cells).all_inner_texts()
        ]

    def evaluate(self, script: str) -> Any:
        return self.page.evaluate(script)


@pytest.fixture
def open_tab(browser) -> Iterator[Any]:
    tabs = []

    def made(path, viewport=DESKTOP, **more):
        tabs.append(Tab(browser, path, viewport, **more))
        return tabs[-1]

    yield made
    for tab in tabs:
        complaints = list(tab.complaints)
        tab.context.close()
        assert complaints == []


@pytest.fixture
def tab(open_tab, written) -> Tab:
    return open_tab(written)


def numbers(texts: list[str]) -> list[float]:
    first = [text.split("\n")[0] for text in texts]
    return [float(text) for text in first if text != MISSING]


def column_of(tab: Tab, title: str) -> int:
    titles = tab.page.locator("#table thead th").all_inner_texts()
    return [text.strip() for text in titles].index(title) + 1


def test_the_best_is_on_top(tab, small):
    best = small.leaderboard().iloc[0]
    assert tab.rows()[0] == best["method"]
    found = numbers(tab.rows(column_of(tab, "acc")))
    assert found[0] == pytest.approx(best["mean"], abs=5e-4)
    assert found == sorted(found, reverse=True)
    head = tab.page.locator("#table thead th").nth(column_of(tab, "acc") - 1)
    assert head.get_attribute("aria-sort") == "descending"


def test_sorting_by_mouse_and_by_keyboard(tab):
    place = column_of(tab, "silhouette")
    button = tab.page.locator("#table thead th button").nth(place - 1)
    button.click()
    found = numbers(tab.rows(place))
    assert found == sorted(found, reverse=True)
    button.focus()
    tab.page.keyboard.press("Enter")
    found = numbers(tab.rows(place))
    assert found == sorted(found)
    sorts = [th.get_attribute("aria-sort") for th in tab.page.locator("#table thead th").all()]
    assert sorts[place - 1] == "ascending"
    assert sorts.count("none") == len(sorts) - 1
    tab.page.locator("#table thead th button").first.click()
    names = tab.rows()
    compare = "names => [...names].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))"
    assert names == tab.page.evaluate(compare, names)


def test_filtering(tab):
    everything = tab.page.inner_text("#count")
    tab.page.fill("#search", "identity GMM")
    assert all("identity" in name and "gmm" in name for name in tab.rows())
    assert tab.page.inner_text("#count") != everything
    tab.page.fill("#search", "no such thing")
    assert tab.rows() == []
    assert tab.page.inner_text("#count").startswith("0 of ")
    tab.page.fill("#search", "")
    tab.page.locator("#filter-selects label", has_text="clusterer").locator("select").select_option(
        label="hdbscan"
    )
    assert all("hdbscan" in name for name in tab.rows())
    tab.page.locator("#filter-selects label", has_text="data").locator("select").select_option(
        label="plain"
    )
    assert set(tab.rows(column_of(tab, "data"))) == {"plain"}


def test_single_cells_and_all_scores(tab, small):
    assert "davies_bouldin (less is better)" not in tab.page.inner_text("#table thead")
    tab.page.check("#all-scores")
    place = column_of(tab, "davies_bouldin (less is better)")
    tab.page.locator("#table thead th button").nth(place - 1).click()
    found = numbers(tab.rows(place))
    assert found == sorted(found)
    tab.page.select_option("#level", "cells")
    assert tab.page.inner_text("#count").endswith(f"of {len(small.table)} rows")
    assert set(tab.rows(column_of(tab, "seed"))) <= {"0", "1"}
    assert set(tab.rows(column_of(tab, "status"))) == {"done"}


def test_the_grid_has_every_trio_and_follows_its_controls(tab, small):
    board = small.leaderboard()
    body = tab.page.locator("#heatmap-table tbody tr")
    table = small.table[small.table["data"] == "few"]
    assert body.count() == len(table[["embedder", "manifolder"]].drop_duplicates())
    best = board[board["data"] == "few"]["mean"].max()
    assert f"{best:.3f}" in tab.page.inner_text("#heatmap-table")
    assert tab.page.locator("#heatmap-table tbody th[scope=rowgroup]").count() == 2
    before = tab.page.inner_text("#heatmap-table")
    tab.page.locator("#heatmap-controls select").first.select_option(label="plain")
    # There are no true classes: a score that needs none takes the place of accuracy.
    score = tab.page.locator("#heatmap-controls select").last
    assert score.input_value() == "modularity"
    assert tab.page.inner_text("#heatmap-table") != before
    score.select_option(value="acc")
    assert tab.page.inner_text("#heatmap-note") == "No cell has this score."


def test_intervals_enclose_their_means(tab):
    found = tab.evaluate(
        """[...document.querySelectorAll('.intervals li:not(.foot)')].map(li => {
          const box = (kind) => li.querySelector(kind)?.getBoundingClientRect();
          const [mean, bar, track] = [box('.mean'), box('.bar'), box('.track')];
          return [(mean.left + mean.right) / 2, bar?.left, bar?.right, track.left, track.right];
        })"""
    )
    assert len(found) == 18
    for mean, low, high, left, right in found:
        assert left <= mean <= right
        if low is not None:
            assert low - 1 <= mean <= high + 1


def test_hovering_shows_the_row_and_its_image(tab):
    canvas = tab.page.locator(".plot > canvas")
    canvas.scroll_into_view_if_needed()
    entry = tab.evaluate("JSON.parse(document.getElementById('data').textContent).pictured[0]")
    box = canvas.bounding_box()
    x, y = (12 + entry["points"][axis][7] / 4095 * (box["width"] - 24) for axis in "xy")
    tab.page.mouse.move(box["x"] + x, box["y"] + y)
    tip = tab.page.locator("#tip")
    assert tip.is_visible()
    reported = tip.inner_text()
    assert reported.startswith("row ")
    assert "digit" in reported
    assert "cluster" in reported or "noise" in reported
    thumb = tip.locator(".thumb")
    assert thumb.evaluate("node => node.style.backgroundImage").startswith('url("data:image/png')
    assert thumb.bounding_box()["width"] == 80
    tab.page.mouse.move(5, 5)
    assert not tip.is_visible()
    canvas.focus()
    tab.page.keyboard.press("ArrowRight")
    assert tip.inner_text().startswith("row 0")
    tab.page.keyboard.press("Escape")
    assert not tip.is_visible()


def test_a_note_goes_along_when_the_page_is_scrolled(tab):
    canvas, tip = tab.page.locator(".plot > canvas"), tab.page.locator("#tip")
    canvas.scroll_into_view_if_needed()
    canvas.press("ArrowRight")
    assert tip.is_visible()
    before = tip.bounding_box()["y"] - canvas.bounding_box()["y"]
    up = "new Promise((done) => { scrollBy(0, %d); setTimeout(done, 300); })"
    tab.evaluate(up % 40)
    assert tip.is_visible()
    assert tip.bounding_box()["y"] - canvas.bounding_box()["y"] == pytest.approx(before, abs=2)
    tab.evaluate(up % -5000)
    assert not tip.is_visible()


def test_notes_have_the_id_of_the_row_its_class_and_its_cluster(open_tab, classes, named):
    """Each as the data and the results have it, at every point that is tried."""
    tab = open_tab(classes.report(pictures=1))
    chooser = tab.page.locator("#cell-controls select")
    entries = tab.evaluate("JSON.parse(document.getElementById('data').textContent).pictured")
    place = next(i for i, entry in enumerate(entries) if entry["data"] == "strings")
    chooser.select_option(str(place))
    frame, species = named["strings"]
    canvas = tab.page.locator(".plot > canvas")
    canvas.scroll_into_view_if_needed()
    canvas.focus()
    tip = tab.page.locator("#tip")
    for row in range(3):
        canvas.press("ArrowRight")
        tab.page.locator("#tip", has_text=f"row {row}").wait_for()
        lines = tip.inner_text().split("\n")
        assert lines[:3] == [frame.index[row], f"row {row}", f"truth: {species[row]}"]
        legend = entries[place]["points"]["labels"]
        assert lines[3] == f"prediction: {legend['legend'][legend['of'][row]]['name']}"
    other = next(i for i, entry in enumerate(entries) if entry["data"] == "marked")
    chooser.select_option(str(other))
    tab.page.locator(".plot > canvas").focus()
    tab.page.keyboard.press("ArrowRight")
    tab.page.locator("#tip", has_text="truth: noise").wait_for()
    assert tip.inner_text().split("\n")[:2] == ["row 0", "truth: noise"]


def test_colours_of_points_follow_the_choice(tab):
    shot = """() => document.querySelector('.plot > canvas').toDataURL()"""
    pictures = [tab.evaluate(shot)]
    for name in ("prediction", "confidence"):
        tab.page.get_by_role("button", name=name, exact=True).click()
        assert (
            tab.page.get_by_role("button", name=name, exact=True).get_attribute("aria-pressed")
            == "true"
        )
        pictures.append(tab.evaluate(shot))
    assert len(set(pictures)) == 3
    tab.page.get_by_role("button", name="truth", exact=True).click()
    assert tab.evaluate(shot) == pictures[0]
    tab.page.locator(".legend button").first.click()
    assert tab.evaluate(shot) != pictures[0]


def test_every_pictured_cell_can_be_seen(tab):
    chooser = tab.page.locator("#cell-controls select")
    for place in range(chooser.locator("option").count()):
        chooser.select_option(str(place))
        assert tab.page.locator(".plot > canvas").count() == 1
        assert tab.page.locator(".figures figure").count() >= 1
        assert tab.page.locator("#cell .absent").count() == 0
    first = chooser.input_value()
    tab.page.get_by_role("button", name="The cell before").click()
    assert chooser.input_value() != first
    tab.page.locator("#table .look").first.click()
    assert chooser.input_value() == "0"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_system_and_the_button(open_tab, written, scheme):
    tab = open_tab(written, color_scheme=scheme)

    def brightness() -> float:
        found = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in found[4:-1].split(",")) / 3

    assert (brightness() > 200) == (scheme == "light")
    picture = tab.evaluate("document.querySelector('.plot > canvas').toDataURL()")
    tab.page.click("#theme")
    assert (brightness() > 200) == (scheme == "dark")
    assert tab.evaluate("document.querySelector('.plot > canvas').toDataURL()") != picture
    assert tab.page.get_attribute("#theme", "aria-label") != "Colours: as the system"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_contrast(open_tab, written, scheme):
    """The colours of texts against their background reach 4.5 to 1 (WCAG AA)."""
    tab = open_tab(written, color_scheme=scheme)
    read = """names => names.map(name => {
      const probe = document.body.appendChild(document.createElement('p'));
      probe.style.color = `var(${name})`;
      return getComputedStyle(probe).color.match(/\\d+/g).slice(0, 3).map(Number);
    })"""
    pairs = [(ink, ground) for ink in TEXTS for ground in ("--paper", "--card")]
    pairs += [("--ink", "--caution"), ("--paper", "--accent")]
    for ink, ground in pairs:
        first, second = tab.page.evaluate(read, [ink, ground])
        assert contrast(first, second) >= 4.5, (ink, ground)


TEXTS = ("--ink", "--muted", "--accent", "--alarm")


def contrast(first: list[int], second: list[int]) -> float:
    def luminance(colour: list[int]) -> float:
        parts = [part / 255 for part in colour]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, bright = sorted((luminance(first), luminance(second)))
    return (bright + 0.05) / (dark + 0.05)


def test_a_phone_has_no_overflow(open_tab, written):
    tab = open_tab(written, PHONE, has_touch=True, is_mobile=True)
    assert tab.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert tab.evaluate("innerWidth") == PHONE["width"]
    # The ranking score can be read without scrolling sideways.
    place = column_of(tab, "acc") - 1
    head = tab.page.locator("#table thead th").nth(place).bounding_box()
    assert head["x"] + head["width"] <= PHONE["width"]
    canvas = tab.page.locator(".plot > canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box["width"] > 300
    entry = tab.evaluate("JSON.parse(document.getElementById('data').textContent).pictured[0]")
    x, y = (12 + entry["points"][axis][3] / 4095 * (box["width"] - 24) for axis in "xy")
    tab.page.touchscreen.tap(box["x"] + x, box["y"] + y)
    tip = tab.page.locator("#tip").bounding_box()
    assert tip["x"] >= 0
    assert tip["x"] + tip["width"] <= PHONE["width"]


def test_tables_can_be_read_aloud(tab):
    found = tab.evaluate(
        """[...document.querySelectorAll('table')].map(table => [
          table.caption?.textContent.trim() ?? '',
          table.querySelectorAll('thead th').length,
          [...table.querySelectorAll('th')].every(th => th.scope),
          [...table.querySelectorAll('tbody tr:not([aria-hidden])')].every(
            tr => tr.querySelector('th'))])"""
    )
    assert len(found) >= 6
    for caption, heads, scoped, named in found:
        assert caption
        assert heads
        assert scoped
        assert named
    assert int(tab.page.locator("#table table").get_attribute("aria-rowcount")) > 20
    unnamed = """[...document.querySelectorAll('button, select, input')].filter(control =>
      !control.labels?.length && !control.textContent.trim() && !control.ariaLabel).length"""
    assert tab.evaluate(unnamed) == 0


def test_names_are_shown_and_not_run(open_tab, tmp_path):
    comparison = imagined(tmp_path, (2, 2, 2, 2), 2, failed=3)
    tab = open_tab(comparison.report(pictures=0))
    tab.page.fill("#search", "onerror")
    assert any(NASTY in name for name in tab.rows())
    assert tab.page.locator("img").count() == 0
    tab.page.fill("#search", "")
    tab.page.locator("#filter-selects label", has_text="status").locator("select").select_option(
        "failed"
    )
    assert all("failed" in text for text in tab.rows(column_of(tab, "seeds")))
    tab.page.locator("details.reason summary").first.click()
    assert NASTY in tab.page.locator("details.reason").first.inner_text()


def test_ten_thousand_cells_open_and_scroll(open_tab, huge):
    tab = open_tab(huge)
    tab.page.select_option("#level", "cells")
    assert tab.page.inner_text("#count") == "10,000 of 10,000 rows"
    assert tab.page.locator("#table tbody tr").count() < 60
    assert tab.evaluate("document.querySelector('#table').scrollHeight") > 10_000 * 40
    tab.evaluate("document.querySelector('#table').scrollTop = 1e9")
    tab.page.wait_for_selector("#table tr[aria-rowindex='10001']")
    assert tab.page.locator("#table tbody tr").count() < 60
    tab.page.fill("#search", "embedder3 manifolder11")
    assert tab.page.inner_text("#count") == "50 of 10,000 rows"
    assert tab.evaluate("document.documentElement.scrollWidth") == DESKTOP["width"]
