"""Announces the built-in components; imports nothing of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from n2d_builtin.autoencoders.sample import dense_network
from n2d_builtin.datasets.specs import DATASETS, DIGITS
from n2d_builtin.datasets.table_specs import EMBEDDED_TABLES, TABLES
from n2d_framework.networks import network_libraries
from n2d_framework.plugin import ROLES, ComponentSpec, DatasetSpec, PresetSpec, Role, hookimpl

_AE_SMALL = {"hidden": [32], "epochs": 3, "batch_size": 64}


@hookimpl
def n2d_components() -> Iterator[ComponentSpec]:
    """Announce components of every role."""
    yield from _PREPARING
    yield from _EMBEDDERS
    yield from _MANIFOLDERS
    yield from _CLUSTERERS
    yield from _AFTER_CLUSTERING
    yield from _ADAPTED


@hookimpl
def n2d_datasets() -> Iterator[DatasetSpec]:
    """Announce datasets: those that are embedded, and those of the published tables."""
    yield DIGITS
    yield from EMBEDDED_TABLES
    yield from DATASETS
    yield from TABLES


@hookimpl
def n2d_presets() -> Iterator[PresetSpec]:
    """Announce compositions with a name."""
    yield PresetSpec(
        name="fast",
        summary="The default with a third of its steps of training, along a cosine: any rows, "
        "from some thousands on",
        model={
            "embedder": {
                "name": "dense_ae",
                "schedule": "cosine",
                "learning_rate": 2e-3,
                "epochs": 20,
                "batch_size": 128,
            }
        },
    )
    yield PresetSpec(
        name="augmented",
        summary="The default with 20 latent dimensions and varied images, in its time: images "
        "whose class survives small shifts and rotations",
        model={
            "embedder": {
                "name": "dense_ae",
                "latent_dim": 20,
                "augmentation": {"shift": 0.05, "rotation": 10.0, "zoom": 0.1},
            }
        },
    )


_PREPARING = (
    *(
        ComponentSpec(
            role="prepare",
            name=name,
            factory=f"n2d_builtin.prepare.scalers:{cls}",
            summary=summary,
            sparse=sparse,
            default_for=default_for,
            weighted=True,
            out_of_core=True,
        )
        for name, cls, summary, sparse, default_for in (
            ("minmax", "MinMax", "Scales to [0, 1]", False, ()),
            ("standard", "Standard", "Scales to mean 0 and variance 1", False, ()),
            ("maxabs", "MaxAbs", "Scales to [-1, 1]; zero stays zero", True, ()),
            ("none", "Unscaled", "Passes values on as they are", True, ("sparse",)),
        )
    ),
    ComponentSpec(
        role="prepare",
        name="normalize_counts",
        factory="n2d_builtin.prepare.counts:NormalizeCounts",
        summary="Scales the counts of each row to one sum and takes logarithms",
        sparse=True,
        reference="Luecken and Theis 2019, Current best practices in single-cell RNA-seq analysis, "
        "Molecular Systems Biology 15",
    ),
    ComponentSpec(
        role="prepare",
        name="table",
        factory="n2d_builtin.prepare.table:Table",
        summary="Turns columns of numbers, categories, dates and strings, with gaps, into features",
        input={"number", "category", "date", "text"},
        output="vector",
        missing=True,
        default_for=("table",),
        reference="Huang 1998, Data Mining and Knowledge Discovery 2; Pages 2004, Revue de "
        "statistique appliquee 52; Gower 1971, Biometrics 27",
        small_options={"n_components": 3},
    ),
)

_NETWORK = network_libraries()

_EMBEDDERS = (
    ComponentSpec(
        role="embedder",
        name="dense_ae",
        factory="n2d_builtin.autoencoders.dense:DenseAutoencoder",
        summary="Fully connected autoencoder",
        input="any",
        reference="McConville et al. 2020, N2D: (Not Too) Deep Clustering, ICPR",
        small_options=_AE_SMALL,
        **_NETWORK,
    ),
    ComponentSpec(
        role="embedder",
        name="conv_ae",
        factory="n2d_builtin.autoencoders.conv:ConvAutoencoder",
        summary="Convolutional autoencoder for images of any height, width and channels",
        input="image",
        reference="Guo et al. 2017, Deep Clustering with Convolutional Autoencoders, ICONIP",
        small_options={"filters": [4, 8], "epochs": 2, "batch_size": 64},
        **_NETWORK,
    ),
    ComponentSpec(
        role="embedder",
        name="denoising_ae",
        factory="n2d_builtin.autoencoders.denoising:DenoisingAutoencoder",
        summary="Fully connected autoencoder trained on freshly corrupted batches",
        input="any",
        reference="Vincent et al. 2008, Extracting and Composing Robust Features with "
        "Denoising Autoencoders, ICML",
        small_options=_AE_SMALL,
        **_NETWORK,
    ),
    ComponentSpec(
        role="embedder",
        name="keras",
        factory="n2d_builtin.autoencoders.custom:KerasEmbedder",
        summary="Autoencoder of your own Keras models, made of built-in layers",
        input="any",
        state_version=2,
        reference="Keras functional models, https://keras.io/api/models/model_saving_apis",
        small_options={
            "encoder": dense_network(64, 5),
            "decoder": dense_network(5, 64),
            "epochs": 3,
            "batch_size": 64,
        },
        **_NETWORK,
    ),
    ComponentSpec(
        role="embedder",
        name="pca",
        factory="n2d_builtin.linear.linear:PCAEmbedder",
        state_version=2,
        out_of_core=True,
        summary="Principal components",
        weighted=True,
        reference="Tipping and Bishop 1999, Probabilistic Principal Component Analysis",
    ),
    ComponentSpec(
        role="embedder",
        name="truncated_svd",
        factory="n2d_builtin.linear.truncated_svd:TruncatedSVDEmbedder",
        summary="Leading singular vectors of sparse or dense rows, without centring",
        sparse=True,
        default_for=("sparse",),
        reference="Halko, Martinsson and Tropp 2011, SIAM Review 53",
        small_options={"latent_dim": 5},
    ),
    ComponentSpec(
        role="embedder",
        name="nmf",
        factory="n2d_builtin.linear.nmf:NMFEmbedder",
        summary="Non-negative parts of sparse or dense rows, and each row's shares of them",
        sparse=True,
        reference="Lee and Seung 1999, Nature 401",
        small_options={"latent_dim": 5, "tol": 0.01},
    ),
    ComponentSpec(
        role="embedder",
        name="random_projection",
        factory="n2d_builtin.linear.random_projection:RandomProjectionEmbedder",
        summary="Random axes, which keep distances of sparse or dense rows up to a factor",
        sparse=True,
        reference="Johnson and Lindenstrauss 1984, Contemporary Mathematics 26; Li, Hastie and "
        "Church 2006, KDD",
        small_options={"latent_dim": 5},
    ),
    ComponentSpec(
        role="embedder",
        name="identity",
        factory="n2d_builtin.linear.linear:Identity",
        out_of_core=True,
        summary="Passes rows on unchanged",
        weighted=True,
        passes_on=True,
        default_for=("table", "narrow"),
    ),
)

_MANIFOLDERS = (
    ComponentSpec(
        role="manifolder",
        name="umap",
        factory="n2d_builtin.umap.umap:Umap",
        state_version=3,
        out_of_core=True,
        summary="Uniform manifold approximation and projection; places new rows one by one",
        default_for=("text",),
        default_options={"n_components": 20},
        fit_libraries=("umap",),
        extra="n2d_framework[umap]",
        reference="McInnes, Healy and Melville 2018, arXiv:1802.03426",
        small_options={"n_neighbors": 10, "n_epochs": 50},
        map_options={"n_components": 2, "min_dist": 0.2, "spread": 1.0},
    ),
    ComponentSpec(
        role="manifolder",
        name="isomap",
        factory="n2d_builtin.isomap.isomap:Isomap",
        state_version=2,
        out_of_core=True,
        summary="Isometric mapping by geodesic distances",
        reference="Tenenbaum, de Silva and Langford 2000, Science 290",
        small_options={"n_neighbors": 10},
    ),
    ComponentSpec(
        role="manifolder",
        name="tsne",
        factory="n2d_builtin.tsne.tsne:Tsne",
        state_version=2,
        out_of_core=True,
        summary="t-distributed stochastic neighbour embedding that places new rows",
        reference="van der Maaten and Hinton 2008, JMLR 9; Policar et al. 2024, JSS 109",
        small_options={"perplexity": 10.0, "n_iter": 100, "early_exaggeration_iter": 50},
        map_options={"n_components": 2},
    ),
    ComponentSpec(
        role="manifolder",
        name="spectral",
        factory="n2d_builtin.spectral.spectral:Spectral",
        out_of_core=True,
        summary="Laplacian eigenmaps; with k-means behind it, spectral clustering",
        reference="Belkin and Niyogi 2003, Neural Computation 15",
    ),
    ComponentSpec(
        role="manifolder",
        name="lle",
        factory="n2d_builtin.spectral.lle:LocallyLinear",
        out_of_core=True,
        summary="Locally linear embedding; places new rows by barycentric weights",
        reference="Roweis and Saul 2000, Science 290",
    ),
    ComponentSpec(
        role="manifolder",
        name="pca",
        factory="n2d_builtin.linear.linear:PCAManifolder",
        state_version=2,
        out_of_core=True,
        summary="Principal components",
        weighted=True,
        reference="Tipping and Bishop 1999, Probabilistic Principal Component Analysis",
    ),
    ComponentSpec(
        role="manifolder",
        name="identity",
        factory="n2d_builtin.linear.linear:Identity",
        out_of_core=True,
        summary="Passes rows on unchanged",
        weighted=True,
        passes_on=True,
        default_for=("table",),
    ),
)

_CLUSTERERS = (
    ComponentSpec(
        role="clusterer",
        name="gmm",
        factory="n2d_builtin.gmm.gmm:GaussianMixture",
        out_of_core=True,
        summary="Mixture of Gaussians",
        soft=True,
        reference="Dempster, Laird and Rubin 1977, JRSS B 39",
    ),
    ComponentSpec(
        role="clusterer",
        name="kmeans",
        factory="n2d_builtin.kmeans.kmeans:KMeans",
        out_of_core=True,
        default_for=("table", "text"),
        state_version=2,
        summary="k-means, with Student-t soft assignment",
        weighted=True,
        soft=True,
        reference="Lloyd 1982, IEEE TIT 28; soft assignment: Xie et al. 2016, ICML, eq. 1",
    ),
    ComponentSpec(
        role="clusterer",
        name="bayesian_gmm",
        factory="n2d_builtin.gmm.bayesian_gmm:BayesianGaussianMixture",
        out_of_core=True,
        summary="Bayesian mixture of Gaussians that finds how many clusters are needed",
        soft=True,
        finds_n_clusters=True,
        reference="Blei and Jordan 2006, Bayesian Analysis 1",
        small_options={"n_init": 1},
    ),
    ComponentSpec(
        role="clusterer",
        name="agglomerative",
        factory="n2d_builtin.agglomerative.agglomerative:Agglomerative",
        summary="Hierarchical merging of clusters, by Ward's or another linkage",
        reference="Ward 1963, JASA 58",
    ),
    ComponentSpec(
        role="clusterer",
        name="hdbscan",
        factory="n2d_builtin.hdbscan.hdbscan:Hdbscan",
        summary="Hierarchical density-based clustering with noise",
        soft=True,
        noise=True,
        finds_n_clusters=True,
        state_version=5,
        fit_libraries=("hdbscan",),
        extra="n2d_framework[hdbscan]",
        reference="Campello, Moulavi and Sander 2013, PAKDD",
        small_options={"min_cluster_size": 10},
    ),
)


_AFTER_CLUSTERING = (
    ComponentSpec(
        role="refine",
        name="edits",
        factory="n2d_builtin.refine.edits:Edits",
        summary="Merges, splits, renames and deletes clusters, and reassigns noise, by a journal",
        edits=True,
        state_version=2,
    ),
    ComponentSpec(
        role="refine",
        name="reassign_noise",
        factory="n2d_builtin.refine.reassign_noise:ReassignNoise",
        summary="Gives noise the label of the cluster that lies nearest along the manifold",
        state_version=2,
        reference="Zhu, Ghahramani and Lafferty 2003, Semi-supervised learning using Gaussian "
        "fields and harmonic functions, ICML",
    ),
    ComponentSpec(
        role="describe",
        name="summary",
        factory="n2d_builtin.describe.summary:Summary",
        summary="Size, share, and features of each cluster, with those that set it apart",
        reference="Effect size: Cohen 1988, Statistical Power Analysis for the Behavioral Sciences",
    ),
)

#: Classes that stand for all others in checks: one that places new rows, one that does not.
_EXAMPLES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "Transformer": (
        {"factory": "sklearn.decomposition:PCA", "options": {"n_components": 2}},
        {"factory": "sklearn.decomposition:PCA", "options": {"n_components": 2}},
    ),
    "Clusterer": (
        {"factory": "sklearn.mixture:GaussianMixture", "options": {"n_components": 2}},
        {"factory": "sklearn.cluster:DBSCAN", "options": {"eps": 3.0}},
    ),
}


def _adapted(role: Role) -> tuple[ComponentSpec, ComponentSpec]:
    """Specs of a scikit-learn-like class of the user's in a role, with and without new rows."""
    kind = "Clusterer" if role == "clusterer" else "Transformer"
    places, once = _EXAMPLES[kind]
    about: dict[str, Any] = {
        "role": role, "imports_code": True, "adapts": True, "deterministic": False,
        "noise": role == "clusterer", "state_version": 4,
    }  # fmt: skip
    return (
        ComponentSpec(
            name="adapted",
            factory=f"n2d_builtin.adapted:Adapted{kind}",
            summary="Any scikit-learn-like class, named by its import path",
            soft=role == "clusterer",
            small_options=places,
            **about,
        ),
        ComponentSpec(
            name="adapted_once",
            factory=f"n2d_builtin.adapted:FitOnly{kind}",
            summary="Any scikit-learn-like class that cannot place new rows",
            inductive=False,
            small_options=once,
            **about,
        ),
    )


_ADAPTED = tuple(spec for role in ROLES for spec in _adapted(role))
