"""Results of a comparison, from its folder."""

from __future__ import annotations

import os
from pathlib import Path

from n2d_framework.experiment.comparison import Comparison
from n2d_framework.experiment.folder import read_mark, records_folder
from n2d_framework.experiment.records import read_records

__all__ = ["open_comparison"]


def open_comparison(out: str | os.PathLike[str], *, allow_code: bool = False) -> Comparison:
    """Open the results of a comparison, finished or not.

    Parameters
    ----------
    out : path
        Its output folder.
    allow_code : bool, default False
        Whether :meth:`Comparison.best` may import code that the folder names (adapted classes).
        Say yes only to folders that you trust like a program.

    Returns
    -------
    Comparison

    Raises
    ------
    DataError
        If the folder is not the output of a comparison.
    """
    folder = Path(out)
    comparison = Comparison(folder, read_mark(folder), read_records(records_folder(folder)))
    comparison.allow_code = allow_code
    return comparison
