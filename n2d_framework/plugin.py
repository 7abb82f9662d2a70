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

from typing import Any

from n2d_framework.core.announcements.extensions import KindSpec, PanelSpec, PlotSpec
from n2d_framework.core.announcements.metric import MetricSpec
from n2d_framework.core.announcements.preset import PresetSpec
from n2d_framework.core.arrays.blocks import in_blocks
from n2d_framework.core.arrays.contrasts import Contrasts, feature_contrasts
from n2d_framework.core.arrays.distinct import DistinctRows, distinct_rows, hash_rows
from n2d_framework.core.arrays.guards import check_features, require_fitted
from n2d_framework.core.arrays.single_precision import in_float32
from n2d_framework.core.dataset import DataFile, Dataset, DatasetSpec, Modality
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
from n2d_framework.core.exchange.onnx_graph import OnnxGraph
from n2d_framework.core.kinds import KINDS, Kind
from n2d_framework.core.learned import learned
from n2d_framework.core.options import Option, component, option, options_dict, options_of
from n2d_framework.core.origin.markers import hookimpl
from n2d_framework.core.protocols import (
    ClusteredRows,
    Clusterer,
    Component,
    Describer,
    Embedder,
    FitContext,
    Manifolder,
    PartFits,
    Preparer,
    Refiner,
)
from n2d_framework.core.resources import Resources
from n2d_framework.core.roles import ROLE_TABLE, RoleInfo
from n2d_framework.core.rows import Field, Rows, Schema, packed, unpacked_strings
from n2d_framework.core.spec import ComponentSpec, InputKind, load_object
from n2d_framework.core.state import State, StateValue, need
from n2d_framework.core.trust import object_from_state, object_state, trusted_types
from n2d_framework.errors import (
    CollapseWarning,
    ConfigError,
    DataError,
    DataWarning,
    DeadlineError,
    N2DError,
    Problem,
    StageError,
    StateError,
    StoppedError,
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
    "Contrasts",
    "DataError",
    "DataFile",
    "DataWarning",
    "Dataset",
    "DatasetSpec",
    "DeadlineError",
    "Describer",
    "DistinctRows",
    "Embedder",
    "EpochFinished",
    "Event",
    "Field",
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
    "OnnxGraph",
    "Option",
    "PanelSpec",
    "PartFits",
    "PlotSpec",
    "Preparer",
    "PresetSpec",
    "Problem",
    "Refiner",
    "Resources",
    "Role",
    "RoleInfo",
    "Rows",
    "RunAssessed",
    "RunFinished",
    "RunStarted",
    "Schema",
    "StageError",
    "StageFinished",
    "StageStarted",
    "State",
    "StateError",
    "StateValue",
    "StoppedError",
    "TrackingWarning",
    "UnsupportedError",
    "check_features",
    "component",
    "derive_seed",
    "distinct_rows",
    "feature_contrasts",
    "hash_rows",
    "held_state",
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
    "packed",
    "require_fitted",
    "resolve",
    "trusted_types",
    "unpacked_strings",
]


def resolve(role: Role, spec: Any, *, state: State | None = None) -> Any:
    """Make a component that another one holds, such as a member of a consensus.

    Parameters
    ----------
    role : str
        The role of the component.
    spec : str, mapping or component
        As in a configuration: a name, or a mapping with ``name`` and options. Declare the option
        that has it with ``option(…, holds=role)``: it is then checked with the configuration.
    state : State, optional
        What :func:`held_state` gave; the component is then fitted. States of earlier versions are
        read, as for a component that stands alone.

    Returns
    -------
    object
        A component of its own at each call; unfitted, unless a state is given. Fit it with a
        context whose seed is derived from that of its holder
        (``attrs.evolve(context, seed=derive_seed(context.seed, str(index)))``).

    Raises
    ------
    ConfigError
        If the component or one of its options is unknown, if it imports code, or if it holds
        itself.
    StateError
        If the state is not one of the component, or newer than it.
    """
    from n2d_framework.config import held

    return held.resolve(role, spec, state=state)


def held_state(role: Role, component: Any) -> State:
    """The state of a component that another one holds, with its version, for :func:`resolve`.

    Parameters
    ----------
    role : str
    component : object
        Fitted.

    Raises
    ------
    StateError
        If the component is not one of an installed plugin, or is not fitted.
    """
    from n2d_framework.config import held

    return held.held_state(role, component)
