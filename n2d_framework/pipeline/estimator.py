"""N2D: the composition as a scikit-learn estimator."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Any, Literal, Self

import attrs
import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin

from n2d_framework.config import Composition, resolve_composition
from n2d_framework.core.events import EventSink
from n2d_framework.core.protocols import ClusteredRows
from n2d_framework.core.resources import Resources
from n2d_framework.core.roles import COORDINATE_ROLES, ROLE_NAMES, ROLE_TABLE, role_info
from n2d_framework.core.rows import Rows
from n2d_framework.errors import UnsupportedError
from n2d_framework.pipeline.after_fit.choosing import CHOOSING
from n2d_framework.pipeline.descriptions import clustered_rows, described
from n2d_framework.pipeline.fitting import Fit, fit_composition, usable_threads
from n2d_framework.pipeline.params import Resolved, nested_params, split_nested, with_nested
from n2d_framework.pipeline.reporting import Reporter
from n2d_framework.pipeline.snapshot import Snapshot, fit_from_snapshot
from n2d_framework.pipeline.within_memory import WithinMemory
from n2d_framework.plan.run_step import StepResult
from n2d_framework.plan.store import StageStore
from n2d_framework.plan.timing import StepTime, timed
from n2d_framework.registry import Catalogue, default_catalogue
from n2d_framework.seeding import resolve_random_state
from n2d_framework.storage import encode, write_atomic
from n2d_framework.types import AnyArray, IntArray

__all__ = ["N2D"]


class N2D(Reporter, ClusterMixin, BaseEstimator):
    """Cluster rows by a trio of embedder, manifolder and clusterer.

    Parameters
    ----------
    embedder, manifolder, clusterer : str, mapping or component, optional
        Name of a component; or a mapping with ``name`` and options; or a component.
        :func:`n2d_framework.components` lists what is installed. A list of manifolders is a chain:
        each is fitted on what the one before gives. ``None`` is the default for the rows, as
        ``n2d run`` takes it: ``"dense_ae"``, ``"umap"`` and ``"gmm"`` for rows of more than 64
        numbers, for fewer the embedder ``"identity"``, which has no network; others for columns of
        several kinds, texts and sparse rows. `composition_` has what was taken.
    scaler : str or mapping, optional
        Short for `prepare` with this one component: ``"minmax"`` (unless `prepare` is given),
        ``"standard"``, ``"maxabs"`` or ``"none"``. A mapping has ``name`` and ``per``
        (``"auto"``, ``"feature"``, ``"array"``): by ``"auto"`` images and bytes are scaled by one
        range for all values, other data feature by feature.
    prepare : str, mapping, component or list of them, optional
        What brings rows to numbers that the embedder can take, one after the other; stored with
        the model.
    refine : str, mapping, component or list of them, optional
        What changes labels after clustering, at fit and at prediction: ``"reassign_noise"``.
    describe : str, mapping, component or list of them, optional
        What describes the clusters in terms of the input: ``"summary"``. It changes no label.
    n_clusters : int or "auto", optional
        Handed to every component that has this option and was not given its own; the number
        of latent and manifold dimensions follows it as well (the rule of the N2D paper, up to 100).
        Components that find the number themselves ignore it. With ``"auto"`` each fit chooses the
        clusterer's among 2 to 20, as :meth:`choose_n_clusters` does.
    random_state : int, RandomState, Generator or None, default None
        The one seed, from which every stage's seed is derived. With ``None`` a fresh seed
        is drawn and kept in ``random_state_``.
    n_jobs : int, optional
        Threads a component may use; ``None`` and -1 mean all. Results do not depend on it.
    memory : str or float, optional
        Memory that a fit may take, such as ``"4GiB"``; a number is one of GiB. Rows that do not fit
        into it stay in files, and are fitted block by block. ``None`` has all rows in memory.
    store : str, path or StageStore, optional
        Where results of stages are kept and looked up, so that no stage is fitted twice.
        Without one, only the stages of this object's last fit are reused.
    listeners : sequence of callables, default ()
        Called with each event of the run.

    Attributes
    ----------
    labels_ : array of shape (n,), int64
        Labels of the training rows; noise is -1.
    latent_ : array of shape (n, d), float32
        Latent training coordinates.
    manifold_ : array of shape (n, m), float32
        Training coordinates on the manifold: what was clustered.
    embedder_, manifolder_, clusterer_ : components
        The fitted components; of several manifolders the last.
    prepare_, manifolders_, refine_ : list of components
        All fitted components of a role that chains, in order.
    descriptions_ : dict of str to mapping
        By the names of the describe components, what they say of the clusters: plain values.
    history_ : dict of role to dict of lists
        What was measured in each epoch, for components that train in epochs.
    seconds_ : dict of role to float
        What fitting each stage took; what it once took, for a stage that came from the store.
    step_times_ : tuple of StepTime
        What each step took in the last fit (``label``, ``component``, ``seconds``, ``cached``);
        absent on a model that was loaded.
    random_state_ : int
        The seed that was used.
    n_clusters_ : int
        Number of clusters found, without noise.
    numbers_of_clusters_ : NumbersOfClusters
        What :meth:`choose_n_clusters` found, or a fit with ``n_clusters="auto"``; only after that.
    agreement_ : dict
        ``equal``: share of (up to 500 sampled) training rows that ``predict`` gives their
        label back; ``equal_where_clustered``: the same among rows that are noise in neither.
    run_id_ : str
        Identifies the last fit in its events; absent on a model that was loaded.
    n_features_in_ : int
        Number of values in a row.
    schema_ : Schema
        The columns of the training rows: names, kinds and types. New rows are matched with them
        by name; without names, by position.
    feature_names_in_ : array of str
        Names of the features; only when fitted on rows with names.
    ids_ : array of str or None
        Ids of the training rows: the index of a frame, the ids of a dataset; ``None`` if there
        are none, and on a model that was loaded.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> import n2d_framework as n2d
    >>> x, y = load_digits(return_X_y=True)
    >>> model = n2d.N2D("pca", "identity", "kmeans", n_clusters=10, random_state=0)
    >>> labels = model.fit_predict(x)
    >>> bool((model.predict(x) == labels).all())
    True
    """

    def __init__(
        self,
        embedder: Any = None,
        manifolder: Any = None,
        clusterer: Any = None,
        *,
        scaler: Any = None,
        prepare: Any = None,
        refine: Any = None,
        describe: Any = None,
        n_clusters: int | Literal["auto"] | None = None,
        random_state: Any = None,
        n_jobs: int | None = None,
        memory: str | float | None = None,
        store: str | os.PathLike[str] | StageStore | None = None,
        listeners: Sequence[EventSink] = (),
    ) -> None:
        self.embedder = embedder
        self.manifolder = manifolder
        self.clusterer = clusterer
        self.scaler = scaler
        self.prepare = prepare
        self.refine = refine
        self.describe = describe
        self.n_clusters = n_clusters
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.memory = memory
        self.store = store
        self.listeners = listeners

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters; with `deep`, also every option of every component as ``role__option``."""
        # Not by attribute: one of them has the name of a method.
        params = {name: vars(self)[name] for name in self._get_param_names()}
        if deep:
            params |= nested_params(params, default_catalogue())
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters, including options of components as ``role__option``."""
        nested = split_nested(params)
        options = {
            role: {rest: params.pop(name) for name, rest in names.items()}
            for role, names in nested.items()
        }
        super().set_params(**params)
        for role, changed in options.items():
            value = with_nested(role, vars(self)[role], changed, default_catalogue())
            setattr(self, role, value)
        return self

    def composition(self) -> Composition:
        """Check the parameters, without fitting.

        Returns
        -------
        Composition

        Raises
        ------
        ConfigError
            With everything that is wrong.
        """
        known: Resolved | None = self.__dict__.get("_resolved")
        if known is not None and known.is_of(self._composed):
            return known.composition
        composition = resolve_composition(**self._composed)
        self.resolved_to(composition)
        return composition

    @property
    def composition_(self) -> Composition:
        """Composition of the last fit: where nothing was chosen, what suited the rows."""
        return self._fitted().composition

    def resolved_to(self, composition: Composition) -> Self:
        """Take over what the parameters were resolved to before, as by reading a configuration.

        Parameters
        ----------
        composition : Composition
            Of these parameters; as soon as one is changed, they are resolved again.
        """
        self._resolved = Resolved.of(self._composed, composition)
        return self

    @property
    def _composed(self) -> dict[str, Any]:
        return {name: vars(self)[name] for name in _COMPOSED}

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit the trio.

        Parameters
        ----------
        X : array-like of shape (n, features), (n, h, w) or (n, h, w, channels)
            Rows of real numbers; at least two. Frames (pandas, polars, Arrow, Dask), mappings of
            names to columns, structured arrays and what :func:`n2d_framework.data.load` gives
            have names, which are kept; their columns may be of several kinds. Sparse matrices of
            SciPy, lists of strings and :class:`~n2d_framework.plugin.Rows` as well. With `memory`
            also what :func:`n2d_framework.data.open_rows` opens, and arrays of h5py and zarr, which
            are read block by block, as mapped arrays of NumPy and collections of Dask are.
        y : ignored
        sample_weight : array-like of shape (n,), optional
            How much each row counts, not negative: 2 is as much as the row given twice. Each
            component must be one that honours weights (``weighted`` in the catalogue).

        Returns
        -------
        N2D

        Raises
        ------
        ConfigError, CompositionError, DataError
            If the request or the data are wrong; nothing is trained then.
        StageError
            If a component fails.
        StoppedError
            If :meth:`stop` was called.
        """
        composition = self.composition()
        within = None if self.memory is None else WithinMemory.of(self.memory, composition)
        if within is not None:
            X = within.rows(X)
            if within.scratch is not None and sample_weight is not None:
                raise UnsupportedError("sample_weight: rows out of core cannot be weighed")
        rows = self._training_rows(X, sample_weight)
        recent = self._recent() | self.__dict__.pop("_fitted_already", {})
        self.__dict__.pop("numbers_of_clusters_", None)
        stopping = self._stopping = threading.Event()
        resources = Resources(
            usable_threads(self.n_jobs),
            None if within is None else within.memory,
            stop=stopping.is_set,
            scratch=None if within is None else within.scratch,
        )
        random_state = resolve_random_state(self.random_state)
        seconds: dict[str, float] = {}
        try:
            if composition.chooses_n_clusters:
                with timed(CHOOSING, seconds):
                    composition, chosen = self._with_chosen_number(
                        composition, rows, random_state, resources
                    )
                recent |= chosen
            fit = fit_composition(
                composition,
                rows,
                random_state=random_state,
                resources=resources,
                store=self._store(),
                sink=self._events,
                recent=recent,
            )
        finally:
            del self._stopping
        times = tuple(StepTime(what, "", took) for what, took in seconds.items())
        self._adopt(attrs.evolve(fit, step_times=(*times, *fit.step_times)))
        for role in COORDINATE_ROLES:
            setattr(self, role_info(role).output, fit.output(role))
        self._describe(rows, self.manifold_)
        return self

    def _recent(self) -> dict[str, StepResult]:
        """Stages of the last fit, by key; a loaded model has no coordinates, so none."""
        usable = hasattr(self, "_fit") and hasattr(self, "latent_")
        return {stage.key: stage for stage in self._fit.stages.values()} if usable else {}

    def _store(self) -> StageStore | None:
        store = self.store
        return store if store is None or isinstance(store, StageStore) else StageStore(store)

    def stop(self) -> None:
        """Ask a fit that is running to stop, from a listener or another thread.

        It ends with :class:`~n2d_framework.errors.StoppedError` after the epoch, or before the
        step, that comes next. Steps that were done are in the store; of the one that was being
        fitted nothing is kept, and the model is as it was before. Without a running fit, a no-op.
        """
        stopping = self.__dict__.get("_stopping")
        if stopping is not None:
            stopping.set()

    def _describe(self, rows: Rows, coordinates: AnyArray) -> None:
        """Ask the describe components; one that fails costs only its own description."""
        fit, times = self._fit, list[StepTime]()
        self.descriptions_ = described(
            fit.composition, lambda spec: clustered_rows(rows, fit, coordinates, spec), times
        )
        self.step_times_ = (*fit.step_times, *times)
        self._fit = attrs.evolve(fit, descriptions=self.descriptions_)

    def clustered_rows(self, X: Any) -> ClusteredRows:
        """The training rows with their clusters, as plots are given them.

        Parameters
        ----------
        X : array-like
            The rows that the model was fitted on. In place of columns, texts and sparse rows the
            result has what the prepare components make of them, with the names of its features.
        """
        return clustered_rows(self._rows(X), self._fitted(), self.manifold_)

    def _adopt(self, fit: Fit) -> None:
        self._fit = fit
        self._n_features_out = self._width(fit)
        self.labels_ = fit.labels
        self.seconds_ = {label: stage.seconds for label, stage in fit.stages.items()}
        self.random_state_ = fit.random_state
        if fit.run_id is not None:
            self.run_id_ = fit.run_id
        self.n_clusters_ = fit.fitted.n_clusters
        self.agreement_ = fit.agreement
        self.descriptions_ = fit.descriptions
        for info in ROLE_TABLE:
            components = fit.fitted.of_role(info.name)
            if info.needed:
                setattr(self, info.attribute, components[-1])
            if info.chain_attribute:
                setattr(self, info.chain_attribute, components)
        histories = {
            label: getattr(stage.component, "history_", None) for label, stage in fit.stages.items()
        }
        self.history_ = {label: history for label, history in histories.items() if history}

    def _take_edits(self, fit: Fit, rows: Rows | None, coordinates: AnyArray | None) -> None:
        """Take over a fit whose clusters were edited: its parameters hold the journal."""
        self._adopt(fit)
        if rows is not None and coordinates is not None:
            self._describe(rows, coordinates)
        self.refine = fit.composition.parameters().get("refine")
        self.resolved_to(fit.composition)

    @staticmethod
    def _width(fit: Fit) -> int:
        if "manifold" in fit.golden:
            return int(fit.golden["manifold"].shape[1])
        return int(fit.output("manifolder").shape[1])

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> IntArray:
        """Fit, and return the labels of the training rows."""
        return self.fit(X, sample_weight=sample_weight).labels_

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> AnyArray:
        """Fit, and return the training coordinates on the manifold."""
        found: AnyArray = self.fit(X).manifold_
        return found

    def save(self, path: str | os.PathLike[str], *, keep_rows: bool = True) -> None:
        """Save the fitted model as one file, which :func:`n2d_framework.load` reads.

        Parameters
        ----------
        path : path
            Where to; by custom it ends in ``.n2d``. An existing file is replaced only when
            the new one is complete.
        keep_rows : bool, default True
            Whether a few training rows with their outputs, categories of columns, what the
            describe components say, counts for :meth:`drift` and rows with their confidence go
            into the file. Without them ``verify`` has nothing to replay, new categories are not
            pointed out, and drift and confidence are not known; what components learned is there
            all the same.

        Raises
        ------
        NotFittedError
            If the model has not been fitted.
        OutputError
            If the file cannot be written; what was there before is unchanged.
        """
        snapshot = self.to_snapshot(keep_rows=keep_rows)
        created = snapshot.manifest["created"]
        write_atomic(path, encode(snapshot.manifest, snapshot.parts, created=created))
        self._notify_saved(path)

    @classmethod
    def from_snapshot(cls, snapshot: Snapshot, catalogue: Catalogue | None = None) -> Self:
        """A fitted model from plain values."""
        return cls.from_fit(fit_from_snapshot(snapshot, catalogue))

    @classmethod
    def from_fit(cls, fit: Fit) -> Self:
        """A fitted model from the fit that it holds."""
        composition = fit.composition
        model = cls(
            **composition.parameters(),
            n_clusters=composition.n_clusters,
            random_state=fit.random_state,
        )
        model._adopt(fit)
        model.n_features_in_ = int(np.prod(fit.fitted.row_shape))
        model.ids_ = None
        model._adopt_schema(fit.fitted.schema)
        return model

    def __getattr__(self, name: str) -> Any:
        if name in ("latent_", "manifold_") and "_fit" in self.__dict__:
            raise UnsupportedError(
                f"{name}: training coordinates are not kept in a bundle; "
                "use embed or transform on the rows"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


#: Parameters that make the composition.
_COMPOSED = (*ROLE_NAMES, *(info.short for info in ROLE_TABLE if info.short), "n_clusters")
