"""A fitted model as plain values: what a bundle stores, and the way back."""

from __future__ import annotations

import importlib.metadata
import platform
from typing import Any

import attrs
import numpy as np

from n2d_framework.config import Choice, Composition
from n2d_framework.core.origin.code import library_versions
from n2d_framework.core.roles import (
    PART_NAMES_OF_0_1,
    ROLE_NAMES,
    components_in,
    labels_in,
    role_info,
)
from n2d_framework.core.rows import Schema
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.core.state import State, need
from n2d_framework.errors import ConfigError, StateError
from n2d_framework.metrics.drift.drift_reference import Reference
from n2d_framework.metrics.hierarchy import ClusterMeans
from n2d_framework.pipeline.descriptions import descriptions_of_state, state_of_descriptions
from n2d_framework.pipeline.fitting import Fit
from n2d_framework.plan.fitted_plan import FittedPlan
from n2d_framework.plan.row_confidence import RowConfidence
from n2d_framework.plan.run_step import StepResult
from n2d_framework.plan.steps import Plan
from n2d_framework.registry import Catalogue, Entry, default_catalogue
from n2d_framework.types import Role

__all__ = ["Snapshot", "fit_from_snapshot", "manifest_of", "parts_of_fit"]


@attrs.frozen(eq=False)
class Snapshot:
    """A fitted model as plain values.

    Attributes
    ----------
    manifest : dict
        What can be reported as JSON; its content is described in docs/bundle-format.md.
    parts : dict of str to State
        By the labels of the steps (``prepare``, ``embedder``, ``manifolder`` or ``manifolder_0``,
        ``manifolder_1``, ...), ``training``, ``golden``, ``clusters`` and, where there are any,
        ``descriptions`` and ``confidence``.
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


def manifest_of(fit: Fit) -> dict[str, Any]:
    """Description of a fit as JSON; components are not asked for their states."""
    composition = {
        label: {
            "name": choice.spec.name,
            "distribution": choice.entry.distribution,
            "version": choice.entry.version,
            "state_version": choice.spec.state_version,
            "options": choice.option_values(),
        }
        for label, choice in fit.composition.steps.items()
    }
    return {
        "created": fit.created,
        "framework_version": _version("n2d_framework") or "",
        "composition": composition | {"n_clusters": fit.composition.n_clusters},
        "random_state": fit.random_state,
        "n_clusters_found": fit.fitted.n_clusters,
        "data": fit.data,
        "training": {
            "seconds": {label: stage.seconds for label, stage in fit.stages.items()},
            "keys": {label: stage.key for label, stage in fit.stages.items()},
            "agreement": fit.agreement,
        },
        "environment": _environment(*(step.entry.distribution for step in fit.fitted.plan)),
    }


def parts_of_fit(fit: Fit, *, keep_rows: bool = True) -> dict[str, State]:
    """The states and arrays of a fit, by the name of their part.

    Parameters
    ----------
    fit : Fit
    keep_rows : bool, default True
        Whether values of training rows are among them: golden rows, categories of columns,
        descriptions, counts for drift and rows whose confidence was measured. Without them there
        are golden arrays of no rows.
    """
    parts: dict[str, State] = {
        result.step.label: result.component.get_state() for result in fit.results
    }
    parts["training"] = {"labels": fit.labels}
    parts["golden"] = dict(fit.golden) if keep_rows else _without_rows(fit)
    if fit.clusters is not None:
        parts["clusters"] = fit.clusters.as_state()
    if not keep_rows:
        return parts
    if fit.fitted.measured is not None:
        parts["confidence"] = fit.fitted.measured.as_state()
    if fit.reference is not None:
        parts["reference"] = fit.reference.as_state()
    categories = fit.fitted.schema.packed_categories()
    if categories:
        parts["categories"] = categories
    if fit.descriptions:
        parts["descriptions"] = state_of_descriptions(fit.descriptions)
    return parts


def _without_rows(fit: Fit) -> State:
    """Golden arrays of no rows, for their widths."""
    if not fit.golden:
        return {}
    return {name: np.asarray(fit.golden[name])[:0] for name in ("latent", "manifold", "labels")}


def fit_from_snapshot(snapshot: Snapshot, catalogue: Catalogue | None = None) -> Fit:
    """Build a fit from plain values.

    Parameters
    ----------
    snapshot : Snapshot
        As :meth:`N2D.to_snapshot` gave it, perhaps from a file.
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
    written = manifest["composition"]
    described = components_in(written)
    parts = {PART_NAMES_OF_0_1.get(name, name): part for name, part in parts.items()}
    labels = need(parts["training"], "labels", np.ndarray)
    training = manifest["training"]
    chains: dict[Role, tuple[Choice, ...]] = {}
    for label, role in labels_in(described).items():
        about = described[label]
        name = about["name"]
        found = catalogue.name_of_written(role, about["distribution"], name)
        entry = catalogue.get(role, found or f"{about['distribution']}:{name}")
        chains[role] = (*chains.get(role, ()), _chosen(entry, about["options"]))
    empty = frozenset(role for role in ROLE_NAMES if role not in chains)
    composition = Composition(chains, written["n_clusters"], empty)
    results = []
    for step in Plan.of(composition):
        component, label = step.fresh(), step.label
        version = described[label]["state_version"]
        component.set_state(_readable(step.spec, component, parts[label], version))
        gives_labels = role_info(step.role).gives_labels
        output = labels if gives_labels else np.empty((0, 0), dtype=np.float32)
        key, seconds = (training[name].get(label, "") for name in ("keys", "seconds"))
        results.append(StepResult(step, key, component, output, seconds or 0.0, cached=True))
    schema = Schema.of_data(manifest["data"]).with_categories(parts.get("categories", {}))
    fitted = FittedPlan(
        plan=Plan(result.step for result in results),
        components=[result.component for result in results],
        row_shape=tuple(int(extent) for extent in manifest["data"]["row_shape"]),
        n_clusters=int(manifest["n_clusters_found"]),
        storage=manifest["data"].get("storage", "dense"),
        schema=schema,
    )
    fit = Fit(
        composition,
        fitted,
        tuple(results),
        random_state=int(manifest["random_state"]),
        created=str(manifest["created"]),
        data=dict(manifest["data"]),
        agreement=dict(training["agreement"]),
        golden={
            name: need(parts["golden"], name, (np.ndarray, dict) if name == "x" else np.ndarray)
            for name in parts["golden"]
        },
        descriptions=(
            descriptions_of_state(parts["descriptions"]) if "descriptions" in parts else {}
        ),
        clusters=ClusterMeans.of_state(parts["clusters"]) if "clusters" in parts else None,
        reference=Reference.of_state(parts["reference"]) if "reference" in parts else None,
    )
    # An earlier framework measured it on the manifold: it is measured again then.
    measured = parts.get("confidence", {})
    sure = RowConfidence.of_state(measured, labels) if "axes" in measured else None
    return attrs.evolve(fit, fitted=attrs.evolve(fitted, measured=sure)).with_clusters()


def _chosen(entry: Entry[ComponentSpec], options: dict[str, Any]) -> Choice:
    try:
        return Choice.of(entry, options)
    except ConfigError as error:
        path = f"{entry.spec.role} {entry.spec.name!r}"
        raise ConfigError(problem.under(path) for problem in error.problems) from None


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
