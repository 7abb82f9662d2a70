"""A fitted plan, applied to rows in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from n2d_framework.core.roles import COORDINATE_ROLES, LABEL_ROLE, role_info
from n2d_framework.core.rows import Rows, Schema, Storage, value_names
from n2d_framework.errors import DataError, StageError, StateError, UnsupportedError
from n2d_framework.metrics.hierarchy import ClusterMeans, Hierarchy
from n2d_framework.plan.preparing import prepared
from n2d_framework.plan.row_confidence import RowConfidence
from n2d_framework.plan.run_step import Edge
from n2d_framework.plan.steps import Plan, Step
from n2d_framework.types import NOISE, AnyArray, IntArray, Role

__all__ = ["FittedPlan"]

_CHUNK = 8192


@attrs.frozen(eq=False)
class FittedPlan:
    """The steps of a plan with their fitted components.

    Attributes
    ----------
    plan : Plan
    components : tuple of object
        Fitted, one for each step.
    row_shape : tuple of int
        Shape of a row, as it was at fit.
    n_clusters : int
        Number of clusters found (noise not counted).
    storage : {"dense", "sparse", "columns"}, default "dense"
        How the rows of the fit were held.
    schema : Schema
        Their columns.
    clusters : ClusterMeans or None
        Where the clusters are; ``None`` in a bundle of an earlier framework.
    becomes : mapping of int to int, or None
        The id of each cluster that the clusterer found, after all steps that change labels;
        ``None`` where rows of one got several.
    measured : RowConfidence or None
        From which the confidence of labels follows, where it was measured and kept.
    measured_holds : bool, default True
        Whether the clusters are those for which it was measured.
    described : mapping of int to str
        Names of clusters by id, that people did not give.
    """

    plan: Plan
    components: Sequence[Any] = attrs.field(converter=tuple)
    row_shape: tuple[int, ...]
    n_clusters: int
    storage: Storage = "dense"
    schema: Schema = attrs.field(factory=Schema)
    clusters: ClusterMeans | None = None
    becomes: Mapping[int, int] | None = None
    measured: RowConfidence | None = None
    measured_holds: bool = True
    described: Mapping[int, str] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        shape = self.row_shape
        for step, component in zip(self.plan, self.components, strict=True):
            shape_after = getattr(component, "output_shape", None)
            if step.prepares and shape_after is not None and self.storage == "dense":
                try:
                    shape = tuple(shape_after(shape))
                except DataError as error:
                    raise StateError(f"{step.title}: {error}") from error

    def of_role(self, role: Role) -> list[Any]:
        """The fitted components of a role, in order."""
        both = zip(self.plan, self.components, strict=True)
        return [component for step, component in both if step.role == role]

    def component(self, role: Role) -> Any:
        """The fitted component of a role; of several, the last."""
        return self.components[self.plan.steps.index(self.plan.last(role))]

    @property
    def cluster_names(self) -> dict[int, str]:
        """Names of clusters by id: those of people, which components hold, or of descriptions."""
        found = dict(self.described)
        for step, component in zip(self.plan, self.components, strict=True):
            if step.spec.edits:
                found |= component.names_
        return found

    def hierarchy(self) -> Hierarchy:
        """The tree over clusters: that of the clusterer, where it has one and they are still its.

        Raises
        ------
        UnsupportedError
            If it is not known where the clusters are.
        """
        if self.clusters is None:
            raise UnsupportedError(
                "hierarchy: the bundle was written before it held where its clusters are; fit again"
            )
        ask = getattr(self.component(LABEL_ROLE), "cluster_joins", None)
        return Hierarchy.of(self.clusters, None if ask is None else ask(), self.becomes)

    def tree_to_show(self) -> Hierarchy | None:
        """The tree over the clusters, if there can be one."""
        try:
            return self.hierarchy()
        except UnsupportedError:
            return None

    @property
    def confidence(self) -> RowConfidence | None:
        """The confidence that was measured, if it was for these clusters."""
        return self.measured if self.measured_holds else None

    def known_confidence(self) -> RowConfidence:
        """From which the confidence of labels follows.

        Raises
        ------
        UnsupportedError
            If it was not measured and kept.
        """
        if self.confidence is not None:
            return self.confidence
        how = "with model.stability(X, keep=True), or n2d stability BUNDLE DATA --keep"
        if self.measured is None:
            raise UnsupportedError(f"confidence: it was not measured; measure it {how}")
        raise UnsupportedError(
            "confidence: it was measured for other clusters, before edits that changed labels; "
            f"undo these, or measure it again {how}"
        )

    def column_ids(self, n_columns: int) -> tuple[int, ...]:
        """Ids of the clusters whose shares the columns of a soft assignment are; noise is -1.

        Parameters
        ----------
        n_columns : int
            How many columns there are.
        """
        noise = self.plan.last(LABEL_ROLE).spec.noise or any(
            component.noise_column
            for step, component in zip(self.plan, self.components, strict=True)
            if step.spec.edits
        )
        return (*range(n_columns - noise), *(NOISE,) * noise)

    def outputs(self, x: Rows, *roles: Role) -> tuple[AnyArray, ...]:
        """Outputs of roles for checked rows, in one pass.

        Parameters
        ----------
        x : Rows
        *roles : str
            In the order of the plan: coordinates (n, d) are float32, labels (n,) int64.

        Raises
        ------
        UnsupportedError
            If a step up to the last of them cannot place new rows.
        StageError
            If a component gives coordinates that are not finite.
        """
        return self._chunked(x, roles[-1], lambda given: tuple(given[role] for role in roles))

    def prepared(self, x: Rows) -> Rows:
        """Rows as the embedder gets them, but for their shape."""
        edge = Edge(x, "")
        for step, component in zip(self.plan, self.components, strict=True):
            if step.prepares:
                edge = edge.after(self._applied(step, component, edge))
        return edge.rows

    @property
    def takes_series(self) -> bool:
        """Return whether the embedder is for series only, whatever rows say that they are."""
        return self.plan.last("embedder").spec.input_kinds == ("sequence",)

    def observed_steps(self, x: Rows) -> IntArray | None:
        """Steps of each series from the first on that are not padding, where the embedder knows."""
        ask = getattr(self.component("embedder"), "observed_steps", None)
        if ask is None:
            return None
        return np.asarray(ask(self.prepared(x).given), dtype=np.int64)

    def treatments(self, x: Rows) -> dict[str, list[tuple[str, str]]]:
        """List what was done to the data, in plain words, as the prepare components say it.

        Parameters
        ----------
        x : Rows
            Checked rows: gaps are those of them.

        Returns
        -------
        dict of str to list of (str, str)
            For each prepare part pairs of what and how; empty where a component says nothing.
        """
        edge, found = Edge(x, ""), dict[str, list[tuple[str, str]]]()
        steps = [pair for pair in zip(self.plan, self.components, strict=True) if pair[0].prepares]
        for number, (step, component) in enumerate(steps):
            say = getattr(component, "treatments", None)
            said = [] if say is None else say(edge.rows_for(step))
            found[step.label] = [(str(what), str(how)) for what, how in said]
            if number < len(steps) - 1:
                edge = edge.after(self._applied(step, component, edge))
        return found

    def feature_names(self, row_shape: tuple[int, ...]) -> tuple[str, ...]:
        """Names of the features of prepared rows, as the last prepare component gives them.

        Parameters
        ----------
        row_shape : tuple of int
            Shape of a prepared row.
        """
        preparing = self.of_role("prepare")
        ask = getattr(preparing[-1], "feature_names_out", None) if preparing else None
        names = () if ask is None else tuple(map(str, ask()))
        return names if row_shape == (len(names),) else value_names(Schema(), row_shape)

    def embed(self, x: Rows) -> AnyArray:
        """Latent coordinates of checked rows: (n, d) float32."""
        return self.outputs(x, "embedder")[0]

    def transform(self, x: Rows) -> AnyArray:
        """Manifold coordinates of checked rows: (n, m) float32."""
        return self.outputs(x, "manifolder")[0]

    def predict(self, x: Rows) -> AnyArray:
        """Labels of checked rows: (n,) int64."""
        return self.outputs(x, self.plan.labels)[0]

    def labels_of(
        self, coordinates: Any, latent: AnyArray | None = None, *, edited: bool = True
    ) -> AnyArray:
        """Labels of coordinates of the manifold: (n,) int64; those before edits if not `edited`.

        Parameters
        ----------
        coordinates : array of shape (n, m)
        latent : array of shape (n, d), optional
            Latent coordinates of the same rows, which some edits need.
        edited : bool, default True

        Raises
        ------
        UnsupportedError
            If edits need latent coordinates, and there are none.
        """
        edge = Edge(coordinates, "")
        for step, component in zip(self.plan, self.components, strict=True):
            if role_info(step.role).gives_labels and (edited or not step.spec.edits):
                edge = edge.after(self._applied(step, component, edge, latent))
        assert edge.labels is not None
        return edge.labels

    def edited(self, coordinates: AnyArray, latent: AnyArray, labels: AnyArray) -> AnyArray:
        """Labels of rows after the edits, from those before them."""
        for step, component in zip(self.plan, self.components, strict=True):
            if step.spec.edits:
                labels = component.refine(coordinates, labels, **_also(component, latent))
        return labels

    def n_columns(self, width: int) -> int:
        """Count the columns that a soft assignment has, of coordinates of so many dimensions."""
        needed = max((getattr(c, "latent_width", 0) for c in self.components), default=0)
        row, latent = (np.zeros((1, max(size, 1)), dtype=np.float32) for size in (width, needed))
        return int(self.proba_of(row, latent).shape[1])

    def proba_of(self, coordinates: AnyArray, latent: AnyArray | None = None) -> AnyArray:
        """Soft assignment of coordinates, as :meth:`predict_proba` gives it.

        Parameters
        ----------
        coordinates : array of shape (n, m)
            Of the manifold.
        latent : array of shape (n, d), optional
            As for :meth:`labels_of`.
        """
        found = np.asarray(self._method(LABEL_ROLE, "predict_proba")(coordinates))
        edge = Edge(coordinates, "")
        for step, component in zip(self.plan, self.components, strict=True):
            if not role_info(step.role).gives_labels:
                continue
            follow = getattr(component, "refine_proba", None)
            if edge.labels is not None and follow is not None:
                also = _also(component, latent)
                found = np.asarray(follow(coordinates, edge.labels, found, **also))
            edge = edge.after(self._applied(step, component, edge, latent))
        return found

    def row_strengths(
        self, coordinates: AnyArray, labels: AnyArray, latent: AnyArray | None = None
    ) -> AnyArray | None:
        """Strength of each row in the cluster of its label: the column ``strength``.

        Parameters
        ----------
        coordinates : array of shape (n, d)
            Of the manifold.
        labels : array of int, shape (n,)
            Labels of the model for these rows; -1 is noise, whose share is the last one.
        latent : array of shape (n, d), optional
            As for :meth:`labels_of`.

        Returns
        -------
        array of shape (n,) or None
            The clusterer's own strengths, or each row's share of its label; ``None`` if the
            clusterer knows neither.
        """
        clusterer = self.component(LABEL_ROLE)
        parts = []
        try:
            for start in range(0, max(len(labels), 1), _CHUNK):
                rows, own = coordinates[start : start + _CHUNK], labels[start : start + _CHUNK]
                near = None if latent is None else latent[start : start + _CHUNK]
                if hasattr(clusterer, "strengths"):
                    parts.append(np.asarray(clusterer.strengths(rows)))
                elif hasattr(clusterer, "predict_proba"):
                    parts.append(np.asarray(self.proba_of(rows, near)[np.arange(len(own)), own]))
        except UnsupportedError:
            return None
        return np.concatenate(parts) if parts else None

    def predict_proba(self, x: Rows) -> AnyArray:
        """Soft assignment of checked rows: (n, n_clusters [+ 1 for noise]) float64."""
        self._need_inductive(LABEL_ROLE)
        self._method(LABEL_ROLE, "predict_proba")
        first, last = COORDINATE_ROLES[0], COORDINATE_ROLES[-1]
        return self._chunked(x, last, lambda g: (self.proba_of(g[last], g[first]),))[0]

    def strengths(self, x: Rows) -> AnyArray:
        """Strength of membership of each checked row: (n,) float64 in [0, 1]."""
        self._need_inductive(LABEL_ROLE)
        ask, coordinates = self._method(LABEL_ROLE, "strengths"), COORDINATE_ROLES[-1]
        return self._chunked(x, coordinates, lambda given: (ask(given[coordinates]),))[0]

    def reconstruct(self, x: Rows) -> AnyArray:
        """Checked rows after a passage through the embedder and back, in input units."""
        self._need_inductive("embedder")
        if self.storage != "dense":
            raise UnsupportedError("reconstruct: only dense rows of numbers can be reconstructed")
        decode = self._method("embedder", "reconstruct")

        def back(given: dict[str, AnyArray]) -> tuple[AnyArray]:
            decoded = self._finite(self.plan.last("embedder"), decode(given["embedder"]))
            rows = decoded.reshape(given.get("prepare", decoded).shape)
            for step, component in reversed([*zip(self.plan, self.components, strict=True)]):
                if step.prepares:
                    undo = getattr(component, "inverse_transform", None)
                    if undo is None:
                        raise UnsupportedError(f"reconstruct: {step.title} cannot be undone")
                    rows = undo(rows)
            return (rows.reshape(len(rows), *self.row_shape),)

        return self._chunked(x, "embedder", back)[0]

    def _chunked(
        self,
        x: Rows,
        last: Role,
        take: Callable[[dict[str, AnyArray]], tuple[AnyArray, ...]],
    ) -> tuple[AnyArray, ...]:
        """Results of `take` for the outputs up to a role, chunk by chunk."""
        self._need_inductive(last)
        parts = [take(self._pass(part, last)) for part in Rows.wrap(x).blocks(_CHUNK)]
        if len(parts) == 1:
            return parts[0]
        return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))

    def _pass(self, rows: Rows, last: Role) -> dict[str, Any]:
        """The output of each role up to one, for a chunk of rows."""
        edge, found = Edge(rows, ""), dict[str, Any]()
        steps = self.plan.until(last)
        for step, component in zip(steps, self.components, strict=False):
            output = self._applied(step, component, edge, found.get(COORDINATE_ROLES[0]))
            found[step.role] = output
            if step is not steps[-1]:
                edge = edge.after(output)
        return found

    def _applied(
        self, step: Step, component: Any, edge: Edge, latent: AnyArray | None = None
    ) -> Any:
        if step.prepares:
            return prepared(step, component, edge.rows_for(step))
        info = role_info(step.role)
        also = _also(component, latent) if step.spec.edits else {}
        output = getattr(component, info.verb)(*edge.of(step), **also)
        if info.gives_labels:
            return np.asarray(output, dtype=np.int64)
        return self._finite(step, output)

    @staticmethod
    def _finite(step: Step, coordinates: Any) -> AnyArray:
        """Coordinates as float32, for the next step must not be given NaN or infinity."""
        found = np.asarray(coordinates)
        if found.dtype != np.float32:
            with np.errstate(over="ignore"):
                found = found.astype(np.float32)
        if not np.isfinite(found).all():
            count = int((~np.isfinite(found)).any(axis=tuple(range(1, found.ndim))).sum())
            raise StageError(
                f"{step.title} gave coordinates that are not finite for {count} of "
                f"{len(found)} rows; their values are too far from those of the fit"
            )
        return found

    def _need_inductive(self, last: Role) -> None:
        for step in self.plan.until(last):
            if not step.spec.inductive:
                raise UnsupportedError(f"{step.title} cannot place new rows")

    def _method(self, role: Role, name: str) -> Callable[[AnyArray], AnyArray]:
        found: Callable[[AnyArray], AnyArray] | None = getattr(self.component(role), name, None)
        if found is None:
            title = self.plan.last(role).title
            raise UnsupportedError(f"{name}: {title} has no such ability")
        return found


def _also(component: Any, latent: AnyArray | None) -> dict[str, AnyArray]:
    """Latent coordinates for a component that holds edits which need them."""
    if latent is None or not getattr(component, "needs_latent", False):
        return {}
    return {"latent": latent}
