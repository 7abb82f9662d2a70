"""A network as data: the layers, their shapes and their activations.

One plan is read by three: :mod:`.networks` builds the Keras model that is trained,
:mod:`.inference` computes it in NumPy, and :mod:`.weights` checks stored arrays against it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import attrs

__all__ = ["Layer", "Plan", "conv_decoder", "conv_encoder", "dense_decoder", "dense_encoder"]

Shape: TypeAlias = tuple[int, ...]


@attrs.frozen
class Layer:
    """One layer of a plan.

    Attributes
    ----------
    kind : {"dense", "conv", "deconv", "reshape"}
        ``"deconv"`` is a transposed convolution whose result is cropped to `out_shape`.
    name : str
    in_shape, out_shape : tuple of int
        Of one row: ``(features,)`` or ``(height, width, channels)``.
    activation : str, default "linear"
    kernel, stride : int, default 1
        Side of the square kernel and step, in pixels; padding is always "same".
    """

    kind: Literal["dense", "conv", "deconv", "reshape"]
    name: str
    in_shape: Shape
    out_shape: Shape
    activation: str = "linear"
    kernel: int = 1
    stride: int = 1

    def weight_shapes(self) -> Mapping[str, Shape]:
        """Name and shape of each weight array, in the order Keras has them."""
        if self.kind == "reshape":
            return {}
        before, after = self.in_shape[-1], self.out_shape[-1]
        square = (self.kernel, self.kernel)
        shapes = {
            "dense": (before, after),
            "conv": (*square, before, after),
            "deconv": (*square, after, before),
        }
        return {"kernel": shapes[self.kind], "bias": (after,)}

    def margins(self) -> list[tuple[int, int]]:
        """Zeros before and after each side of an image, as "same" padding puts them."""
        found = []
        for side, small in zip(self.in_shape[:2], self.out_shape[:2], strict=True):
            total = max((small - 1) * self.stride + self.kernel - side, 0)
            found.append((total // 2, total - total // 2))
        return found


Plan: TypeAlias = tuple[Layer, ...]


def _dense_chain(prefix: str, widths: Sequence[int], activations: Sequence[str]) -> list[Layer]:
    return [
        Layer("dense", f"{prefix}_{index}", (before,), (after,), activation)
        for index, (before, after, activation) in enumerate(
            zip(widths, widths[1:], activations, strict=False)
        )
    ]


def dense_encoder(features: int, hidden: Sequence[int], latent_dim: int, activation: str) -> Plan:
    """Fully connected encoder with a linear bottleneck.

    Parameters
    ----------
    features : int
        Values per row.
    hidden : sequence of int
        Widths of the hidden layers.
    latent_dim : int
        Width of the bottleneck.
    activation : str
        Of the hidden layers.

    Returns
    -------
    tuple of Layer
        ``features -> hidden[0] -> ... -> latent_dim``.
    """
    widths = (features, *hidden, latent_dim)
    return tuple(_dense_chain("encoder", widths, [activation] * len(hidden) + ["linear"]))


def dense_decoder(
    features: int, hidden: Sequence[int], latent_dim: int, activation: str, output: str = "linear"
) -> Plan:
    """Mirror image of :func:`dense_encoder`.

    Parameters
    ----------
    features, hidden, latent_dim, activation
        As given to the encoder.
    output : str, default "linear"
        Activation of the last layer.

    Returns
    -------
    tuple of Layer
        ``latent_dim -> hidden[-1] -> ... -> features``.
    """
    widths = (latent_dim, *reversed(hidden), features)
    return tuple(_dense_chain("decoder", widths, [activation] * len(hidden) + [output]))


def _image_sizes(shape: Shape, filters: Sequence[int], strides: Sequence[int]) -> list[Shape]:
    """Shape of the image before the first layer and after each."""
    sizes = [shape]
    for channels, stride in zip(filters, strides, strict=True):
        height, width, _ = sizes[-1]
        sizes.append((-(-height // stride), -(-width // stride), channels))
    return sizes


def conv_encoder(
    shape: Shape,
    filters: Sequence[int],
    kernels: Sequence[int],
    strides: Sequence[int],
    hidden: Sequence[int],
    latent_dim: int,
    activation: str,
) -> Plan:
    """Strided convolutions, flattened, hidden dense layers, linear bottleneck.

    Parameters
    ----------
    shape : (height, width, channels)
        Of one image; any size from 1 x 1.
    filters, kernels, strides : sequence of int, all of one length
        Per convolution.
    hidden : sequence of int
        Widths of dense layers between the flattened image and the bottleneck.
    latent_dim : int
    activation : str
        Of all layers but the bottleneck.

    Returns
    -------
    tuple of Layer
        After Guo et al. 2017, with "same" padding throughout: a side of ``s`` pixels becomes
        ``ceil(s / stride)``.
    """
    sizes = _image_sizes(shape, filters, strides)
    layers = [
        Layer("conv", f"conv_{index}", sizes[index], sizes[index + 1], activation, kernel, stride)
        for index, (kernel, stride) in enumerate(zip(kernels, strides, strict=True))
    ]
    flat = math.prod(sizes[-1])
    layers.append(Layer("reshape", "flatten", sizes[-1], (flat,)))
    return (*layers, *dense_encoder(flat, hidden, latent_dim, activation))


def conv_decoder(
    shape: Shape,
    filters: Sequence[int],
    kernels: Sequence[int],
    strides: Sequence[int],
    hidden: Sequence[int],
    latent_dim: int,
    activation: str,
    output: str = "linear",
) -> Plan:
    """Mirror image of :func:`conv_encoder`; reaches exactly `shape`.

    Parameters
    ----------
    shape, filters, kernels, strides, hidden, latent_dim, activation
        As given to the encoder.
    output : str, default "linear"
        Activation of the last layer.

    Returns
    -------
    tuple of Layer
        Every transposed convolution is cropped to the size its mirror image received.
    """
    sizes = _image_sizes(shape, filters, strides)
    flat = math.prod(sizes[-1])
    layers = list(dense_decoder(flat, hidden, latent_dim, activation, activation))
    layers.append(Layer("reshape", "unflatten", (flat,), sizes[-1]))
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
