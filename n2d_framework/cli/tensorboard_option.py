"""The option of commands that lets TensorBoard look on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from n2d_framework.core.events import EventSink

__all__ = ["TensorBoardFolder", "trackers"]

TensorBoardFolder = Annotated[
    Path | None,
    typer.Option(
        "--tensorboard",
        metavar="DIR",
        envvar="N2D_TENSORBOARD",
        help="Write losses, seconds, scores and pictures there for TensorBoard.",
    ),
]


def trackers(tensorboard: Path | None) -> tuple[EventSink, ...]:
    """Listeners for what was asked.

    Parameters
    ----------
    tensorboard : Path or None
        Folder for TensorBoard's event files.

    Raises
    ------
    ConfigError
        If the library for it is not installed.
    """
    if tensorboard is None:
        return ()
    from n2d_framework.events import TensorBoard

    return (TensorBoard(tensorboard),)
