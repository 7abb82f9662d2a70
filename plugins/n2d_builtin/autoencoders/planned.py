"""Base of the autoencoders whose networks follow from options: mirrored, planned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.autoencoders.base import Autoencoder
from n2d_framework.networks import (
    Activation,
    Network,
    Plan,
    Weights,
    build_network,
    plan_to_onnx,
    shapes_of,
    take_weights,
)
from n2d_framework.plugin import (
    AnyArray,
    OnnxGraph,
    State,
    StateError,
    component,
    derive_seed,
    learned,
    option,
)

__all__ = ["PlannedAutoencoder"]

_DEFAULT_LATENT_DIM = 10


@component
class PlannedAutoencoder(Autoencoder):
    """Autoencoder of mirrored networks with a linear bottleneck.

    Attributes
    ----------
    encoder_weights_, decoder_weights_ : dict of str to dict of str to float32 array
        By layer and weight.
    """

    if TYPE_CHECKING:  # they follow from the learned fields

        def get_state(self) -> State:
            """Fitted state, as plain values."""
            ...

        def set_state(self, state: State) -> None:
            """Put back what :meth:`get_state` returned."""

    latent_dim: int | None = option(
        None,
        ge=1,
        follows="n_clusters",
        follows_up_to=100,
        help="Width of the latent space. None: n_clusters where it is given (the N2D paper's "
        "rule), up to 100; else 10.",
    )
    activation: Activation = option(
        "relu", help="Of the hidden layers; bottleneck and output are linear."
    )

    encoder_weights_: Weights | None = learned(
        name="encoder", shape="_encoder_shapes", dtype="float32"
    )
    decoder_weights_: Weights | None = learned(
        name="decoder", shape="_decoder_shapes", dtype="float32", optional=True
    )

    def _plans(self, row_shape: tuple[int, ...], latent_dim: int) -> tuple[Plan, Plan]:
        """Plans of encoder and decoder."""
        raise NotImplementedError

    def _output_activation(self) -> str:
        return "sigmoid" if self.loss == "bce" else "linear"

    def _width(self) -> int:
        return _DEFAULT_LATENT_DIM if self.latent_dim is None else self.latent_dim

    def _build(self, row_shape: tuple[int, ...], seed: int, precision: str) -> tuple[Any, Any]:
        encoder, decoder = self._plans(row_shape, self._width())
        weights_seed = derive_seed(seed, "weights")
        return (
            build_network(encoder, seed=weights_seed, precision=precision, name="encoder"),
            build_network(decoder, seed=weights_seed, precision=precision, name="decoder"),
        )

    def _keep(self, encoder: Any, decoder: Any, *, row_shape: tuple[int, ...]) -> None:
        self.latent_dim_ = self._width()
        plans = self._plans(row_shape, self.latent_dim_)
        self.encoder_weights_ = take_weights(encoder, plans[0])
        self.decoder_weights_ = take_weights(decoder, plans[1])

    def check_learned(self) -> list[str]:
        """Reasons why a state that was read cannot be that of an embedder with these options."""
        reasons = self._shape_faults()
        if self.decoder_weights_ is None and hasattr(self, "reconstruct"):
            reasons.append("state has no 'decoder'")
        return reasons

    def _shape_faults(self) -> list[str]:
        reasons = super().check_learned()
        if self.latent_dim not in (None, self.latent_dim_):
            reasons.append(
                f"state 'latent_dim' is {self.latent_dim_}, but the option is {self.latent_dim}"
            )
        return reasons

    @property
    def _encoder_shapes(self) -> Mapping[str, Any]:
        return self._shapes()[0]

    @property
    def _decoder_shapes(self) -> Mapping[str, Any]:
        return self._shapes()[1]

    def _shapes(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Shapes of the weights of both networks, once it is sure that there are such."""
        if reasons := self._shape_faults():
            raise StateError("; ".join(reasons))
        encoder, decoder = self._plans(self._fitted_shape(), self.latent_dim_ or 0)
        return shapes_of(encoder), shapes_of(decoder)

    def _encode(self, x: AnyArray) -> NDArray[np.float32]:
        return self._network("encoder")(x)

    def _decode(self, z: AnyArray) -> NDArray[np.float32]:
        return self._network("decoder")(z)

    def to_onnx(self, graph: OnnxGraph, rows: str) -> str:
        """Add the encoder to a graph, in float32.

        Parameters
        ----------
        graph : OnnxGraph
        rows : str
            Name of rows.

        Returns
        -------
        str
            Name of their latent coordinates.
        """
        return plan_to_onnx(graph, *self._fitted_network("encoder"), rows)

    def _network(self, which: str) -> Network:
        """The network in NumPy, prepared on first use."""
        if which not in self._computed:
            self._computed[which] = Network(*self._fitted_network(which))
        network: Network = self._computed[which]
        return network

    def _fitted_network(self, which: str) -> tuple[Plan, Weights]:
        """The plan of a network, and its weights."""
        encoder, decoder = self._plans(self._fitted_shape(), self.latent_dim_ or 0)
        plan, weights = {
            "encoder": (encoder, self.encoder_weights_),
            "decoder": (decoder, self.decoder_weights_),
        }[which]
        return plan, weights or {}
