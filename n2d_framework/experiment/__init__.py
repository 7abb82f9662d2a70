"""Comparisons. Plan a grid, run each distinct stage once on Dask, judge the results."""

from __future__ import annotations

from n2d_framework.experiment.comparison import Comparison
from n2d_framework.experiment.open_results import open_comparison
from n2d_framework.experiment.run_comparison import compare, plan_comparison

__all__ = ["Comparison", "compare", "open_comparison", "plan_comparison"]
