"""Where the training rows of UMAP begin: eigenvectors of the graph, principal axes or chance.

Of umap-learn itself only the start of a graph in several parts is called: its import compiles a
search for neighbours that is not used.
"""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from n2d_framework.plugin import AnyArray

__all__ = ["begin", "import_umap"]

log = logging.getLogger(__name__)

#: Vectors of the Lanczos basis (umap-learn's grows with the root of the number of rows), and the
#: tolerance, which is that of umap-learn.
_BASIS, _TOLERANCE = 64, 1e-4
_WIDTH, _NOISE = 10.0, 1e-4


_lock = threading.Lock()


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
        return umap


def begin(
    init: str, latent: AnyArray, graph: Any, n_components: int, seed: int, metric: str
) -> NDArray[np.float32]:
    """First coordinates, from 0 to 10 in each dimension.

    Parameters
    ----------
    init : {"spectral", "pca", "random"}
    latent : float32 array of shape (n, d)
    graph : scipy sparse array of shape (n, n)
        Symmetric strengths.
    n_components : int
    seed : int
    metric : str

    Returns
    -------
    float32 array of shape (n, n_components)
    """
    random = np.random.RandomState(seed)
    shape = len(latent), n_components
    found: AnyArray | None = None
    if init == "spectral":
        found = _spectral(latent, graph, n_components, random, metric)
    elif init == "pca":
        from n2d_builtin.common.principal_axes import principal_coordinates

        found = principal_coordinates(latent, n_components, seed=seed)
    if found is None:
        found = random.uniform(-_WIDTH, _WIDTH, shape)
    else:
        # A little noise parts rows that would never move away from each other.
        found = found * (_WIDTH / np.abs(found).max())
        found = found + random.normal(scale=_NOISE, size=shape)
    least = found.min(axis=0)
    scaled: NDArray[np.float32] = (_WIDTH * (found - least) / (found.max(axis=0) - least)).astype(
        np.float32
    )
    return scaled


def _spectral(
    latent: AnyArray, graph: Any, n_components: int, random: Any, metric: str
) -> AnyArray | None:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.sparse.linalg import ArpackError

    try:
        if connected_components(graph)[0] == 1:
            return _eigenvectors(graph.tocsr(), n_components)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="(?s).*Spectral initialisation failed")
            layout = import_umap().spectral.spectral_layout
            found: AnyArray = layout(latent, coo_matrix(graph), n_components, random, metric=metric)
    except (ArpackError, ValueError) as error:
        # ARPACK refuses parts of the graph that are hardly larger than the dimension.
        log.warning("umap starts from random positions, spectral ones failed: %s", error)
        return None
    return found


def _eigenvectors(graph: Any, n_components: int) -> AnyArray:
    """Eigenvectors of the normalized graph that come next to the constant one."""
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import eigsh

    root = np.sqrt(np.asarray(graph.sum(axis=0), dtype=np.float64).ravel())
    scale = diags_array(1.0 / root)
    # Single precision is enough for the tolerance, and less to read.
    normalized = (scale @ graph @ scale).tocsr().astype(np.float32)
    k = n_components + 1
    values, vectors = eigsh(
        normalized,
        k=k,
        which="LA",
        ncv=min(len(root), max(_BASIS, 2 * k + 1)),
        tol=_TOLERANCE,
        v0=np.ones(len(root), dtype=np.float32),
    )
    order = np.argsort(values)[::-1][1:]
    found: AnyArray = vectors[:, order]
    return found
