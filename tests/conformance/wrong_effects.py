"""A component that quietly does to its process what it should not, and one whose library does.

``Sly`` does nothing twice that can be seen the first time only, as most code does: a handler if
there is none, a folder if it is not there. ``Imports`` fits as it should, with a library that
does the same when it is imported, as Keras and numba do: that is allowed.
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from wrong_plugins import Good

from n2d_framework.plugin import ComponentSpec, component, hookimpl


def disturb() -> None:
    """Every effect that a check sees only when nothing is imported any more."""
    logger = logging.getLogger("wrong_effects.own")
    if not logger.handlers:
        logger.addHandler(logging.StreamHandler())
    os.write(2, b"below the streams\n")
    Path(tempfile.gettempdir(), "n2d_sly_temporary").mkdir(exist_ok=True)
    Path("n2d_sly_working").mkdir(exist_ok=True)
    os.environ.setdefault("N2D_SLY", "1")
    np.seterr(all="ignore")
    warnings.simplefilter("ignore")


@component
class Sly(Good):
    def fit(self, m, *, context):
        disturb()
        print("past the kit's stream", file=sys.__stderr__)
        return super().fit(m, context=context)


@component
class PastOutput(Good):
    def fit(self, m, *, context):
        print("past the kit's stream", file=sys.__stdout__)
        return super().fit(m, context=context)


@component
class FromC(Good):
    def fit(self, m, *, context):
        ctypes.CDLL(None).printf(b"from C\n")
        return super().fit(m, context=context)


@component
class Imports(Good):
    def fit(self, m, *, context):
        os.environ.setdefault("N2D_FOR_A_LIBRARY", "1")
        import wrong_library  # noqa: F401

        return super().fit(m, context=context)


#: Component, check, words of its failure.
WRONG = [
    ("sly", "log_handlers", "on the logger wrong_effects.own"),
    ("sly", "prints_nothing", "below the streams"),
    ("sly", "prints_nothing", "past the kit's stream"),
    ("sly", "files", "n2d_sly_temporary"),
    ("sly", "files", "n2d_sly_working"),
    ("sly", "environment", "N2D_SLY"),
    ("sly", "process_settings", "numpy.seterr"),
    ("sly", "process_settings", "warning filters"),
    ("pastoutput", "prints_nothing", "past the kit's stream"),
    ("fromc", "prints_nothing", "from C"),
]


@hookimpl
def n2d_components():
    for cls in (Sly, PastOutput, FromC, Imports):
        yield ComponentSpec(
            role="clusterer",
            name=cls.__name__.lower(),
            factory=f"wrong_effects:{cls.__name__}",
            summary="Right" if cls is Imports else "Wrong",
            soft=True,
        )
