"""Settings that libraries keep for the whole process: random states, threads, options."""

from __future__ import annotations

import atexit  # noqa: F401  # is looked at only once it is loaded
import copy
import decimal  # noqa: F401
import multiprocessing  # noqa: F401
import random
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from operator import attrgetter
from typing import Any

import attrs
import numpy as np

from n2d_framework.testing.process.replaced_functions import (
    library_functions,
    put_back_functions,
)

__all__ = ["COUNTS", "RANDOM", "SETTINGS", "Setting", "Shared", "other_number"]


@attrs.frozen
class Shared:
    """Something that a library keeps for the whole process.

    Attributes
    ----------
    module : str
        Looked at only once it is loaded.
    read : callable
        Called with the module; returns something that equals itself while nothing changes.
    stir : callable
        Called with the module: changes it, so that setting it again to the same can be seen.
    """

    module: str
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
RANDOM = {
    "random": Shared("random", lambda m: m.getstate(), lambda m: m.seed()),
    "numpy.random": Shared(
        "numpy", lambda m: repr(_numpy_state(m)), lambda m: m.random.seed()
    ),
    "torch": Shared(
        "torch",
        lambda m: (m.initial_seed(), _plain(m.get_rng_state()), _cuda(m)),
        lambda m: m.seed(),
    ),
    "tensorflow": Shared("tensorflow", _tensorflow_seed, lambda m: m.random.set_seed(_anything())),
    "keras": Shared("keras", _keras_seed, _stir_keras),
    "cupy": Shared(
        "cupy", lambda m: id(m.random.get_random_state()), lambda m: m.random.seed()
    ),
}  # fmt: skip


def _numpy_state(numpy: Any) -> Any:
    kind, keys, *rest = numpy.random.get_state(legacy=True)
    return kind, np.asarray(keys).tobytes(), rest


def other_number(number: int) -> int:
    """Another number of threads, which differs by one."""
    return number + 1 if number < 2 else number - 1


#: Numbers of threads of libraries.
COUNTS = {
    "torch.set_num_threads": Shared(
        "torch",
        lambda m: m.get_num_threads(),
        lambda m: m.set_num_threads(other_number(m.get_num_threads())),
    ),
    "numba.set_num_threads": Shared(
        "numba",
        lambda m: m.get_num_threads(),
        lambda m: m.set_num_threads(other_number(m.get_num_threads())),
    ),
    "pyarrow.set_cpu_count": Shared(
        "pyarrow",
        lambda m: m.cpu_count(),
        lambda m: m.set_cpu_count(other_number(m.cpu_count())),
    ),
    "tensorflow.config.threading": Shared(
        "tensorflow",
        lambda m: (
            m.config.threading.get_intra_op_parallelism_threads(),
            m.config.threading.get_inter_op_parallelism_threads(),
        ),
        lambda _: None,
    ),
}


@attrs.frozen
class Setting:
    """A setting of the whole process, which can be read and put back.

    Attributes
    ----------
    module : str
        Looked at only once it is loaded.
    read : callable
        Called with the module; returns something that equals itself while nothing changes.
    write : callable
        Called with the module and what `read` returned.
    usual : object, or callable
        What it is when the library has just been loaded, if that may be during a fit; a function
        gets it from the module.
    """

    module: str
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


def _stop_timers(m: Any, running: list[bool]) -> None:
    for timer, before in enumerate(running):
        if not before:
            m.setitimer(timer, 0)


class _Known(dict[str, Any]):
    """Values by name; two are equal if what both have is the same: names may be added."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Known) and not self.changed(other)

    def __ne__(self, other: object) -> bool:  # a dict has one of its own
        return not self == other

    __hash__ = None

    def changed(self, other: _Known) -> list[str]:
        """Names whose value is another object there."""
        return [name for name in self.keys() & other.keys() if self[name] is not other[name]]


def _logger_levels(m: Any) -> _Known:
    known = list(m.root.manager.loggerDict.items())
    return _Known((name, item.level) for name, item in known if isinstance(item, m.Logger))


def _put_back_logger_levels(m: Any, levels: _Known) -> None:
    for name in levels.changed(_logger_levels(m)):
        m.getLogger(name).setLevel(levels[name])


def _set_path(m: Any, path: list[str]) -> None:
    m.path[:] = path


def _attribute(library: str, path: str) -> Setting:
    """A setting that is an attribute of a module, or of something in it."""
    holder, _, name = path.rpartition(".")

    def write(m: Any, value: Any) -> None:
        setattr(attrgetter(holder)(m) if holder else m, name, value)

    return Setting(library, attrgetter(path), write)


def _functions(library: str, read: str, write: str = "", usual: Any = None) -> Setting:
    """A setting that one function gives and another takes; without `write`, it is not put back."""

    def put(m: Any, value: Any) -> None:
        if write:
            attrgetter(write)(m)(value)

    return Setting(library, lambda m: attrgetter(read)(m)(), put, usual)


_DECIMAL = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")


def _decimal_context(m: Any) -> dict[str, Any]:
    context = m.getcontext()
    return {**{name: getattr(context, name) for name in _DECIMAL}, "traps": dict(context.traps)}


def _resource_limits(m: Any) -> dict[int, Any]:
    numbers = {getattr(m, name) for name in dir(m) if name.startswith("RLIMIT_")}
    return {number: m.getrlimit(number) for number in numbers}


def _put_back_resource_limits(m: Any, limits: Mapping[int, Any]) -> None:
    for number, limit in limits.items():
        m.setrlimit(number, limit)


def _flat(tree: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in tree.items():
        path = f"{before}{name}"
        found |= _flat(value, f"{path}.") if isinstance(value, Mapping) else {path: value}
    return found


def _put_back_pandas(m: Any, options: Mapping[str, Any]) -> None:
    now = _pandas(m)
    for name, value in options.items():
        if now.get(name) != value:
            m.set_option(name, value)


def _pandas(m: Any) -> dict[str, Any]:
    return _flat(m._config.config._global_config)  # noqa: SLF001  # get_option warns of old names


def _usual_pandas(m: Any) -> dict[str, Any]:
    known = m._config.config._registered_options  # noqa: SLF001
    return {name: option.defval for name, option in known.items()}


def _usual_sklearn(m: Any) -> dict[str, Any]:
    # Its settings are of a thread; each begins with the usual ones.
    with ThreadPoolExecutor(1) as pool:
        return dict(pool.submit(m.get_config).result())


def _styles(parameters: Any) -> dict[str, Any]:
    """Of matplotlib, but for what draws: that is found at the first picture."""
    found = parameters.copy().items()
    return {name: value for name, value in found if not name.startswith("backend")}


def _put_back_dask(m: Any, config: Mapping[str, Any]) -> None:
    m.config.config.clear()
    m.config.config.update(config)


def _numba_config(m: Any) -> dict[str, Any]:
    plain = (bool, int, float, str, type(None))
    found = vars(m.config).items()
    return {name: value for name, value in found if name.isupper() and isinstance(value, plain)}


#: Settings, by the name under which they are reported. What a platform lacks is not looked at.
SETTINGS = {
    "the working directory": _functions("os", "getcwd", "chdir"),
    "os.umask": Setting("os", _mask, lambda m, v: m.umask(v)),
    "os.nice": Setting("os", lambda m: m.getpriority(m.PRIO_PROCESS, 0), lambda _m, _v: None),
    "the CPU affinity": Setting(
        "os", lambda m: m.sched_getaffinity(0), lambda m, v: m.sched_setaffinity(0, v)
    ),
    "resource.setrlimit": Setting("resource", _resource_limits, _put_back_resource_limits),
    "sys.path": Setting("sys", lambda m: list(m.path), _set_path),
    "sys.setrecursionlimit": _functions("sys", "getrecursionlimit", "setrecursionlimit"),
    "sys.setswitchinterval": _functions("sys", "getswitchinterval", "setswitchinterval"),
    "sys.set_int_max_str_digits": _functions(
        "sys", "get_int_max_str_digits", "set_int_max_str_digits"
    ),
    "sys.excepthook": _attribute("sys", "excepthook"),
    "sys.unraisablehook": _attribute("sys", "unraisablehook"),
    "sys.displayhook": _attribute("sys", "displayhook"),
    "sys.settrace": _functions("sys", "gettrace", "settrace"),
    "sys.setprofile": _functions("sys", "getprofile", "setprofile"),
    # Not put back: whoever captures them has others in each test.
    "sys.stdout": Setting("sys", lambda m: id(m.stdout), lambda _m, _v: None),
    "sys.stderr": Setting("sys", lambda m: id(m.stderr), lambda _m, _v: None),
    "threading.excepthook": _attribute("threading", "excepthook"),
    "threading.stack_size": _functions("threading", "stack_size", "stack_size"),
    "atexit.register": _functions("atexit", "_ncallbacks"),
    "functions of Python or of a library": Setting("sys", library_functions, put_back_functions),
    "sys.setdlopenflags": _functions("sys", "getdlopenflags", "setdlopenflags"),
    "sys.stdin": Setting("sys", lambda m: id(m.stdin), lambda _m, _v: None),
    "signal.setitimer": Setting(
        "signal", lambda m: [m.getitimer(timer) > (0, 0) for timer in range(3)], _stop_timers
    ),
    "faulthandler.enable": Setting(
        "faulthandler",
        lambda m: m.is_enabled(),
        lambda m, v: m.enable() if v else m.disable(),
    ),
    "tracemalloc.start": Setting(
        "tracemalloc", lambda m: m.is_tracing(), lambda m, v: m.start() if v else m.stop(), False
    ),
    "tempfile.tempdir": Setting(
        "tempfile", lambda m: m.gettempdir(), lambda m, v: setattr(m, "tempdir", v)
    ),
    "logging.setLoggerClass": _functions("logging", "getLoggerClass", "setLoggerClass"),
    "levels of loggers": Setting("logging", _logger_levels, _put_back_logger_levels),
    "builtins.print": _attribute("builtins", "print"),
    "builtins.open": _attribute("builtins", "open"),
    "signal handlers": Setting("signal", _signal_handlers, _put_back_signal_handlers),
    "locale.setlocale": Setting(
        "locale", lambda m: m.setlocale(m.LC_ALL), lambda m, v: m.setlocale(m.LC_ALL, v)
    ),
    "socket.setdefaulttimeout": _functions("socket", "getdefaulttimeout", "setdefaulttimeout"),
    "gc.disable": Setting(
        "gc", lambda m: m.isenabled(), lambda m, v: m.enable() if v else m.disable()
    ),
    "gc.set_threshold": Setting(
        "gc", lambda m: m.get_threshold(), lambda m, v: m.set_threshold(*v)
    ),
    "decimal.getcontext": Setting(
        "decimal", _decimal_context, lambda m, v: m.setcontext(m.Context(**v))
    ),
    "logging.disable": _attribute("logging", "root.manager.disable"),
    "the level of the root logger": _attribute("logging", "root.level"),
    "logging.captureWarnings": _attribute("warnings", "showwarning"),
    "multiprocessing.set_start_method": Setting(
        "multiprocessing",
        # Whoever asks for a context settles the default: that changes nothing.
        lambda m: m.get_start_method(allow_none=True) or m.get_all_start_methods()[0],
        lambda m, v: m.set_start_method(v, force=True),
    ),
    "numpy.seterr": Setting("numpy", lambda m: dict(m.geterr()), lambda m, v: m.seterr(**v)),
    "numpy.seterrcall": _functions("numpy", "geterrcall", "seterrcall"),
    "numpy.setbufsize": _functions("numpy", "getbufsize", "setbufsize"),
    "numpy.set_printoptions": Setting(
        "numpy",
        lambda m: dict(m.get_printoptions()),
        lambda m, v: m.set_printoptions(**{k: v[k] for k in v if k != "override_repr"}),
    ),
    "sklearn.set_config": Setting(
        "sklearn",
        lambda m: dict(m.get_config()),
        lambda m, v: m.set_config(**v),
        _usual_sklearn,
    ),
    "pandas.set_option": Setting("pandas", _pandas, _put_back_pandas, _usual_pandas),
    "matplotlib.rcParams": Setting(
        "matplotlib",
        lambda m: _styles(m.rcParams),
        lambda m, v: m.rcParams.update(v),
        lambda m: _styles(m.rcParamsOrig),
    ),
    "dask.config": Setting("dask", lambda m: copy.deepcopy(m.config.config), _put_back_dask),
    "numba.config": Setting("numba", _numba_config, lambda m, v: vars(m.config).update(v)),
    "scipy.fft.set_workers": _functions("scipy.fft", "get_workers"),
    "torch.set_grad_enabled": _functions("torch", "is_grad_enabled", "set_grad_enabled", True),
    "torch.set_default_dtype": Setting(
        "torch",
        lambda m: str(m.get_default_dtype()).rpartition(".")[2],
        lambda m, v: m.set_default_dtype(getattr(m, v)),
        usual="float32",
    ),
    "torch.set_default_device": Setting(
        "torch", lambda m: str(m.get_default_device()), lambda m, v: m.set_default_device(v), "cpu"
    ),
    "torch.use_deterministic_algorithms": _functions(
        "torch", "are_deterministic_algorithms_enabled", "use_deterministic_algorithms", usual=False
    ),
    "torch.set_float32_matmul_precision": _functions(
        "torch", "get_float32_matmul_precision", "set_float32_matmul_precision", "highest"
    ),
    "torch.backends.cudnn.benchmark": _attribute("torch", "backends.cudnn.benchmark"),
    "torch.backends.cudnn.deterministic": _attribute("torch", "backends.cudnn.deterministic"),
    "keras.config.set_dtype_policy": Setting(
        "keras",
        lambda m: m.config.dtype_policy().name,
        lambda m, v: m.config.set_dtype_policy(v),
        usual="float32",
    ),
    "keras.config.set_floatx": _functions("keras", "config.floatx", "config.set_floatx", "float32"),
    "keras.config.set_epsilon": _functions("keras", "config.epsilon", "config.set_epsilon", 1e-7),
    "keras.config.set_image_data_format": _functions(
        "keras", "config.image_data_format", "config.set_image_data_format"
    ),
    "tensorflow.config.run_functions_eagerly": _functions(
        "tensorflow", "config.functions_run_eagerly", "config.run_functions_eagerly", usual=False
    ),
    "tensorflow.config.set_soft_device_placement": _functions(
        "tensorflow", "config.get_soft_device_placement", "config.set_soft_device_placement"
    ),
    "tensorflow.config.optimizer.set_jit": _functions(
        "tensorflow", "config.optimizer.get_jit", "config.optimizer.set_jit"
    ),
    "jax.config": Setting(
        "jax",
        lambda m: dict(m.config.values),
        lambda m, v: [m.config.update(name, v[name]) for name in v],
    ),
}
