"""The former place of :mod:`n2d_framework.networks`: its names work, with a deprecation warning."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

__all__: list[str] = []

#: What was here under another name, or is somewhere else than in ``n2d_framework.networks``.
_ELSEWHERE = {
    "Augmentation": "n2d_builtin.autoencoders.augmentation",
    "augmentation_layers": "n2d_builtin.autoencoders.augmentation",
    "image_complaint": "n2d_builtin.autoencoders.images",
    "resolve_image": "n2d_builtin.autoencoders.images",
    **dict.fromkeys(
        ("Autoencoder", "ConvAutoencoder", "DenseAutoencoder", "GaussianMixture", "KMeans",
         "PlannedAutoencoder", "Umap"),
        "n2d_builtin",
    ),
}  # fmt: skip
_CALLS = {
    "autoencoder_trainer": "AutoencoderTrainer",
    "losses": "LOSSES",
    "row_trainer": "RowTrainer",
}


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    place, present = _ELSEWHERE.get(name, "n2d_framework.networks"), _CALLS.get(name, name)
    module = importlib.import_module(place)
    if present not in module.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        f"n2d_builtin.toolkit.{name} is deprecated; import {present} from {place}",
        DeprecationWarning,
        stacklevel=2,
    )
    if name in _CALLS:
        return lambda: getattr(module, present)
    return getattr(module, present)
