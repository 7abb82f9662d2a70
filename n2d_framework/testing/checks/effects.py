"""Checks of what a component does to the process around it."""

from __future__ import annotations

from n2d_framework.testing.check import Checks, demand
from n2d_framework.testing.examination import ComponentExamination

__all__ = ["CHECKS"]

CHECKS = Checks()


def _none(exam: ComponentExamination, effect: str, said: str) -> None:
    found = exam.elsewhere.effects[effect]
    demand(not found, f"{said}: {'; '.join(found)}")


@CHECKS.add("no global random state is touched")
def global_seeds(exam: ComponentExamination) -> None:
    """Compare the states of random and numpy.random."""
    _none(exam, "seeds", "changes a global random state (use context.seed only)")


@CHECKS.add("nothing is printed")
def prints_nothing(exam: ComponentExamination) -> None:
    """Look at the standard streams and the descriptors below them."""
    _none(exam, "printed", "prints (use logging.getLogger(__name__))")


@CHECKS.add("no log handlers are added")
def log_handlers(exam: ComponentExamination) -> None:
    """Compare the handlers of every logger."""
    _none(exam, "handlers", "adds a handler (only applications do)")


@CHECKS.add("no files or folders are left behind")
def files(exam: ComponentExamination) -> None:
    """Look for files that were opened for writing, and folders that were made, and still exist."""
    _none(exam, "files", "leaves files or folders")


@CHECKS.add("no environment variables are changed")
def environment(exam: ComponentExamination) -> None:
    """Compare the environment."""
    _none(exam, "environment", "changes environment variables")


@CHECKS.add("no settings of the whole process are changed")
def process_settings(exam: ComponentExamination) -> None:
    """Compare numpy's error handling and the warning filters."""
    _none(exam, "settings", "changes (use numpy.errstate, warnings.catch_warnings)")


@CHECKS.add("the network is not used")
def network(exam: ComponentExamination) -> None:
    """Look for names looked up and connections made."""
    _none(exam, "network", "uses the network")
