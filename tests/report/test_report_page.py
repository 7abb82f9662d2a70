"""The report without a browser: what is in the file, and what never is."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from imagining import NASTY, imagined
from markupsafe import Markup
from scipy.stats import bootstrap

import n2d_framework as n2d
from n2d_framework import report as floor
from n2d_framework.analysis.intervals import bootstrap_interval, bootstrap_intervals
from n2d_framework.errors import ConfigError, OutputError
from n2d_framework.experiment import open_comparison
from n2d_framework.metrics import match_clusters
from n2d_framework.plots import condensed_tree
from n2d_framework.report.board import metric_for
from n2d_framework.report.figures import figures_of
from n2d_framework.report.fitted_stages import CellStages
from n2d_framework.report.panels import four_panels, siblings
from n2d_framework.report.svg import svg

PCA = ("pca(n_components=2)", "pca(n_components=5)")
VOID = {"meta", "link", "img", "input", "br", "wbr", "col", "hr"}


class Page(HTMLParser):
    """Tags that are open, texts by the section they are in, and everything that refers outside."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.section = ""
        self.texts: dict[str, str] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append((tag, found))
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "section":
            self.section = found.get("id", "summary")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts[self.section] = self.texts.get(self.section, "") + data


def payload(text: str) -> dict:
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1]
    )


@pytest.fixture(scope="module")
def text(written) -> str:
    return written.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text) -> Page:
    return Page(text)


def test_it_is_whole_and_beside_the_results(small, text, page):
    assert (small.out / "report.html").exists()
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert [tag for tag, _ in page.tags].count("h1") == 1


def test_nothing_is_loaded_from_anywhere(page):
    for tag, attributes in page.tags:
        for name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:image/")), (tag, name, value[:80])
    policy = next(a["content"] for t, a in page.tags if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    assert "unsafe-eval" not in policy
    assert "script-src 'sha256-" in policy


def test_the_same_comparison_gives_the_same_bytes(small, text, tmp_path):
    again = open_comparison(small.out).report(tmp_path / "again.html", pictures=3)
    assert again.read_text(encoding="utf-8") == text


def test_numbers_are_those_of_the_comparison(small, text):
    found = payload(text)
    board = small.leaderboard()
    columns = found["methods"]
    place = {
        (found["names"]["data"][data], name): number
        for number, (data, name) in enumerate(zip(columns["data"], columns["name"], strict=True))
    }
    assert found["metric"] == "acc"
    assert len(place) == len(board)
    for row in board.itertuples():
        number = place[row.data, row.method]
        assert columns["done"][number] == 2
        for key in ("mean", "low", "high"):
            value, wanted = columns[key]["acc"][number], getattr(row, key)
            assert value == pytest.approx(wanted, rel=1e-4) if wanted == wanted else value is None
    cells = found["cells"]
    assert cells["scores"]["acc"] == [
        None if value != value else pytest.approx(value, rel=1e-4) for value in small.table["acc"]
    ]


def test_intervals_of_many_are_those_of_each():
    samples = np.random.default_rng(1).random((150, 5))
    samples[3] = 0.5
    low, high = bootstrap_intervals(samples)
    assert (low[3], high[3]) == (0.5, 0.5)
    for number in (0, 70, 149):
        one = bootstrap(
            (samples[number],), np.mean, confidence_level=0.95, n_resamples=9999,
            method="percentile", rng=np.random.default_rng(0),
        ).confidence_interval  # fmt: skip
        assert (low[number], high[number]) == pytest.approx(tuple(one), rel=1e-12)
        assert bootstrap_interval(samples[number]) == pytest.approx(tuple(one), rel=1e-12)
    assert np.isnan(bootstrap_intervals(samples[:, :1])).all()


def test_data_without_classes_have_no_label_scores(small, text, page):
    assert "no true classes" in page.texts["summary"]
    found = payload(text)
    plain = found["names"]["data"].index("plain")
    means = found["methods"]["mean"]
    mine = [n for n, data in enumerate(found["methods"]["data"]) if data == plain]
    assert {means["acc"][n] for n in mine} == {None}
    assert all(means["silhouette"][n] is not None for n in mine)


def test_pictures_are_those_of_the_best_cells(small, text):
    found = payload(text)
    labelled = [entry for entry in found["pictured"] if entry["data"] == "few"]
    assert len(labelled) == 3
    assert len({entry["method"] for entry in labelled}) == 3
    assert [entry["problems"] for entry in found["pictured"]] == [[]] * len(found["pictured"])
    best = small.table[small.table["data"] == "few"]["acc"].max()
    assert labelled[0]["value"] == pytest.approx(best, rel=1e-4)
    points = labelled[0]["points"]
    assert len(points["x"]) == len(points["labels"]["of"]) == 300
    assert points["truth"]["legend"][3]["name"] == "digit 3"
    assert found["sets"]["few"]["sprite"]["width"] == 8
    # By what chooses without classes; rows that are not images have no thumbnails.
    unlabelled = [entry for entry in found["pictured"] if entry["data"] == "plain"]
    assert [entry["metric"] for entry in unlabelled] == ["modularity"] * 3
    least = small.table[small.table["data"] == "plain"]["modularity"].max()
    assert unlabelled[0]["value"] == pytest.approx(least, rel=1e-4)
    assert found["sets"]["plain"]["sprite"] is None
    assert all(entry["points"]["truth"] is None for entry in unlabelled)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (("acc", "modularity", "silhouette"), "acc"),
        (("modularity", "silhouette"), "modularity"),
        (("silhouette",), "silhouette"),
        ((), "silhouette"),
    ],
)
@pytest.mark.parametrize("absent", [True, False])
def test_what_ranks_is_the_best_score_that_there_is(known, expected, absent):
    columns = known if absent else ("acc", "modularity", "silhouette")
    cells = pd.DataFrame({name: [0.5 if name in known else np.nan] for name in columns})
    assert metric_for(cells, "acc") == expected


def test_points_lie_where_the_model_has_them(small, text):
    entry = payload(text)["pictured"][0]
    model = small.best("acc", data="few")
    kept = model.manifold_.astype(float)
    if kept.shape[1] == 2:
        x = np.array(entry["points"]["x"])
        assert np.corrcoef(x, kept[:, 0])[0, 1] > 0.999
    sizes = {
        item["name"].split(" ≈ ")[0]: item["count"] for item in entry["points"]["labels"]["legend"]
    }
    for label, count in zip(*np.unique(model.labels_, return_counts=True), strict=True):
        assert sizes["noise" if label == -1 else f"cluster {label}"] == count


def test_figures_apply_where_they_do(text, page):
    kinds = {re.match(r"figure-(\w+)-", name)[1] for name in page.ids if name.startswith("figure-")}
    assert kinds == {"again", "means", "scree"}
    assert "currentColor" in text
    used = {key for entry in payload(text)["pictured"] for key in entry["figures"]}
    assert {f"figure-{key}" for key in used} == {
        name for name in page.ids if name.startswith("figure-")
    }


def test_trees_are_drawn_of_pictured_cells_that_have_one(classes, tmp_path):
    found = Page(classes.report(tmp_path / "page.html", pictures=6).read_text(encoding="utf-8"))
    kinds = {re.match(r"figure-(\w+)-", key)[1] for key in found.ids if key.startswith("figure-")}
    assert "tree" in kinds


def test_four_panels_need_the_cells_around_them(small):
    table = small.table
    mine = table[
        (table["data"] == "few") & (table["embedder"] == "identity") & (table["seed"] == 1)
        & table["clusterer"].str.startswith("kmeans")
    ].set_index("manifolder", drop=False)  # fmt: skip
    plain, flat, cell = (mine.loc[name] for name in ("identity", *PCA))
    found = siblings(table, cell)
    assert [row["cell"] for row in found] == [plain["cell"], flat["cell"]]
    assert siblings(table, plain) is None
    assert siblings(table[table["cell"] != flat["cell"]], cell) is None
    truth = small.data[0]["truth"]
    stages = [CellStages(row, small, truth) for row in (cell, plain, flat)]
    figure = four_panels(*stages, "panels")
    for title in ("true classes", "clustered before the manifold", "2 dimensions"):
        assert title in figure.drawing
    unlabelled = [CellStages(row, small, None) for row in (cell, plain, flat)]
    assert four_panels(*unlabelled, "panels") is None


CLASS_NAMES = {
    "strings": ["=versi\ncolor", "setosa", "virginica"],
    "marked": ["noise", "class 3", "class 5", "class 7"],
    "names": ["a", "c"],
}


@pytest.fixture(scope="module")
def pictured(classes) -> list[dict]:
    return payload(classes.report(pictures=6).read_text(encoding="utf-8"))["pictured"]


def test_classes_have_the_names_of_the_data(classes, named):
    about = {entry["name"]: entry for entry in classes.data}
    assert {name: entry["class_names"] for name, entry in about.items()} == CLASS_NAMES
    again = open_comparison(classes.out)
    assert {entry["name"]: entry["class_names"] for entry in again.data} == CLASS_NAMES


@pytest.mark.parametrize("data", CLASS_NAMES)
def test_points_show_names_of_classes_and_numbers_of_clusters(classes, named, pictured, data):
    truth = named[data].y if data == "names" else named[data][1]
    values, counts = np.unique(truth, return_counts=True)
    called = dict(zip(CLASS_NAMES[data], values.tolist(), strict=True))
    mine = [entry for entry in pictured if entry["data"] == data]
    assert len(mine) == 6
    for entry in mine:
        legend = entry["points"]["truth"]["legend"]
        assert {item["name"]: item["count"] for item in legend} == dict(
            zip(CLASS_NAMES[data], counts.tolist(), strict=True)
        )
        grey = {item["name"] for item in legend if item["colour"] == -1}
        assert grey == {"noise"} & set(CLASS_NAMES[data])
        colours = {item["name"]: (item["colour"], item["marker"]) for item in legend}
        labels = labels_of(classes, entry)
        names = {label: "noise" if label == -1 else f"cluster {label}" for label in labels.tolist()}
        stands_for = match_clusters(truth, labels)
        found = {}
        for item in entry["points"]["labels"]["legend"]:
            name, _, meant = item["name"].partition(" ≈ ")
            found[name] = called.get(meant)
            assert item["count"] == sum(names[label] == name for label in labels.tolist())
            assert (item["colour"] == -1) == (name == "noise")
            if meant not in ("", "noise"):
                assert (item["colour"], item["marker"]) == colours[meant]
        assert found == {name: stands_for.get(label) for label, name in names.items()}


def labels_of(comparison, entry: dict) -> np.ndarray:
    """Labels of a cell as the saved results have them."""
    cell = comparison.table.iloc[entry["cell"]]
    return CellStages(cell, comparison, None).output("clusterer")


@pytest.mark.parametrize("data", CLASS_NAMES)
def test_four_panels_keep_the_numbers_of_clusters(classes, pictured, data, monkeypatch):
    """Each panel has the numbers of its own clustering; names of classes are in the legends."""
    table = classes.table
    mine = table[(table["data"] == data) & table["clusterer"].str.startswith("kmeans")]
    cells = mine.set_index("manifolder", drop=False)
    rows = [cells.loc[name] for name in ("pca(n_components=3)", "identity", "pca(n_components=2)")]
    about = next(entry for entry in classes.data if entry["name"] == data)
    stages = [CellStages(row, classes, about["truth"], CLASS_NAMES[data]) for row in rows]
    drawn = []
    monkeypatch.setattr(
        "n2d_framework.report.panels.svg", lambda draw, *_: drawn.append(draw()) or Markup()
    )
    assert four_panels(*stages, "panels") is not None
    legends = [[text.get_text() for text in ax.get_legend().get_texts()] for ax in drawn[0].flat]
    expected = [" ".join(name.split()) for name in CLASS_NAMES[data]]
    assert legends[0] == sorted(expected, key=lambda name: name == "noise")
    for legend, cell, ax in zip(
        legends[1:], (stages[1], stages[2], stages[0]), drawn[0].flat[1:], strict=True
    ):
        labels = cell.output("clusterer")
        numbers = [str(label) for label in np.unique(labels)]
        assert [text.split(" ")[0] for text in legend] == numbers
        assert {text.get_text() for text in ax.texts} == set(numbers)
        meant = {text.partition(" ≈ ")[2] for text in legend} - {""}
        assert meant
        assert meant <= set(expected)


def test_names_of_two_classes_that_are_equal_keep_apart(small):
    truth = small.data[0]["truth"]
    stages = CellStages(small.table.iloc[0], small, truth, ["a", "a", "b"])
    assert list(stages.classes.values())[:4] == ["a (0)", "a (1)", "b", "class 3"]


def test_large_drawings_become_pictures(small, monkeypatch):
    table = small.table
    cell = table[(table["data"] == "few") & table["clusterer"].str.startswith("hdbscan")].iloc[0]
    stages = CellStages(cell, small, None)
    make = figures_of(stages, None)[f"tree-{stages.key('clusterer')}"]
    assert "<image" not in make("tree").drawing
    monkeypatch.setattr("n2d_framework.report.figures._MOST_BYTES", 100)
    figure = make("tree")
    assert figure.light
    assert figure.drawing.count("<image") == 1
    assert 'aria-label="Condensed tree"' in figure.drawing


def test_statistics_and_their_warnings_are_reported(page):
    reported = " ".join(page.texts["differences"].split())
    assert "Against the baseline" in reported
    assert "identity / identity / kmeans" in reported
    assert "Wilcoxon's test cannot be significant" in reported
    assert "silhouette and dbcv are measured in the space that was clustered" in reported
    assert "2 seeds: the intervals are rough" in page.texts["summary"]
    assert "ranked by acc, which needs true classes" in page.texts["summary"]


def test_costs_count_each_stage_once(small, page):
    keys = {
        key
        for role in ("embedder", "manifolder", "clusterer")
        for key in small.table[f"{role}_key"]
    }
    assert f"{len(keys)} distinct fits served {3 * len(small.table)} uses" in page.texts["time"]


def test_config_and_versions_are_there(small, page):
    reported = page.texts["settings"]
    assert "n_components:" in reported
    assert "scikit-learn" in reported
    assert "python" in reported
    assert small.data[0]["key"][:16] in reported


def test_names_cannot_break_the_page(tmp_path):
    comparison = imagined(tmp_path, (2, 2, 2, 2), 2, failed=3)
    text = comparison.report(pictures=0).read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert "<img src=x" not in text
    assert text.count("</script>") == 2
    assert NASTY in page.texts["left-out"]
    assert f"a note of {NASTY}" in page.texts["summary"]
    assert NASTY in payload(text)["names"]["clusterer"]
    assert "10 cells" in page.texts["left-out"]
    assert "needs at least 21 rows" in page.texts["left-out"]
    assert "Traceback" in page.texts["left-out"]


def test_names_that_are_not_characters_are_written(tmp_path):
    comparison = imagined(tmp_path, (1, 1, 1, 1), 1)
    comparison.notes.append("a file called \udcff\x00")
    page = comparison.report().read_text(encoding="utf-8")
    assert r"a file called \udcff\x00" in page


def test_one_seed_says_so(tmp_path):
    text = imagined(tmp_path, (1, 2, 2, 2), 1).report(pictures=0).read_text(encoding="utf-8")
    assert "one seed: no interval" in Page(text).texts["summary"]
    assert set(payload(text)["methods"]["low"]["acc"]) == {None}


def test_nothing_done_yet_is_a_report_too(tmp_path):
    comparison = imagined(tmp_path, (1, 2, 1, 1), 1)
    waiting = type(comparison)(tmp_path, _mark_of(comparison), {})
    page = Page(waiting.report().read_text(encoding="utf-8"))
    assert "2 waiting" in " ".join(page.texts["summary"].split())
    assert "no cell is done" in page.texts["summary"]
    assert "Nothing has been fitted yet" in page.texts["time"]


def test_every_cell_failed_is_a_report_too(tmp_path):
    page = Page(imagined(tmp_path, (1, 2, 1, 1), 1, failed=1).report().read_text(encoding="utf-8"))
    assert "2 failed" in " ".join(page.texts["summary"].split())


def _mark_of(comparison):
    return {
        "config": comparison.config, "data": comparison.data, "illegal": [], "notes": [],
        "store": None, "cells": comparison._cells,
    }  # fmt: skip


def test_a_lost_stage_costs_its_picture_only(small, tmp_path):
    comparison = open_comparison(small.out)
    comparison.store = n2d.StageStore(tmp_path / "empty")
    text = comparison.report(tmp_path / "lost.html", pictures=1).read_text(encoding="utf-8")
    problems = payload(text)["pictured"][0]["problems"]
    assert any("no longer in the store" in problem for problem in problems)
    assert "is missing" in Page(text).texts["differences"]


def test_a_component_that_fails_costs_its_picture_only(small, tmp_path, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("n2d_framework.report.figures.svg", broken)
    text = small.report(tmp_path / "broken.html", pictures=1).read_text(encoding="utf-8")
    found = [problem for entry in payload(text)["pictured"] for problem in entry["problems"]]
    assert any("cannot be drawn: ZeroDivisionError: by zero" in problem for problem in found)


def test_pictures_stay_within_their_share(small, tmp_path, monkeypatch):
    monkeypatch.setattr(floor.writing, "_MOST_BYTES", 1)
    text = small.report(tmp_path / "lean.html").read_text(encoding="utf-8")
    assert len(payload(text)["pictured"]) == 1
    assert "cells are left out, to keep this file small" in text


def test_options_are_kept(small, tmp_path):
    text = small.report(tmp_path / "few.html", pictures=2, max_points=50).read_text(
        encoding="utf-8"
    )
    found = payload(text)
    assert len([entry for entry in found["pictured"] if entry["data"] == "few"]) == 2
    assert len(found["pictured"][0]["points"]["x"]) == 50
    assert len(found["sets"]["few"]["rows"]) == 50
    none = small.report(tmp_path / "none.html", pictures=0).read_text(encoding="utf-8")
    assert payload(none)["pictured"] == []
    assert "No pictures were asked for" in none


@pytest.mark.parametrize("options", [{"pictures": -1}, {"max_points": 0}, {"pictures": True}])
def test_wrong_options_are_refused(small, options):
    with pytest.raises(ConfigError, match="must be an integer"):
        small.report(**options)


def test_a_place_that_cannot_be_written_is_an_error(small, tmp_path):
    with pytest.raises(OutputError, match="there is no folder"):
        small.report(tmp_path / "nowhere" / "report.html")


def test_numbers_of_clusters_have_curves(few, tmp_path):
    config = {
        "embedders": ["identity"], "manifolders": [{"name": "pca", "n_components": 4}],
        "clusterers": [{"name": "gmm", "n_init": 1}, {"name": "kmeans", "n_init": 1}],
        "n_clusters": {"from": 8, "to": 11}, "seeds": 2, "dbcv_rows": 0,
    }  # fmt: skip
    comparison = n2d.compare(config, tmp_path / "out", data={"few": few}, n_jobs=1)
    page = Page(comparison.report(pictures=0).read_text(encoding="utf-8"))
    assert "identity / pca / gmm" in page.texts["numbers"]
    assert "BIC (less is better)" in page.texts["numbers"]
    assert "bic" in page.texts["numbers"]


def test_two_datasets_have_a_diagram(tmp_path):
    page = Page(imagined(tmp_path, (6, 2, 2, 2), 1).report(pictures=0).read_text(encoding="utf-8"))
    assert "Friedman's test by acc over 6 datasets" in " ".join(page.texts["differences"].split())
    drawn = [a for t, a in page.tags if t == "svg"]
    assert drawn[0]["aria-label"] == "critical-difference diagram by acc"


def test_too_many_methods_are_not_tested_in_pairs(tmp_path):
    page = Page(imagined(tmp_path, (2, 2, 2, 8), 1).report(pictures=0).read_text(encoding="utf-8"))
    assert "32 methods: so many pairs are not tested here" in page.texts["differences"]
    assert "32 methods: the score of the best is partly luck" in page.texts["summary"]


def test_ten_thousand_cells_stay_small(huge):
    assert huge.stat().st_size < 20_000_000
    assert len(payload(huge.read_text(encoding="utf-8"))["cells"]["seed"]) == 10_000


def test_beyond_a_limit_cells_are_left_to_the_table(tmp_path, monkeypatch):
    monkeypatch.setattr("n2d_framework.report.board.MOST_CELLS", 10)
    monkeypatch.setattr("n2d_framework.report.writing.MOST_CELLS", 10)
    text = imagined(tmp_path, (1, 2, 3, 2), 1).report(pictures=0).read_text(encoding="utf-8")
    assert payload(text)["cells"] is None
    assert "single ones are in table.csv only" in " ".join(Page(text).texts["leaderboard"].split())


def test_our_own_scripts_stay_small():
    folder = Path(floor.__file__).parent / "static"
    scripts = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.js")}
    assert sum(map(len, scripts.values())) < 40_000
    assert all(len(line) < 200 for text in scripts.values() for line in text.splitlines())
    assert not any(
        name in text for text in scripts.values() for name in ("innerHTML", "eval(", "fetch(")
    )


PANEL = """
from n2d_framework.plugin import PanelSpec, hookimpl

@hookimpl
def n2d_panels():
    about = {{"summary": "Cells <of> all methods"}}
    yield PanelSpec(name="counted", factory="panel_plugin:counted", **about)
    yield PanelSpec(name="empty", factory="panel_plugin:empty", **about)
    yield PanelSpec(name="wrong", factory="panel_plugin:wrong", **about)

def counted(comparison):
    return [{{"method": "<b>all</b>", "cells": len(comparison.table)}}, {{"more": 1}}]

def empty(comparison):
    return []

def wrong(comparison):
    raise RuntimeError("nothing to <see>")
"""


def test_panels_of_plugins_are_tables_of_the_report(small, use_plugin, tmp_path):
    use_plugin("panel_plugin", PANEL.format())
    text = small.report(tmp_path / "report.html", pictures=0).read_text(encoding="utf-8")
    page = Page(text)
    assert "<b>all</b>" not in text
    assert "&lt;b&gt;all&lt;/b&gt;" in text
    assert str(len(small.table)) in page.texts["panel-counted"]
    assert "RuntimeError: nothing to <see>" in page.texts["panel-wrong"]
    assert "panel-empty" not in page.ids


def test_a_picture_of_more_than_ten_clusters_has_a_colour_for_each_on_light_and_dark_paper():
    n, count = 60, 12
    nodes = n + 1 + np.arange(count)
    columns = (
        np.concatenate([np.full(count, n), np.repeat(nodes, 5)]),
        np.concatenate([nodes, np.arange(n)]),
        np.repeat([1.0, 2.0], [count, n]),
        np.repeat([5, 1], [count, n]),
    )
    labels = np.repeat(np.arange(count), 5)
    made = svg(lambda: condensed_tree(*columns, labels), "tree", "a tree")
    colours = set(re.findall(r"fill: light-dark\((#\w{6}), (#\w{6})\)", made))
    assert len(colours) == len({light for light, _ in colours}) == count
    assert len({dark for _, dark in colours}) == count
