"""Training of a whole Keras graph on rows kept on the device, whatever its layers are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from n2d_framework.networks import TrainingResult, TrainingSettings, load_keras, train
from n2d_framework.plugin import AnyArray, FitContext

__all__ = ["train_graph"]


def train_graph(
    graph: Any,
    rows: AnyArray,
    *,
    epochs: int,
    batch_size: int = 256,
    loss: Any = "mse",
    optimizer: Any = "adam",
    patience: int | None = None,
    corrupt: Callable[[AnyArray], Any] | None = None,
    seed: int = 0,
    verbose: int | str = 0,
) -> TrainingResult:
    """Train a graph in place, from the weights it has, to give back its rows.

    Parameters
    ----------
    graph : keras.Model
        From rows to rows; of any layers.
    rows : float32 array of shape (n, ...)
        In the graph's input shape.
    epochs, batch_size : int
    loss : str or callable, default "mse"
        Whatever :meth:`keras.Model.compile` takes.
    optimizer : str or keras.optimizers.Optimizer, default "adam"
    patience : int, optional
        Stop after that many epochs without a lower loss, and go back to the best weights.
    corrupt : callable, optional
        Makes what the graph sees of the rows; called again for every epoch.
    seed : int, default 0
        Of the order of the rows.
    verbose : int or str, default 0
        What Keras shows of the training.

    Returns
    -------
    TrainingResult

    Raises
    ------
    StageError
        If the loss becomes NaN or infinite.
    """
    from n2d_builtin.autoencoders._graph_trainer import GraphTrainer

    keras = load_keras()
    chosen = keras.optimizers.get(optimizer)
    settings = TrainingSettings(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=float(keras.ops.convert_to_numpy(chosen.learning_rate)),
        patience=patience,
    )
    trainer = GraphTrainer(
        graph,
        rows,
        loss=loss,
        corrupt=corrupt,
        train=np.arange(len(rows)),
        validation=np.arange(0),
        batch_size=min(batch_size, len(rows)),
    )
    return train(trainer, settings, FitContext(seed=seed), optimizer=chosen, verbose=verbose)
