"""Announces the components; imports nothing of them."""

from __future__ import annotations

from collections.abc import Iterator

from n2d_framework.networks import network_libraries
from n2d_framework.plugin import ComponentSpec, hookimpl


@hookimpl
def n2d_components() -> Iterator[ComponentSpec]:
    """Announce two embedders and a manifolder."""
    yield ComponentSpec(
        role="embedder",
        name="vae",
        factory="n2d_more.variational:VariationalAutoencoder",
        summary="Variational autoencoder: latent rows near a standard normal distribution",
        input="any",
        reference="Kingma and Welling 2014, Auto-Encoding Variational Bayes, ICLR; Higgins et al. "
        "2017, beta-VAE, ICLR",
        small_options={"hidden": [32], "epochs": 3, "batch_size": 64},
        **network_libraries(),
    )
    yield ComponentSpec(
        role="embedder",
        name="contrastive",
        factory="n2d_more.contrastive:ContrastiveEmbedder",
        summary="Contrastive learning of images: variants of one image together, others apart",
        input="image",
        reference="Chen, Kornblith, Norouzi and Hinton 2020, A Simple Framework for Contrastive "
        "Learning of Visual Representations, ICML",
        small_options={"filters": [4, 8], "latent_dim": 8, "epochs": 2, "batch_size": 64},
        **network_libraries(),
    )
    yield ComponentSpec(
        role="manifolder",
        name="pacmap",
        factory="n2d_more.pacmap:Pacmap",
        summary="PaCMAP: near, mid-near and further pairs keep local and global structure",
        fit_libraries=("pacmap",),
        extra="n2d-more[pacmap]",
        reference="Wang, Huang, Rudin and Shaposhnik 2021, Understanding How Dimension Reduction "
        "Tools Work, JMLR 22(201)",
        small_options={"n_neighbors": 5, "n_iter": [20, 20, 40]},
    )
