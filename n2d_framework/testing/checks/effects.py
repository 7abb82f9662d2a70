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
    """Compare the states of random, numpy, and of torch, TensorFlow, Keras and CuPy if loaded."""
    _none(exam, "seeds", "changes a global random state (use context.seed only)")


@CHECKS.add("no library's number of threads is changed")
def thread_counts(exam: ComponentExamination) -> None:
    """Compare those of torch, numba, TensorFlow, and of BLAS and OpenMP."""
    said = "changes numbers of threads (put them back; threadpoolctl.threadpool_limits does)"
    _none(exam, "thread_counts", said)


@CHECKS.add("no threads or processes are left running")
def survivors(exam: ComponentExamination) -> None:
    """Look for what was started and has not ended a second later."""
    _none(exam, "survivors", "leaves running (join threads, close pools)")


@CHECKS.add("fitting and answering warn of nothing on good rows")
def no_warnings(exam: ComponentExamination) -> None:
    """Look at the warnings of a fit on small options that users would see every time."""
    _none(exam, "warnings", "warns (give small_options that fit, or put it right)")


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
    """Compare settings of Python and of libraries that are loaded, and the warning filters."""
    _none(exam, "settings", "changes (use numpy.errstate, warnings.catch_warnings, and the like)")


@CHECKS.add("the network is not used")
def network(exam: ComponentExamination) -> None:
    """Look for names looked up and connections made."""
    _none(exam, "network", "uses the network")
