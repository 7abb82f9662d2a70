"""Settings that libraries keep for the whole process: random states, threads, options."""

from __future__ import annotations

import copy
import random
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import numpy as np

from n2d_framework.testing.process.below_python import BELOW_PYTHON
from n2d_framework.testing.process.python_settings import PYTHON
from n2d_framework.testing.process.setting import Setting, attribute, functions, not_put_back

__all__ = ["COUNTS", "RANDOM", "SETTINGS", "Shared", "other_number"]


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
    generator = state.get_globalattribute("global_seed_generator")
    return None if generator is None else _plain(generator.state)


def _stir_keras(keras: Any) -> None:
    state = sys.modules["keras.src.backend.common.global_state"]
    generator = state.get_globalattribute("global_seed_generator")
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


def _colormaps(m: Any) -> frozenset[str]:
    return frozenset(m.colormaps)


def _usual_colormaps(m: Any) -> frozenset[str]:
    return frozenset(m.colormaps._builtin_cmaps)  # noqa: SLF001  # the one way


def _put_back_colormaps(m: Any, names: frozenset[str]) -> None:
    for name in _colormaps(m) - names:
        m.colormaps.unregister(name)


def _put_back_units(m: Any, converters: Mapping[type, Any]) -> None:
    m.registry.clear()
    m.registry.update(converters)


_JOBLIB = ("loky", "multiprocessing", "threading", "sequential")


def _joblib_backends(m: Any) -> tuple[Any, ...]:
    config = getattr(m._backend, "config", m.default_parallel_config)  # noqa: SLF001  # of parallel_config
    return m.DEFAULT_BACKEND, dict(config), {name: m.BACKENDS.get(name) for name in _JOBLIB}


def _put_back_joblib(m: Any, found: tuple[Any, ...]) -> None:
    m.DEFAULT_BACKEND, m._backend.config, backends = found  # noqa: SLF001
    m.BACKENDS.update(backends)


def _put_back_dask(m: Any, config: Mapping[str, Any]) -> None:
    m.config.config.clear()
    m.config.config.update(config)


def _numba_config(m: Any) -> dict[str, Any]:
    plain = (bool, int, float, str, type(None))
    found = vars(m.config).items()
    return {name: value for name, value in found if name.isupper() and isinstance(value, plain)}


#: Settings, by the name under which they are reported. What a platform lacks is not looked at.
SETTINGS = {
    **PYTHON,
    **BELOW_PYTHON,
    "numpy.seterr": Setting("numpy", lambda m: dict(m.geterr()), lambda m, v: m.seterr(**v)),
    "numpy.seterrcall": functions("numpy", "geterrcall", "seterrcall"),
    "numpy.setbufsize": functions("numpy", "getbufsize", "setbufsize"),
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
    "matplotlib.colormaps": Setting(
        "matplotlib", _colormaps, _put_back_colormaps, _usual_colormaps
    ),
    "matplotlib.units.registry": Setting(
        "matplotlib.units", lambda m: dict(m.registry), _put_back_units
    ),
    "fonts of matplotlib": Setting(
        "matplotlib.font_manager", lambda m: len(m.fontManager.ttflist), not_put_back
    ),
    "joblib's backends": Setting("joblib.parallel", _joblib_backends, _put_back_joblib),
    "PIL.Image.MAX_IMAGE_PIXELS": attribute("PIL.Image", "MAX_IMAGE_PIXELS"),
    "PIL.ImageFile.LOAD_TRUNCATED_IMAGES": attribute("PIL.ImageFile", "LOAD_TRUNCATED_IMAGES"),
    "types that PyYAML makes": Setting(
        "yaml",
        lambda m: [dict(m.SafeLoader.yaml_constructors), dict(m.SafeDumper.yaml_representers)],
        not_put_back,
    ),
    "fsspec.config": Setting("fsspec", lambda m: copy.deepcopy(m.config.conf), not_put_back),
    "dask.config": Setting("dask", lambda m: copy.deepcopy(m.config.config), _put_back_dask),
    "numba.config": Setting("numba", _numba_config, lambda m, v: vars(m.config).update(v)),
    "scipy.fft.set_workers": functions("scipy.fft", "get_workers"),
    "torch.set_grad_enabled": functions("torch", "is_grad_enabled", "set_grad_enabled", True),
    "torch.set_default_dtype": Setting(
        "torch",
        lambda m: str(m.get_default_dtype()).rpartition(".")[2],
        lambda m, v: m.set_default_dtype(getattr(m, v)),
        usual="float32",
    ),
    "torch.set_default_device": Setting(
        "torch", lambda m: str(m.get_default_device()), lambda m, v: m.set_default_device(v), "cpu"
    ),
    "torch.use_deterministic_algorithms": functions(
        "torch", "are_deterministic_algorithms_enabled", "use_deterministic_algorithms", usual=False
    ),
    "torch.set_float32_matmul_precision": functions(
        "torch", "get_float32_matmul_precision", "set_float32_matmul_precision", "highest"
    ),
    "torch.backends.cudnn.benchmark": attribute("torch", "backends.cudnn.benchmark"),
    "torch.backends.cudnn.deterministic": attribute("torch", "backends.cudnn.deterministic"),
    "keras.config.set_dtype_policy": Setting(
        "keras",
        lambda m: m.config.dtype_policy().name,
        lambda m, v: m.config.set_dtype_policy(v),
        usual="float32",
    ),
    "keras.config.set_floatx": functions("keras", "config.floatx", "config.set_floatx", "float32"),
    "keras.config.set_epsilon": functions("keras", "config.epsilon", "config.set_epsilon", 1e-7),
    "keras.config.set_image_data_format": functions(
        "keras", "config.image_data_format", "config.set_image_data_format"
    ),
    "tensorflow.config.run_functions_eagerly": functions(
        "tensorflow", "config.functions_run_eagerly", "config.run_functions_eagerly", usual=False
    ),
    "tensorflow.config.set_soft_device_placement": functions(
        "tensorflow", "config.get_soft_device_placement", "config.set_soft_device_placement"
    ),
    "tensorflow.config.optimizer.set_jit": functions(
        "tensorflow", "config.optimizer.get_jit", "config.optimizer.set_jit"
    ),
    "jax.config": Setting(
        "jax",
        lambda m: dict(m.config.values),
        lambda m, v: [m.config.update(name, v[name]) for name in v],
    ),
}
