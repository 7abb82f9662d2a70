"""Fits of more rows than memory holds: what they need, and how steps are applied."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from n2d_framework.core.budget.memory_sizes import GIB, memory_text
from n2d_framework.core.budget.scratch import Scratch
from n2d_framework.core.protocols import FitContext
from n2d_framework.core.resources import Resources
from n2d_framework.core.roles import role_info
from n2d_framework.core.rows import Rows
from n2d_framework.errors import CompositionError, ConfigError, OutputError, Problem
from n2d_framework.plan.collapse import check_collapse
from n2d_framework.plan.preparing import prepared
from n2d_framework.plan.steps import Plan, Step
from n2d_framework.plan.store.entries import checked_output
from n2d_framework.registry import default_catalogue
from n2d_framework.types import AnyArray, IntArray

__all__ = ["Need", "fitted_out_of_core"]

#: Bytes of the libraries with their compiled functions, of blocks and of landmarks.
_BASE = 900 << 20
#: Bytes for each row that a fit keeps: out of core, and in memory beside its values.
_PER_ROW, _PER_ROW_IN_MEMORY, _PER_ID = 80, 600, 120
#: Bytes for each value of a row in memory: prepared in float32, and as a component has it.
_PER_VALUE = 4 + 8
#: Coordinates and labels of a row on disk.
_COORDINATES = 240
#: Rows on which it is looked at whether outputs say anything.
_LOOKED_AT = 1 << 16


@attrs.frozen
class Need:
    """Memory and disk that a fit needs, estimated before anything is read.

    Attributes
    ----------
    n_rows : int
    row_shape : tuple of int
    itemsize : int
        Bytes of a value as it comes.
    ids : bool, default False
        Whether rows have ids, which are kept in memory.
    on_disk : bool, default False
        Whether the rows lie in a file that can be mapped as it is.
    """

    n_rows: int
    row_shape: tuple[int, ...]
    itemsize: int
    ids: bool = False
    on_disk: bool = False

    @property
    def _values(self) -> int:
        return self.n_rows * math.prod(self.row_shape)

    @property
    def in_memory(self) -> float:
        """GiB of a fit of rows in memory."""
        rows = self.n_rows * (_PER_ROW_IN_MEMORY + _PER_ID * self.ids)
        return (_BASE + self._values * (self.itemsize + _PER_VALUE) + rows) / GIB

    @property
    def out_of_core(self) -> float:
        """GiB of a fit out of core."""
        return (_BASE + self.n_rows * (_PER_ROW + _PER_ID * self.ids)) / GIB

    @property
    def disk(self) -> float:
        """GiB that a fit out of core has on disk for a time."""
        copied = 0 if self.on_disk else self._values * self.itemsize
        return (copied + self._values * 4 + self.n_rows * _COORDINATES) / GIB

    def scratch(self, plan: Plan, memory: float) -> Scratch | None:
        """Choose how a plan is fitted within some memory.

        Parameters
        ----------
        plan : Plan
        memory : float
            GiB.

        Returns
        -------
        Scratch or None
            ``None`` if the rows can be fitted in memory.

        Raises
        ------
        CompositionError
            If they cannot, and a component cannot be fitted out of core; with every reason.
        ConfigError
            If the memory is too little for either.
        OutputError
            If there is no room for the scratch.
        """
        if self.in_memory <= memory:
            return None
        reasons = [reason for step in plan for reason in _reasons(step, self.n_rows)]
        if reasons:
            raise CompositionError(
                f"{'; '.join(reasons)}; or fit in memory, which takes about "
                f"{memory_text(self.in_memory)}, more than the memory of {memory_text(memory)}"
            )
        if self.out_of_core > memory:
            text = (
                f"{memory_text(memory)} is too little for {self.n_rows} rows of "
                f"{math.prod(self.row_shape)} values: out of core they need about "
                f"{memory_text(self.out_of_core)}"
            )
            raise ConfigError([Problem("memory", text)])
        free = memory - self.out_of_core
        found = Scratch(int(min(max(free * GIB / 32, 1 << 22), 1 << 25)))
        self._check_disk(found.folder)
        return found

    def said(self, scratch: Scratch, memory: float) -> str:
        """A line about a fit out of core, for before it starts."""
        values = math.prod(self.row_shape)
        return (
            f"out of core: {self.n_rows} rows of {values} values take about "
            f"{memory_text(self.in_memory)} in memory, of {memory_text(memory)}; blocks of "
            f"{scratch.block_rows(8 * values)} rows, for a time {memory_text(self.disk)} of disk "
            f"in {scratch.folder}"
        )

    def _check_disk(self, folder: Path) -> None:
        if _in_memory(folder):
            text = (
                f"{folder} is itself in memory, and what does not fit there cannot be put into it; "
                "set TMPDIR to a folder on a disk"
            )
            raise ConfigError([Problem("memory", text)])
        free = shutil.disk_usage(folder).free / GIB
        if free < self.disk:
            raise OutputError(
                f"{folder}: {memory_text(free)} are free there, and the fit needs "
                f"{memory_text(self.disk)} for a time; free some space, or set TMPDIR to a folder "
                "of another disk"
            )


def _in_memory(folder: Path) -> bool:
    """Return whether a folder is on a file system that is kept in memory."""
    import psutil

    place = folder.resolve()
    parts = psutil.disk_partitions(all=True)
    mounts = [part for part in parts if place.is_relative_to(part.mountpoint)]
    deepest = max(mounts, key=lambda part: len(part.mountpoint), default=None)
    return deepest is not None and deepest.fstype in ("tmpfs", "ramfs")


def _reasons(step: Step, n_rows: int) -> list[str]:
    """Why a step cannot be fitted out of core, with what can."""
    role, name = step.role, step.spec.name
    if not step.spec.out_of_core:
        able = [e.written_name for e in default_catalogue().components(role) if e.spec.out_of_core]
        hint = f"use {' or '.join(able)}" if able else f"no installed {role} can"
        return [f"{role} {name!r} needs all rows in memory; {hint}"]
    check = getattr(step.prototype, "check_out_of_core", None)
    return [f"{role} {name!r}: {reason}" for reason in ([] if check is None else check(n_rows))]


def fitted_out_of_core(
    step: Step, component: Any, rows: Rows, inputs: Sequence[AnyArray], context: FitContext
) -> AnyArray:
    """Fit a component on rows in files, and return what it gives for them, in a file too.

    Parameters
    ----------
    step : Step
    component : object
        Unfitted; its output for a row depends on that row only.
    rows : Rows
    inputs : sequence of arrays
        What its role takes.
    context : FitContext
    """
    component.fit(*inputs, context=context)
    if step.prepares:
        return np.asarray(
            prepared(step, component, rows, fitting=True, scratch=context.resources.scratch)
        )
    output = _applied(step, component, inputs, context.resources)
    seen = _spread(len(rows))
    check_collapse(output[seen], rows.values[seen], component, step.spec, stacklevel=4)
    return output


def _applied(
    step: Step, component: Any, inputs: Sequence[AnyArray], resources: Resources
) -> AnyArray:
    """Output of a fitted component for all rows, block by block."""
    scratch = resources.scratch
    assert scratch is not None
    info = role_info(step.role)
    if "labels_" in info.optional and getattr(component, "labels_", None) is not None:
        return np.asarray(checked_output(component.labels_, step.spec, len(inputs[0])))
    apply = getattr(component, info.verb)
    found: AnyArray | None = None
    for rows in scratch.slices(inputs[0]):
        resources.check()
        part = checked_output(
            apply(*(given[rows] for given in inputs)), step.spec, rows.stop - rows.start
        )
        if found is None:
            found = scratch.empty((len(inputs[0]), *part.shape[1:]), part.dtype)
        found[rows] = part
    assert found is not None
    return found


def _spread(n_rows: int) -> IntArray:
    """Some rows, evenly spread: all, if they are few."""
    return np.unique(np.linspace(0, n_rows - 1, min(n_rows, _LOOKED_AT)).astype(np.int64))
