"""Adam whose update of a weight is one pass over memory; imported when training starts.

Keras writes the update as some ten operations, each of which reads and writes the whole of a
weight. TensorFlow has the same update, by the same formula, as one operation.
"""

from __future__ import annotations

from typing import Any

import keras

__all__ = ["fused"]


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
