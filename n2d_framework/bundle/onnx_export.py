"""Scalers and encoder of a bundle as an ONNX model that is proved to answer alike."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from n2d_framework.bundle.decoding import named, open_bundle
from n2d_framework.bundle.replay import span_moved
from n2d_framework.bundle.save_load import load_plan
from n2d_framework.core.exchange.onnx_graph import INPUT, OPSET, OUTPUT, OnnxGraph
from n2d_framework.core.libraries import absent, require_extra
from n2d_framework.core.rows import Rows, unpacked_rows
from n2d_framework.core.state import State
from n2d_framework.errors import (
    BundleError,
    ComponentImportError,
    N2DError,
    OutputError,
    UnsupportedError,
)
from n2d_framework.storage import check_target, write_atomic
from n2d_framework.types import AnyArray, Role

if TYPE_CHECKING:
    from n2d_framework.plan.fitted_plan import FittedPlan
    from n2d_framework.plan.steps import Step
    from n2d_framework.registry import Catalogue

__all__ = ["TOLERANCE", "OnnxExport", "export_onnx"]

#: Latent rows may differ by this share of their span: networks are summed in float32, in the order
#: that the runtime chooses.
TOLERANCE = 1e-4


@attrs.frozen
class OnnxExport:
    """An ONNX model that was written.

    Attributes
    ----------
    path : str
    size : int
        Bytes.
    row_shape : tuple of int
        Of a row that goes in: ``rows`` is float32 of shape (batch, and `row_shape`).
    latent_dim : int
        What comes out: ``latent`` is float32 of shape (batch, latent_dim).
    columns : tuple of str
        Names of the features, in their order; empty where the bundle has none.
    bundle_sha256 : str
        Digest of the bundle's content.
    golden_rows : int
        On how many rows it was compared with the bundle.
    deviation, tolerance : float
        Largest difference of a latent coordinate as a share of the span of all, and what was
        allowed.
    runtime : str
        What computed the model, with its version.
    """

    path: str
    size: int
    row_shape: tuple[int, ...]
    latent_dim: int
    columns: tuple[str, ...]
    bundle_sha256: str
    golden_rows: int
    deviation: float
    tolerance: float
    runtime: str


def export_onnx(
    bundle: str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    max_bytes: int | None = None,
    catalogue: Catalogue | None = None,
    trusted: Iterable[str] = (),
) -> OnnxExport:
    """Write `prepare` components and embedder of a bundle as an ONNX model.

    It takes raw rows, as they are before scaling, and gives what :meth:`N2D.embed` gives for
    them. Before it is written, both are compared on the golden rows that the bundle keeps, by
    onnxruntime or, where that is not installed, by the reference implementation of onnx.

    Parameters
    ----------
    bundle : path-like
    path : path-like
        The file to write; by custom it ends in ``.onnx``. It has the names of the columns, the
        digest of the bundle and the largest deviation in its metadata.
    overwrite : bool, default False
        Whether a file that exists is replaced.
    max_bytes, catalogue, trusted
        As for :func:`n2d_framework.load`.

    Returns
    -------
    OnnxExport

    Raises
    ------
    MissingLibraryError
        If onnx is not installed.
    OutputError
        If `path` exists or cannot be written; what was there before is unchanged.
    BundleError
        If the bundle cannot be loaded, keeps no golden rows, or its answers differ from those
        of the model by more than the tolerance.
    UnsupportedError
        If a component cannot be exported, or the model was not fitted on dense rows of numbers.
    """
    require_extra("onnx", "exporting to ONNX")
    if not overwrite and os.path.lexists(path):
        raise OutputError(
            f"{os.fspath(path)} exists; choose another name, or replace it with --overwrite "
            "(overwrite=True)"
        )
    check_target(path)
    opened = open_bundle(bundle, max_bytes)
    fitted = load_plan(bundle, opened=opened, catalogue=catalogue, trusted=trusted)
    with named(bundle):
        _refuse_others(fitted)
        x, expected = _golden(fitted, opened.states()["golden"])
        model = _model(fitted, expected.shape[1])
        runtime, found = _computed(model, x)
        deviation = span_moved(found, expected)
        if not deviation <= TOLERANCE:
            raise BundleError(
                f"the ONNX model gives latent rows that differ by {deviation:.2g} of their span "
                f"on {len(x)} golden rows, allowed are {TOLERANCE:g} ({runtime}); nothing was "
                "written. Rows go in as float32: are offsets of columns thousands of times their "
                "spread (dates, for example)? Subtract them before the fit"
            )
    columns = fitted.schema.names if fitted.schema.named else ()
    digest = opened.header.digest
    _describe(
        model,
        {
            "bundle_sha256": digest,
            "columns": json.dumps(columns),
            "golden_rows": str(len(x)),
            "largest_deviation": repr(deviation),
            "tolerance": repr(TOLERANCE),
            "compared_by": runtime,
        },
    )
    data = model.SerializeToString(deterministic=True)
    write_atomic(path, data)
    return OnnxExport(
        path=str(Path(path)),
        size=len(data),
        row_shape=fitted.row_shape,
        latent_dim=expected.shape[1],
        columns=columns,
        bundle_sha256=digest,
        golden_rows=len(x),
        deviation=deviation,
        tolerance=TOLERANCE,
        runtime=runtime,
    )


def _refuse_others(fitted: FittedPlan) -> None:
    """Refuse what has no form in ONNX, with what has one."""
    if fitted.storage != "dense":
        raise UnsupportedError(
            f"only models of dense rows of numbers can be exported to ONNX; this one was fitted "
            f"on {'sparse rows' if fitted.storage == 'sparse' else 'columns of a table'}"
        )
    wrong = [step for step, component in _encoding(fitted) if not hasattr(component, "to_onnx")]
    if wrong:
        raise UnsupportedError(
            "; ".join(
                f"{step.title} cannot be exported to ONNX; these can: "
                f"{', '.join(_exportable(step.role))}"
                for step in wrong
            )
        )


def _exportable(role: Role) -> list[str]:
    """Names of the installed components of a role that can be exported."""
    from n2d_framework.registry import default_catalogue

    def able(entry: Any) -> bool:
        try:
            return hasattr(entry.spec.load(), "to_onnx")
        except ComponentImportError:  # what cannot be imported here cannot be exported either
            return False

    return sorted(entry.spec.name for entry in default_catalogue().components(role) if able(entry))


def _encoding(fitted: FittedPlan) -> list[tuple[Step, Any]]:
    """The steps up to the embedder, with their components."""
    steps = fitted.plan.until("embedder")
    return list(zip(steps, fitted.components[: len(steps)], strict=True))


def _golden(fitted: FittedPlan, golden: State) -> tuple[AnyArray, AnyArray]:
    """The golden rows in float32, and what the bundle answers for them as they are."""
    if "x" not in golden:
        raise BundleError(
            "it keeps no golden rows, on which the ONNX model would be compared with it; save it "
            "with keep_rows=True (n2d run without --no-rows)"
        )
    try:
        rows = unpacked_rows(golden["x"], fitted.schema)
        expected = fitted.embed(rows)
    except N2DError as error:
        raise BundleError(f"/golden: {error}") from error
    return _in_single(rows), expected


def _in_single(rows: Rows) -> AnyArray:
    with np.errstate(over="ignore"):
        found = np.asarray(rows.values).astype(np.float32)
    if not np.isfinite(found).all():
        raise UnsupportedError(
            "an ONNX model takes rows in float32, and values of the golden rows are too large for "
            "it; divide the columns by a constant before the fit"
        )
    return found


def _model(fitted: FittedPlan, latent_dim: int) -> Any:
    """The steps up to the embedder, each after the other."""
    from importlib.metadata import version

    from n2d_framework.plan.compatibility import component_shape

    graph, value, shape = OnnxGraph(), INPUT, fitted.row_shape
    for step, component in _encoding(fitted):
        taken = component_shape(step.spec.input, shape)
        if taken != shape:
            value, shape = graph.reshape(value, taken), taken
        value = component.to_onnx(graph, value)
        if step.prepares:
            after = getattr(component, "output_shape", None)
            shape = shape if after is None else tuple(after(shape))
            if step.last:
                value = graph.cast(value, "float32")
    return graph.model(value, fitted.row_shape, latent_dim, version("n2d_framework"))


def _computed(model: Any, x: AnyArray) -> tuple[str, AnyArray]:
    """Latent rows of the model, and the name of what computed them."""
    if absent(["onnxruntime"]):
        import onnx
        from onnx.reference import ReferenceEvaluator

        [found] = ReferenceEvaluator(model).run([OUTPUT], {INPUT: x})
        return f"onnx.reference {onnx.__version__}", np.asarray(found)
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it reports to its maker, and keeps a file
    import onnxruntime

    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    [found] = session.run([OUTPUT], {INPUT: x})
    return f"onnxruntime {onnxruntime.__version__}", np.asarray(found)


def _describe(model: Any, metadata: Mapping[str, str]) -> None:
    from onnx import helper

    helper.set_model_props(model, dict(metadata))
    model.doc_string = (
        f"Scalers and encoder of an n2d_framework model: '{INPUT}' are raw rows, '{OUTPUT}' their "
        f"latent coordinates (operator set {OPSET})."
    )
