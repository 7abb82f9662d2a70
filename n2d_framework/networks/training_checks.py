"""Result of a training: a loss that ended above its start, and units that never vary."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from n2d_framework.errors import CollapseWarning, StageError
from n2d_framework.networks.keras_backend import load_keras

__all__ = ["check_loss", "check_reconstruction", "warn_of_dead_units"]

#: So much more than at the start is not by chance; so much less is something.
_RISE, _FALL = 0.05, 0.01
#: Epochs from which on a loss ought to have fallen.
_SOME_EPOCHS = 3
#: Layers that are nothing but an activation, of those whose `activation` Keras hides.
_ACTIVATIONS = ("ELU", "LeakyReLU", "PReLU", "ReLU")


def check_reconstruction(
    before: float, after: float, *, when: str, learning_rate: float, option: str = "learning_rate"
) -> None:
    """Refuse a reconstruction that training made worse.

    Parameters
    ----------
    before, after : float
        The mean loss at the start and of the weights that are kept.
    when : str
        When it was `before`, for the message.
    learning_rate : float
    option : str, default "learning_rate"
        The name of the option that gave the learning rate.

    Raises
    ------
    StageError
        If `after` is above `before` by more than chance.
    """
    if after - before > _RISE * abs(before):
        raise StageError(
            f"training made the reconstruction worse: its loss was {before:.4g} {when}, and is "
            f"{after:.4g} with the weights that are kept; lower {option} (now {learning_rate:g}) "
            "or scale the data (scaler: minmax or standard)"
        )


def check_loss(
    losses: Sequence[float], best_epoch: int, *, before: float, after: float, learning_rate: float
) -> None:
    """Check the reconstruction losses of a training.

    Parameters
    ----------
    losses : sequence of float
        One per epoch; none if they cannot be compared with each other.
    best_epoch : int
        The epoch whose weights are kept, counted from 1.
    before, after : float
        The loss of the same rows before training, and with the weights that are kept.
    learning_rate : float
        For the messages.

    Raises
    ------
    StageError
        If the loss is above that before training, or that of the kept epoch above that of the
        first.

    Warns
    -----
    CollapseWarning
        If it has hardly fallen in several epochs.
    """
    check_reconstruction(before, after, when="before training", learning_rate=learning_rate)
    # Of one or two epochs, the first steps of an optimizer say nothing yet.
    if len(losses) >= _SOME_EPOCHS:
        first, kept = losses[0], losses[best_epoch - 1]
        check_reconstruction(first, kept, when="in the first epoch", learning_rate=learning_rate)
    if len(losses) >= _SOME_EPOCHS and before - after < _FALL * abs(before):
        warnings.warn(
            f"training has hardly improved the reconstruction: its loss was {before:.4g} before "
            f"and is {after:.4g} after {len(losses)} epochs; change learning_rate (now "
            f"{learning_rate:g}) or epochs, or scale the data (scaler: minmax or standard)",
            CollapseWarning,
            stacklevel=3,
        )


def warn_of_dead_units(networks: Sequence[Any], inputs: Any) -> None:
    """Warn of hidden layers most of whose units give the same for all rows.

    Parameters
    ----------
    networks : sequence of keras.Model
        Each takes what the one before gives. Of models that are not graphs, nothing is known.
    inputs : array, sequence of arrays, or None
        What the first takes; ``None`` if that is not known.

    Warns
    -----
    CollapseWarning
    """
    values, reported = inputs, []
    for network in () if inputs is None else networks:
        hidden = _hidden_layers(network)
        if hidden is None:
            break
        outputs = [*(layer.output for layer in hidden), network.outputs[0]]
        probe = load_keras().Model(network.inputs, outputs)
        answers = probe(values, training=False)
        # Keras gives one output bare, several in a list.
        *found, values = answers if hidden else [answers]
        for layer, activity in zip(hidden, found, strict=True):
            dead, units = _count_dead(activity, _channel_axis(layer))
            if 2 * dead > units:
                reported.append(f"{dead} of {units} in {network.name}/{layer.name}")
    if reported:
        warnings.warn(
            f"most units of some layers give the same for all rows ({', '.join(reported)}): they "
            "are dead or saturated; lower learning_rate, scale the data (scaler: minmax or "
            "standard), or use another activation",
            CollapseWarning,
            stacklevel=3,
        )


def _hidden_layers(network: Any) -> list[Any] | None:
    """Layers with an activation before the one output; None if there is no such graph."""
    inputs, outputs = getattr(network, "inputs", None), getattr(network, "outputs", None)
    if not inputs or not outputs or len(outputs) > 1:
        return None
    linear, found = load_keras().activations.linear, list[Any]()
    for at, layer in enumerate(network.layers):
        activation = getattr(layer, "activation", None)
        active = callable(activation) and activation is not linear
        try:
            shape = layer.output.shape
        except (AttributeError, ValueError):  # several outputs, or used more than once
            continue
        last = at >= len(network.layers) - 2 and shape == outputs[0].shape
        if (active or type(layer).__name__ in _ACTIVATIONS) and not last:
            found.append(layer)
    return found


def _channel_axis(layer: Any) -> int:
    return 1 if getattr(layer, "data_format", None) == "channels_first" else -1


def _count_dead(activity: Any, axis: int) -> tuple[int, int]:
    """Number of units of a layer that give one value only, and of all units."""
    ops = load_keras().ops
    values = np.moveaxis(ops.convert_to_numpy(ops.cast(activity, "float32")), axis, -1)
    units = values.reshape(-1, values.shape[-1])
    return int((np.ptp(units, axis=0) == 0).sum()), units.shape[1]
