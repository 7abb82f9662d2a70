"""The smallest networks of your own: examples for checks, as text, without importing Keras."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["dense_network"]


def dense_network(features: int, units: int) -> str:
    """Keras JSON of one linear layer, as ``keras.Model.to_json`` would write it.

    Parameters
    ----------
    features : int
        Values it takes per row.
    units : int
        Values it puts out per row.

    Returns
    -------
    str
    """
    source: dict[str, Any] = {
        "class_name": "__keras_tensor__",
        "config": {
            "shape": [None, features],
            "dtype": "float32",
            "keras_history": ["rows", 0, 0],
        },
    }
    layers = [
        _layer("InputLayer", {"batch_shape": [None, features], "dtype": "float32"}, "rows", []),
        _layer("Dense", {"units": units}, "dense", [{"args": [source], "kwargs": {}}]),
    ]
    config = {
        "name": "sample",
        "trainable": True,
        "layers": layers,
        "input_layers": [["rows", 0, 0]],
        "output_layers": [["dense", 0, 0]],
    }
    return json.dumps(
        {
            "module": "keras.src.models.functional",
            "class_name": "Functional",
            "config": config,
            "registered_name": "Functional",
        }
    )


def _layer(kind: str, config: dict[str, Any], name: str, nodes: list[Any]) -> dict[str, Any]:
    return {
        "module": "keras.layers",
        "class_name": kind,
        "config": {**config, "name": name},
        "registered_name": None,
        "name": name,
        "inbound_nodes": nodes,
    }
