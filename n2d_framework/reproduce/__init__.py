"""Published tables, measured again and set beside what was published."""

from __future__ import annotations

from n2d_framework.reproduce.study import STUDIES, Study, read_study
from n2d_framework.reproduce.study_report import Report
from n2d_framework.reproduce.study_runs import Watch, reproduce

__all__ = ["STUDIES", "Report", "Study", "Watch", "read_study", "reproduce"]
