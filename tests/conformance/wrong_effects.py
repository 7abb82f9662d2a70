"""A component that quietly does to its process what it should not, and one whose library does.

``Sly`` does nothing twice that can be seen the first time only, as most code does: a handler if
there is none, a folder if it is not there. ``Imports`` fits as it should, with a library that
does the same when it is imported, as Keras and numba do: that is allowed.
"""

from __future__ import annotations

import _thread
import atexit
import ctypes
import decimal
import gc
import io
import logging
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from wrong_plugins import Good

from n2d_framework.plugin import ComponentSpec, component, hookimpl


def disturb() -> None:
    """Every effect that a check sees only when nothing is imported any more."""
    import matplotlib as mpl
    import pandas as pd
    import sklearn
    import torch

    logger = logging.getLogger("wrong_effects.own")
    if not logger.handlers:
        logger.addHandler(logging.StreamHandler())
    os.write(2, b"below the streams\n")
    Path(tempfile.gettempdir(), "n2d_sly_temporary").mkdir(exist_ok=True)
    Path("n2d_sly_working").mkdir(exist_ok=True)
    os.environ.setdefault("N2D_SLY", "1")
    np.seterr(all="ignore")
    warnings.simplefilter("ignore")
    np.set_printoptions(precision=3)
    sklearn.set_config(assume_finite=True)
    os.umask(0o077)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    sys.path.insert(0, "n2d_sly_path")
    sys.setrecursionlimit(5000)
    signal.signal(signal.SIGABRT, signal.SIG_IGN)  # SIGINT may be ignored already
    socket.setdefaulttimeout(30)
    gc.disable()
    torch.set_default_dtype(torch.float64)
    decimal.getcontext().prec = 50
    sys.excepthook = threading.excepthook = print
    sys.setswitchinterval(0.01)
    logging.getLogger().setLevel(logging.DEBUG)
    multiprocessing.set_start_method("spawn", force=True)
    atexit.register(len, ())
    np.setbufsize(4096)
    gc.set_threshold(500)
    pd.set_option("display.max_rows", 7)
    mpl.rcParams["font.size"] = 31


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


@component
class SeedsTorch(Good):
    """With the same seed at every fit: the state ends as it began."""

    def fit(self, m, *, context):
        import torch

        torch.manual_seed(context.seed)
        torch.rand()
        return super().fit(m, context=context)


@component
class SetsTorchThreads(Good):
    def fit(self, m, *, context):
        import torch

        torch.set_num_threads(4)
        return super().fit(m, context=context)


@component
class SetsBlasThreads(Good):
    def fit(self, m, *, context):
        import threadpoolctl

        threadpoolctl.threadpool_limits(limits=3, user_api="blas")
        return super().fit(m, context=context)


@component
class SetsNumbaThreads(Good):
    def fit(self, m, *, context):
        import numba

        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
        return super().fit(m, context=context)


@component
class KeepsThread(Good):
    def fit(self, m, *, context):
        threading.Thread(target=time.sleep, args=(5,), daemon=True, name="kept").start()
        return super().fit(m, context=context)


POOL = ThreadPoolExecutor(1, thread_name_prefix="pool")


@component
class KeepsPool(Good):
    """Starts a thread at its first fit only."""

    def predict(self, m):
        return POOL.submit(super().predict, m).result()


@component
class KeepsProcess(Good):
    def fit(self, m, *, context):
        quiet = subprocess.DEVNULL
        code = "import time; time.sleep(5)"
        subprocess.Popen([sys.executable, "-c", code], stdout=quiet, stderr=quiet)
        return super().fit(m, context=context)


OPEN = []


@component
class KeepsFile(Good):
    def fit(self, m, *, context):
        OPEN.append(Path(__file__).open())  # noqa: SIM115
        return super().fit(m, context=context)


@component
class KeepsTemporary(Good):
    """Has no name: only its descriptor is left."""

    def predict(self, m):
        OPEN.append(tempfile.TemporaryFile())  # noqa: SIM115
        return super().predict(m)


@component
class KeepsSocket(Good):
    def fit(self, m, *, context):
        OPEN.append(socket.socket())
        return super().fit(m, context=context)


@component
class WarnsAtFit(Good):
    def fit(self, m, *, context):
        warnings.warn("not converged", RuntimeWarning, stacklevel=1)
        return super().fit(m, context=context)


@component
class WarnsAtPredict(Good):
    def strengths(self, m):
        return super().strengths(m) + 0 * np.nan_to_num(np.log(np.zeros(1)))


@component
class BasicConfig(Good):
    def fit(self, m, *, context):
        logging.basicConfig()
        return super().fit(m, context=context)


@component
class LogsAtFit(Good):
    def fit(self, m, *, context):
        logging.getLogger(__name__).warning("not converged")
        return super().fit(m, context=context)


STREAMS = []


@component
class OldStream(Good):
    """Prints to the stream that was there at its first fit."""

    def fit(self, m, *, context):
        STREAMS.append(sys.stderr)
        print("to a stream that was there", file=STREAMS[0] if len(STREAMS) > 1 else io.StringIO())
        return super().fit(m, context=context)


@component
class Replaces(Good):
    """Changes what is not a setting, and goes below the modules that are watched."""

    def fit(self, m, *, context):
        np.linalg.norm = len
        signal.setitimer(signal.ITIMER_VIRTUAL, 1e6)
        tracemalloc.start()
        logging.setLoggerClass(type("Own", (logging.Logger,), {}))
        sys.setdlopenflags(sys.getdlopenflags() | os.RTLD_GLOBAL)
        _thread.start_new_thread(lambda: time.sleep(20), ())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"x", ("127.0.0.1", 9))
        number = sum(1 for _ in Path(tempfile.gettempdir()).iterdir())
        Path(tempfile.gettempdir(), f"n2d_link_{number}").symlink_to(__file__)
        return super().fit(m, context=context)


@component
class PutsBack(Good):
    """Does all of it, and puts everything back."""

    def fit(self, m, *, context):
        import threadpoolctl
        import torch

        state, count = torch.get_rng_state(), torch.get_num_threads()
        torch.manual_seed(context.seed)
        torch.set_num_threads(4)
        torch.set_rng_state(state)
        torch.set_num_threads(count)
        with Path(__file__).open() as source, tempfile.TemporaryFile() as copy:
            copy.write(source.read().encode())
        with threadpoolctl.threadpool_limits(limits=2), ThreadPoolExecutor(2) as pool:
            pool.submit(time.sleep, 0).result()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.warn("not converged", RuntimeWarning, stacklevel=1)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        subprocess.run([sys.executable, "-c", ""], check=True)
        return super().fit(m, context=context)


#: What stands in for a library that is not installed: as much of it as the kit looks at.
TORCH = """
import random

class Tensor:
    pass

_random, _threads, _seed = random.Random(0), 2, 0

def manual_seed(seed):
    global _seed
    _seed = seed
    _random.seed(seed)

def seed():
    manual_seed(random.SystemRandom().randrange(2**31))

def initial_seed():
    return _seed

def get_rng_state():
    return [_seed, *_random.getstate()[1]]

def set_rng_state(state):
    global _seed
    _seed, *rest = state
    _random.setstate((3, tuple(rest), None))

def rand():
    return _random.random()

def get_num_threads():
    return _threads

def set_num_threads(number):
    global _threads
    _threads = number

float32, float64 = "torch.float32", "torch.float64"
_dtype = float32

def get_default_dtype():
    return _dtype

def set_default_dtype(dtype):
    global _dtype
    _dtype = dtype
"""

#: Component, check, words of its failure.
WRONG = [
    ("seedstorch", "global_seeds", "torch"),
    ("setstorchthreads", "thread_counts", "torch.set_num_threads"),
    ("setsblasthreads", "thread_counts", "threads of openblas"),
    ("setsnumbathreads", "thread_counts", "numba.set_num_threads"),
    ("keepsthread", "survivors", "thread kept"),
    ("keepspool", "survivors", "thread pool_0"),
    ("keepsprocess", "survivors", "time.sleep(5)"),
    ("keepsfile", "open_files", "wrong_effects.py"),
    ("keepstemporary", "open_files", "(deleted)"),
    ("keepssocket", "open_files", "socket"),
    ("warnsatfit", "no_warnings", "RuntimeWarning: not converged"),
    ("warnsatpredict", "no_warnings", "divide by zero"),
    *(
        ("replaces", "process_settings", words)
        for words in (
            "functions of Python or of a library",
            "signal.setitimer",
            "tracemalloc.start",
            "logging.setLoggerClass",
            "sys.setdlopenflags",
        )
    ),
    ("replaces", "survivors", "leaves running (join threads, close pools): thread "),
    ("replaces", "network", "sent to 127.0.0.1"),
    ("replaces", "files", "n2d_link_"),
    ("sly", "log_handlers", "on the logger wrong_effects.own"),
    ("sly", "prints_nothing", "below the streams"),
    ("sly", "prints_nothing", "past the kit's stream"),
    ("sly", "files", "n2d_sly_temporary"),
    ("sly", "files", "n2d_sly_working"),
    ("sly", "environment", "N2D_SLY"),
    ("sly", "process_settings", "numpy.seterr"),
    ("sly", "process_settings", "warning filters"),
    ("sly", "process_settings", "numpy.set_printoptions"),
    ("sly", "process_settings", "sklearn.set_config"),
    ("sly", "process_settings", "os.umask"),
    ("sly", "process_settings", "sys.path"),
    ("sly", "process_settings", "sys.setrecursionlimit"),
    ("sly", "process_settings", "signal handlers"),
    ("sly", "process_settings", "socket.setdefaulttimeout"),
    ("sly", "process_settings", "gc.disable"),
    ("sly", "process_settings", "torch.set_default_dtype"),
    *(
        ("sly", "process_settings", words)
        for words in (
            "decimal.getcontext",
            "sys.excepthook",
            "threading.excepthook",
            "setswitchinterval",
            "level of the root logger",
            "set_start_method",
            "atexit",
            "setbufsize",
            "gc.set_threshold",
            "pandas.set_option",
            "matplotlib.rcParams",
        )
    ),
    ("basicconfig", "log_handlers", "on the logger root"),
    ("logsatfit", "no_warnings", "WARNING: not converged (logged by wrong_effects"),
    ("oldstream", "prints_nothing", "to a stream that was there"),
    ("pastoutput", "prints_nothing", "past the kit's stream"),
    ("fromc", "prints_nothing", "from C"),
]


@hookimpl
def n2d_components():
    quiet = (
        SeedsTorch, SetsTorchThreads, SetsBlasThreads, SetsNumbaThreads, KeepsThread, KeepsPool,
        KeepsProcess, KeepsFile, KeepsTemporary, KeepsSocket, WarnsAtFit, WarnsAtPredict, PutsBack,
        BasicConfig, LogsAtFit, OldStream, Replaces,
    )  # fmt: skip
    for cls in (Sly, PastOutput, FromC, Imports, *quiet):
        yield ComponentSpec(
            role="clusterer",
            name=cls.__name__.lower(),
            factory=f"wrong_effects:{cls.__name__}",
            summary="Right" if cls in (Imports, PutsBack) else "Wrong",
            soft=True,
        )
