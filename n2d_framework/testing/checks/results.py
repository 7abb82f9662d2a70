"""Checks of what a component returns."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from n2d_framework.core.roles import LABEL_ROLE, Flow, role_info
from n2d_framework.core.rows import Rows, is_sparse
from n2d_framework.testing.check import Checks, demand
from n2d_framework.testing.examination import ComponentExamination
from n2d_framework.testing.exercise import as_array, ask
from n2d_framework.testing.sample_rows import take
from n2d_framework.types import NOISE

__all__ = ["CHECKS"]

CHECKS = Checks()


def _coordinates(what: str, values: Any, n: int) -> None:
    demand(isinstance(values, np.ndarray), f"{what} returns a {type(values).__name__}, no array")
    demand(
        values.ndim == 2 and len(values) == n and values.shape[1] > 0,
        f"{what} has the shape {values.shape}, expected ({n}, d)",
    )
    demand(values.dtype == np.float32, f"{what} holds {values.dtype}, expected float32")
    demand(np.isfinite(values).all(), f"{what} holds values that are not finite")


def _labels(what: str, values: Any, n: int) -> None:
    demand(isinstance(values, np.ndarray), f"{what} returns a {type(values).__name__}, no array")
    demand(values.shape == (n,), f"{what} has the shape {values.shape}, expected ({n},)")
    demand(values.dtype == np.int64, f"{what} holds {values.dtype}, expected int64")


def _width(values: Any) -> str:
    return " x ".join(map(str, values.shape[1:]))


def _rows(what: str, values: Any, n: int) -> None:
    if is_sparse(values) or isinstance(values, Rows):
        demand(len(Rows.of(values)) == n, f"{what} has {len(Rows.of(values))} rows, expected {n}")
        return
    demand(isinstance(values, np.ndarray), f"{what} returns a {type(values).__name__}, no array")
    demand(
        values.ndim >= 2 and len(values) == n and 0 not in values.shape[1:],
        f"{what} has the shape {values.shape}, expected ({n}, ...)",
    )
    demand(values.dtype.kind in "uif", f"{what} holds {values.dtype}, expected real numbers")
    demand(np.isfinite(values).all(), f"{what} holds values that are not finite")


def _descriptions(what: str, values: Any, _: int) -> None:
    demand(values.size > 2, f"{what} describes nothing")


_LOOKS: dict[Flow, Callable[[str, Any, int], None]] = {
    "rows": _rows,
    "latent": _coordinates,
    "coordinates": _coordinates,
    "labels": _labels,
    "descriptions": _descriptions,
}


@CHECKS.add("outputs have the promised shapes and types, and are finite")
def output(exam: ComponentExamination) -> None:
    """Look at the training output and at answers for new rows."""
    fitted, info = exam.fitted, role_info(exam.spec.role)
    look = _LOOKS[info.gives]
    look("the training output", fitted.output, exam.n_rows)
    answered = exam.answered
    if info.verb in answered:
        raw = ask(info.name, fitted.component, info.verb, exam.new)
        look(info.verb, raw, exam.n_new)
        wide, narrow = as_array(raw), as_array(fitted.output)
        demand(
            wide.shape[1:] == narrow.shape[1:],
            f"{info.verb} gives {_width(wide)} columns, training gave {_width(narrow)}",
        )
        one = ask(info.name, fitted.component, info.verb, take(exam.new, slice(1)))
        look(f"{info.verb} of one row", one, 1)
    if "reconstruct" in answered:
        rebuilt = answered["reconstruct"]
        demand(
            rebuilt.size == exam.new.size,
            f"reconstruct has the shape {rebuilt.shape} for {exam.new.shape}",
        )
        demand(np.isfinite(rebuilt).all(), "reconstruct holds values that are not finite")


@CHECKS.add("labels count from 0, new rows get known ones, noise only if declared",
            roles=(LABEL_ROLE,))  # fmt: skip
def known_labels(exam: ComponentExamination) -> None:
    """Ask about new rows, near and far."""
    spec, labels = exam.spec, np.asarray(exam.fitted.output)
    found = set(np.unique(labels).tolist())
    demand(spec.noise or min(found) >= 0, f"gives the label {min(found)}, no noise is declared")
    clusters = sorted(found - {NOISE})
    demand(
        clusters == list(range(len(clusters))),
        f"labels of the training rows must be 0, 1, 2, …, got {clusters}",
    )
    if not spec.inductive:
        return
    allowed = set(clusters) | ({NOISE} if spec.noise else set())
    far = np.concatenate([exam.new, 50 * exam.new, exam.new - 1000]).astype(np.float32)
    strange = set(np.unique(exam.fitted.component.predict(far)).tolist()) - allowed
    demand(not strange, f"predict gives {sorted(strange)}, training knew {sorted(allowed)}")
    again = np.asarray(exam.fitted.component.predict(exam.rows))
    other = int(((again != labels) & (labels != NOISE) & (again != NOISE)).sum())
    demand(
        2 * other <= len(labels),
        f"predict puts {other} of {len(labels)} training rows into other clusters than the fit "
        "did; give labels in the order of the rows",
    )


@CHECKS.add("probabilities are not negative, sum to one and agree with predict", "soft",
            "inductive", roles=(LABEL_ROLE,))  # fmt: skip
def probabilities(exam: ComponentExamination) -> None:
    """Look at the soft assignment of new rows."""
    proba, spec = exam.answered["predict_proba"], exam.spec
    k = int(np.max(exam.fitted.output)) + 1
    widths = (k, k + 1) if spec.noise else (k,)
    demand(
        proba.ndim == 2 and len(proba) == exam.n_new and proba.shape[1] in widths,
        f"predict_proba has the shape {proba.shape} for {exam.n_new} rows, {k} clusters",
    )
    demand((proba >= 0).all(), "predict_proba holds negative or missing values")
    worst = float(np.abs(proba.sum(axis=1) - 1).max())
    demand(worst < 1e-5, f"rows of predict_proba sum to one only up to {worst:g}")
    if not spec.noise:
        share = float(np.mean(proba.argmax(axis=1) == exam.answered["predict"]))
        demand(share > 0.9, f"the likeliest cluster is the predicted one for {share:.0%} only")


@CHECKS.add("strengths, where there are any, lie between 0 and 1", roles=(LABEL_ROLE,))
def strengths(exam: ComponentExamination) -> None:
    """Look at the strengths of new rows."""
    if "strengths" not in exam.answered:
        return
    values = exam.answered["strengths"]
    demand(values.shape == (exam.n_new,), f"strengths has the shape {values.shape}")
    demand(((values >= 0) & (values <= 1)).all(), "strengths lie outside [0, 1]")


@CHECKS.add("epochs, where it trains in any, are reported in order with finite numbers")
def epochs(exam: ComponentExamination) -> None:
    """Look at what was reported while fitting."""
    reported = exam.fitted.epochs
    history = getattr(exam.fitted.component, "history_", None)
    demand(reported or not history, "has a history_ but never calls context.epoch_finished")
    for position, (epoch, total, metrics) in enumerate(reported, start=1):
        demand(epoch == position, f"epoch {epoch} is reported as number {position}")
        demand(epoch <= total, f"epoch {epoch} of {total}")
        wrong = [name for name, value in metrics.items() if not math.isfinite(value)]
        demand(not wrong, f"epoch {epoch}: {', '.join(wrong)} not finite")


@CHECKS.add("a fit on its small options is quick")
def quick(exam: ComponentExamination) -> None:
    """Take the quicker of two fits: the first one imports libraries."""
    seconds = min(exam.fitted.seconds, exam.refitted.seconds)
    demand(
        seconds <= exam.time_limit,
        f"takes {seconds:.1f} s on {exam.n_rows} rows, at most {exam.time_limit:g} s; "
        "give smaller small_options",
    )
