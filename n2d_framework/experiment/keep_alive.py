"""Rows of a running comparison stay in the store, whoever makes room there."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from n2d_framework.errors import OutputError
from n2d_framework.experiment.materials import Material, keep_material
from n2d_framework.plan.store import StageStore

__all__ = ["kept"]

logger = logging.getLogger(__name__)
#: Well below the time for which an entry counts as used.
_PERIOD = 1200.0


@contextmanager
def kept(
    materials: Sequence[Material], store: StageStore, period: float = _PERIOD
) -> Iterator[None]:
    """Put rows and classes into the store, and see that they stay while the block runs.

    Stages that go missing are fitted again; rows are known to this process only.

    Parameters
    ----------
    materials : sequence of Material
    store : StageStore
    period : float, default 1200
        Seconds between two looks.

    Raises
    ------
    OutputError
        If the store cannot be written at first.
    """
    for material in materials:
        keep_material(material, store)
    done = threading.Event()

    def look() -> None:
        while not done.wait(period):
            for material in materials:
                _keep(material, store)

    thread = threading.Thread(target=look, daemon=True, name="n2d-keeping")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _keep(material: Material, store: StageStore) -> None:
    keys = [key for key in (material.key, material.truth) if key is not None]
    try:
        if all(key in store for key in keys):
            for key in keys:
                store.touch(key)
        else:
            keep_material(material, store)
    except OutputError as error:
        # The comparison does not depend on it yet; a worker that misses the rows will say so.
        logger.warning("%s", error)
