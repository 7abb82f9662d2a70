"""Pages of one HTML file each: what all reports share, and the report of one run."""

from n2d_framework.pages.run_report import write_run_report
from n2d_framework.pages.run_view import RunView

__all__ = ["RunView", "write_run_report"]
