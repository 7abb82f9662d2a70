"""Attributes of umap-learn's and scikit-learn's objects, now of the components."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from n2d_framework.core.options import options_dict
from n2d_framework.errors import UnsupportedError
from n2d_framework.types import AnyArray

__all__ = ["as_in_the_library"]

#: The classes that the old package used.
_LIBRARY = {"umap": "umap.UMAP", "gmm": "sklearn.mixture.GaussianMixture"}
_INSTEAD = (
    "manifold_cluster_generator(umap.UMAP, {…}, GaussianMixture, {…}) makes the libraries' own "
    "objects"
)


def as_in_the_library(component: Any, role: str, name: str, attribute: str) -> Any:
    """Value of a fitted component under a name that only the library's object has.

    Raises
    ------
    UnsupportedError
        If it has nothing of the kind: what it is, and what to use instead.
    """
    answers = {"get_params": _params, **(_MIXTURE if name == "gmm" else {})}
    if attribute in answers:
        return answers[attribute](component)
    library = f"; it is not {_LIBRARY[name]}, as in n2d 0.3.2" if name in _LIBRARY else ""
    raise UnsupportedError(
        f"the {role} {name}, a component of n2d_framework, has no {attribute}{library}: {_INSTEAD}"
    )


def _params(component: Any) -> Callable[..., dict[str, Any]]:
    def get_params(deep: bool = True) -> dict[str, Any]:
        """Options of the component, under its own names."""
        del deep
        return options_dict(component)

    return get_params


def _precisions(mixture: Any) -> AnyArray:
    factors: AnyArray = np.asarray(mixture.precisions_cholesky_)
    return factors @ factors.swapaxes(1, 2)


def _score(mixture: Any) -> Callable[[Any], float]:
    return lambda x: float(np.mean(mixture.score_samples(np.asarray(x, np.float32))))


def _n_parameters(mixture: Any) -> int:
    k, d = mixture.means_.shape
    return int(k * d * (d + 1) // 2 + k * d + k - 1)


def _bic(mixture: Any) -> Callable[[Any], float]:
    n, score = _n_parameters(mixture), _score(mixture)
    return lambda x: n * float(np.log(len(x))) - 2 * len(x) * score(x)


def _aic(mixture: Any) -> Callable[[Any], float]:
    n, score = _n_parameters(mixture), _score(mixture)
    return lambda x: 2 * n - 2 * len(x) * score(x)


#: Its covariances are full ones, as :class:`UmapGMM` asks for no others.
_MIXTURE: dict[str, Callable[[Any], Any]] = {
    "n_components": lambda mixture: mixture.n_clusters,
    "precisions_": _precisions,
    "covariances_": lambda mixture: np.linalg.inv(_precisions(mixture)),
    "score": _score,
    "bic": _bic,
    "aic": _aic,
}
