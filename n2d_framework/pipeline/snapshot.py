"""A fitted model as plain values: what a bundle stores, and the way back."""

from __future__ import annotations

import importlib.metadata
import platform
from typing import Any

import attrs
import numpy as np

from n2d_framework.config import Choice, Composition, ScalerConfig
from n2d_framework.core.code import libraries_of
from n2d_framework.core.options import options_dict
from n2d_framework.core.state import State, need
from n2d_framework.core.structure import structure
from n2d_framework.errors import StateError
from n2d_framework.pipeline.fitting import Fit
from n2d_framework.plan.scaling import Scaler
from n2d_framework.plan.run_step import StageResult
from n2d_framework.plan.fitted_plan import FittedTrio
from n2d_framework.registry import Catalogue, default_catalogue
from n2d_framework.types import ROLES

__all__ = ["Snapshot", "fit_from_snapshot", "library_versions", "manifest_of", "snapshot_of"]

_LIBRARIES = (
    "numpy", "scipy", "scikit-learn", "umap-learn", "hdbscan", "openTSNE", "keras", "tensorflow",
    "numba", "h5py",
)  # fmt: skip


@attrs.frozen(eq=False)
class Snapshot:
    """A fitted model as plain values.

    Attributes
    ----------
    manifest : dict
        What can be told as JSON; its content is described in docs/bundle-format.md.
    parts : dict of str to State
        ``scaler``, ``embedder``, ``manifolder``, ``clusterer``, ``training``, ``golden``.
    """

    manifest: dict[str, Any]
    parts: dict[str, State]


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _environment(*distributions: str) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": library_versions(*distributions),
    }


def library_versions(*distributions: str) -> dict[str, str]:
    """Versions of the libraries that results may depend on, where they are installed.

    Parameters
    ----------
    *distributions : str
        Those that the components came with: what plugins need counts too.
    """
    versions = {name: _version(name) for name in _LIBRARIES}
    found = {name: version for name, version in versions.items() if version}
    for distribution in dict.fromkeys(distributions):
        if distribution != "n2d_framework":
            found |= libraries_of(distribution)
    return found


def manifest_of(fit: Fit) -> dict[str, Any]:
    """Description of a fit as JSON; components are not asked for their states."""
    composition: dict[str, Any] = {"scaler": options_dict(fit.trio.composition.scaler)}
    for role in ROLES:
        stage = fit.stages[role]
        composition[role] = {
            "name": stage.entry.spec.name,
            "distribution": stage.entry.distribution,
            "version": stage.entry.version,
            "state_version": stage.entry.spec.state_version,
            "options": options_dict(stage.component),
        }
    return {
        "created": fit.created,
        "framework_version": _version("n2d_framework") or "",
        "composition": composition | {"n_clusters": fit.trio.composition.n_clusters},
        "random_state": fit.random_state,
        "n_clusters_found": fit.trio.n_clusters,
        "data": fit.data,
        "training": {
            "seconds": {role: fit.stages[role].seconds for role in ROLES},
            "keys": {role: fit.stages[role].key for role in ROLES},
            "agreement": fit.agreement,
        },
        "environment": _environment(*(fit.stages[role].entry.distribution for role in ROLES)),
    }


def snapshot_of(fit: Fit) -> Snapshot:
    """Take a fit apart into plain values."""
    parts: dict[str, State] = {role: fit.stages[role].component.get_state() for role in ROLES}
    parts["scaler"] = fit.trio.scaler.get_state()
    parts["training"] = {"labels": fit.labels}
    parts["golden"] = dict(fit.golden)
    return Snapshot(manifest_of(fit), parts)


def fit_from_snapshot(snapshot: Snapshot, catalogue: Catalogue | None = None) -> Fit:
    """Build a fit from plain values.

    Parameters
    ----------
    snapshot : Snapshot
        As :func:`snapshot_of` gave it, perhaps from a file.
    catalogue : Catalogue, optional
        Where the components' classes are found; never a name from the file.

    Returns
    -------
    Fit
        Without the training coordinates, which a snapshot does not hold.

    Raises
    ------
    UnknownComponentError, ComponentImportError
        If a component is not installed here.
    ConfigError
        If an option is no longer known.
    StateError
        If a state is not what the component reads, or is newer than it.
    """
    catalogue = default_catalogue() if catalogue is None else catalogue
    manifest, parts = snapshot.manifest, snapshot.parts
    described = manifest["composition"]
    labels = need(parts["training"], "labels", np.ndarray)
    choices: dict[str, Choice] = {}
    stages: dict[str, StageResult] = {}
    for role in ROLES:
        about = described[role]
        name = about["name"]
        found = catalogue.name_of_written(role, about["distribution"], name)
        entry = catalogue.get(role, found or f"{about['distribution']}:{name}")
        component = structure(entry.spec.load(), about["options"], f"{role} {name!r}")
        component.set_state(_readable(entry.spec, component, parts[role], about["state_version"]))
        choices[role] = Choice(role, entry, about["options"])
        output = labels if role == "clusterer" else np.empty((0, 0), dtype=np.float32)
        training = manifest["training"]
        stages[role] = StageResult(
            training["keys"][role], entry, component, output, training["seconds"][role], cached=True
        )
    scaler = Scaler(structure(ScalerConfig, described["scaler"], "scaler"))
    scaler.set_state(parts["scaler"])
    trio = FittedTrio(
        composition=Composition(
            scaler=scaler.config, n_clusters=described["n_clusters"], **choices
        ),
        scaler=scaler,
        **{role: stages[role].component for role in ROLES},
        row_shape=tuple(int(extent) for extent in manifest["data"]["row_shape"]),
        n_clusters=int(manifest["n_clusters_found"]),
    )
    return Fit(
        trio=trio,
        stages=stages,
        random_state=int(manifest["random_state"]),
        created=str(manifest["created"]),
        data=dict(manifest["data"]),
        agreement=dict(manifest["training"]["agreement"]),
        golden={name: need(parts["golden"], name, np.ndarray) for name in parts["golden"]},
    )


def _readable(spec: Any, component: Any, state: State, version: int) -> State:
    """The state in the version that the installed component reads."""
    if version == spec.state_version:
        return state
    if version > spec.state_version:
        raise StateError(
            f"{spec.role} {spec.name!r}: its state has version {version}, the installed "
            f"component reads up to {spec.state_version}; upgrade its distribution"
        )
    upgraded: State = component.upgrade_state(state, version)
    return upgraded
