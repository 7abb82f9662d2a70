"""What a process keeps for everybody in it: log handlers, environment, settings, random states."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import sys
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any, Self

import attrs
import numpy as np
import threadpoolctl

__all__ = ["Surroundings"]


@attrs.frozen
class _Shared:
    """Something that a library keeps for the whole process.

    Attributes
    ----------
    library : str
        Looked at only once it is loaded.
    read : callable
        Called with the module; returns something that equals itself while nothing changes.
    stir : callable
        Called with the module: changes it, so that setting it again to the same can be seen.
    """

    library: str
    read: Callable[[Any], Any]
    stir: Callable[[Any], Any]


def _anything() -> int:
    return random.SystemRandom().randrange(2**31)


def _tensorflow_seed(_: Any) -> Any:
    context = sys.modules["tensorflow.python.eager.context"]
    return context.global_seed(), context.context()._rng.getstate()  # noqa: SLF001  # the one way


def _keras_seed(_: Any) -> Any:
    state = sys.modules["keras.src.backend.common.global_state"]
    generator = state.get_global_attribute("global_seed_generator")
    return None if generator is None else _plain(generator.state)


def _stir_keras(keras: Any) -> None:
    state = sys.modules["keras.src.backend.common.global_state"]
    generator = state.get_global_attribute("global_seed_generator")
    if generator is not None:
        generator.state.assign(keras.ops.cast([_anything(), 0], generator.state.dtype))


def _cuda(torch: Any) -> Any:
    cuda = getattr(torch, "cuda", None)
    if cuda is None or not cuda.is_initialized():
        return None
    return [_plain(state) for state in cuda.get_rng_state_all()]


def _plain(state: Any) -> Any:
    """The values of a library's array."""
    return np.asarray(state).tobytes()


#: Global states of random numbers, by the name under which they are reported.
_RANDOM = {
    "random": _Shared("random", lambda m: m.getstate(), lambda m: m.seed()),
    "numpy.random": _Shared(
        "numpy", lambda m: repr(_numpy_state(m)), lambda m: m.random.seed()
    ),
    "torch": _Shared(
        "torch",
        lambda m: (m.initial_seed(), _plain(m.get_rng_state()), _cuda(m)),
        lambda m: m.seed(),
    ),
    "tensorflow": _Shared("tensorflow", _tensorflow_seed, lambda m: m.random.set_seed(_anything())),
    "keras": _Shared("keras", _keras_seed, _stir_keras),
    "cupy": _Shared(
        "cupy", lambda m: id(m.random.get_random_state()), lambda m: m.random.seed()
    ),
}  # fmt: skip


def _numpy_state(numpy: Any) -> Any:
    kind, keys, *rest = numpy.random.get_state(legacy=True)
    return kind, np.asarray(keys).tobytes(), rest


def _other(number: int) -> int:
    return number + 1 if number < 2 else number - 1


#: Numbers of threads of libraries.
_COUNTS = {
    "torch.set_num_threads": _Shared(
        "torch",
        lambda m: m.get_num_threads(),
        lambda m: m.set_num_threads(_other(m.get_num_threads())),
    ),
    "numba.set_num_threads": _Shared(
        "numba",
        lambda m: m.get_num_threads(),
        lambda m: m.set_num_threads(_other(m.get_num_threads())),
    ),
    "tensorflow.config.threading": _Shared(
        "tensorflow",
        lambda m: (
            m.config.threading.get_intra_op_parallelism_threads(),
            m.config.threading.get_inter_op_parallelism_threads(),
        ),
        lambda _: None,
    ),
}


def _pools() -> dict[str, tuple[int, Callable[[int], Any]]]:
    """Threads of the BLAS and OpenMP libraries that are loaded, and how to set them."""
    controllers = threadpoolctl.ThreadpoolController().lib_controllers
    return {
        f"threads of {pool.internal_api} ({os.path.basename(pool.filepath)})": (  # noqa: PTH119
            pool.num_threads,
            pool.set_num_threads,
        )
        for pool in controllers
    }


def _read(table: Mapping[str, _Shared]) -> dict[str, Any]:
    found = {}
    for name, shared in table.items():
        module = sys.modules.get(shared.library)
        # A module of that name may be something else, or an older version.
        with contextlib.suppress(Exception):
            if module is not None:
                found[name] = shared.read(module)
    return found


@attrs.frozen(eq=False)
class Surroundings:
    """A process's surroundings at one moment.

    Attributes
    ----------
    handlers : mapping of str to sequence of logging.Handler
        Those of every logger there is, by its name; the root logger's is ``root``.
    environment : mapping of str to str
    numpy_errors : mapping of str to str
        What NumPy does about which error.
    filters : sequence of tuple
        Which warnings are shown.
    random_states : mapping of str to object
        Of the libraries that are loaded.
    thread_counts : mapping of str to object
        How many threads the libraries that are loaded use.
    """

    handlers: Mapping[str, tuple[logging.Handler, ...]]
    environment: Mapping[str, str]
    numpy_errors: Mapping[str, Any]
    filters: tuple[Any, ...]
    random_states: Mapping[str, Any] = attrs.field(factory=partial(_read, _RANDOM))
    thread_counts: Mapping[str, Any] = attrs.field(factory=lambda: _all_counts())

    @classmethod
    def now(cls) -> Self:
        """The surroundings as they are."""
        handlers = {name: tuple(logger.handlers) for name, logger in _loggers().items()}
        return cls(handlers, dict(os.environ), dict(np.geterr()), tuple(warnings.filters))

    def handlers_added(self, later: Surroundings, *, logger: str | None = None) -> list[str]:
        """Handlers that came since, of every logger or of one."""
        return [
            f"{handler!r} on the logger {name}"
            for name, handlers in sorted(later.handlers.items())
            for handler in handlers
            if handler not in self.handlers.get(name, ()) and logger in (None, name)
        ]

    def variables_changed(self, later: Surroundings) -> list[str]:
        """Environment variables that were set, changed or taken away since."""
        old, new = self.environment, later.environment
        return sorted(name for name in {*old, *new} if old.get(name) != new.get(name))

    def settings_changed(self, later: Surroundings) -> list[str]:
        """Which of NumPy's error handling and the warning filters changed since."""
        errors = "numpy.seterr" if self.numpy_errors != later.numpy_errors else ""
        filters = "warning filters" if self.filters != later.filters else ""
        return [name for name in (errors, filters) if name]

    def seeds_changed(self, later: Surroundings) -> list[str]:
        """Global states of random numbers that changed since, of libraries that were loaded."""
        return _changed(self.random_states, later.random_states)

    def counts_changed(self, later: Surroundings) -> list[str]:
        """Numbers of threads that changed since, of libraries that were loaded."""
        return _changed(self.thread_counts, later.thread_counts)

    @staticmethod
    @contextlib.contextmanager
    def stirred() -> Iterator[None]:
        """Change all random states and numbers of threads: who sets them again is then seen.

        In the end, numbers of threads are put back.
        """
        pools = _pools()
        counts = {name: shared for name, shared in _COUNTS.items() if shared.library in sys.modules}
        for shared in (*_RANDOM.values(), *counts.values()):
            module = sys.modules.get(shared.library)
            with contextlib.suppress(Exception):  # one thread may be all there is
                if module is not None:
                    shared.stir(module)
        for number, set_number in pools.values():
            set_number(_other(number))
        try:
            yield
        finally:
            for number, set_number in pools.values():
                set_number(number)

    def restore(self, *, keeping: Collection[str] = ()) -> None:
        """Put back all but some variables, and but the filters: ``catch_warnings`` does that."""
        for name, logger in _loggers().items():
            logger.handlers[:] = self.handlers.get(name, ())
        for name in self.variables_changed(type(self).now()):
            if name in keeping:
                continue
            if name in self.environment:
                os.environ[name] = self.environment[name]
            else:
                del os.environ[name]
        np.seterr(**self.numpy_errors)


def _loggers() -> dict[str, logging.Logger]:
    known = list(logging.root.manager.loggerDict.items())
    loggers = {name: logger for name, logger in known if isinstance(logger, logging.Logger)}
    return {"root": logging.getLogger(), **loggers}


def _all_counts() -> dict[str, Any]:
    return _read(_COUNTS) | {name: number for name, (number, _) in _pools().items()}


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [name for name in before if name in after and before[name] != after[name]]
