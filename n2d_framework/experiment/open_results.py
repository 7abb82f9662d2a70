"""Results of a comparison, from its folder."""

from __future__ import annotations

import os
from pathlib import Path

from n2d_framework.core.libraries import require_extra
from n2d_framework.experiment.comparison import Comparison
from n2d_framework.experiment.comparison_dir import records_folder
from n2d_framework.experiment.mark import read_mark
from n2d_framework.experiment.records import read_records
from n2d_framework.plan.store import StageStore

__all__ = ["open_comparison"]


def open_comparison(
    out: str | os.PathLike[str],
    *,
    store: str | os.PathLike[str] | StageStore | None = None,
    allow_code: bool = False,
) -> Comparison:
    """Open the results of a comparison, finished or not.

    Parameters
    ----------
    out : path
        Its output folder. It may come from an untrusted source: nothing in it connects to another
        machine or runs code.
    store : path, URL or StageStore, optional
        Where its stages are. By default the place that the folder names, if that is a local
        path; a URL that a folder names is never opened.
    allow_code : bool, default False
        Whether :meth:`Comparison.best` may import code that the folder names (adapted classes).
        Say yes only to folders that you trust like a program.

    Returns
    -------
    Comparison

    Raises
    ------
    DataError
        If the folder is not the output of a comparison, or is damaged.
    MissingLibraryError
        If the libraries for it are not installed.
    ConfigError
        If `store` is not a place for a store.
    """
    require_extra("compare", "reading a comparison")
    folder = Path(out)
    comparison = Comparison(folder, read_mark(folder), read_records(records_folder(folder)))
    comparison.allow_code = allow_code
    if store is not None:
        comparison.store = store if isinstance(store, StageStore) else StageStore(store)
    return comparison
