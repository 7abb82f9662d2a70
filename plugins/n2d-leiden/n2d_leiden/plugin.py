"""Announces the clusterer; imports nothing of it."""

from __future__ import annotations

from collections.abc import Iterator

from n2d_framework.plugin import ComponentSpec, hookimpl


@hookimpl
def n2d_components() -> Iterator[ComponentSpec]:
    """Announce ``leiden``."""
    yield ComponentSpec(
        role="clusterer",
        name="leiden",
        factory="n2d_leiden.leiden:Leiden",
        summary="Communities of the graph of neighbours, which vote on new rows",
        soft=True,
        finds_n_clusters=True,
        extra="leidenalg",
        reference="Traag, Waltman and van Eck 2019, From Louvain to Leiden: guaranteeing "
        "well-connected communities, Scientific Reports 9",
        small_options={"n_neighbors": 10},
    )
