"""``n2d serve``: labels of a saved model over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["serve"]


def serve(
    bundle: Annotated[Path, typer.Argument(help="A bundle (.n2d).")],
    host: Annotated[
        str, typer.Option(help="Address to listen at; by default, only for this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port.")] = 8000,
    max_rows: Annotated[int, typer.Option(min=1, help="Rows of a request.")] = 10_000,
    max_bytes: Annotated[int, typer.Option(min=1, help="Bytes of a request.")] = 16 << 20,
    max_waiting: Annotated[
        int, typer.Option(min=1, help="Rows that may wait; further requests get status 503.")
    ] = 100_000,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds in which a request must have arrived.")
    ] = 30.0,
) -> None:
    """Answer requests for labels over HTTP, until it is stopped."""
    import uvicorn

    from n2d_serve.app import make_app
    from n2d_serve.limits import Limits

    app = make_app(bundle, Limits(max_bytes, max_rows, max_waiting, timeout))
    typer.echo(f"{bundle} at http://{host}:{port} (/docs describes it)", err=True)
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False)
