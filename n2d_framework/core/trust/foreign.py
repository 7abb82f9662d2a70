"""Foreign objects as plain values, and the types that may be made from them.

Objects of scikit-learn and of classes like them are stored by skops, which is not a pickle.
Loading makes objects of three kinds of types only: those that skops itself trusts, those of
:data:`PLAIN_TYPES`, and those that the user of ``load(..., trusted=...)`` names. What skops
cannot store, or would restore without looking at it (search trees whose indices compiled code
follows unchecked), is taken out and stored as arrays, see
:mod:`n2d_framework.core.trust.sklearn_parts`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from n2d_framework.core.state import State, need
from n2d_framework.core.trust.archive import check_archive
from n2d_framework.core.trust.sklearn_parts import put_back, take_out
from n2d_framework.errors import BundleWarning, StateError

__all__ = ["PLAIN_TYPES", "object_from_state", "object_state"]

#: Types of scikit-learn and NumPy that hold plain values and whose making runs no code of a
#: file, beyond those that skops trusts. Only a new version of the framework can extend the list.
PLAIN_TYPES = ("numpy.dtype", "sklearn.cluster._bisect_k_means._BisectingTree")


def object_state(thing: Any, *, what: str) -> State:
    """Take an object apart, without pickle.

    Parameters
    ----------
    thing : object
        A fitted estimator of scikit-learn or of a class like its own; it stays as it is.
    what : str
        Its name, for the error.

    Returns
    -------
    State
        ``skops`` (the object in that format) and ``parts`` (what was taken out of it).

    Raises
    ------
    StateError
        If it holds something that cannot be stored.
    """
    from skops.io import dumps

    try:
        plain, parts = take_out(thing)
        return {"skops": np.frombuffer(dumps(plain), dtype=np.uint8), "parts": parts}
    except Exception as error:
        raise StateError(f"{what}: it cannot be stored: {error}") from error


def object_from_state(state: State, trusted: Iterable[str], *, what: str) -> Any:
    """Put an object together again.

    Parameters
    ----------
    state : State
        From :func:`object_state`. Without ``parts`` it is of the first version, in which skops
        stored everything.
    trusted : iterable of str
        Full names of further types that may be made.
    what : str
        Its name, for the error.

    Raises
    ------
    StateError
        If it is damaged, takes far more memory than it has bytes, or holds objects of types that
        are not trusted.

    Warns
    -----
    BundleWarning
        What libraries warn of, such as another version of scikit-learn.
    """
    from skops.io import get_untrusted_types, loads

    data = need(state, "skops", np.ndarray).tobytes()
    parts = need(state, "parts", list) if "parts" in state else []
    allowed = [*PLAIN_TYPES, *trusted]
    try:
        check_archive(data)
        missing = sorted(set(get_untrusted_types(data=data)) - set(allowed))
        if not missing:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                found = put_back(loads(data, trusted=allowed), parts)
    except Exception as error:
        raise StateError(f"{what}: its state cannot be read: {error}") from error
    if not missing:
        for text in dict.fromkeys(str(item.message) for item in caught):  # it quotes the file
            warnings.warn(f"{what}: {text}", BundleWarning, stacklevel=2)
        return found
    raise StateError(
        f"{what}: its state holds objects of types that are not trusted yet; if you trust whoever "
        f"made this file, load it with trusted={missing!r}"
    )
