"""Checks of what a component does with its input."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from n2d_framework.core.protocols import FitContext
from n2d_framework.errors import N2DError, NotInductiveWarning
from n2d_framework.pipeline.checks import component_reasons
from n2d_framework.pipeline.stage import fit_component
from n2d_framework.testing.check import CheckFailedError, Checks, demand
from n2d_framework.testing.examination import ComponentExamination
from n2d_framework.testing.rows import N_CLUSTERS
from n2d_framework.types import AnyArray

__all__ = ["CHECKS"]

CHECKS = Checks()


@CHECKS.add("the input is never changed")
def input_unchanged(exam: ComponentExamination) -> None:
    """Fit and answer on rows that may be written to, and compare; all other checks lock them."""
    rows, new, component = exam.rows.copy(), exam.new.copy(), exam.fresh()
    context = FitContext(seed=1, upstream=exam.upstream)
    fit_component(component, exam.spec.role, rows, context)
    exam.answers(component, new)
    demand(rows.tobytes() == exam.rows.tobytes(), "fit changes its input")
    demand(new.tobytes() == exam.new.tobytes(), "answering changes its input")


@CHECKS.add("it can be fitted on the fewest rows it accepts, and on one more")
def fewest_rows(exam: ComponentExamination) -> None:
    """Ask for the least number of rows, and fit that many."""
    fewest = next((n for n in range(2, len(exam.rows)) if not _reasons(exam, n)), None)
    demand(fewest is not None, f"check_input refuses {len(exam.rows)} rows: {_reasons(exam, 120)}")
    if fewest is None:
        return
    for n in (fewest, fewest + 1):
        component = exam.fresh()
        try:
            fitted = exam.fit(component, exam.rows[:n])
        except Exception as error:
            name = type(error).__name__
            raise CheckFailedError(
                f"check_input accepts {n} rows, but fit fails with {name}: {error}"
            ) from error
        output = np.asarray(fitted.output)
        demand(len(output) == n and np.isfinite(output).all(), f"a fit on {n} rows is unusable")
        for name, values in exam.answers(component, exam.new[:3]).items():
            demand(np.isfinite(values).all(), f"fitted on {n} rows, {name} is not finite")


def _reasons(exam: ComponentExamination, n: int) -> list[str]:
    return component_reasons(exam.spec, exam.fresh(), n, exam.rows.shape[1:])


@CHECKS.add("a row gets the same answer in any company and order", "inductive")
def batch_invariance(exam: ComponentExamination) -> None:
    """Ask about rows one by one, in sevens, reversed, and among many others."""
    whole, n = exam.answered, len(exam.new)
    component = exam.fitted.component
    companies = {
        "one by one": [exam.new[i : i + 1] for i in range(n)],
        "in sevens": [exam.new[i : i + 7] for i in range(0, n, 7)],
        "reversed": [exam.new[::-1].copy()],
        "among others": [np.concatenate([exam.new, exam.rows, exam.rows[:50]])],
    }
    for company, batches in companies.items():
        found = [exam.answers(component, batch) for batch in batches]
        for name, expected in whole.items():
            values = np.concatenate([part[name] for part in found])
            values = values[::-1] if company == "reversed" else values[:n]
            demand(_agree(values, expected), f"{name} of rows {company} differs")


def _agree(found: AnyArray, expected: AnyArray) -> bool:
    if found.dtype.kind in "iu":
        return bool(np.array_equal(found, expected))
    scale = float(np.abs(expected).max())
    return bool(np.allclose(found, expected, rtol=1e-5, atol=1e-5 * scale))


@CHECKS.add("asked before it is fitted, it refuses with an error of the framework")
def not_fitted(exam: ComponentExamination) -> None:
    """Ask a fresh component."""
    component = exam.fresh()
    verb = "predict" if exam.spec.role == "clusterer" else "transform"
    questions: dict[str, Any] = {"get_state": component.get_state}
    if exam.spec.inductive:
        questions[verb] = lambda: getattr(component, verb)(exam.new)
    for name, ask in questions.items():
        _refused(ask, f"{name} before fit", "use require_fitted of n2d_framework.plugin")


@CHECKS.add("rows of another width are refused with an error of the framework", "inductive")
def wrong_width(exam: ComponentExamination) -> None:
    """Ask about rows with one feature more, and one less."""
    component = exam.fitted.component
    verb = "predict" if exam.spec.role == "clusterer" else "transform"
    wider = np.concatenate([exam.new, exam.new[..., :1]], axis=-1)
    for rows in (wider, np.ascontiguousarray(exam.new[..., :-1])):
        _refused(
            lambda rows=rows: getattr(component, verb)(rows),
            f"{verb} of rows of shape {rows.shape[1:]}, fitted on {exam.rows.shape[1:]},",
            "use check_features of n2d_framework.plugin",
        )


def _refused(ask: Any, what: str, hint: str) -> None:
    try:
        ask()
    except N2DError:
        return
    except Exception as error:
        name = type(error).__name__
        raise CheckFailedError(f"{what} gives {name}: {error}; {hint}") from error
    demand(False, f"{what} is answered; {hint}")


@CHECKS.add("in a model it takes rows of any real type and memory order, is saved and loaded")
def in_a_model(exam: ComponentExamination) -> None:
    """Fit a model that holds it on float64 rows in Fortran order that cannot be written to."""
    from n2d_framework.pipeline import N2D

    rows, new = np.asfortranarray(exam.rows.astype(np.float64)), exam.new.astype(np.float64)
    rows.setflags(write=False)
    trio: dict[str, Any] = {
        "embedder": "identity", "manifolder": "identity", "clusterer": "kmeans",
    }  # fmt: skip
    trio[exam.spec.role] = {"name": exam.entry.qualified_name, **exam.spec.small_options}
    if exam.partner is not None:
        name = exam.partner.qualified_name
        trio["embedder"] = {"name": name, **exam.partner.spec.small_options}
    model = N2D(**trio, n_clusters=N_CLUSTERS, random_state=3, scaler="none")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotInductiveWarning)
        model.fit(rows)
    snapshot = model.to_snapshot()
    if not exam.spec.inductive:
        return
    expected = model.predict(new)
    kinds = {"Fortran order": np.asfortranarray(new), "a list": new.tolist(), "float32": exam.new}
    for kind, values in kinds.items():
        demand(np.array_equal(model.predict(values), expected), f"{kind} gives other labels")
    again = N2D.from_snapshot(snapshot)
    demand(np.array_equal(again.predict(new), expected), "a loaded model gives other labels")
