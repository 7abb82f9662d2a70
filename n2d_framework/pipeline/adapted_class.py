"""adapt: any scikit-learn-like class in a trio, without a plugin."""

from __future__ import annotations

from typing import Any

from n2d_framework.config.adapted_classes import adapting_name, check_arguments
from n2d_framework.core.structure import structure
from n2d_framework.errors import ConfigError, Problem
from n2d_framework.registry import default_catalogue
from n2d_framework.types import ROLES, Role

__all__ = ["adapt"]


def adapt(role: Role, cls: type[Any], **options: Any) -> Any:
    """Make a component from a scikit-learn-like class.

    Parameters
    ----------
    role : {"embedder", "manifolder", "clusterer"}
        The part it is to play.
    cls : type
        Has ``fit``, and ``transform`` or ``fit_transform`` (embedder, manifolder), or
        ``predict`` or ``labels_`` (clusterer). It must be importable by its name.
    **options
        Its arguments: plain values. ``random_state`` and ``n_jobs`` are filled in by the
        framework if the class knows them and they are not given.

    Returns
    -------
    component
        To be given to :class:`N2D`. A class without ``transform`` (or ``predict``) can be
        fitted, but the model will not place new rows.

    Raises
    ------
    ConfigError
        If the role is unknown, or the class has none of the methods the role needs, is fitted on
        labels, or does not have such arguments.

    Notes
    -----
    The fitted object is stored in bundles by skops, without pickle; loading such a bundle
    needs the names of its types as ``trusted``. The stage store does not keep it.

    Examples
    --------
    >>> from sklearn.decomposition import FastICA
    >>> import n2d_framework as n2d
    >>> ica = n2d.adapt("manifolder", FastICA, n_components=5)
    >>> model = n2d.N2D("pca", ica, "gmm", n_clusters=10)
    """
    if role not in ROLES:
        raise ConfigError([Problem("role", f"must be one of {', '.join(ROLES)}, got {role!r}")])
    name = adapting_name(role, cls)
    check_arguments(cls, options)
    entry = default_catalogue().get(role, name)
    factory = f"{cls.__module__}:{cls.__qualname__}"
    return structure(entry.spec.load(), {"factory": factory, "options": options})
