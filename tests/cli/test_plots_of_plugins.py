"""Pictures that plugins announce are drawn beside the framework's own."""

from __future__ import annotations

import json
from pathlib import Path

PLOTS = """
from n2d_framework.plugin import PlotSpec, hookimpl

@hookimpl
def n2d_plots():
    for name, function in (("shares", "draw"), ("broken", "fails"), ("clusters", "draw")):
        yield PlotSpec(name=name, factory=f"plots_plugin:{function}", summary="One line.")

def draw(rows, axes):
    assert rows.x.shape == (60, 4) and rows.feature_names == ("0", "1", "2", "3")
    assert rows.coordinates.shape == (60, 2) and len(rows.labels) == 60
    axes.bar(*map(list, zip(*((str(v), 1) for v in set(rows.labels.tolist())))))

def fails(rows, axes):
    raise RuntimeError("nothing to draw")
"""


def test_a_plot_of_a_plugin_is_drawn_and_one_that_fails_costs_only_itself(use_plugin, n2d, config):
    use_plugin("plots_plugin", PLOTS)
    done = n2d("run", config, "--out", "out")
    record = json.loads(Path("out/run.json").read_text())
    assert {"shares.png", "clusters.png"} <= {Path(p).name for p in record["paths"]["plots"]}
    assert "nothing to draw" in record["missing"]["plots/broken"]
    assert "rename the plot" in record["missing"]["plots/clusters of a plugin"]
    assert done.exit_code == 1
