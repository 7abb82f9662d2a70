"""save_n2d and load_n2d: two files, as before, but no pickle."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from n2d_framework.core.state import need
from n2d_framework.errors import BundleError, DataError, StateError, UnsupportedError
from n2d_framework.n2d.autoencoders import KerasAutoencoder, make_folder, steady, unchanged
from n2d_framework.n2d.codecs import stage_from_state, state_of_stage
from n2d_framework.n2d.learners import ManifoldClusterer
from n2d_framework.n2d.model import n2d
from n2d_framework.n2d.weight_files import checked_suffix

__all__ = ["load_n2d", "save_n2d"]

_KIND = "n2d-learner"
PathLike = str | os.PathLike[str]


class LoadedAutoencoder(KerasAutoencoder):
    """The encoder of a saved model; its decoder was not saved."""

    def __init__(self, encoder: Any) -> None:
        self.Model = self.encoder = steady(encoder)
        self.x_lambda = unchanged
        self.history = {}

    def fit(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: without a decoder nothing can be trained."""
        raise UnsupportedError(
            "a loaded model predicts but cannot be trained: its decoder was not saved; make a new "
            "AutoEncoder, or keep models with n2d_framework.N2D.save"
        )


def save_n2d(obj: n2d, encoder_id: PathLike, manifold_id: PathLike) -> None:
    """Save a fitted model as two files.

    Parameters
    ----------
    obj : n2d
    encoder_id : path
        Gets the encoder: a Keras model, as ``.keras`` if the name ends so, else as HDF5.
    manifold_id : path
        Gets manifold learner and clusterer, without pickle, in the container format of
        this framework.

    Raises
    ------
    UnsupportedError
        If the model is not fitted, or a part cannot be stored.
    OutputError
        If a file cannot be written.

    Notes
    -----
    Folders are made. Each file is replaced in one step. ``n2d_framework.N2D.save`` puts all
    into one file and keeps versions as well.
    """
    from n2d_framework.storage import encode, write_atomic

    learner = obj.manifold_learner
    if not isinstance(learner, ManifoldClusterer):
        raise UnsupportedError(
            f"{type(learner).__name__} is a class of your own; only UmapGMM and "
            "manifold_cluster_generator can be saved"
        )
    if learner.hle is None:
        raise UnsupportedError("the model is not fitted; call fit before save_n2d")
    parts = {
        "manifold": state_of_stage(learner.manifold_in_embedding),
        "clusterer": state_of_stage(learner.cluster_manifold),
        "training": {"hle": np.asarray(learner.hle), "labels": np.asarray(learner.labels)},
    }
    created = datetime.now(UTC).isoformat(timespec="seconds")
    manifest = {"created": created, "learner": type(learner).__name__}
    learner_file = encode(manifest, parts, created=created, kind=_KIND)
    encoder_file = _model_file(obj.encoder, Path(encoder_id))
    for path, content in ((encoder_id, encoder_file), (manifold_id, learner_file)):
        make_folder(Path(path))
        write_atomic(path, content)


def load_n2d(encoder_id: PathLike, manifold_id: PathLike, trusted: Collection[str] = ()) -> n2d:
    """Load a model that :func:`save_n2d` wrote.

    Parameters
    ----------
    encoder_id, manifold_id : path
    trusted : collection of str
        Names of types that may be made, for stages that skops stored; the error names them.

    Returns
    -------
    n2d
        It predicts as the saved one did; it cannot be trained.

    Raises
    ------
    BundleError
        If a file is missing, damaged, or a pickle of the old package, which is never opened.
    """
    from n2d_framework.storage import decode, read_file

    image = read_file(manifold_id)
    if image[:1] == b"\x80":
        raise BundleError(
            f"{manifold_id}: this is a pickle of the old package, which may run code when opened "
            "and is never read here; fit once more (weights= spares the training) and save again"
        )
    try:
        _, parts = decode(image, kind=_KIND)
        learner = ManifoldClusterer(
            stage_from_state(parts["manifold"], trusted),
            stage_from_state(parts["clusterer"], trusted),
        )
        training = parts["training"]
        learner.hle = learner.placed = need(training, "hle", np.ndarray)
        learner.labels = need(training, "labels", np.ndarray)
    except (BundleError, StateError, KeyError) as error:
        raise BundleError(f"{manifold_id}: {error}") from error
    model = n2d(LoadedAutoencoder(_read_model(Path(encoder_id))), learner)
    model.hle = learner.hle
    return model


def _model_file(encoder: Any, path: Path) -> bytes:
    suffix = ".keras" if path.suffix == ".keras" else ".h5"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"encoder{suffix}"
        # Keras calls HDF5 legacy in a warning; here the name asks for it.
        notes = logging.getLogger("absl")
        level = notes.level
        notes.setLevel(logging.ERROR)
        try:
            encoder.save(file)
        finally:
            notes.setLevel(level)
        return file.read_bytes()


def _read_model(path: Path) -> Any:
    import keras

    if not path.is_file():
        raise BundleError(f"{path}: there is no such file; check the path of the encoder")
    try:
        suffix = checked_suffix(path, "a Keras model")
        with tempfile.TemporaryDirectory() as folder:
            # Keras judges a file by its name.
            alias = Path(folder) / f"encoder{suffix}"
            alias.symlink_to(path.resolve())
            return keras.saving.load_model(alias, compile=False, safe_mode=True)
    except DataError as error:
        raise BundleError(str(error)) from error
    except Exception as error:  # whatever the layers raise
        reason = " ".join(str(error).split())
        raise BundleError(f"{path}: cannot be read as a Keras model ({reason})") from error
