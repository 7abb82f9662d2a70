"""Weight files: the layouts of Keras 2 and 3, and checkpoints of TensorFlow."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from n2d_framework.data.apart import check_hdf5, check_hdf5_in_zip
from n2d_framework.errors import DataError

__all__ = ["checked_suffix", "load_weights", "save_weights"]

_NEW_SUFFIX = ".weights.h5"
#: What the names in a checkpoint of Keras 2 begin and end with.
_LAYER, _VALUE = "layer_with_weights-", "/.ATTRIBUTES/VARIABLE_VALUE"


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
        A file of weights or a whole model, in the layout of Keras 2 or 3, of any name; or
        the name under which Keras 2 wrote a checkpoint or a SavedModel of TensorFlow, as it
        did for names without ``.h5``.

    Raises
    ------
    DataError
        If it does not exist, is no such file, or is of another network.
    """
    place = Path(path)
    checkpoint = None if place.is_file() else _checkpoint_at(place)
    suffix = "" if checkpoint else _suffix_for(place)
    before = model.get_weights()
    try:
        if checkpoint:
            _from_checkpoint(model, checkpoint)
        else:
            _from_file(model, place, suffix)
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


def _from_file(model: Any, place: Path, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        # Keras judges a file by its name.
        alias = Path(folder) / f"weights{suffix}"
        alias.symlink_to(place.resolve())
        model.load_weights(alias)


def _checkpoint_at(place: Path) -> Path | None:
    """The name of a checkpoint: the given one, or that within a SavedModel."""
    for name in (place, place / "variables" / "variables"):
        if name.with_name(f"{name.name}.index").is_file():
            return name
    return None


def _from_checkpoint(model: Any, place: Path) -> None:
    """Read a checkpoint of TensorFlow, in which Keras 2 numbered the layers that have weights.

    Raises
    ------
    ValueError
        If it lacks a weight, has one too many, or one of another shape.
    """
    from tensorflow.errors import OpError
    from tensorflow.train import load_checkpoint

    layers = [layer for layer in model.layers if layer.weights]
    try:
        reader = load_checkpoint(str(place))
        stored = reader.get_variable_to_shape_map()
        wanted = [
            [f"{_LAYER}{number}/{weight.name}{_VALUE}" for weight in layer.weights]
            for number, layer in enumerate(layers)
        ]
        unused = {name for name in stored if name.startswith(_LAYER) and name.endswith(_VALUE)}
        unused -= {name for names in wanted for name in names}
        if unused:
            raise ValueError(f"the checkpoint also has {min(unused).removesuffix(_VALUE)}")
        for layer, names in zip(layers, wanted, strict=True):
            layer.set_weights([reader.get_tensor(name) for name in names])
    except OpError as error:
        raise ValueError(f"the checkpoint cannot be read: {error}") from error


def checked_suffix(path: Path, kind: str) -> str:
    """``.keras`` or ``.h5``, by what a file is, once another process has read it.

    Parameters
    ----------
    path : Path
    kind : str
        What it should be, for messages.

    Raises
    ------
    DataError
        If it cannot be read without harm.
    """
    if zipfile.is_zipfile(path):
        check_hdf5_in_zip(path, kind)
        return ".keras"
    check_hdf5(path, kind)
    return ".h5"


def _suffix_for(path: Path) -> str:
    """The name by which Keras knows how to read a file, from its content."""
    import h5py

    if not path.is_file():
        raise DataError(f"{path}: there is no such file; check the path, or train without weights")
    suffix = checked_suffix(path, "a file of Keras weights")
    if suffix == ".keras":
        return suffix
    with h5py.File(path, "r") as content:
        if "layer_names" in content.attrs or "model_weights" in content:
            return ".h5"
    return _NEW_SUFFIX
