"""Which stored Keras configurations may be rebuilt: built-in layers, and nothing else.

A configuration is text from somebody; rebuilding it makes Keras import and call what it
names. Therefore every name in it is checked against closed sets before Keras sees it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

__all__ = ["LAYERS", "config_complaint", "parse_config"]

_MOST_CHARACTERS = 2**20
_MOST_LAYERS = 1000
#: Layers, each as often as it is applied: what building and compiling a network takes.
_MOST_STEPS = 256
#: A recurrent layer takes as long to compile as this many others.
_STEPS_OF_LOOP = 16
_RECURRENT = ("LSTM", "GRU", "SimpleRNN")
_DEEPEST = 32

#: Layers that may occur.
LAYERS = frozenset(
    """
    InputLayer Activation ReLU LeakyReLU PReLU ELU Softmax Dense EinsumDense Identity
    Masking Flatten Reshape Permute RepeatVector Concatenate Add Subtract Multiply Average
    Maximum Minimum Dot Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose
    SeparableConv1D SeparableConv2D DepthwiseConv1D DepthwiseConv2D MaxPooling1D MaxPooling2D
    MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D GlobalMaxPooling1D
    GlobalMaxPooling2D GlobalMaxPooling3D GlobalAveragePooling1D GlobalAveragePooling2D
    GlobalAveragePooling3D UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D
    ZeroPadding3D Cropping1D Cropping2D Cropping3D Rescaling Resizing BatchNormalization
    LayerNormalization GroupNormalization UnitNormalization SpatialDropout1D SpatialDropout2D
    SpatialDropout3D Dropout AlphaDropout GaussianDropout GaussianNoise ActivityRegularization
    Attention AdditiveAttention MultiHeadAttention GroupQueryAttention LSTM GRU SimpleRNN
    """.split()  # noqa: SIM905
)
_INITIALIZERS = frozenset(
    """
    Zeros Ones Constant Identity Orthogonal RandomNormal RandomUniform TruncatedNormal
    VarianceScaling GlorotNormal GlorotUniform HeNormal HeUniform LecunNormal LecunUniform
    """.split()  # noqa: SIM905
)
_OTHERS = {
    "keras.layers": LAYERS,
    "keras.initializers": _INITIALIZERS,
    "keras.regularizers": frozenset(["L1", "L2", "L1L2", "OrthogonalRegularizer"]),
    "keras.constraints": frozenset(["MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"]),
    "keras": frozenset(["DTypePolicy"]),
}
_ACTIVATIONS = frozenset(
    """
    linear relu relu6 leaky_relu elu selu celu gelu silu swish softmax softplus softsign tanh
    sigmoid hard_sigmoid hard_silu hard_tanh hard_shrink soft_shrink tanh_shrink log_sigmoid
    log_softmax exponential mish glu squareplus sparse_plus sparsemax threshold
    """.split()  # noqa: SIM905
)
_TOP = ("Functional", "keras.src.models.functional")


def parse_config(text: str) -> dict[str, Any]:
    """Read a configuration of which :func:`config_complaint` says nothing.

    Parameters
    ----------
    text : str
        What ``keras.Model.to_json`` gives for a functional model.

    Returns
    -------
    dict
        Its ``config``: layers, inputs and outputs.
    """
    config: dict[str, Any] = json.loads(text)["config"]
    return config


def config_complaint(text: str) -> str | None:
    """Say why a configuration may not be rebuilt, or ``None``.

    Parameters
    ----------
    text : str
        From anywhere.

    Returns
    -------
    str or None
        Names the layer.
    """
    if len(text) > _MOST_CHARACTERS:
        return f"a network's configuration of more than {_MOST_CHARACTERS} characters"
    try:
        model = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"no JSON of a Keras model: {error}"
    if not isinstance(model, dict) or (model.get("class_name"), model.get("module")) != _TOP:
        return "not the JSON of a functional Keras model (keras.Model(inputs, outputs).to_json())"
    config = model.get("config")
    if not isinstance(config, dict):
        return "a network without a config"
    layers = config.get("layers")
    if not isinstance(layers, list) or not 1 <= len(layers) <= _MOST_LAYERS:
        return f"a network needs 1 to {_MOST_LAYERS} layers"
    for layer in layers:
        complaint = _layer_complaint(layer)
        if complaint:
            return complaint
    steps = sum(map(_steps, layers))
    if steps > _MOST_STEPS:
        return (
            f"a network of {steps} steps (a layer counts as often as it is applied, a recurrent "
            f"one {_STEPS_OF_LOOP} times), more than {_MOST_STEPS}"
        )
    rest = {key: value for key, value in config.items() if key != "layers"}
    return next(_forbidden(rest, "the network", 0), None)


def _layer_complaint(layer: Any) -> str | None:
    if not isinstance(layer, dict) or not isinstance(layer.get("class_name"), str):
        return "a layer without a class_name"
    kind, name = layer["class_name"], layer.get("name")
    where = f"layer {name!r} ({kind})"
    if kind not in LAYERS or layer.get("module") != "keras.layers":
        return (
            f"{where} is not one of the built-in layers that can be stored; custom layers, "
            "Lambda and nested models cannot"
        )
    settings = layer.get("config")
    if isinstance(settings, dict) and settings.get("unroll"):
        return f"{where} unrolls its loop, which takes one step for each place; leave unroll=False"
    return next(_forbidden(layer, where, 0), None)


def _steps(layer: dict[str, Any]) -> int:
    nodes = layer.get("inbound_nodes")
    applied = max(1, len(nodes)) if isinstance(nodes, list) else 1
    return applied * (_STEPS_OF_LOOP if layer["class_name"] in _RECURRENT else 1)


def _forbidden(value: Any, where: str, depth: int) -> Iterator[str]:
    """Problems of a part of a configuration, depth first."""
    if depth > _DEEPEST:
        yield f"{where}: nested deeper than {_DEEPEST} levels"
    elif isinstance(value, list):
        for item in value:
            yield from _forbidden(item, where, depth + 1)
    elif isinstance(value, dict):
        if "class_name" in value or "module" in value or "registered_name" in value:
            yield from _forbidden_object(value, where)
        for key, item in value.items():
            if isinstance(item, str):
                yield from _forbidden_name(key, item, where)
            else:
                yield from _forbidden(item, where, depth + 1)


def _forbidden_object(value: dict[str, Any], where: str) -> Iterator[str]:
    kind, module = value.get("class_name"), value.get("module")
    if kind == "__keras_tensor__" and module is None:
        return
    allowed = _OTHERS.get(module) if isinstance(module, str) else None
    if allowed is None or kind not in allowed or value.get("registered_name") is not None:
        yield f"{where} holds {module}.{kind}, which is not a built-in that can be stored"


def _forbidden_name(key: str, text: str, where: str) -> Iterator[str]:
    if key.endswith("activation") and text not in _ACTIVATIONS:
        yield f"{where}: {key} {text!r} is not a built-in activation"
    elif key.endswith(("initializer", "regularizer", "constraint")):
        yield f"{where}: {key} must be written out, not named {text!r}"
