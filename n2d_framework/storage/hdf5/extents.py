"""Which bytes of the file have been used: each belongs to one thing only."""

from __future__ import annotations

from bisect import bisect_left

import attrs

from n2d_framework.errors import BundleError

__all__ = ["Extents"]


@attrs.define
class Extents:
    """Non-overlapping ranges of a file.

    That nothing is used twice excludes cycles, hard links to one object, and shared headers
    or data that would make a small file expensive to read.
    """

    size: int
    _starts: list[int] = attrs.field(factory=list)
    _ends: list[int] = attrs.field(factory=list)

    def claim(self, start: int, length: int, path: str) -> None:
        """Use ``length`` bytes from `start`, refusing what lies outside or is used already."""
        end = start + length
        if end > self.size:
            raise BundleError(f"{path}: points behind the end of the file")
        index = bisect_left(self._starts, start)
        before = index > 0 and self._ends[index - 1] > start
        behind = index < len(self._starts) and self._starts[index] < end
        if before or behind:
            raise BundleError(f"{path}: points to bytes that belong to something else")
        self._starts.insert(index, start)
        self._ends.insert(index, end)
