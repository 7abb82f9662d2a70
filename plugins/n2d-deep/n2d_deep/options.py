"""Options of the joint training of networks and cluster centres."""

from __future__ import annotations

from typing import Literal, TypeAlias

from n2d_deep.starts import Start
from n2d_framework.plugin import component, option

__all__ = ["JointOptions"]

Optimizer: TypeAlias = Literal["adam", "adamw", "sgd", "rmsprop"]


@component
class JointOptions:
    """Start of the clusters after the autoencoder has been trained alone."""

    n_clusters: int | None = option(
        None,
        ge=1,
        follows="n_clusters",
        help="Number of clusters. None follows the composition's n_clusters, else 8 (all rows "
        "when there are fewer).",
    )
    init: Start = option(
        "kmeans",
        help="What finds the first centres among the latent rows: k-means; a mixture of "
        "Gaussians, whose means are taken; or a mixture on the UMAP of the latent rows, which "
        "follows clusters of any shape and so starts nearer to the classes.",
    )
    n_init: int = option(
        20, ge=1, help="Starts of k-means or of the mixture, of which the best is kept."
    )
    alpha: float = option(
        1.0,
        gt=0,
        help="Degrees of freedom of the Student-t kernel of the soft assignment; 1 in the papers, "
        "latent_dim - 1 where rows of a wide latent space crowd.",
    )
    update_interval: int = option(
        140,
        ge=1,
        help="Steps of one batch between two updates of the target distribution, each of which "
        "is a pass over all rows. An epoch of the joint history is one such interval.",
    )
    tol: float = option(
        1e-3,
        ge=0,
        lt=1,
        help="Stop when less than this share of the labels has changed in an interval. 0 never "
        "stops early.",
    )
    max_iter: int = option(
        20_000, ge=1, help="Most steps of joint training, rounded up to whole intervals."
    )
    confidence: float = option(
        0.0,
        ge=0,
        lt=1,
        help="Only rows whose largest assignment is at least this take part in the clustering "
        "loss and in the clusters' frequencies; chosen again at every update. 0: all rows.",
    )
    joint_optimizer: Optimizer = option(
        "adam", help="Optimizer of the joint training; sgd has momentum 0.9."
    )
    joint_learning_rate: float = option(1e-3, gt=0, help="Its step size.")
