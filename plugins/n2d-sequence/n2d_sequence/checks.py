"""Return whether series can be fitted with the options given."""

from __future__ import annotations

import math
from collections.abc import Iterable

from n2d_framework.plugin import AnyArray, DataError, IntArray
from n2d_sequence.layers import Plan, values_per_row
from n2d_sequence.normalizing import observed_mask
from n2d_sequence.options import SequenceOptions

__all__ = ["check_values", "cost_complaints"]

#: Numbers that computing one series may take: any series 2**24 (128 MiB), long ones more.
_LEAST_BUDGET, _BUDGET_PER_VALUE = 2**24, 4096


def cost_complaints(row_shape: tuple[int, ...], plans: Iterable[Plan]) -> list[str]:
    """Return whether computing one row takes far more memory than the row does."""
    most = max(_LEAST_BUDGET, _BUDGET_PER_VALUE * math.prod(row_shape))
    needed = max(map(values_per_row, plans))
    if needed <= most:
        return []
    return [
        f"computing one series takes {needed} numbers at once, which is more than {most}; use "
        "smaller layers"
    ]


def check_values(options: SequenceOptions, series: AnyArray, lengths: IntArray) -> None:
    """Refuse values that cannot be meant with these options.

    Parameters
    ----------
    options : SequenceOptions
    series : array of shape (n, steps, features)
    lengths : int array of shape (n,)
        Steps of each row that are not padding.

    Raises
    ------
    DataError
    """
    if options.padding_value is not None and lengths.min() == series.shape[1]:
        raise DataError(
            f"no row ends with padding_value={options.padding_value:g}: either all rows have "
            "the full length (leave padding_value out), or a scaler has changed the number "
            "(use scaler: none; series are normalised by the option normalize)"
        )
    if options.loss == "bce":
        observed = series[observed_mask(lengths, series.shape[1])[:, :, 0]]
        if not (observed.min() >= 0 and observed.max() <= 1):
            raise DataError(
                f"loss='bce' needs values in [0, 1], got {observed.min():g} to "
                f"{observed.max():g}; scale the data or choose another loss"
            )
