"""Builds checked configurations, with a limit on what their weights may take."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from n2d_builtin.autoencoders.allowlist import parse_config
from n2d_framework.networks import load_keras
from n2d_framework.plugin import AnyArray, StateError, derive_seed

__all__ = ["rebuild", "rebuild_stored"]

_PATCHING = threading.RLock()


def rebuild(text: str, *, seed: int = 0, precision: str = "float32", blank: bool = False) -> Any:
    """Build a network, freshly initialised.

    Parameters
    ----------
    text : str
        Configuration that passed the allow-list.
    seed : int, default 0
        Of all initial weights and random layers that bring no seed of their own.
    precision : {"float32", "bfloat16", "float64"}, default "float32"
        What its layers compute in, whatever they were made with.
    blank : bool, default False
        Start from zeros, for weights that are to be replaced at once.

    Returns
    -------
    keras.Model
    """
    policy = "mixed_bfloat16" if precision == "bfloat16" else precision
    config = parse_config(text)
    if not blank:
        config = _completed(config)
    config["layers"] = [
        _prepared(layer, policy, None if blank else derive_seed(seed, str(index)))
        for index, layer in enumerate(config["layers"])
    ]
    return _from_config(config)


def _completed(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with every default written out, so that no initializer goes unseeded."""
    complete: dict[str, Any] = _from_config(config).get_config()
    return complete


def _from_config(config: dict[str, Any]) -> Any:
    """Build a network.

    Initializers without a seed draw one from Python's global generator, which is put back.
    """
    state = random.getstate()
    try:
        return load_keras().Model.from_config(config)
    finally:
        random.setstate(state)


def rebuild_stored(text: str, weights: Sequence[AnyArray], *, precision: str) -> Any:
    """Build a network and give it its stored weights, after checking that they fit.

    Parameters
    ----------
    text : str
        Configuration that passed the allow-list.
    weights : sequence of arrays
        In the order of ``keras.Model.weights``.
    precision : {"float32", "float64"}
        What its layers compute in.

    Returns
    -------
    keras.Model

    Raises
    ------
    StateError
        If the network cannot be built, or wants more or other weights than are there.
        Nothing larger than the weights is allocated.
    """
    try:
        with _limited(sum(array.size for array in weights)):
            model = rebuild(text, precision=precision, blank=True)
    except StateError:
        raise
    except Exception as error:
        raise StateError(f"the stored network cannot be built: {error}") from error
    shapes = [tuple(variable.shape) for variable in model.weights]
    if shapes != [array.shape for array in weights]:
        raise StateError("the stored weights do not have the shapes of the stored network")
    model.set_weights(list(weights))
    return model


@contextmanager
def _limited(budget: int) -> Iterator[None]:
    """Refuse weights of more than `budget` values, before they are allocated.

    Layers create weights through one method only. It is wrapped while this thread builds;
    calls from other threads pass.
    """
    layer_class = load_keras().layers.Layer
    original, owner = layer_class.add_weight, threading.get_ident()
    left = budget

    def add_weight(self: Any, shape: Any = None, *arguments: Any, **named: Any) -> Any:
        nonlocal left
        if threading.get_ident() == owner:
            left -= math.prod(shape or ())
            if left < 0:
                raise StateError(
                    f"layer {self.name!r} of the stored network wants more weights than are stored"
                )
        return original(self, shape, *arguments, **named)

    with _PATCHING:
        layer_class.add_weight = add_weight
        try:
            yield
        finally:
            layer_class.add_weight = original


def _prepared(value: Any, policy: str, seed: int | None, path: str = "") -> Any:
    """A copy with the dtype policy replaced and seeds filled in (or, without, zeros)."""
    if isinstance(value, list):
        return [
            _prepared(item, policy, seed, f"{path}/{index}") for index, item in enumerate(value)
        ]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "DTypePolicy":
        return {**value, "config": {"name": policy}}
    if seed is None and value.get("module") == "keras.initializers":
        return {**value, "class_name": "Zeros", "config": {}}
    copy = {key: _prepared(item, policy, seed, f"{path}/{key}") for key, item in value.items()}
    if "seed" in copy and copy["seed"] is None:
        copy["seed"] = derive_seed(seed or 0, path)
    return copy
