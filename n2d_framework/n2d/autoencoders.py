"""Autoencoders of the old package: Keras graphs, trained as the components are."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from n2d_framework.errors import ConfigError, DataError, OutputError, Problem
from n2d_framework.n2d.argument_checks import check_output, check_training
from n2d_framework.registry import default_catalogue
from n2d_framework.types import AnyArray

__all__ = [
    "AutoEncoder",
    "KerasAutoencoder",
    "autoencoder_generator",
    "make_folder",
    "steady",
    "unchanged",
]

_BLOCK = 256


def unchanged(x: Any) -> Any:
    """The corruption that does nothing."""
    return x


class KerasAutoencoder:
    """A Keras graph from input through code to output, and how it is trained.

    Attributes
    ----------
    Model : keras.Model
        From input to output.
    encoder : keras.Model
        From input to code.
    x_lambda : callable
        Applied to the rows that the encoder sees in training.
    history : dict of str to list of float
        Loss of each epoch of the last training; empty before.
    """

    def __init__(self, inputs: Any, code: Any, outputs: Any, x_lambda: Callable[..., Any]) -> None:
        import keras

        if not callable(x_lambda):
            raise ConfigError([Problem("x_lambda", f"must be a function, got {x_lambda!r}")])
        self.Model = keras.Model(inputs, outputs)
        self.encoder = steady(keras.Model(inputs, code))
        self.x_lambda = x_lambda
        self.history: dict[str, list[float]] = {}

    def fit(
        self,
        x: Any,
        batch_size: int = 256,
        epochs: int = 1000,
        loss: Any = "mse",
        optimizer: Any = "adam",
        weights: str | os.PathLike[str] | None = None,
        verbose: int | str = 1,
        weight_id: str | os.PathLike[str] | None = None,
        patience: int | None = None,
    ) -> Self:
        """Train on rows, or take weights from a file.

        Parameters
        ----------
        x : array-like of shape (n, ...)
        batch_size : int, default 256
        epochs : int, default 1000
        loss : str or function, default "mse"
        optimizer : str or keras.optimizers.Optimizer, default "adam"
        weights : path, optional
            File to take the weights from; nothing is trained then. Files of the old package
            are read.
        verbose : int or str, default 1
            What Keras shows of the training.
        weight_id : path, optional
            File that gets the weights which the network has in the end, also when training
            is interrupted from the keyboard. Folders are made. ``.h5`` names do.
        patience : int, optional
            Stop after that many epochs without a lower loss, and go back to the best weights.

        Raises
        ------
        ConfigError
            If an argument is wrong.
        DataError
            If rows do not fit the network, its output does not fit its input, or the weights
            file cannot be used.
        StageError
            If the loss becomes NaN or infinite.
        """
        from n2d_framework.n2d.weight_files import load_weights

        rows = self._rows(x, fitting=True)
        if weights is not None:
            load_weights(self.Model, weights)
            return self
        check_training(
            epochs=epochs, batch_size=batch_size, patience=patience, loss=loss, optimizer=optimizer
        )
        check_output(self.Model, loss)
        if weight_id is not None:
            make_folder(Path(weight_id))
        try:
            self._train(
                rows, patience, loss, optimizer,
                batch_size=batch_size, epochs=epochs, verbose=verbose,
            )  # fmt: skip
        except KeyboardInterrupt:
            self._save(weight_id)
            raise
        self._save(weight_id)
        return self

    def embed(self, x: Any) -> AnyArray:
        """Codes of rows: (n, latent_dim) float32.

        A row gets the same code in any company.
        """
        rows = self._rows(x)
        found = np.asarray(self.encoder.predict(rows, verbose=0), dtype=np.float32)
        return found.reshape(len(rows), -1)

    def _rows(self, x: Any, *, fitting: bool = False) -> AnyArray:
        from n2d_framework.core.arrays.single_precision import in_float32
        from n2d_framework.core.rows.checked_arrays import as_rows

        rows = in_float32(as_rows(x, fitting=fitting), fitting=fitting)
        wanted = tuple(self.Model.input_shape[1:])
        if len(wanted) != rows.ndim - 1 or any(
            want not in (None, have) for want, have in zip(wanted, rows.shape[1:], strict=True)
        ):
            raise DataError(
                f"rows have the shape {rows.shape[1:]}, but the network takes {wanted}; "
                "reshape the rows or build the network for them"
            )
        return rows

    def _train(
        self, rows: AnyArray, patience: int | None, loss: Any, optimizer: Any, **how: Any
    ) -> None:
        import keras

        self.Model.compile(loss=loss, optimizer=optimizer)
        trained = _graph_training()(
            self.Model,
            rows,
            loss=loss,
            optimizer=self.Model.optimizer,
            # For Keras, none is as good as one.
            patience=None if patience is None else max(patience, 1),
            corrupt=None if self.x_lambda is unchanged else self.x_lambda,
            # As scripts set it: keras.utils.set_random_seed.
            seed=int(keras.random.randint((), 0, 2**31 - 1)),
            **how,
        )
        self.history = {name: list(values) for name, values in trained.history.items()}

    def _save(self, weight_id: str | os.PathLike[str] | None) -> None:
        from n2d_framework.n2d.weight_files import save_weights

        if weight_id is not None:
            save_weights(self.Model, weight_id)


class AutoEncoder(KerasAutoencoder):
    """Fully connected autoencoder, mirrored; bottleneck and output are linear.

    Parameters
    ----------
    input_dim : int
        Values per row.
    latent_dim : int, default 10
        Width of the code; the number of clusters is a good choice.
    architecture : sequence of int, default (500, 500, 2000)
        Widths of the hidden layers of the encoder; the decoder mirrors them.
    act : str, default "relu"
        Activation of the hidden layers.
    x_lambda : callable, optional
        What the encoder gets to see instead of `x` in training, such as noisy rows. Called
        again for every epoch; embedding sees clean rows.
    """

    def __init__(
        self,
        input_dim: int,
        latent_dim: int = 10,
        architecture: Sequence[int] = (500, 500, 2000),
        act: str = "relu",
        x_lambda: Callable[..., Any] = unchanged,
    ) -> None:
        import keras

        self.dims = [int(input_dim), *architecture, int(latent_dim)]
        self.act = act
        layer = keras.layers.Dense
        inputs = keras.Input((self.dims[0],), name="input")
        hidden = inputs
        for place, width in enumerate(architecture):
            hidden = layer(width, activation=act, name=f"encoder_{place}")(hidden)
        code = layer(self.dims[-1], name=f"encoder_{len(architecture)}")(hidden)
        hidden = code
        # The names are those in weight files of the old package.
        for place in range(len(architecture), 0, -1):
            name = "decoder" if place == len(architecture) else f"decoder_{place}"
            hidden = layer(self.dims[place], activation=act, name=name)(hidden)
        outputs = layer(self.dims[0], name="decoder_0")(hidden)
        super().__init__(inputs, code, outputs, x_lambda)


class autoencoder_generator(KerasAutoencoder):  # noqa: N801
    """An autoencoder from tensors of your own Keras graph.

    Parameters
    ----------
    model_levels : sequence of three Keras tensors
        Input, code and output.
    x_lambda : callable, optional
        As for :class:`AutoEncoder`.

    Raises
    ------
    ConfigError
        If there are not three tensors, or they do not hang together.
    """

    def __init__(
        self, model_levels: Sequence[Any] = (), x_lambda: Callable[..., Any] = unchanged
    ) -> None:
        levels = tuple(model_levels)
        if len(levels) != 3:
            text = f"must be three tensors (input, code, output), got {len(levels)}"
            raise ConfigError([Problem("model_levels", text)])
        try:
            super().__init__(*levels, x_lambda)
        except (ValueError, TypeError, AttributeError) as error:
            if isinstance(error, ConfigError):
                raise
            raise ConfigError([Problem("model_levels", f"make no graph: {error}")]) from error


def _graph_training() -> Callable[..., Any]:
    """Training of a user's own graphs, for the component of one's own networks."""
    trains: Callable[..., Any] = (
        default_catalogue().get("embedder", "keras").spec.load().train_graph
    )
    return trains


def steady(model: Any) -> Any:
    """Let a Keras model predict a row alike in any company, bit for bit.

    Matrix products of another height may take another way: without a wish for `batch_size`,
    rows are filled up to blocks of one height here.
    """
    plain = model.predict

    def predict(x: Any, batch_size: int | None = None, **options: Any) -> Any:
        """Predict rows, as :meth:`keras.Model.predict` does."""
        if batch_size is not None or not isinstance(x, np.ndarray) or options.get("steps"):
            return plain(x, batch_size=batch_size, **options)
        blocks = np.zeros((-(-len(x) // _BLOCK) * _BLOCK, *x.shape[1:]), dtype=x.dtype)
        blocks[: len(x)] = x
        return plain(blocks, batch_size=_BLOCK, **options)[: len(x)]

    model.predict = predict
    return model


def make_folder(path: Path) -> None:
    """Make the folder of a file, before anything is trained for it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent} cannot be made ({error}); name another file") from error
    if path.is_dir():
        raise OutputError(f"{path} is a folder; name a file for the weights")
