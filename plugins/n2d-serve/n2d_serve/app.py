"""The application: labels of rows, health, measures, and what the model is."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.requests import ClientDisconnect

import n2d_framework as n2d
from n2d_serve.batches import Batches, Columns
from n2d_serve.limits import Limits, Refusal
from n2d_serve.measures import Measures
from n2d_serve.requests import ARROW, JSON, RowReader, Rows, arrow_answer, json_answer

__all__ = ["make_app"]


def make_app(bundle: str | os.PathLike[str], limits: Limits | None = None) -> FastAPI:
    """Make the application of a bundle.

    Parameters
    ----------
    bundle : path
        Loaded and verified now: its stored rows are predicted again, which compiles as well what is
        compiled on first use.
    limits : Limits, optional

    Returns
    -------
    fastapi.FastAPI

    Raises
    ------
    BundleError
        If the bundle cannot be loaded, or does not answer as when it was saved.
    """
    limits = Limits() if limits is None else limits
    report = n2d.verify(bundle)
    if not report.ok:
        raise n2d.N2DError(f"{report}; it is not served")
    return _app(n2d.load(bundle), limits)


def _app(model: n2d.N2D, limits: Limits) -> FastAPI:
    schema = model.schema_
    names = tuple(schema.names) if schema.named else ()
    shape = tuple(int(extent) for extent in model.to_manifest()["data"]["row_shape"])
    reader = RowReader(names, shape, limits)
    measures = Measures()
    batches = Batches(_labeller(model), limits, measures.labelled)

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        yield
        batches.close()

    app = FastAPI(title="n2d_framework", version=n2d.__version__, lifespan=life)

    @app.get("/health")
    async def health() -> dict[str, str]:
        """Say that the server answers."""
        return {"status": "ok"}

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> str:
        """Numbers in the format of Prometheus."""
        return measures.text(batches.waiting)

    @app.get("/model")
    async def about() -> dict[str, Any]:
        """Describe the model: its components, clusters and columns."""
        return {
            "composition": model.composition_.describe(),
            "n_clusters": model.n_clusters_,
            "columns": [[field.name, field.kind] for field in schema.fields],
            "row_shape": list(reader.row_shape),
        }

    @app.post("/predict", response_class=Response, openapi_extra=_described(reader))
    async def predict(request: Request) -> Response:
        """Label rows, each by itself: JSON or a stream of Arrow, answered in kind."""
        start = time.perf_counter()
        status, answer = 499, Response(status_code=499)
        try:
            answer = await _answered(request, reader, batches, limits)
            status = answer.status_code
        except Refusal as refusal:
            status = refusal.status
            answer = JSONResponse({"error": refusal.reason}, status)
        except ClientDisconnect:
            status = 499  # no one is there to be answered
        finally:
            measures.answered(status, time.perf_counter() - start)
        return answer

    return app


async def _answered(
    request: Request, reader: RowReader, batches: Batches, limits: Limits
) -> Response:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        async with asyncio.timeout(limits.seconds):
            body = await _body(request, limits.body)
    except TimeoutError as error:
        raise Refusal(408, f"the request has not arrived within {limits.seconds:g} s") from error
    rows = reader.read(body, kind)
    count = len(rows) if not isinstance(rows, dict) else len(next(iter(rows.values())))
    try:
        columns = await batches.ask(rows, count)
    except n2d.N2DError as error:
        raise Refusal(422, str(error)) from error
    if kind == ARROW:
        return Response(arrow_answer(columns), media_type=ARROW)
    return Response(json_answer(columns), media_type=JSON)


async def _body(request: Request, most: int) -> bytes:
    """The body, as far as it may be long.

    Raises
    ------
    Refusal
        With status 413.
    """
    declared = request.headers.get("content-length", "0")
    found = bytearray()
    if declared.isdigit() and int(declared) > most:
        raise Refusal(413, f"{declared} bytes; a request may have {most}")
    async for part in request.stream():
        found += part
        if len(found) > most:
            raise Refusal(413, f"more than {most} bytes, which a request may have")
    return bytes(found)


def _labeller(model: n2d.N2D) -> Any:
    soft = hasattr(model.clusterer_, "predict_proba")
    names = model.cluster_names_

    def label(rows: Rows) -> Columns:
        labels = model.predict(rows)
        columns: Columns = {"label": labels}
        if names:
            columns["name"] = np.array([names.get(int(one), "") for one in labels], dtype=object)
        if soft:
            shares = model.predict_proba(rows)
            columns["strength"] = shares[np.arange(len(labels)), labels]
        return columns

    return label


def _described(reader: RowReader) -> dict[str, Any]:
    """Of what a request consists, for the page of the interface."""
    row: dict[str, Any] = {"type": "array"}
    if reader.names:
        row = {"type": "object", "required": list(reader.names), "additionalProperties": False}
    rows = {"type": "array", "items": row, "minItems": 1, "maxItems": reader.limits.rows}
    body = {"type": "object", "required": ["rows"], "properties": {"rows": rows}}
    return {
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": body},
                ARROW: {"schema": {"type": "string", "format": "binary"}},
            },
        }
    }
