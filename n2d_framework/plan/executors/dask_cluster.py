"""Workers: processes on this machine, or a dask.distributed cluster that is there already."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from n2d_framework.errors import ConfigError, N2DError, Problem
from n2d_framework.plan.executors.tasks import Settings
from n2d_framework.plan.store import StageStore
from n2d_framework.processes import SAFE_PATH

__all__ = ["connected", "local_workers", "require_shared", "warn_of_threads"]

logger = logging.getLogger(__name__)

_CONNECT_SECONDS = 20
_STARTS = 3
#: Read by BLAS libraries, OpenMP, numba and TensorFlow when they are imported.
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


@contextmanager
def local_workers(n_workers: int, n_jobs: int) -> Iterator[Any]:
    """Start worker processes on this machine; they end with the block, or with this process.

    Parameters
    ----------
    n_workers : int
    n_jobs : int
        Threads of each worker, for all libraries: set before they are imported.

    Yields
    ------
    distributed.Client

    Raises
    ------
    ConfigError
        If they cannot be started.
    """
    import dask
    from distributed import Client

    from n2d_framework.plan.executors.interrupts import leave_out_lost_cancellations

    leave_out_lost_cancellations()
    # Python starts these processes by "python -c", which would import from the current folder.
    variables = dict.fromkeys(_THREAD_VARIABLES, str(n_jobs)) | {SAFE_PATH: "1"}
    settings = {
        "distributed.nanny.pre-spawn-environ": variables,
        "distributed.worker.daemon": False,
        "distributed.comm.timeouts.connect": f"{_CONNECT_SECONDS}s",
    }
    with (
        _environment(variables),
        dask.config.set(settings),
        _started(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            memory_limit=0,
            env=variables | {"TF_CPP_MIN_LOG_LEVEL": "3"},
            preload="n2d_framework.plan.executors.interrupts",
            silence_logs=40,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Environment of this process and all that it starts; as it was, afterwards."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _started(**settings: Any) -> Any:
    """A cluster of this machine; started from scratch if a worker crashed before it was ready."""
    from distributed import LocalCluster

    with _without_traces():
        for left in reversed(range(_STARTS)):
            try:
                return LocalCluster(**settings)
            except (RuntimeError, OSError) as error:
                cause = _first_cause(error)
                if not left or isinstance(cause, OSError):
                    raise _not_started(cause) from error
                logger.warning("a worker crashed while it started (%s); trying again", error)
    raise AssertionError


@contextmanager
def _without_traces() -> Iterator[None]:
    """Within the block, what workers fail with is not logged: it is raised."""
    loggers = [logging.getLogger(name) for name in ("distributed.nanny", "asyncio", "tornado")]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)


def _first_cause(error: BaseException) -> BaseException:
    while (before := error.__cause__ or error.__context__) is not None:
        error = before
    return error


def _not_started(cause: BaseException) -> ConfigError:
    text = (
        f"processes cannot be started on this machine ({type(cause).__name__}: {cause}); they need "
        "connections to 127.0.0.1, some 50 open files each (ulimit -n) and, on Linux, a /dev/shm "
        "that can be written; without workers the comparison needs none of these"
    )
    return ConfigError([Problem("workers", text)])


@contextmanager
def connected(scheduler: Any) -> Iterator[Any]:
    """Connect to a scheduler that is running.

    Parameters
    ----------
    scheduler : str, distributed.Client or a cluster object
        An address is such as ``tcp://10.0.0.5:8786``; a client or cluster stays open.

    Yields
    ------
    distributed.Client

    Raises
    ------
    ConfigError
        If no one answers there.
    """
    from distributed import Client

    from n2d_framework.plan.executors.interrupts import leave_out_lost_cancellations

    if isinstance(scheduler, Client):
        yield scheduler
        return
    leave_out_lost_cancellations()
    client = Client.__new__(Client)
    try:
        Client.__init__(client, scheduler, timeout=f"{_CONNECT_SECONDS}s")
    except (OSError, ValueError, TypeError) as error:
        # Without an end it stays what Dask computes by, until it happens to be collected.
        if getattr(client, "status", None) == "connecting":
            client.close()
        raise ConfigError(
            [
                Problem(
                    "scheduler",
                    f"no scheduler answers at {scheduler!r} ({type(error).__name__}: {error}); "
                    "start one with 'dask scheduler' and give the address that it shows",
                )
            ]
        ) from error
    with client:
        yield client


def require_shared(client: Any, store: StageStore, keys: list[str]) -> None:
    """Refuse a store that the workers of a cluster do not see.

    Raises
    ------
    ConfigError
        With the addresses of those workers; also if there is none.
    """
    seen = _seen(client, store.location, keys)
    if not seen:
        raise ConfigError(
            [Problem("scheduler", "it has no worker; start some with 'dask worker ADDRESS'")]
        )
    blind = sorted(address for address, sees in seen.items() if not sees)
    if blind:
        raise ConfigError(
            [
                Problem(
                    "store",
                    f"{store.location} is not the same for the workers at {', '.join(blind)}; give "
                    "a folder that all machines share, or a URL such as s3://bucket/stages",
                )
            ]
        )


def warn_of_threads(client: Any, settings: Settings) -> None:
    """Say which workers have threads that will be idle.

    Libraries share the threads, the memory and the warnings of a process, so a process fits
    one stage at a time, whatever its threads; with limits each stage has a process of its own.
    """
    several = {address: n for address, n in client.nthreads().items() if n > 1}
    if several and not settings.limited:
        logger.warning(
            "workers with several threads: %s; a worker fits one stage at a time, so all but one "
            "are idle: start them with --nthreads 1 (and --nworkers N for several per machine)",
            ", ".join(f"{address} ({n})" for address, n in sorted(several.items())),
        )


def _seen(client: Any, location: str, keys: list[str]) -> dict[str, bool]:
    """Answer of each worker; asked again where one ended before it could give it."""
    for left in reversed(range(_STARTS)):
        with contextlib.suppress(TimeoutError):  # reported by who asks
            client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
        answers: dict[str, Any] = client.run(_sees, location, keys, on_error="return")
        wrong = {a: answer for a, answer in answers.items() if isinstance(answer, BaseException)}
        if not wrong:
            return answers
        address, error = next(iter(wrong.items()))
        if isinstance(error, N2DError):
            raise error
        if not left or not isinstance(error, OSError):
            text = f"the worker at {address} does not answer ({error}); start it again"
            raise ConfigError([Problem("scheduler", text)]) from error
    raise AssertionError


def _sees(location: str, keys: list[str]) -> bool:
    store = StageStore(location)
    return all(key in store for key in keys)
