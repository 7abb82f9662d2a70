"""A component that adds to, or takes from, tables that its whole process uses, and to files."""

from __future__ import annotations

import builtins
import codecs
import contextlib
import contextvars
import copyreg
import csv
import ctypes
import gc
import json
import logging
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import types
import warnings
from pathlib import Path

import joblib
import yaml
from wrong_plugins import Good

from n2d_framework.plugin import ComponentSpec, component, hookimpl


class Finder:
    """Finds no module."""

    def find_spec(self, *_):
        return None


def _watched():
    """True in the process that the kit watches, which serves no other test."""
    return any("fresh_process_main" in word for word in sys.orig_argv)


def _no_hook(path):
    raise ImportError(path)


def _of_python():
    sys.meta_path.append(Finder())
    sys.path_hooks.append(_no_hook)
    sys.modules["this"] = types.ModuleType("this")
    sys.argv.append("more")
    sys.dont_write_bytecode = not sys.dont_write_bytecode
    sys.addaudithook(lambda *_: None)
    builtins.n2d_of_mine = len
    copyreg.pickle(Finder, lambda _: (Finder, ()))
    codecs.register_error("n2d_of_mine", lambda error: ("?", error.end))
    codecs.register_error("strict", codecs.replace_errors)
    codecs.register(lambda _: None)
    csv.field_size_limit(77)
    csv.register_dialect("n2d_of_mine", delimiter=";")
    gc.callbacks.append(lambda *_: None)
    os.register_at_fork(before=lambda: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    warnings.formatwarning = lambda *_, **__: ""
    sys.__stderr__.reconfigure(errors="replace", line_buffering=False)
    os.environ["TZ"] = "N2D-3"
    time.tzset()


def _of_loggers():
    logger = logging.getLogger("n2d_framework")
    logger.propagate = False
    logger.addFilter(lambda _: False)
    logging.addLevelName(logging.INFO, "OF MINE")
    logging.setLogRecordFactory(lambda *a, **k: logging.LogRecord(*a, **k))
    logging.raiseExceptions = False


CURRENT = contextvars.ContextVar("n2d_of_mine")


def _below_python():
    os.putenv("N2D_BELOW_PYTHON", "1")
    os.unsetenv("PATH")
    CURRENT.set(object())
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(15, b"n2d_of_mine", 0, 0, 0)


def _of_matplotlib():
    import matplotlib as mpl
    from matplotlib import font_manager, units

    if "n2d_of_mine" not in mpl.colormaps:
        mpl.colormaps.register(mpl.colormaps["viridis"].copy(), name="n2d_of_mine")
    units.registry[Finder] = units.ConversionInterface()
    font_manager.fontManager.addfont(font_manager.findfont("DejaVu Sans"))


def _of_libraries():
    joblib.parallel_config(backend="threading")
    yaml.SafeLoader.add_constructor("!n2d", lambda *_: 1)
    json.JSONEncoder.default = pathlib.Path.read_text = subprocess.run = joblib.hash = repr


@component
class Registers(Good):
    def fit(self, m, *, context):
        if _watched():
            _of_matplotlib()  # a variable that is set before its import may be for it
            _of_python()
            _of_loggers()
            _of_libraries()
            _below_python()
        return super().fit(m, context=context)


@component
class HurtsFiles(Good):
    """Changes files that are not its own, and writes some past Python."""

    def fit(self, m, *, context):
        if not _watched():
            return super().fit(m, context=context)
        folder = Path(tempfile.gettempdir())
        with contextlib.suppress(FileNotFoundError):  # at the second fit
            folder.joinpath("n2d_removed").unlink()
        folder.joinpath("n2d_changed").chmod(0o600)
        os.truncate(folder / "n2d_cut", 0)
        sqlite3.connect(folder / "n2d_tables.db").execute("create table if not exists t (a)")
        subprocess.run(["touch", "n2d_by_another_process"], check=True)
        with tempfile.TemporaryDirectory() as own:  # its own files are its own
            Path(own, "x").write_text("x")
            Path(own, "x").chmod(0o600)
            Path(own, "x").unlink()
        return super().fit(m, context=context)


#: Component, check, words of its failure.
WRONG = [
    *(
        ("registers", "process_settings", words)
        for words in (
            "sys.meta_path", "sys.path_hooks", "sys.modules", "sys.argv",
            "sys.dont_write_bytecode", "sys.addaudithook", "names in builtins", "copyreg.pickle",
            "codecs.register_error", "codecs.register;", "csv.field_size_limit",
            "csv.register_dialect", "gc.callbacks", "os.register_at_fork",
            "signal.pthread_sigmask", "warnings.formatwarning", "sys.__stderr__", "time.tzset",
            "filters, propagation or formats of loggers", "logging.addLevelName",
            "logging.setLogRecordFactory", "logging.raiseExceptions", "joblib's backends",
            "types that PyYAML makes", "functions of Python or of a library",
            "os.putenv", "variables of contextvars", "matplotlib.colormaps",
            "matplotlib.units.registry", "fonts of matplotlib",
            *(["prctl"] if sys.platform == "linux" else []),
        )
    ),
    ("hurtsfiles", "files", "n2d_removed (removed)"),
    ("hurtsfiles", "files", "n2d_changed (other permissions)"),
    ("hurtsfiles", "files", "n2d_cut (truncated)"),
    ("hurtsfiles", "files", "n2d_tables.db"),
    ("hurtsfiles", "files", "n2d_by_another_process"),
]  # fmt: skip


@hookimpl
def n2d_components():
    for cls in (Registers, HurtsFiles):
        yield ComponentSpec(
            role="clusterer",
            name=cls.__name__.lower(),
            factory=f"wrong_registries:{cls.__name__}",
            summary="Wrong",
            soft=True,
        )
