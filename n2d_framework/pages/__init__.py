"""Pages of one HTML file each: what all reports share, and the report of one run."""

from n2d_framework.pages.run_report import RunView, write_run_report

__all__ = ["RunView", "write_run_report"]
