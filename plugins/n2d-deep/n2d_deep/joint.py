"""Base of DEC, IDEC and DCEC: an autoencoder trained alone, then together with centres."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_builtin import PlannedAutoencoder
from n2d_deep.options import JointOptions
from n2d_deep.starts import first_centers, start_complaints
from n2d_framework.networks import (
    TrainingResult,
    TrainingSettings,
    check_reconstruction,
    history_state,
    put_weights,
    read_history,
    split_rows,
    train,
)
from n2d_framework.plugin import (
    AnyArray,
    FitContext,
    State,
    component,
    derive_seed,
    learned,
    options_dict,
    options_of,
)

__all__ = ["JointAutoencoder"]

_DEFAULT_CLUSTERS = 8
_MEASURED = ("clustering_loss", "reconstruction_loss")
_HISTORY = frozenset(
    ["label_changes", "val_loss", *_MEASURED, *(f"val_{name}" for name in _MEASURED)]
)


@component
class JointAutoencoder(JointOptions, PlannedAutoencoder):
    """Base of the embedders that are trained together with cluster centres.

    Attributes
    ----------
    cluster_centers_ : float32 array of shape (n_clusters, latent_dim)
    history_ : dict of str to list of float
        One value per interval of the joint training: ``loss``, ``clustering_loss``,
        ``reconstruction_loss`` (not of DEC), the same of held-out rows with ``val_`` in
        front, and ``label_changes``, the share of labels that have changed.
    pretraining_history_ : dict of str to list of float
        ``loss`` and perhaps ``val_loss`` of each epoch of the training before.
    """

    pretrainer: ClassVar[type[PlannedAutoencoder]]
    reconstructs: ClassVar[bool] = True

    cluster_centers_: NDArray[np.float32] | None = learned(
        shape=("n_clusters", "latent_dim_"), dtype="float32"
    )
    pretraining_history_: dict[str, list[float]] | None = learned(
        write=history_state, read=lambda _, stored: read_history({"history": stored})
    )

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why data of that shape cannot be fitted."""
        reasons = super().check_input(n_rows, row_shape)
        n_train = n_rows - math.ceil(self.validation_fraction * n_rows)
        if self.n_clusters is not None and n_train < self.n_clusters:
            reasons.append(
                f"n_clusters={self.n_clusters} needs at least {self.n_clusters} rows to train on, "
                f"got {n_train}"
            )
        return reasons + start_complaints(self.init, self.n_clusters, n_train)

    def published(self) -> State:
        """Published facts for later stages: the centres, and the kernel they were trained with."""
        self._fitted_shape()
        return {"cluster_centers": self.cluster_centers_, "alpha": self.alpha}

    def _read_history(self, state: State) -> dict[str, list[float]]:
        return read_history(state, may=_HISTORY)

    def _gamma(self) -> float:
        """Weight of the clustering loss."""
        raise NotImplementedError

    def _train(self, networks: Sequence[Any], x: AnyArray, context: FitContext) -> TrainingResult:
        intervals = math.ceil(self.max_iter / self.update_interval)
        alone = self._pretrained(x, context, self.epochs + intervals)
        reported = len((alone.history_ or {})["loss"])
        plans = self._plans(x.shape[1:], self._width())
        weights = alone.encoder_weights_ or {}, alone.decoder_weights_ or {}
        for network, plan, values in zip(networks, plans, weights, strict=True):
            put_weights(network, plan, values)
        trainer = self._trainer(networks, x, context.seed, context.n_jobs)
        centres = trainer.centres
        settings = TrainingSettings(
            epochs=intervals,
            batch_size=trainer.batch_size,
            optimizer=self.joint_optimizer,
            learning_rate=self.joint_learning_rate,
            weight_decay=self.weight_decay,
        )
        joint = attrs.evolve(
            _shifted(context, reported, self.epochs + intervals),
            seed=derive_seed(context.seed, "joint"),
        )
        result = train(trainer, settings, joint)
        if self.reconstructs:
            check_reconstruction(
                (alone.history_ or {})["loss"][0],
                result.history["reconstruction_loss"][-1],
                when="in the first epoch of the training before",
                learning_rate=self.joint_learning_rate,
                option="joint_learning_rate",
            )
        self.cluster_centers_ = np.array(centres.get_weights()[0], dtype=np.float32)
        self.pretraining_history_ = alone.history_
        return result

    def _pretrained(self, x: AnyArray, context: FitContext, epochs: int) -> PlannedAutoencoder:
        """The autoencoder alone, from the store where it is there."""
        names = [opt.name for opt in options_of(self.pretrainer)]
        options = {name: getattr(self, name) for name in names}

        def compute() -> State:
            alone = self.pretrainer(**options)
            return alone.fit(x, context=_shifted(context, 0, epochs)).get_state()

        alone = self.pretrainer(**options)
        part = f"pretrained {self.pretrainer.__name__}"
        alone.set_state(context.remember(part, options_dict(alone), compute))
        return alone

    def _trainer(self, networks: Sequence[Any], x: AnyArray, seed: int, n_jobs: int) -> Any:
        from n2d_deep._trainer import JointTrainer

        encoder, decoder = networks
        pretraining = TrainingSettings(
            epochs=self.epochs,
            batch_size=self.batch_size,
            validation_fraction=self.validation_fraction,
        )
        training, validation = split_rows(len(x), pretraining, seed)
        context = FitContext(seed=derive_seed(seed, "centres"), n_jobs=n_jobs)
        return JointTrainer(
            encoder,
            decoder,
            x.reshape(len(x), *encoder.input_shape[1:]),
            start=lambda latent: self._first_centers(latent, context),
            alpha=self.alpha,
            gamma=self._gamma(),
            reconstructs=self.reconstructs,
            tol=self.tol,
            confidence=self.confidence,
            steps=self.update_interval,
            loss=self.loss,
            train=training,
            validation=validation,
            batch_size=min(self.batch_size, len(training)),
            **self._variation(x.shape[1:], derive_seed(seed, "joint augmentation")),
        )

    def _first_centers(self, latent: AnyArray, context: FitContext) -> AnyArray:
        k = self.n_clusters or min(_DEFAULT_CLUSTERS, len(latent))
        return first_centers(latent, self.init, k, self.n_init, context)


def _shifted(context: FitContext, before: int, epochs: int) -> FitContext:
    """A context in which epochs count on from `before`, of `epochs` in all."""

    def epoch_finished(epoch: int, of: int, metrics: Mapping[str, float]) -> None:
        del of
        context.epoch_finished(before + epoch, epochs, metrics)

    return attrs.evolve(context, epoch_finished=epoch_finished)
