"""Checks of what a component does to the process around it."""

from __future__ import annotations

from collections.abc import Mapping

from n2d_framework.testing.check import Checks, demand
from n2d_framework.testing.examination import ComponentExamination

__all__ = ["ALONE", "CHECKS", "no_effects"]

CHECKS = Checks()


#: What datasets, metrics and trackers leave alone as well.
ALONE = ("seeds", "thread_counts", "handlers", "environment", "settings")
#: What is said of each effect.
_SAID = {
    "seeds": "changes a global random state (use a generator of its own, from context.seed)",
    "thread_counts": (
        "changes numbers of threads (put them back; threadpoolctl.threadpool_limits does)"
    ),
    "survivors": "leaves running (join threads, close pools)",
    "warnings": "warns (give small_options that fit, or remove the cause)",
    "printed": "prints (use logging.getLogger(__name__))",
    "handlers": "adds a handler (only applications do)",
    "files": "leaves files or folders",
    "open_files": "leaves open (use with)",
    "environment": "changes environment variables",
    "settings": "changes (use numpy.errstate, warnings.catch_warnings, and the like)",
    "network": "uses the network",
}


def no_effects(found: Mapping[str, list[str]], *names: str) -> None:
    """Demand that nothing was done to the process.

    Parameters
    ----------
    found : mapping of str to list of str
        What was seen, by the attributes of
        :class:`~n2d_framework.testing.process.side_effects.Effects`.
    *names : str
        Which of them to look at.
    """
    seen = [f"{_SAID[name]}: {'; '.join(found[name])}" for name in names if found[name]]
    demand(not seen, "; ".join(seen))


@CHECKS.add("no global random state is touched")
def global_seeds(exam: ComponentExamination) -> None:
    """Compare the states of random, numpy, and of torch, TensorFlow, Keras and CuPy if loaded."""
    no_effects(exam.elsewhere.effects, "seeds")


@CHECKS.add("no library's number of threads is changed")
def thread_counts(exam: ComponentExamination) -> None:
    """Compare those of torch, numba, TensorFlow, and of BLAS and OpenMP."""
    no_effects(exam.elsewhere.effects, "thread_counts")


@CHECKS.add("no threads or processes are left running")
def survivors(exam: ComponentExamination) -> None:
    """Look for what was started and has not ended a second later."""
    no_effects(exam.elsewhere.effects, "survivors")


@CHECKS.add("fitting and answering warn of nothing on good rows")
def no_warnings(exam: ComponentExamination) -> None:
    """Look at the warnings of a fit on small options that users would see every time."""
    no_effects(exam.elsewhere.effects, "warnings")


@CHECKS.add("nothing is printed")
def prints_nothing(exam: ComponentExamination) -> None:
    """Look at the standard streams and the descriptors below them."""
    no_effects(exam.elsewhere.effects, "printed")


@CHECKS.add("no log handlers are added")
def log_handlers(exam: ComponentExamination) -> None:
    """Compare the handlers of every logger."""
    no_effects(exam.elsewhere.effects, "handlers")


@CHECKS.add("no files or folders are left behind")
def files(exam: ComponentExamination) -> None:
    """Look for files that were opened for writing, and folders that were made, and still exist."""
    no_effects(exam.elsewhere.effects, "files")


@CHECKS.add("no files or sockets are left open")
def open_files(exam: ComponentExamination) -> None:
    """Compare the descriptors of files and sockets after a second fit and its answers."""
    no_effects(exam.elsewhere.effects, "open_files")


@CHECKS.add("no environment variables are changed")
def environment(exam: ComponentExamination) -> None:
    """Compare the environment."""
    no_effects(exam.elsewhere.effects, "environment")


@CHECKS.add("no settings of the whole process are changed")
def process_settings(exam: ComponentExamination) -> None:
    """Compare settings of Python and of libraries that are loaded, and the warning filters."""
    no_effects(exam.elsewhere.effects, "settings")


@CHECKS.add("the network is not used")
def network(exam: ComponentExamination) -> None:
    """Look for names looked up and connections made."""
    no_effects(exam.elsewhere.effects, "network")
