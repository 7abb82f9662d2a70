"""The calls into umap-learn: imported without TensorFlow, fitted on exact neighbours."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from typing import Any

import numpy as np

from n2d_builtin._compiled import keep_on_disk
from n2d_builtin._one_thread import one_blas_thread
from n2d_framework.plugin import AnyArray, IntArray

__all__ = ["curve", "fit_embedding", "import_umap"]

log = logging.getLogger(__name__)

#: umap's compiled functions hold the GIL or use numba's thread pool, which is not made for
#: two callers at once: fits in one process go one after the other.
_lock = threading.RLock()

_EXPECTED = (
    "precomputed_knn",  # no search index: new rows are placed by our own kernel
    "gradient function is not yet implemented",  # only for umap's inverse_transform
    "n_jobs value",
    "A few of your vertices",
    "A large number of your vertices",
    "Graph is not fully connected",
    "Spectral initialisation failed",  # said by our own log
)


def import_umap() -> Any:
    """Import umap-learn without its TensorFlow part.

    ``import umap`` imports TensorFlow for its parametric variant wherever that is installed
    (seconds, and hundreds of megabytes). The variant stays importable afterwards by
    ``from umap.parametric_umap import ParametricUMAP``.

    Returns
    -------
    module
    """
    with _lock:
        if "umap" in sys.modules:
            return sys.modules["umap"]
        blocked = "umap.parametric_umap"
        sys.modules[blocked] = None  # type: ignore[assignment]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ImportWarning)
                import umap
        finally:
            sys.modules.pop(blocked, None)
        _keep_machine_code()
        return umap


def _keep_machine_code() -> None:
    """Keep on disk what umap compiles anew in every process: some seconds."""
    from umap import layouts, umap_

    functions = (
        (umap_, "smooth_knn_dist"),
        (umap_, "compute_membership_strengths"),
        (umap_, "make_epochs_per_sample"),
        (layouts, "_nb_optimize_layout_euclidean_single_epoch"),
    )
    for module, name in functions:
        dispatcher = getattr(module, name, None)
        if hasattr(dispatcher, "enable_caching"):
            keep_on_disk(dispatcher)


def curve(spread: float, min_dist: float) -> tuple[float, float]:
    """The two numbers of ``1 / (1 + a d^(2b))`` that umap fits to `spread` and `min_dist`."""
    import_umap()
    from umap.umap_ import find_ab_params

    a, b = find_ab_params(spread, min_dist)
    return float(a), float(b)


def fit_embedding(x: AnyArray, indices: IntArray, distances: AnyArray, **options: Any) -> AnyArray:
    """Fit umap on given neighbours.

    Parameters
    ----------
    x : float32 array of shape (n, d)
    indices, distances : arrays of shape (n, k)
        Nearest rows of each row, itself first.
    **options
        Options of ``umap.UMAP``; ``init="spectral"`` falls back to random positions where
        the eigenvectors cannot be found, as umap itself does for most of these cases.

    Returns
    -------
    float32 array of shape (n, n_components)
    """
    umap = import_umap()
    knn = indices.astype(np.int32), distances.astype(np.float32), None
    with _lock, one_blas_thread(look_again=True), warnings.catch_warnings():
        for message in _EXPECTED:
            warnings.filterwarnings("ignore", message=f"(?s).*{message}")
        model = umap.UMAP(precomputed_knn=knn, n_jobs=1, **options)
        try:
            found = model.fit(x).embedding_
        except ValueError as error:
            if options.get("init") != "spectral":
                raise
            # ARPACK refuses parts of the graph that are hardly larger than the dimension.
            log.warning("umap starts from random positions, spectral ones failed: %s", error)
            return fit_embedding(x, indices, distances, **{**options, "init": "random"})
    return np.array(found, dtype=np.float32, order="C")
