"""State that a process shares: log handlers, environment, settings, random states."""

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


def _read(table: Mapping[str, _Shared | _Setting]) -> dict[str, Any]:
    found = {}
    for name, shared in table.items():
        module = sys.modules.get(shared.library)
        # A module of that name may be something else, or an older version.
        with contextlib.suppress(Exception):
            if module is not None:
                found[name] = shared.read(module)
    return found


@attrs.frozen
class _Setting:
    """A setting of the whole process, which can be read and put back.

    Attributes
    ----------
    library : str
        Looked at only once it is loaded.
    read : callable
        Called with the module; returns something that equals itself while nothing changes.
    write : callable
        Called with the module and what `read` returned.
    usual : object
        What it is when the library has just been loaded, if that may be during a fit.
    """

    library: str
    read: Callable[[Any], Any]
    write: Callable[[Any, Any], Any]
    usual: Any = None


def _mask(m: Any) -> int:
    found: int = m.umask(0)
    m.umask(found)
    return found


def _signal_handlers(m: Any) -> dict[int, Any]:
    return {int(number): m.getsignal(number) for number in m.valid_signals()}


def _put_back_signal_handlers(m: Any, handlers: Mapping[int, Any]) -> None:
    for number, handler in handlers.items():
        if handler is not None and m.getsignal(number) != handler:
            m.signal(number, handler)


def _set_path(m: Any, path: list[str]) -> None:
    m.path[:] = path


#: Settings, by the name under which they are reported. What a platform lacks is not looked at.
_SETTINGS = {
    "numpy.seterr": _Setting("numpy", lambda m: dict(m.geterr()), lambda m, v: m.seterr(**v)),
    "numpy.set_printoptions": _Setting(
        "numpy",
        lambda m: dict(m.get_printoptions()),
        lambda m, v: m.set_printoptions(**{k: v[k] for k in v if k != "override_repr"}),
    ),
    "sklearn.set_config": _Setting(
        "sklearn", lambda m: dict(m.get_config()), lambda m, v: m.set_config(**v)
    ),
    "the working directory": _Setting("os", lambda m: m.getcwd(), lambda m, v: m.chdir(v)),
    "os.umask": _Setting("os", _mask, lambda m, v: m.umask(v)),
    "os.nice": _Setting("os", lambda m: m.getpriority(m.PRIO_PROCESS, 0), lambda _m, _v: None),
    "the CPU affinity": _Setting(
        "os", lambda m: m.sched_getaffinity(0), lambda m, v: m.sched_setaffinity(0, v)
    ),
    "sys.path": _Setting("sys", lambda m: list(m.path), _set_path),
    "sys.setrecursionlimit": _Setting(
        "sys", lambda m: m.getrecursionlimit(), lambda m, v: m.setrecursionlimit(v)
    ),
    "signal handlers": _Setting("signal", _signal_handlers, _put_back_signal_handlers),
    "locale.setlocale": _Setting(
        "locale", lambda m: m.setlocale(m.LC_ALL), lambda m, v: m.setlocale(m.LC_ALL, v)
    ),
    "socket.setdefaulttimeout": _Setting(
        "socket", lambda m: m.getdefaulttimeout(), lambda m, v: m.setdefaulttimeout(v)
    ),
    "gc.disable": _Setting(
        "gc", lambda m: m.isenabled(), lambda m, v: m.enable() if v else m.disable()
    ),
    "torch.set_grad_enabled": _Setting(
        "torch", lambda m: m.is_grad_enabled(), lambda m, v: m.set_grad_enabled(v), usual=True
    ),
    "torch.set_default_dtype": _Setting(
        "torch",
        lambda m: str(m.get_default_dtype()).rpartition(".")[2],
        lambda m, v: m.set_default_dtype(getattr(m, v)),
        usual="float32",
    ),
    "torch.use_deterministic_algorithms": _Setting(
        "torch",
        lambda m: m.are_deterministic_algorithms_enabled(),
        lambda m, v: m.use_deterministic_algorithms(v),
        usual=False,
    ),
    "keras.config.set_dtype_policy": _Setting(
        "keras",
        lambda m: m.config.dtype_policy().name,
        lambda m, v: m.config.set_dtype_policy(v),
        usual="float32",
    ),
    "tensorflow.config.run_functions_eagerly": _Setting(
        "tensorflow",
        lambda m: m.config.functions_run_eagerly(),
        lambda m, v: m.config.run_functions_eagerly(v),
        usual=False,
    ),
}


@attrs.frozen(eq=False)
class Surroundings:
    """A process's surroundings at one moment.

    Attributes
    ----------
    handlers : mapping of str to sequence of logging.Handler
        Those of every logger there is, by its name; the root logger's is ``root``.
    environment : mapping of str to str
    filters : sequence of tuple
        Which warnings are shown.
    random_states : mapping of str to object
        Of the libraries that are loaded.
    thread_counts : mapping of str to object
        How many threads the libraries that are loaded use.
    settings : mapping of str to object
        Of the process and of the libraries that are loaded.
    """

    handlers: Mapping[str, tuple[logging.Handler, ...]]
    environment: Mapping[str, str]
    filters: tuple[Any, ...]
    random_states: Mapping[str, Any] = attrs.field(factory=partial(_read, _RANDOM))
    thread_counts: Mapping[str, Any] = attrs.field(factory=lambda: _all_counts())
    settings: Mapping[str, Any] = attrs.field(factory=partial(_read, _SETTINGS))

    @classmethod
    def now(cls) -> Self:
        """The surroundings as they are."""
        handlers = {name: tuple(logger.handlers) for name, logger in _loggers().items()}
        return cls(handlers, dict(os.environ), tuple(warnings.filters))

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
        """Settings of the process, and of libraries that were loaded, that changed since."""
        filters = ["warning filters"] if self.filters != later.filters else []
        return _changed(self.settings, later.settings) + filters

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
        self.restore_settings()

    def restore_settings(self) -> None:
        """Put back the settings of the process, and of libraries, but the filters."""
        for name, found in _read(_SETTINGS).items():
            setting = _SETTINGS[name]
            loaded_meanwhile = name not in self.settings
            if loaded_meanwhile and setting.usual is None:
                continue
            before = setting.usual if loaded_meanwhile else self.settings[name]
            if found != before:
                setting.write(sys.modules[setting.library], before)


def _loggers() -> dict[str, logging.Logger]:
    known = list(logging.root.manager.loggerDict.items())
    loggers = {name: logger for name, logger in known if isinstance(logger, logging.Logger)}
    return {"root": logging.getLogger(), **loggers}


def _all_counts() -> dict[str, Any]:
    return _read(_COUNTS) | {name: number for name, (number, _) in _pools().items()}


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [name for name in before if name in after and before[name] != after[name]]
