"""Datasets known by name whose rows lie in files: found here, or downloaded once.

Plugins announce them with :class:`~n2d_framework.core.dataset.DatasetSpec`; nothing here knows
any of them by name.
"""

from __future__ import annotations

from n2d_framework.data.sets.directories import cache_folder, data_folder, is_offline
from n2d_framework.data.sets.fetching import fetch, files_of, load_set, whereabouts

__all__ = [
    "cache_folder",
    "data_folder",
    "fetch",
    "files_of",
    "is_offline",
    "load_set",
    "whereabouts",
]
