"""The three embedders: DEC, IDEC and DCEC."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from n2d_builtin import ConvAutoencoder, DenseAutoencoder, PlannedAutoencoder
from n2d_deep.joint import JointAutoencoder
from n2d_deep.options import Optimizer
from n2d_framework.plugin import component, learned, option

__all__ = ["Dcec", "Dec", "Idec"]

_GAMMA_HELP = (
    "Weight of the clustering loss beside the reconstruction's. 0.1 is the paper's; with 1 the "
    "latent space collapses onto the first, often wrong, clusters."
)


@component
class Dec(JointAutoencoder, DenseAutoencoder):
    """Deep embedded clustering: after pretraining, only the clustering loss is trained on.

    The decoder is dropped then, so that there is no reconstruction.

    References
    ----------
    Xie, Girshick and Farhadi 2016, "Unsupervised Deep Embedding for Clustering Analysis",
    ICML. Pretraining is that of ``dense_ae``, all layers at once, instead of layer by layer.
    """

    pretrainer: ClassVar[type[PlannedAutoencoder]] = DenseAutoencoder
    reconstructs: ClassVar[bool] = False

    decoder_weights_: None = learned()

    joint_optimizer: Optimizer = option(
        "sgd", help="Optimizer of the joint training; sgd (with momentum 0.9) is the paper's."
    )
    joint_learning_rate: float = option(0.01, gt=0, help="Its step size; the paper's.")

    @property
    def reconstruct(self) -> NoReturn:
        """There is none."""
        raise AttributeError("dec has no decoder; idec keeps one")

    def _gamma(self) -> float:
        return 1.0

    def _keep(self, encoder: Any, decoder: Any, *, row_shape: tuple[int, ...]) -> None:
        super()._keep(encoder, decoder, row_shape=row_shape)
        self.decoder_weights_ = None


@component
class Idec(JointAutoencoder, DenseAutoencoder):
    """Improved deep embedded clustering: reconstruction and clustering loss together.

    References
    ----------
    Guo, Gao, Liu and Yin 2017, "Improved Deep Embedded Clustering with Local Structure
    Preservation", IJCAI, eq. 2.
    """

    pretrainer: ClassVar[type[PlannedAutoencoder]] = DenseAutoencoder

    gamma: float = option(0.1, ge=0, help=_GAMMA_HELP)

    def _gamma(self) -> float:
        return self.gamma


@component
class Dcec(JointAutoencoder, ConvAutoencoder):
    """Deep convolutional embedded clustering: IDEC with a convolutional autoencoder.

    References
    ----------
    Guo, Liu, Zhu and Yin 2017, "Deep Clustering with Convolutional Autoencoders", ICONIP.
    """

    pretrainer: ClassVar[type[PlannedAutoencoder]] = ConvAutoencoder

    gamma: float = option(0.1, ge=0, help=_GAMMA_HELP)

    def _gamma(self) -> float:
        return self.gamma
