"""Checks of calls of the old package, before anything is trained."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from n2d_framework.errors import ConfigError, DataError, Problem, did_you_mean

__all__ = ["check_output", "check_parts", "check_training"]

#: What a model cannot do without.
_NEEDED = {
    "autoencoder": ("fit", "encoder"),
    "manifold_learner": ("fit", "fit_predict", "manifold_in_embedding", "cluster_manifold"),
}
_SHORT_LOSSES = ["mse", "mae", "mape", "msle"]


def check_parts(autoencoder: Any, manifold_learner: Any) -> None:
    """Refuse parts of a model that are none, such as those in the wrong order.

    Raises
    ------
    ConfigError
    """
    parts = {"autoencoder": autoencoder, "manifold_learner": manifold_learner}
    problems = []
    for name, part in parts.items():
        missing = [verb for verb in _NEEDED[name] if not hasattr(part, verb)]
        if missing:
            text = f"{_called(part)} has no {' and no '.join(missing)}; {_remedy(name, parts)}"
            problems.append(Problem(name, text))
    if problems:
        raise ConfigError(problems)


def check_training(
    *, epochs: Any, batch_size: Any, patience: Any, loss: Any, optimizer: Any
) -> None:
    """Refuse arguments of ``fit`` that train nothing, or fail in the midst of it.

    Raises
    ------
    ConfigError
        With all problems.
    """
    problems = [
        Problem(name, f"must be an integer of at least {least}, got {value!r}")
        for name, value, least in (("epochs", epochs, 1), ("batch_size", batch_size, 1))
        if not _is_whole(value, least)
    ]
    if patience is not None and not _is_whole(patience, 0):
        problems.append(
            Problem("patience", f"must be an integer of at least 0, or None, got {patience!r}")
        )
    texts = {"loss": _of_loss(loss), "optimizer": _of_optimizer(optimizer)}
    problems += [Problem(name, text) for name, text in texts.items() if text]
    if problems:
        raise ConfigError(problems)


def check_output(model: Any, loss: Any) -> None:
    """Refuse a graph whose output a loss of Keras cannot compare with its input.

    A function of the user may compare what it likes, such as means and variances.

    Raises
    ------
    DataError
    """
    module = getattr(loss, "__module__", "")
    given, made = model.input_shape, model.output_shape
    if not (isinstance(loss, str) or module.startswith("keras.")) or "sparse" in str(loss).lower():
        return
    if not _alike(tuple(given[1:]), tuple(made[1:])):
        raise DataError(
            f"the output of the network has the shape {tuple(made[1:])}, but its input "
            f"{tuple(given[1:])}, and it is trained to give back its input; fix its last layer"
        )


def _is_whole(value: Any, least: int) -> bool:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return bool(whole and value >= least)


def _of_loss(loss: Any) -> str | None:
    import keras

    try:
        if loss is not None and keras.losses.get(loss) is not None:
            return None
    except (ValueError, TypeError):
        pass
    if isinstance(loss, str):
        known = [name for name, item in vars(keras.losses).items() if _is_loss(name, item)]
        hint = did_you_mean(loss, _SHORT_LOSSES + known, noun="loss function")
        return f"unknown loss {loss!r}; {hint}"
    return f"must be the name of a loss of Keras, or a function of y and prediction, got {loss!r}"


def _is_loss(name: str, item: Any) -> bool:
    return inspect.isfunction(item) and name not in ("get", "serialize", "deserialize")


def _of_optimizer(optimizer: Any) -> str | None:
    import keras

    base = keras.optimizers.Optimizer
    if isinstance(optimizer, base):
        return None
    if not isinstance(optimizer, str):
        example = "such as keras.optimizers.Adam(0.01)"
        return f"must be the name of an optimizer of Keras, or one, {example}, got {optimizer!r}"
    known = {
        name.lower()
        for name, item in vars(keras.optimizers).items()
        if inspect.isclass(item) and issubclass(item, base) and item is not base
    }
    if optimizer.lower() in known:
        return None
    hint = did_you_mean(optimizer.lower(), sorted(known), noun="optimizer")
    return f"unknown optimizer {optimizer!r}; {hint}"


def _alike(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Return whether shapes are equal, but for sizes that are open and a last axis of one."""
    long, short = sorted((one, other), key=len, reverse=True)
    if len(long) == len(short) + 1 and long[-1] == 1:
        long = long[:-1]
    return len(long) == len(short) and all(
        a == b or None in (a, b) for a, b in zip(long, short, strict=True)
    )


def _called(part: Any) -> str:
    return f"the class {part.__name__}" if inspect.isclass(part) else f"{type(part).__name__}"


def _remedy(name: str, parts: dict[str, Any]) -> str:
    other = next(part for role, part in parts.items() if role != name)
    if all(hasattr(other, verb) for verb in _NEEDED[name]):
        return "the order is n2d(autoencoder, manifold_learner)"
    part = parts[name]
    if inspect.isclass(part):
        return f"make an object of it: {part.__name__}(…)"
    return {
        "autoencoder": "give an AutoEncoder, an autoencoder_generator, or such a class",
        "manifold_learner": "give a UmapGMM, a manifold_cluster_generator, or such a class",
    }[name]
