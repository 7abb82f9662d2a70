"""``n2d export``: scalers and encoder of a bundle for other runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import attrs
import typer

from n2d_framework.cli.commands.verify import TRUST
from n2d_framework.cli.flags import Json
from n2d_framework.cli.terminal.console import out, print_json, size_text

__all__ = ["export"]


def export(
    bundle: Annotated[Path, typer.Argument(help="A bundle (.n2d).")],
    onnx: Annotated[
        Path, typer.Option("--onnx", metavar="FILE", help="ONNX model to write (.onnx).")
    ],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace FILE if it exists.")
    ] = False,
    trust: Annotated[list[str] | None, TRUST] = None,
    json: Json = False,
) -> None:
    """Write scalers and encoder of a bundle as an ONNX model, from raw rows to latent rows.

    It is written if it agrees with the bundle on the golden rows that the bundle keeps.
    """
    from n2d_framework.bundle import export_onnx

    done = export_onnx(bundle, onnx, overwrite=overwrite, trusted=trust or ())
    if json:
        print_json(attrs.asdict(done))
        return
    console = out()
    console.print(
        f"{done.path}: rows {('batch', *done.row_shape)} -> latent {('batch', done.latent_dim)}, "
        f"float32, {size_text(done.size)}".replace("'", ""),
        markup=False,
        soft_wrap=True,
    )
    console.print(
        f"on {done.golden_rows} golden rows it differs from the bundle by {done.deviation:.2g} of "
        f"their span at most (allowed: {done.tolerance:g}; {done.runtime})",
        markup=False,
        soft_wrap=True,
    )
