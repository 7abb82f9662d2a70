"""The training loop: epochs, early stopping, history, best weights."""

from __future__ import annotations

import gc
import math
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from n2d_framework.core.protocols import FitContext
from n2d_framework.errors import StageError
from n2d_framework.networks.keras_backend import load_keras
from n2d_framework.networks.training_checks import check_loss, warn_of_dead_units
from n2d_framework.networks.training_options import TrainingSettings
from n2d_framework.seeding import derive_seed
from n2d_framework.types import AnyArray, IntArray

__all__ = ["ROW_PREFIX", "TrainingResult", "split_rows", "train"]

# An execution cannot be interrupted; this many steps last a second or a few.
_MOST_STEPS_PER_EXECUTION = 64
# So few steps in all take less time one by one than the loop around them takes to be traced.
_FEW_STEPS = 24
#: What the names of means over rows begin with, among all that Keras measures.
ROW_PREFIX = "row_"


@attrs.frozen
class TrainingResult:
    """Results of training, besides the weights.

    Attributes
    ----------
    history : dict of str to list of float
        ``loss`` and, with a validation split, ``val_loss``, one value per epoch; and what
        else the trainer measures.
    best_epoch : int
        Whose weights are kept, counted from 1: the best where validation or patience is
        used, else the last.
    """

    history: dict[str, list[float]]
    best_epoch: int


def split_rows(n_rows: int, settings: TrainingSettings, seed: int) -> tuple[IntArray, IntArray]:
    """Choose the rows held out for validation.

    Parameters
    ----------
    n_rows : int
    settings : TrainingSettings
    seed : int

    Returns
    -------
    train, validation : int64 arrays
        Sorted row numbers; at least one row is held out if the fraction is not zero.
    """
    held_out = math.ceil(settings.validation_fraction * n_rows)
    shuffled = np.random.default_rng(derive_seed(seed, "validation")).permutation(n_rows)
    return np.sort(shuffled[held_out:]), np.sort(shuffled[:held_out])


def train(
    trainer: Any,
    settings: TrainingSettings,
    context: FitContext,
    *,
    optimizer: Any = None,
    verbose: int | str = 0,
) -> TrainingResult:
    """Train the networks of a trainer in place.

    Parameters
    ----------
    trainer : RowTrainer
        From :mod:`n2d_framework.networks.row_trainer`; not compiled yet.
    settings : TrainingSettings
    context : FitContext
        Gives the seed and is notified of every epoch. The threads used are those the Keras backend
        was started with.
    optimizer : keras.optimizers.Optimizer, optional
        Instead of the one that the settings describe.
    verbose : int or str, default 0
        What Keras shows of the training.

    Returns
    -------
    TrainingResult

    Raises
    ------
    StageError
        If the loss becomes NaN or infinite, or if the loss of a reconstruction ends above its
        start (what the trainer names as its ``reconstruction``).

    Warns
    -----
    CollapseWarning
        If that loss has hardly fallen, or most units of a layer give the same for all rows.
    """
    if optimizer is None:
        from n2d_framework.networks.optimizers import optimizer_of

        optimizer = optimizer_of(settings, settings.epochs * trainer.train_steps)
    steps = max(trainer.train_steps, trainer.validation_steps)
    # PyTorch takes one step after the other.
    few = settings.epochs * steps <= _FEW_STEPS or load_keras().config.backend() == "torch"
    most = 1 if few else _MOST_STEPS_PER_EXECUTION
    trainer.compile(optimizer, steps_per_execution=min(steps, most))
    epochs = _epochs_class()(settings, context)
    callbacks = [epochs]
    if settings.weight_averaging is not None:
        # What is measured after an epoch, and kept of the best one, are the averages.
        callbacks.insert(0, load_keras().callbacks.SwapEMAWeights(swap_on_epoch=True))
    arguments = _steps(0, trainer.train_steps)
    if trainer.validation_steps:
        held_out = _steps(trainer.train_steps, trainer.validation_steps)
        arguments |= {
            "validation_data": held_out.pop("x"),
            **{f"validation_{name}": value for name, value in held_out.items()},
        }
    try:
        before = trainer.reconstruction_loss()
        # TensorFlow traces a step that makes variables, such as the optimizer's, a second time.
        optimizer.build(trainer.trainable_variables)
        trainer.fit(
            epochs=settings.epochs,
            shuffle=False,
            verbose=verbose,
            callbacks=callbacks,
            **arguments,
        )
        epochs.restore()
        if before is not None:
            kind = "val_" if settings.validation_fraction > 0 else ""
            losses = epochs.history[kind + trainer.reconstruction]
            check_loss(
                losses if trainer.alike else (),
                epochs.best_epoch,
                before=before,
                after=trainer.reconstruction_loss(),
                learning_rate=settings.learning_rate,
            )
        warn_of_dead_units(trainer.networks, trainer.watched())
        return TrainingResult(epochs.history, epochs.best_epoch)
    finally:
        # Compiled functions and the device's copy of the data hang in reference cycles.
        del trainer, epochs
        gc.collect()


def _steps(first: int, count: int) -> dict[str, Any]:
    """Arguments of ``fit`` by which it passes one step number after the other."""
    if load_keras().backend.backend() != "tensorflow":
        return {"x": np.arange(first, first + count, dtype=np.int32)[:, None], "batch_size": 1}
    import tensorflow as tf

    # Of an array Keras makes a pipeline with threads, set up again for every epoch: a tenth of
    # the time of a short one. Numbers need none.
    numbers = tf.data.Dataset.range(first, first + count, output_type=tf.int32)
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    return {"x": numbers.batch(1, drop_remainder=True).with_options(options)}


def _epochs_class() -> Any:
    """Make the callback class; its base exists only once Keras is imported."""
    keras = load_keras()

    class Epochs(keras.callbacks.Callback):  # type: ignore[misc, name-defined, unused-ignore]
        """Shuffles, records, watches and remembers the best."""

        def __init__(self, settings: TrainingSettings, context: FitContext) -> None:
            super().__init__()
            self._settings, self._context = settings, context
            self._shuffle = np.random.default_rng(derive_seed(context.seed, "shuffle"))
            self._keeps_best = settings.patience is not None or settings.validation_fraction > 0
            self._best = math.inf
            self._best_weights: list[list[AnyArray]] = []
            self.history: dict[str, list[float]] = {}
            self.best_epoch = 0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            del logs
            self.model.start_epoch(epoch, self._shuffle)

        def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
            metrics = {**_metrics(logs or {}), **self.model.finish_epoch(epoch)}
            _check_finite(metrics, epoch, self._settings)
            for name, value in metrics.items():
                self.history.setdefault(name, []).append(value)
            self._watch(epoch, metrics.get("val_loss", metrics["loss"]))
            self._context.epoch_finished(epoch + 1, self._settings.epochs, metrics)

        def _watch(self, epoch: int, loss: float) -> None:
            if not self._keeps_best:
                self.best_epoch = epoch + 1
            elif loss < self._best:
                self._best, self.best_epoch = loss, epoch + 1
                self._best_weights = [net.get_weights() for net in self.model.networks]
            patience = self._settings.patience
            if patience is not None and epoch + 1 - self.best_epoch >= patience:
                self.model.stop_training = True

        def restore(self) -> None:
            """Put the best weights back, if the last are not the ones to keep."""
            if self._best_weights:
                for net, weights in zip(self.model.networks, self._best_weights, strict=True):
                    net.set_weights(weights)

    return Epochs


def _metrics(logs: Mapping[str, float]) -> dict[str, float]:
    """Keep the means over rows, under the names that users know."""
    found = {}
    for key, value in logs.items():
        held_out = "val_" if key.startswith("val_") else ""
        name = key.removeprefix(held_out)
        if name.startswith(ROW_PREFIX):
            found[held_out + name.removeprefix(ROW_PREFIX)] = float(value)
    return found


def _check_finite(metrics: Mapping[str, float], epoch: int, settings: TrainingSettings) -> None:
    bad = [f"{name} is {value}" for name, value in metrics.items() if not math.isfinite(value)]
    if bad:
        raise StageError(
            f"training diverged in epoch {epoch + 1}: {', '.join(bad)}; lower learning_rate "
            f"(now {settings.learning_rate:g}) or scale the data (scaler: minmax or standard)"
        )
