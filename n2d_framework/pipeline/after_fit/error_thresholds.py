"""The confidence from which on labels err seldom enough, with a bound that holds."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from n2d_framework.errors import DataError
from n2d_framework.metrics.coding import code, require_same_length, with_value
from n2d_framework.metrics.matching import match_clusters
from n2d_framework.types import NOISE, AnyArray, FloatArray, IntArray

__all__ = ["ErrorThreshold", "error_threshold"]

#: Confidences that are tried, the greatest first: they must not depend on the classes.
_TRIED = np.arange(100, -1, -1) / 100
#: The first that is tried keeps so many times the fewest rows that could do, or a quarter of all.
_AMPLE = 4


@attrs.frozen
class ErrorThreshold:
    """A confidence from which on labels err seldom enough.

    Attributes
    ----------
    confidence : float
        Rows of at least this confidence are kept.
    max_error : float
        The share of the kept rows that may err, which was asked for.
    level : float
        How certain it is that in rows like these no more of the kept ones err.
    coverage : float
        Share of all rows that are kept.
    error : float
        Share of the kept rows of known class that err.
    bound : float
        Largest share that is not ruled out: the upper end of the Clopper-Pearson interval.
    n_rows : int
        Kept rows of known class.
    """

    confidence: float
    max_error: float
    level: float
    coverage: float
    error: float
    bound: float
    n_rows: int

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return attrs.asdict(self)


def error_threshold(
    confidence: FloatArray, labels: IntArray, y: Any, *, max_error: float, level: float
) -> ErrorThreshold:
    """Find the lowest confidence at which the kept rows err seldom enough.

    Parameters
    ----------
    confidence : float64 array of shape (n,)
    labels : int64 array of shape (n,)
        Noise is never kept.
    y : array-like of shape (n,)
        True classes, to which clusters are matched; missing where they are not known. A row errs if
        its cluster stands for another class.
    max_error : float
    level : float

    Returns
    -------
    ErrorThreshold

    Raises
    ------
    DataError
        If no confidence will do, there is not one class for each row, or a share is none.

    Notes
    -----
    Confidences are tried in a fixed order, from 1 down by hundredths, each by a one-sided binomial
    test at the whole level, and the first that fails ends it: so the choice among them costs
    nothing (fixed sequence testing; Angelopoulos et al. 2025, Annals of Applied Statistics 19). The
    first that is tried keeps four times as many rows as a test without any error needs, or a
    quarter of the rows. What is passed over before costs no certainty as long as surer rows do
    not err more often than others. The rows must be drawn like those that labels are wanted for.
    """
    for name, share in (("max_error", max_error), ("level", level)):
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share < 1:
            raise DataError(f"{name}={share!r}: must be a share, more than 0 and less than 1")
    known = with_value(y, "y")
    require_same_length("y", known, "the labels", labels)
    if not known.any():
        raise DataError("y: the class of no row is known")
    truth = code(_where(y, known), "y").codes
    own = labels[known]
    stands_for = match_clusters(truth, own)
    meant = np.array([stands_for.get(label, NOISE - 1) for label in own.tolist()])
    clustered = own != NOISE
    sure, wrong = confidence[known][clustered], (meant != truth)[clustered]
    order = np.argsort(-sure, kind="stable")
    errors = np.concatenate([[0], np.cumsum(wrong[order])])
    kept = np.searchsorted(-sure[order], -_TRIED, side="right")
    fewest = int(np.ceil(np.log(1 - level) / np.log1p(-max_error)))
    first = max(fewest, min(_AMPLE * fewest, len(sure) // 4))
    found, best = None, ""
    for threshold, n in zip(_TRIED.tolist(), kept.tolist(), strict=True):
        if n < first:
            continue
        bound = _bound(int(errors[n]), n, level)
        if bound > max_error:
            best = f"of the surest {n} rows {errors[n] / n:.1%} err (at most {bound:.1%})"
            break
        found = threshold, n, bound
    if found is None:
        raise DataError(
            f"no confidence keeps the error to {max_error:.1%} with a certainty of {level:.0%}: "
            f"{best or f'{len(sure)} clustered rows of known class are too few'}; allow more "
            f"errors, or give the classes of more rows (at least {fewest})"
        )
    threshold, n, bound = found
    share = float(((confidence >= threshold) & (labels != NOISE)).mean())
    return ErrorThreshold(
        threshold, float(max_error), float(level), share, float(errors[n] / n), bound, n
    )


def _where(y: Any, known: AnyArray) -> list[Any]:
    """Values of some rows."""
    return [value for value, kept in zip(y, known.tolist(), strict=True) if kept]


def _bound(errors: int, n: int, level: float) -> float:
    """Upper end of the one-sided Clopper-Pearson interval of a share."""
    from scipy.stats import binomtest

    return float(binomtest(errors, n, alternative="less").proportion_ci(level, "exact").high)
