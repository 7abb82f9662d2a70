"""The one module that plugin authors import.

A plugin is a module (or any object) with hook implementations, announced by an entry point in
the group ``n2d_framework``:

.. code-block:: toml

    [project.entry-points.n2d_framework]
    my_plugin = "my_package.plugin"

.. code-block:: python

    from n2d_framework.plugin import ComponentSpec, hookimpl

    @hookimpl
    def n2d_components():
        yield ComponentSpec(
            role="clusterer",
            name="my_clusterer",
            factory="my_package.clusterer:MyClusterer",
            summary="What it does, in one line.",
        )

The class itself is made with :func:`component`; its options with :func:`option`, what fitting
learns with :func:`learned`.

Stability: what this module exports keeps its names and meaning throughout a major version;
new optional arguments and attributes may be added in a minor one.
"""

from __future__ import annotations

from n2d_framework.core.blocks import in_blocks
from n2d_framework.core.dataset import DataFile, Dataset, DatasetSpec, Modality
from n2d_framework.core.distinct import DistinctRows, distinct_rows, hash_rows
from n2d_framework.core.events import (
    CellFinished,
    ComparisonFinished,
    ComparisonStarted,
    EpochFinished,
    Event,
    FilesWritten,
    RunAssessed,
    RunFinished,
    RunStarted,
    StageFinished,
    StageStarted,
)
from n2d_framework.core.extensions import KindSpec, PanelSpec, PlotSpec
from n2d_framework.core.guards import check_features, require_fitted
from n2d_framework.core.kinds import KINDS, Kind
from n2d_framework.core.learned import learned
from n2d_framework.core.markers import hookimpl
from n2d_framework.core.metric import MetricSpec
from n2d_framework.core.options import Option, component, option, options_dict, options_of
from n2d_framework.core.protocols import (
    ClusteredRows,
    Clusterer,
    Component,
    Describer,
    Embedder,
    FitContext,
    Manifolder,
    Preparer,
    Refiner,
)
from n2d_framework.core.roles import ROLE_TABLE, RoleInfo
from n2d_framework.core.single_precision import in_float32
from n2d_framework.core.spec import ComponentSpec, InputKind, load_object
from n2d_framework.core.state import State, StateValue, need
from n2d_framework.core.trust import object_from_state, object_state, trusted_types
from n2d_framework.errors import (
    CollapseWarning,
    ConfigError,
    DataError,
    N2DError,
    Problem,
    StageError,
    StateError,
    TrackingWarning,
    UnsupportedError,
)
from n2d_framework.seeding import derive_seed
from n2d_framework.types import NOISE, ROLES, AnyArray, FloatArray, IntArray, Role

__all__ = [
    "KINDS",
    "NOISE",
    "ROLES",
    "ROLE_TABLE",
    "AnyArray",
    "CellFinished",
    "ClusteredRows",
    "Clusterer",
    "CollapseWarning",
    "ComparisonFinished",
    "ComparisonStarted",
    "Component",
    "ComponentSpec",
    "ConfigError",
    "DataError",
    "DataFile",
    "Dataset",
    "DatasetSpec",
    "Describer",
    "DistinctRows",
    "Embedder",
    "EpochFinished",
    "Event",
    "FilesWritten",
    "FitContext",
    "FloatArray",
    "InputKind",
    "IntArray",
    "Kind",
    "KindSpec",
    "Manifolder",
    "MetricSpec",
    "Modality",
    "N2DError",
    "Option",
    "PanelSpec",
    "PlotSpec",
    "Preparer",
    "Problem",
    "Refiner",
    "Role",
    "RoleInfo",
    "RunAssessed",
    "RunFinished",
    "RunStarted",
    "StageError",
    "StageFinished",
    "StageStarted",
    "State",
    "StateError",
    "StateValue",
    "TrackingWarning",
    "UnsupportedError",
    "check_features",
    "component",
    "derive_seed",
    "distinct_rows",
    "hash_rows",
    "hookimpl",
    "in_blocks",
    "in_float32",
    "learned",
    "load_object",
    "need",
    "object_from_state",
    "object_state",
    "option",
    "options_dict",
    "options_of",
    "require_fitted",
    "trusted_types",
]
