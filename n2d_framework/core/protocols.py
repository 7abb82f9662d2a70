"""The roles as protocols, and the context in which a component is fitted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

import attrs

from n2d_framework.core.resources import Resources
from n2d_framework.core.state import State, StateValue
from n2d_framework.types import AnyArray, FloatArray, IntArray

__all__ = [
    "ClusteredRows", "Clusterer", "Component", "Describer", "Embedder", "FitContext", "Manifolder",
    "PartFits", "Preparer", "Refiner",
]  # fmt: skip


def _ignore_epoch(epoch: int, epochs: int, metrics: Mapping[str, float]) -> None:
    """No-op."""


def _compute(name: str, depends_on: Mapping[str, Any], compute: Callable[[], State]) -> State:
    """No one remembers."""
    del name, depends_on
    return compute()


class PartFits(Protocol):
    """Fits the steps from the latent rows to the labels again, on some of the training rows."""

    @property
    def finds_n_clusters(self) -> bool:
        """True if the clusterer finds the number of clusters itself."""
        ...

    def unused_id(self) -> int:
        """Return an id that the clusterer gives to no row, new or not; all greater are, too."""
        ...

    def latent(self, rows: IntArray) -> AnyArray:
        """Latent coordinates of rows, by their positions: float32 of shape ``(n, d)``."""
        ...

    def labels(self, rows: IntArray, n_clusters: int | None) -> IntArray:
        """Labels of rows, by their positions, from a fit of the same components on them alone.

        `n_clusters` is ``None`` where the clusterer finds the number itself.
        """
        ...


@attrs.frozen
class FitContext:
    """Context of a component's fit.

    Attributes
    ----------
    seed : int
        Seed of this stage, in ``[0, 2**31)``. The only source of randomness to use.
    n_jobs : int
        Threads that may be used, at least 1: those of `resources`. The result must not depend on
        it.
    epoch_finished : callable
        To be called as ``epoch_finished(epoch, epochs, metrics)`` after each epoch by
        components that train in epochs; `epoch` counts from 1.
    upstream : mapping of str to state value
        What the stages before have published of the coordinates that are being fitted, such
        as ``cluster_centers``: what the spec names as ``needs``, and perhaps more.
    remember : callable
        For a part of the work that depends on fewer options than the whole:
        ``remember(name, depends_on, compute)`` returns the state that `compute()` returns,
        from the stage store where it has been kept. `depends_on` are the options that the
        part depends on; the rows, the seed and the distribution's version count by
        themselves. Components of one distribution and role that give the same name and
        options share the part. Without a store, it is computed.
    resources : Resources
        What the fit may use, and ``resources.check()``, to be called now and then by components
        that take long without epochs: it ends the fit at its deadline or on request.
    ids : array of str, shape (n,), or None
        Ids of the rows, where they have some, for messages and reports: no result may depend on
        them.
    weights : float64 array of shape (n,), or None
        How much each row counts, where the user says so. Only components whose spec says
        ``weighted`` are fitted then.
    part_fits : PartFits or None
        For refine components: fits the steps before again, on some of the rows. ``None`` where only
        this step is known, as in comparisons.
    """

    seed: int = 0
    n_jobs: int = attrs.field(default=None)
    epoch_finished: Callable[[int, int, Mapping[str, float]], None] = _ignore_epoch
    upstream: Mapping[str, StateValue] = attrs.field(factory=dict, hash=False)
    remember: Callable[[str, Mapping[str, Any], Callable[[], State]], State] = _compute
    resources: Resources = attrs.field(default=None)
    ids: AnyArray | None = attrs.field(default=None, repr=False, eq=False)
    weights: FloatArray | None = attrs.field(default=None, repr=False, eq=False)
    part_fits: PartFits | None = attrs.field(default=None, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        # Either says how many threads there are; n_jobs, where both do.
        known = Resources() if self.resources is None else self.resources
        threads = known.threads if self.n_jobs is None else self.n_jobs
        object.__setattr__(self, "n_jobs", threads)
        object.__setattr__(self, "resources", attrs.evolve(known, threads=threads))


@runtime_checkable
class Stateful(Protocol):
    """Base of all components: the fitted state can be taken out and put back."""

    def get_state(self) -> State:
        """Fitted state, as plain values.

        Returns
        -------
        State
            Enough for a new instance with the same options to give bit-identical results.
        """
        ...

    def set_state(self, state: State) -> None:
        """Put back what :meth:`get_state` returned, perhaps years ago.

        Parameters
        ----------
        state : State
            Comes from a file: check it with :func:`n2d_framework.plugin.need`.

        Raises
        ------
        StateError
            If something is missing or of the wrong type or shape.
        """
        ...


@runtime_checkable
class Preparer(Stateful, Protocol):
    """Brings rows to numbers that an embedder can take, such as by scaling: ``prepare``.

    Optional further methods: ``inverse_transform(x)``, without which the model cannot reconstruct
    rows; ``feature_names_out()``, a name for each feature that comes out; ``treatments(x)``, what
    was done to rows such as `x` in plain words: pairs of what (a column) and how, to be read;
    ``output_shape(row_shape)``, where rows change their shape, which is asked before and
    after fitting and may raise :class:`~n2d_framework.plugin.DataError`; and ``check_input``.
    """

    def fit(self, x: AnyArray, *, context: FitContext) -> object:
        """Learn from `x`, of shape ``(n, *row_shape)``: of the real type of the source in the first
        step, float64 in those that follow.
        """
        ...

    def transform(self, x: AnyArray) -> AnyArray:
        """Prepared rows, of shape ``(n, ...)``: real numbers of any type, best float64.

        The framework brings the last step's to float32. Each row's result must not depend on the
        other rows.
        """
        ...


@runtime_checkable
class Embedder(Stateful, Protocol):
    """Maps rows to a latent space, usually by a network.

    Optional further methods: ``fit_transform(x, *, context)``, ``reconstruct(z)`` (latent
    rows back to input rows), ``check_input(n_rows, row_shape)`` (a list of reasons why data
    of that shape cannot be fitted, asked before anything is trained), ``published()`` (a
    state with what the spec says that it ``publishes``, for later stages), ``observed_steps(x)``
    (of series how many steps of each, from the first on, are not padding: integers of shape (n,)),
    ``to_onnx(graph, rows)`` (adds what ``transform`` does to an :class:`OnnxGraph` and returns the
    name of the result, in float32) and an attribute ``history_`` (mapping of metric name to one
    value per epoch).
    """

    def fit(self, x: AnyArray, *, context: FitContext) -> object:
        """Learn from `x`, of shape ``(n, features)`` or ``(n, *row_shape)``, float32."""
        ...

    def transform(self, x: AnyArray) -> FloatArray:
        """Latent coordinates of `x`: shape ``(n, latent_dim)``, float32.

        Each row's result must not depend on the other rows.
        """
        ...


@runtime_checkable
class Manifolder(Stateful, Protocol):
    """Maps latent rows to coordinates of their manifold.

    Optional further methods: ``fit_transform(x, *, context)`` where the training
    coordinates are not what ``transform`` would give; ``check_input`` and ``published`` as
    for embedders.
    """

    def fit(self, x: AnyArray, *, context: FitContext) -> object:
        """Learn from latent rows `x` of shape ``(n, latent_dim)``, float32."""
        ...

    def transform(self, x: AnyArray) -> FloatArray:
        """Manifold coordinates of `x`: shape ``(n, n_components)``, float32."""
        ...


@runtime_checkable
class Clusterer(Stateful, Protocol):
    """Assigns labels to rows of the manifold.

    Optional further methods and attributes: ``labels_`` (labels of the training rows; taken
    from ``predict`` where it does not exist), ``predict_proba(m)`` of shape
    ``(n, n_clusters)``, ``strengths(m)`` of shape ``(n,)``, ``bic_`` (for choosing the number of
    clusters), ``cluster_joins()`` (the tree over its clusters, where it knows one: an array of
    shape ``(n_clusters - 1, 3)`` with the height of each join and a cluster of each of the two
    groups that join, or ``None``), and ``check_input``.
    """

    def fit(self, m: AnyArray, *, context: FitContext) -> object:
        """Learn clusters from `m` of shape ``(n, n_components)``, float32."""
        ...

    def predict(self, m: AnyArray) -> IntArray:
        """Labels of `m`: shape ``(n,)``, int64, counted from 0, noise is -1."""
        ...


@runtime_checkable
class Refiner(Stateful, Protocol):
    """Changes labels: ``refine``.

    Optional further methods and attributes: ``refine_proba(m, labels, proba)``, where shares
    follow the changed labels; ``labels_``, the labels of the training rows; ``changed_``, the
    number of training rows whose label was changed; and ``check_input``.
    """

    def fit(self, m: AnyArray, labels: IntArray, *, context: FitContext) -> object:
        """Learn from coordinates `m` of shape ``(n, n_components)``, float32, and their labels."""
        ...

    def refine(self, m: AnyArray, labels: IntArray) -> IntArray:
        """Labels of rows `m` that had the given ones: shape ``(n,)``, int64.

        Each row's label must not depend on the other rows.
        """
        ...


@attrs.frozen(eq=False)
class ClusteredRows:
    """Rows with their clusters: what describe components and plots are given.

    Attributes
    ----------
    x : array of shape (n, ...), or as the component takes rows
        The rows as they were given, in the units of the input: for components that take columns,
        texts or sparse rows :class:`~n2d_framework.plugin.Rows`, an array of strings or a CSR
        array. Others get what the prepare components made of those.
    labels : int64 array of shape (n,)
        Noise is -1.
    coordinates : float32 array of shape (n, m)
        What was clustered.
    feature_names : tuple of str
        One for each value of a row: names of columns, or of the features that a prepare component
        made of them (its ``feature_names_out()``); of rows without names their positions,
        such as ``"3"``, or ``"3, 0"`` in rows of more than one dimension.
    ids : array of str, shape (n,), or None
        Ids of the rows, where they have some.
    """

    x: Any
    labels: IntArray
    coordinates: AnyArray
    feature_names: tuple[str, ...]
    ids: AnyArray | None = None


@runtime_checkable
class Describer(Protocol):
    """Describes clusters in terms of the input: ``describe``. It never changes a label.

    One that is to see no row, such as a language model that finds names, has instead
    ``describe_from(descriptions)``: it is given what the describe components before it in the list
    said, by their names, as plain values of its own.
    """

    def describe(self, rows: ClusteredRows) -> Mapping[str, Any]:
        """Descriptions as plain values: mappings, lists, strings, numbers, booleans and None."""
        ...


Component: TypeAlias = Preparer | Embedder | Manifolder | Clusterer | Refiner | Describer
