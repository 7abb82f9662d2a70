"""The plans of the networks: which layers an encoder and its decoder have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from n2d_sequence.layers import Cell, Layer, Plan, Pooling, Shape

__all__ = ["conv_decoder", "conv_encoder", "recurrent_decoder", "recurrent_encoder"]


def _sizes(shape: Shape, filters: Sequence[int], strides: Sequence[int]) -> list[Shape]:
    """Steps and features before the first convolution and after each."""
    sizes = [shape]
    for channels, stride in zip(filters, strides, strict=True):
        sizes.append((-(-sizes[-1][0] // stride), channels))
    return sizes


def _pooled(shape: Shape, pooling: Pooling) -> Shape:
    return (math.prod(shape),) if pooling == "flatten" else shape[-1:]


def conv_encoder(
    shape: Shape,
    filters: Sequence[int],
    kernels: Sequence[int],
    strides: Sequence[int],
    pooling: Pooling,
    latent_dim: int,
    activation: str,
) -> Plan:
    """Convolutions along the steps, pooled to one row, linear bottleneck.

    Parameters
    ----------
    shape : (steps, features)
    filters, kernels, strides : sequence of int, all of one length
        Per convolution.
    pooling : {"average", "max", "flatten"}
    latent_dim : int
    activation : str
        Of the convolutions.

    Returns
    -------
    tuple of Layer
    """
    sizes = _sizes(shape, filters, strides)
    layers = [
        Layer("conv", f"conv_{index}", sizes[index], sizes[index + 1], activation, kernel, stride)
        for index, (kernel, stride) in enumerate(zip(kernels, strides, strict=True))
    ]
    flat = _pooled(sizes[-1], pooling)
    layers.append(Layer("pool", "pool", sizes[-1], flat, pooling=pooling))
    layers.append(Layer("dense", "bottleneck", flat, (latent_dim,)))
    return tuple(layers)


def conv_decoder(
    shape: Shape,
    filters: Sequence[int],
    kernels: Sequence[int],
    strides: Sequence[int],
    latent_dim: int,
    activation: str,
    output: str,
) -> Plan:
    """Mirror image of :func:`conv_encoder`; reaches exactly `shape`.

    Parameters
    ----------
    shape, filters, kernels, strides, latent_dim, activation
        As given to the encoder.
    output : str
        Activation of the last layer.

    Returns
    -------
    tuple of Layer
    """
    sizes = _sizes(shape, filters, strides)
    flat = (math.prod(sizes[-1]),)
    layers = [
        Layer("dense", "start", (latent_dim,), flat, activation),
        Layer("reshape", "unflatten", flat, sizes[-1]),
    ]
    layers.extend(
        Layer(
            "deconv",
            f"deconv_{index}",
            sizes[index + 1],
            sizes[index],
            activation if index else output,
            kernels[index],
            strides[index],
        )
        for index in reversed(range(len(filters)))
    )
    return tuple(layers)


def _recurrent(prefix: str, cell: Cell, start: Shape, units: Sequence[int], both: bool) -> Plan:
    shapes = [start, *((start[0], width * (2 if both else 1)) for width in units)]
    return tuple(
        Layer(cell, f"{prefix}_{index}", before, after, bidirectional=both)
        for index, (before, after) in enumerate(pairwise(shapes))
    )


def recurrent_encoder(
    cell: Cell,
    shape: Shape,
    units: Sequence[int],
    bidirectional: bool,
    pooling: Pooling,
    latent_dim: int,
) -> Plan:
    """Recurrent layers over the steps, pooled to one row, linear bottleneck.

    Parameters
    ----------
    cell : {"gru", "lstm"}
    shape : (steps, features)
    units : sequence of int
        Of each layer, in one direction.
    bidirectional : bool
    pooling : {"last", "average", "max"}
    latent_dim : int

    Returns
    -------
    tuple of Layer
    """
    layers = _recurrent("encoder", cell, shape, units, bidirectional)
    flat = layers[-1].out_shape[-1:]
    pool = Layer(
        "pool", "pool", layers[-1].out_shape, flat, bidirectional=bidirectional, pooling=pooling
    )
    return (*layers, pool, Layer("dense", "bottleneck", flat, (latent_dim,)))


def recurrent_decoder(
    cell: Cell,
    shape: Shape,
    units: Sequence[int],
    bidirectional: bool,
    latent_dim: int,
    output: str,
) -> Plan:
    """The latent row at every step, recurrent layers, one linear layer for all steps.

    Parameters
    ----------
    cell, shape, bidirectional, latent_dim
        As given to the encoder.
    units : sequence of int
        As given to the encoder; used in reverse.
    output : str
        Activation of the last layer.

    Returns
    -------
    tuple of Layer
    """
    start = (shape[0], latent_dim)
    layers = _recurrent("decoder", cell, start, tuple(reversed(units)), bidirectional)
    return (
        Layer("repeat", "repeat", (latent_dim,), start),
        *layers,
        Layer("dense", "output", layers[-1].out_shape, shape, output),
    )
