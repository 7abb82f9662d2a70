"""Weight files: the layout of old ``.h5`` files, and that of Keras 3."""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from n2d_framework.errors import DataError

__all__ = ["load_weights", "save_weights"]

_NEW_SUFFIX = ".weights.h5"


def save_weights(model: Any, path: str | os.PathLike[str]) -> None:
    """Write the weights of a model.

    Parameters
    ----------
    model : keras.Model
    path : path
        Names that end in ``.weights.h5`` get the layout of Keras 3, all others that of
        Keras 2, which Keras 3, Keras 2 and the old package read. Replaced in one step.

    Raises
    ------
    OutputError
    """
    from n2d_framework.storage import write_atomic

    place = Path(path)
    if place.name.endswith(_NEW_SUFFIX):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"new{_NEW_SUFFIX}"
            model.save_weights(file)
            write_atomic(place, file.read_bytes())
    else:
        write_atomic(place, _old_layout(model))


def _old_layout(model: Any) -> bytes:
    import h5py
    import keras

    image = io.BytesIO()
    with h5py.File(image, "w") as file:
        layers = [layer for layer in model.layers if layer.weights]
        file.attrs["layer_names"] = [layer.name.encode() for layer in layers]
        file.attrs["backend"] = keras.config.backend().encode()
        file.attrs["keras_version"] = str(keras.__version__).encode()
        for layer in layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{weight.name}:0" for weight in layer.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, values in zip(names, layer.get_weights(), strict=True):
                group[name] = np.asarray(values)
    return image.getvalue()


def load_weights(model: Any, path: str | os.PathLike[str]) -> None:
    """Read weights into a model.

    Parameters
    ----------
    model : keras.Model
        Unchanged if the file cannot be used.
    path : path
        A file of weights or a whole model, in the layout of Keras 2 or 3, of any name.

    Raises
    ------
    DataError
        If it does not exist, is no such file, or is of another network.
    """
    place = Path(path)
    suffix = _suffix_for(place)
    before = model.get_weights()
    try:
        with tempfile.TemporaryDirectory() as folder:
            # Keras judges a file by its name.
            alias = Path(folder) / f"weights{suffix}"
            alias.symlink_to(place.resolve())
            model.load_weights(alias)
    except (ValueError, KeyError, OSError, TypeError, AttributeError, IndexError) as error:
        model.set_weights(before)
        layers = ", ".join(
            f"{layer.name} {tuple(layer.weights[0].shape)}"
            for layer in model.layers
            if layer.weights
        )
        raise DataError(
            f"{place}: its weights do not fit this network ({layers}): "
            f"{' '.join(str(error).split())}"
        ) from error
    if not all(np.isfinite(values).all() for values in model.get_weights()):
        model.set_weights(before)
        raise DataError(f"{place}: it holds NaN or infinite weights; train again")


def _suffix_for(path: Path) -> str:
    """The name by which Keras knows how to read a file, from its content."""
    import h5py

    if not path.is_file():
        if path.with_name(f"{path.name}.index").is_file():
            raise DataError(
                f"{path}: these are weights in TensorFlow's checkpoint format, which Keras 3 "
                "does not read; in the old environment save them under a name that ends in .h5"
            )
        raise DataError(f"{path}: there is no such file; check the path, or train without weights")
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"PK"):
        return ".keras"
    try:
        with h5py.File(path, "r") as content:
            if "layer_names" in content.attrs or "model_weights" in content:
                return ".h5"
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read as a file of Keras weights ({error}); it may be truncated or "
            "of another kind"
        ) from error
    return _NEW_SUFFIX
