"""The optimizer that the options of training describe; imported when training starts.

Keras writes the update of Adam as some ten operations, each of which reads and writes the whole of
a weight. TensorFlow has the same update, by the same formula, as one operation, which is used here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from n2d_framework.networks.training_options import TrainingSettings

__all__ = ["fused", "learning_rates", "optimizer_of"]

_SGD_MOMENTUM = 0.9
#: Of each schedule: where it starts, as a fraction of the highest rate; the fraction of the steps
#: in which it rises; and where it ends. Those of one_cycle are Smith and Topin's.
_SHAPES = {"cosine": (0.0, 0.1, 0.0), "one_cycle": (0.04, 0.3, 4e-6)}


def optimizer_of(settings: TrainingSettings, steps: int) -> keras.optimizers.Optimizer:
    """Make the optimizer that settings describe.

    Parameters
    ----------
    settings : TrainingSettings
    steps : int
        Of all epochs together.

    Returns
    -------
    keras.optimizers.Optimizer
    """
    classes = {
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
        "sgd": keras.optimizers.SGD,
        "rmsprop": keras.optimizers.RMSprop,
    }
    arguments: dict[str, Any] = {
        "learning_rate": learning_rates(settings, steps),
        "global_clipnorm": settings.clip_norm,
    }
    if settings.weight_decay is not None:
        arguments["weight_decay"] = settings.weight_decay
    if settings.optimizer == "sgd":
        arguments["momentum"] = _SGD_MOMENTUM
    if settings.weight_averaging is not None:
        arguments |= {"use_ema": True, "ema_momentum": settings.weight_averaging}
    return fused(classes[settings.optimizer])(**arguments)


def learning_rates(settings: TrainingSettings, steps: int) -> Any:
    """Make the schedule of learning rates, as Keras takes it.

    Parameters
    ----------
    settings : TrainingSettings
    steps : int
        Of all epochs together.

    Returns
    -------
    float or keras.optimizers.schedules.CosineDecay
        Of step numbers from 0 on.
    """
    rate = settings.learning_rate
    if settings.schedule == "constant":
        return rate
    start, rising, end = _SHAPES[settings.schedule]
    rising = rising if settings.warm_up is None else settings.warm_up
    warm_up = min(math.ceil(rising * steps), steps - 1)
    return keras.optimizers.schedules.CosineDecay(
        start * rate if warm_up else rate,
        steps - warm_up,
        alpha=end,
        warmup_target=rate if warm_up else None,
        warmup_steps=warm_up,
    )


class _OnePass:
    """Replaces the update of Adam and of what derives from it, on TensorFlow."""

    def update_step(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update a weight and its moments."""
        import tensorflow as tf

        dtype = variable.dtype
        step = tf.cast(self.iterations + 1, dtype)
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(self._momentums[index]),
            v=_handle(self._velocities[index]),
            beta1_power=tf.pow(tf.cast(self.beta_1, dtype), step),
            beta2_power=tf.pow(tf.cast(self.beta_2, dtype), step),
            lr=tf.cast(learning_rate, dtype),
            beta1=tf.cast(self.beta_1, dtype),
            beta2=tf.cast(self.beta_2, dtype),
            epsilon=tf.cast(self.epsilon, dtype),
            grad=tf.cast(gradient, dtype),
        )


class OnePassAdam(_OnePass, keras.optimizers.Adam):  # type: ignore[misc, unused-ignore]
    pass


class OnePassAdamW(_OnePass, keras.optimizers.AdamW):  # type: ignore[misc, unused-ignore]
    pass


def _handle(variable: Any) -> Any:
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle


def fused(optimizer: type[Any]) -> type[Any]:
    """The class that does the same in one pass, where there is one.

    Parameters
    ----------
    optimizer : class
        An optimizer of Keras.

    Returns
    -------
    class
        `optimizer` itself on other backends than TensorFlow, and if it is neither
        ``keras.optimizers.Adam`` nor ``AdamW``.
    """
    if keras.backend.backend() != "tensorflow":
        return optimizer
    known = {keras.optimizers.Adam: OnePassAdam, keras.optimizers.AdamW: OnePassAdamW}
    return known.get(optimizer, optimizer)
