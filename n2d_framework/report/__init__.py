"""A comparison as one HTML file that needs nothing else, not even a network."""

from __future__ import annotations

from n2d_framework.report.writing import REPORT_NAME, write_report

__all__ = ["REPORT_NAME", "write_report"]
