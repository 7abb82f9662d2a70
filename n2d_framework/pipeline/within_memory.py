"""Rows of a fit within some memory: in memory, or out of core."""

from __future__ import annotations

import logging
from typing import Any, Self

import attrs
import numpy as np

from n2d_framework.config import Composition
from n2d_framework.core.budget.memory_sizes import GIB, memory_size, memory_text
from n2d_framework.core.budget.scratch import Scratch, is_mapped
from n2d_framework.core.dataset import Dataset
from n2d_framework.core.rows import Rows
from n2d_framework.data.array_likes import source_of
from n2d_framework.data.collect import collect
from n2d_framework.data.source import ArraySource, RowSource
from n2d_framework.errors import ConfigError, DataError, Problem
from n2d_framework.plan.out_of_core import Need
from n2d_framework.plan.steps import Plan

__all__ = ["WithinMemory"]

logger = logging.getLogger(__name__)


@attrs.define(eq=False)
class WithinMemory:
    """Chooses, before anything is read, how rows are fitted.

    Attributes
    ----------
    memory : float
        GiB.
    composition : Composition
    scratch : Scratch or None
        What was chosen for the rows that were asked about last: ``None`` for a fit in memory.
    said : str
        A line about a fit out of core.
    """

    memory: float
    composition: Composition
    scratch: Scratch | None = None
    said: str = ""

    @classmethod
    def of(cls, memory: object, composition: Composition) -> Self:
        """For a size of memory as users write it.

        Raises
        ------
        ConfigError
            If it is not one.
        """
        return cls(memory_size(memory), composition)

    def choose(self, source: RowSource) -> Scratch | None:
        """The scratch for the rows of a source; ``None`` if they can be fitted in memory.

        Raises
        ------
        CompositionError, ConfigError, OutputError
            As :meth:`Need.scratch` does.
        DataError
            If rows that can only be read whole are larger than the memory.
        """
        if isinstance(source, ArraySource):
            data = source.held
            if not isinstance(data.x, np.ndarray):
                return self._chosen(None)
            return self._for(data.x, data.ids is not None)
        if source.n_rows is None or source.sparse or not source.plain:
            self._refuse_large(source)
            return self._chosen(None)
        ids = bool(source.schema is not None and source.schema.id)
        on_disk = source.mapped() is not None
        need = Need(source.n_rows, source.row_shape, source.dtype.itemsize, ids, on_disk)
        return self._for_need(need)

    def rows(self, x: Any) -> Any:
        """Rows that a model can be fitted on: read into memory, or mapped.

        Parameters
        ----------
        x : object
            As ``N2D.fit`` is given it.
        """
        source = source_of(x)
        if source is not None:
            return collect(source, scratch=self.choose(source))
        if isinstance(x, Dataset) and isinstance(x.x, np.ndarray):
            self._for(x.x, x.ids is not None)
        elif isinstance(x, np.ndarray):
            self._for(x, ids=False)
            return np.asarray(x) if is_mapped(x) else x
        return x

    def _refuse_large(self, source: RowSource) -> None:
        """Refuse what can only be read whole, and is larger than the memory as it is stored."""
        stored = source.n_stored * (source.dtype.itemsize + 8)
        if source.table is not None and source.table.is_file():
            stored = source.table.stat().st_size
        if stored > self.memory * GIB:
            what = "sparse rows" if source.sparse else "columns of several kinds, or with gaps"
            raise DataError(
                f"{source.name}: {'rows of a text table' if source.n_rows is None else what} are "
                f"read whole, and take more than the memory of {memory_text(self.memory)}; give "
                "the fit more, or write numbers without gaps to Parquet, HDF5, Zarr or .npy"
            )

    def _for(self, x: Any, ids: bool) -> Scratch | None:
        return self._for_need(Need(len(x), x.shape[1:], x.dtype.itemsize, ids, on_disk=True))

    def _for_need(self, need: Need) -> Scratch | None:
        if self.composition.chooses_n_clusters:
            if need.in_memory > self.memory:
                text = (
                    f"auto tries several numbers on rows in memory, of which {need.n_rows} take "
                    f"about {memory_text(need.in_memory)}; give a number"
                )
                raise ConfigError([Problem("n_clusters", text)])
            return self._chosen(None)
        sample = Rows(np.zeros((2, *need.row_shape), dtype=np.float32))
        plan = Plan.of(self.composition.for_rows(sample))
        chosen = self._chosen(need.scratch(plan, self.memory))
        if chosen is not None:
            self.said = need.said(chosen, self.memory)
            logger.info("%s", self.said)
        return chosen

    def _chosen(self, scratch: Scratch | None) -> Scratch | None:
        self.scratch, self.said = scratch, ""
        return scratch
