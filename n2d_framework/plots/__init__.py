"""Pictures of a clustering, as functions that take arrays and return matplotlib axes.

Figures are made without pyplot: nothing is shown, registered or kept alive. In a notebook,
give a function your own axes (``ax=plt.gca()``), or end the cell with ``ax.figure``.
"""

from __future__ import annotations

from n2d_framework.plots.cluster_tree import condensed_tree
from n2d_framework.plots.curves import loss_curve, scree
from n2d_framework.plots.palette import Style, styles
from n2d_framework.plots.picture_files import FittedModel, save_run_plots, write_png
from n2d_framework.plots.points import (
    confidence,
    four_panels,
    panels,
    scatter,
    truth_and_prediction,
)
from n2d_framework.plots.row_images import cluster_means, reconstructions
from n2d_framework.plots.series import cluster_series

__all__ = [
    "FittedModel",
    "Style",
    "cluster_means",
    "cluster_series",
    "condensed_tree",
    "confidence",
    "four_panels",
    "loss_curve",
    "panels",
    "reconstructions",
    "save_run_plots",
    "scatter",
    "scree",
    "styles",
    "truth_and_prediction",
    "write_png",
]
