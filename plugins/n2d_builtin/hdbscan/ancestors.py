"""Ancestors in a tree whose parents come before their children, found in steps of powers of two.

A tree read from a file may be a single chain of millions of segments, and so may, though hardly
ever, be one that was fitted. Walking it step by step would take as many steps; jumping by
powers of two takes twenty.
"""

from __future__ import annotations

from typing import Self

import attrs
import numpy as np

from n2d_framework.plugin import AnyArray

__all__ = ["Ancestors"]


@attrs.frozen(eq=False)
class Ancestors:
    """The tree with its shortcuts.

    Attributes
    ----------
    jumps : tuple of arrays of shape (s,), int32
        The ancestor of each segment 1, 2, 4, ... steps above; the root is its own ancestor.
    depth : array of shape (s,), int32
        Steps from each segment up to the root.
    """

    jumps: tuple[AnyArray, ...]
    depth: AnyArray

    @classmethod
    def of(cls, parent: AnyArray) -> Self:
        """Prepare a tree.

        Parameters
        ----------
        parent : array of shape (s,), int64
            ``parent[i] < i``, and -1 for the root, which comes first.
        """
        jumps = [np.maximum(parent, 0).astype(np.int32)]
        while jumps[-1].any():
            jumps.append(jumps[-1][jumps[-1]])
        at = np.arange(len(parent), dtype=np.int32)
        depth = (at > 0).astype(np.int32)
        for power in range(len(jumps) - 1, -1, -1):
            above = jumps[power][at]
            depth += np.where(above > 0, 2**power, 0).astype(np.int32)
            at = np.where(above > 0, above, at)
        return cls(tuple(jumps), depth)

    def first_born_before(self, segment: AnyArray, density: AnyArray, birth: AnyArray) -> AnyArray:
        """The nearest ancestor, or the segment itself, that was born before a density.

        Parameters
        ----------
        segment, density : arrays of shape (m,)
        birth : array of shape (s,)
            Not falling from parent to child.

        Returns
        -------
        array of shape (m,), int64
            The root where no other was.
        """
        at = segment.copy()
        for jump in reversed(self.jumps):
            above = jump[at]
            at = np.where((above > 0) & (birth[above] >= density), above, at)
        late = (at > 0) & (birth[at] >= density)
        return np.where(late, self.jumps[0][at], at)

    def parting(self, left: AnyArray, right: AnyArray) -> AnyArray:
        """Where the ways of two segments to the root meet.

        Parameters
        ----------
        left, right : arrays of one shape, int64

        Returns
        -------
        array of that shape, int64
            Below the segment where they meet, the first one of the two on the ways; -1 where
            one of the two is the other or above it.
        """
        left, right = self._lifted(left, right), self._lifted(right, left)
        apart = left != right
        for jump in reversed(self.jumps):
            above_left, above_right = jump[left], jump[right]
            further = above_left != above_right
            left = np.where(further, above_left, left)
            right = np.where(further, above_right, right)
        return np.where(apart, np.minimum(left, right), -1)

    def _lifted(self, segment: AnyArray, other: AnyArray) -> AnyArray:
        """The ancestor of `segment` that is as deep as `other`, or itself."""
        surplus = np.maximum(self.depth[segment] - self.depth[other], 0)
        for power, jump in enumerate(self.jumps):
            segment = np.where(surplus & 2**power, jump[segment], segment)
        return segment
