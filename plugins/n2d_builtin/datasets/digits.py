"""The handwritten digits that scikit-learn carries with it."""

from __future__ import annotations

from n2d_builtin.datasets.specs import DIGITS
from n2d_framework.plugin import Dataset

__all__ = ["load_digits"]


def load_digits() -> Dataset:
    """Load 1797 handwritten digits of 8 x 8 pixels.

    Returns
    -------
    Dataset
        ``x`` of shape (1797, 8, 8), float64 in [0, 16] as scikit-learn gives it; ``y`` of
        shape (1797,), int64 in 0..9.
    """
    from sklearn import datasets

    bunch = datasets.load_digits()
    return Dataset(
        name=DIGITS.name,
        x=bunch.images,
        y=bunch.target,
        names=tuple(str(name) for name in bunch.target_names),
        modality=DIGITS.modality,
        licence=DIGITS.licence,
        citation=DIGITS.citation,
        source=DIGITS.source,
    )
