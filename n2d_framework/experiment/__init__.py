"""Floor 6: comparisons. Plan a grid, run each distinct stage once on Dask, judge the results."""

from __future__ import annotations

from n2d_framework.experiment.compare import compare, open_comparison, plan_comparison
from n2d_framework.experiment.comparison import Comparison

__all__ = ["Comparison", "compare", "open_comparison", "plan_comparison"]
