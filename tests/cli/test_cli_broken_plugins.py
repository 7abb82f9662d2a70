"""A plugin that is broken, whichever way, costs no one else anything; the catalogue says why."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from n2d_framework.registry import default_catalogue

Run = Callable[..., Any]
Install = Callable[..., None]

ANNOUNCES = """
from n2d_framework.plugin import ComponentSpec, DatasetSpec, hookimpl
{head}

@hookimpl
def n2d_components():
    {body}
"""
SPEC = "ComponentSpec(role='clusterer', name='{name}', factory='{factory}', summary='One line.')"
RAISES = """
from n2d_framework.plugin import hookimpl

@hookimpl
def n2d_{hook}(event):
    raise RuntimeError("tracker down")
"""
HOOKS = ("run_started", "stage_started", "stage_finished", "run_finished", "run_assessed",
         "files_written")  # fmt: skip


METRICS = """
from n2d_framework.plugin import MetricSpec, hookimpl

@hookimpl
def n2d_metrics():
    for name in {names!r}:
        yield MetricSpec(name=name, function="{module}:" + name, summary="One line.")

def fails(y_true, labels):
    raise RuntimeError("metric down")

def works(y_true, labels):
    return 0.25

acc = taken = works
"""


def announces(body: str, head: str = "") -> str:
    return ANNOUNCES.format(body=body, head=head)


def runs(n2d: Run, config: Path, *words: str) -> Any:
    result = n2d("run", config, "--no-plots", "--quiet", "--overwrite", *words)
    assert result.exit_code == 0, result.output
    assert json.loads((Path("n2d-out") / "quick" / "run.json").read_text())["n_clusters_found"] == 3
    return result


UNUSABLE = {
    "import error": ("import not_there_at_all", "import failed: ModuleNotFoundError"),
    "syntax error": ("def (", "import failed: SyntaxError"),
    "leaves on import": ("raise SystemExit(3)", "import failed: SystemExit: 3"),
    "raises when asked": (announces("raise ValueError('no licence')"), "ValueError: no licence"),
    "no spec": (announces("return ['kmeans']"), "n2d_components returned a str"),
    "nothing to iterate": (announces("return 7"), "announcing failed: TypeError"),
    "wrong role": (
        announces("yield " + SPEC.format(name="a", factory="m:C").replace("clusterer", "planet")),
        "planet",
    ),
    "wrong factory": (announces("yield " + SPEC.format(name="a", factory="no colon")), "factory"),
    "unknown hook": (
        "from n2d_framework.plugin import hookimpl\n@hookimpl\ndef n2d_planets(): return []",
        "unknown hooks: n2d_planets",
    ),
}


@pytest.mark.parametrize(("source", "said"), UNUSABLE.values(), ids=UNUSABLE)
def test_others_work_and_the_catalogue_says_why(
    n2d: Run, config: Path, use_plugin: Install, source: str, said: str
) -> None:
    use_plugin("broken_one", source, distribution="broken-dist", version="2.5")
    runs(n2d, config)
    shown = n2d("components")
    assert shown.exit_code == 0
    assert "unusable plugin broken_one of broken-dist 2.5" in shown.stdout
    assert said in shown.stdout
    assert "kmeans" in shown.stdout
    assert n2d("schema").exit_code == 0


def test_a_name_that_two_offer_stops_only_who_asks_for_it(
    n2d: Run, config: Path, use_plugin: Install
) -> None:
    use_plugin("second", announces("yield " + SPEC.format(name="gmm", factory="m:C")))
    runs(n2d, config)
    shown = n2d("components").stdout
    assert "unclear clusterer gmm is offered more than once" in shown
    assert "write n2d_framework:gmm or second:gmm" in shown
    asked = n2d("run", config, "--set", "model.clusterer=gmm")
    assert asked.exit_code == 2
    assert "'n2d_framework:gmm' or 'second:gmm'" in asked.stderr
    runs(n2d, config, "--set", "model.clusterer={name: 'n2d_framework:gmm', n_clusters: 3}")


def test_a_component_that_cannot_be_imported_stops_only_who_asks_for_it(
    n2d: Run, config: Path, use_plugin: Install
) -> None:
    use_plugin("hollow", announces("yield " + SPEC.format(name="hollow", factory="absent:Thing")))
    runs(n2d, config)
    assert "hollow" in n2d("components").stdout
    asked = n2d("run", config, "--set", "model.clusterer=hollow")
    assert asked.exit_code == 2
    assert "No module named 'absent'" in asked.stderr


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_raises_is_reported_once_and_the_run_continues(
    n2d: Run, config: Path, use_plugin: Install, hook: str
) -> None:
    use_plugin("falls_over", RAISES.format(hook=hook), distribution="falls-over")
    result = runs(n2d, config)
    assert result.stderr.count("tracker down") == 1, result.stderr
    assert "falls-over:falls_over" in result.stderr
    assert "Traceback" not in result.stderr


def offer(use_plugin: Install, module: str, *names: str) -> None:
    source = METRICS.format(names=names, module=module)
    use_plugin(module, source, distribution=module.replace("_", "-"))


@pytest.fixture
def metrics(use_plugin: Install) -> None:
    """One metric that works; one that raises, one of two plugins, one with a name that is taken."""
    offer(use_plugin, "metrics_one", "works", "fails", "taken", "acc")
    offer(use_plugin, "metrics_two", "taken")


@pytest.mark.usefixtures("metrics")
def test_metrics_that_cannot_be_used_cost_a_run_only_their_scores(n2d: Run, config: Path) -> None:
    result = runs(n2d, config)
    for words in (
        "metric 'fails' of metrics-one 1.0 has no score: RuntimeError: metric down; see n2d",
        "metric 'taken' has no score: offered by metrics-one 1.0 and metrics-two 1.0; uninstall",
        "metric 'acc' has no score: offered by metrics-one 1.0, but a score of the framework",
    ):
        assert result.stderr.count(words) == 1, result.stderr
    scores = json.loads(Path("n2d-out/quick/run.json").read_text())["scores"]
    assert scores["works"] == 0.25
    assert scores["acc"] == 1.0
    assert not {"fails", "taken"} & set(scores)


@pytest.mark.usefixtures("metrics")
def test_metrics_that_cannot_be_used_cost_a_comparison_only_their_scores(
    n2d: Run, blobs: Path
) -> None:
    Path("grid.yaml").write_text(
        "data: blobs.npz\nembedders: [identity]\nmanifolders: [identity]\n"
        "clusterers: [{name: kmeans, n_clusters: 3, n_init: 2}]\nseeds: 1\n"
    )
    done = n2d("compare", "grid.yaml", "--out", "grid", "--quiet", "--no-report")
    assert done.exit_code == 0, done.output
    for name in ("fails", "taken", "acc"):
        assert len(re.findall(f"metric '{name}' .*has no score", done.stderr)) == 1, done.stderr
    table = pd.read_csv("grid/table.csv")
    assert list(table["status"]) == ["done"]
    assert list(table["works"]) == [0.25]
    assert list(table["acc"]) == [1.0]
    assert not {"fails", "taken"} & set(table)


@pytest.mark.usefixtures("metrics")
def test_metrics_whose_name_is_not_theirs_are_listed(n2d: Run) -> None:
    shown = n2d("components").stdout
    assert "unclear metric taken has no score" in shown
    assert "offered by metrics-one 1.0 and metrics-two 1.0" in shown
    assert "unclear metric acc has no score" in shown
    assert "metric works" not in shown


def test_a_slow_import_is_named(n2d: Run, config: Path, use_plugin: Install) -> None:
    head = "import time; time.sleep(1.1)"
    use_plugin("slow_one", announces("return []", head=head), distribution="slow-dist")
    runs(n2d, config)
    shown = n2d("components").stdout
    assert "slow plugin slow_one of slow-dist 1.0" in shown
    assert "importing it took 1.1 s" in shown


def test_plugins_without_components_are_listed_too(n2d: Run, use_plugin: Install) -> None:
    use_plugin("listens", RAISES.format(hook="run_started"), distribution="listens-dist")
    assert "listens-dist 1.0: receives the events of runs (a tracker)" in n2d("components").stdout
    reported = json.loads(n2d("components", "--json").stdout)["plugins"]
    (fact,) = [fact for fact in reported if fact["distribution"] == "listens-dist"]
    assert fact["hears"] == ["n2d_run_started"]
    assert fact["brings"] == {"components": 0, "datasets": 0, "metrics": 0}


def test_what_else_plugins_bring_is_counted(n2d: Run, use_plugin: Install) -> None:
    body = "return [DatasetSpec(name=n, loader='m:f', summary='s', n_rows=2, row_shape=(3,)) "
    source = announces(body + "for n in ('one', 'two')]").replace("n2d_components", "n2d_datasets")
    use_plugin("brings_data", source)
    assert "brings_data 1.0: 2 datasets" in n2d("components").stdout


def test_a_bundle_says_what_to_install_when_its_plugin_is_gone(
    n2d: Run, config: Path, use_plugin: Install, tmp_path: Path
) -> None:
    source = announces("yield " + SPEC.format(name="mine", factory="soon_gone:Mine"), head=MINE)
    use_plugin("soon_gone", source, distribution="soon-gone", version="4.2")
    assert n2d("run", config, "--no-plots", "--set", "model.clusterer=mine").exit_code == 0
    bundle = Path("n2d-out/quick/quick.n2d")
    assert n2d("predict", bundle, "blobs.npz", "-o", "labels.csv").exit_code == 0
    _uninstall(tmp_path / "site", "soon_gone")
    gone = n2d("predict", bundle, "blobs.npz", "-o", "again.csv")
    assert gone.exit_code == 1
    for words in ("clusterer 'mine' is not installed", "soon-gone, version 4.2", "install it"):
        assert words in gone.stderr
    assert n2d("inspect", bundle).exit_code == 0


def _uninstall(site: Path, module: str) -> None:
    for path in site.glob(f"{module}*"):
        for file in path.rglob("*") if path.is_dir() else [path]:
            file.unlink()
    sys.modules.pop(module)
    default_catalogue.cache_clear()


MINE = """
import numpy as np
from n2d_framework.plugin import component

@component
class Mine:
    def fit(self, m, *, context):
        self.labels_ = self.predict(m)
        return self

    def predict(self, m):
        return (m[:, 0] > 0).astype(np.int64)

    def get_state(self):
        return {}

    def set_state(self, state):
        pass
"""
