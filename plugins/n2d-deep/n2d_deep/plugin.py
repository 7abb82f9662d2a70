"""Announces the components; imports nothing of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from n2d_framework.networks import network_libraries
from n2d_framework.plugin import ComponentSpec, PresetSpec, hookimpl

_SHARED: dict[str, Any] = {"publishes": ("cluster_centers", "alpha"), **network_libraries()}
_SMALL = {"epochs": 3, "batch_size": 128, "update_interval": 1, "max_iter": 3, "n_init": 2}


@hookimpl
def n2d_components() -> Iterator[ComponentSpec]:
    """Announce three embedders and a clusterer."""
    yield ComponentSpec(
        role="embedder",
        name="dec",
        factory="n2d_deep.embedders:Dec",
        summary="Deep embedded clustering: an encoder trained towards its own confident labels",
        input="any",
        reference="Xie, Girshick and Farhadi 2016, Unsupervised Deep Embedding for Clustering "
        "Analysis, ICML",
        small_options={"hidden": [], **_SMALL},
        **_SHARED,
    )
    yield ComponentSpec(
        role="embedder",
        name="idec",
        factory="n2d_deep.embedders:Idec",
        summary="Improved deep embedded clustering: an autoencoder trained to cluster as well",
        input="any",
        reference="Guo, Gao, Liu and Yin 2017, Improved Deep Embedded Clustering with Local "
        "Structure Preservation, IJCAI",
        small_options={"hidden": [], **_SMALL},
        **_SHARED,
    )
    yield ComponentSpec(
        role="embedder",
        name="dcec",
        factory="n2d_deep.embedders:Dcec",
        summary="Deep convolutional embedded clustering, for images of any size",
        input="image",
        reference="Guo, Liu, Zhu and Yin 2017, Deep Clustering with Convolutional Autoencoders, "
        "ICONIP",
        small_options={"filters": [4], **_SMALL},
        **_SHARED,
    )
    yield ComponentSpec(
        role="clusterer",
        name="soft_assignment",
        factory="n2d_deep.soft_assignment:SoftAssignment",
        summary="Student-t soft assignment to the centres that the embedder was trained with",
        soft=True,
        needs=("cluster_centers",),
        reference="Xie, Girshick and Farhadi 2016, Unsupervised Deep Embedding for Clustering "
        "Analysis, ICML, eq. 1",
    )


@hookimpl
def n2d_presets() -> Iterator[PresetSpec]:
    """Announce the composition that finds most in images."""
    yield PresetSpec(
        name="best",
        summary="Deep convolutional clustering from the clusters of UMAP, augmented: images whose "
        "class survives small shifts and rotations; some ten times the time of the default",
        model={
            "embedder": {
                "name": "dcec",
                "init": "umap",
                "gamma": 1.0,
                "augmentation": {"shift": 0.1, "rotation": 10.0},
                "max_iter": 1680,
            },
            "manifolder": "identity",
            "clusterer": "soft_assignment",
        },
    )
