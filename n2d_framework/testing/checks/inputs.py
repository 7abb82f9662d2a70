"""Checks of what a component does with its input."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import threadpoolctl

from n2d_framework.core.kinds import SPARSE
from n2d_framework.core.protocols import FitContext
from n2d_framework.core.roles import FITTED_ROLES, role_info
from n2d_framework.core.rows import joined
from n2d_framework.errors import N2DError, NotInductiveWarning
from n2d_framework.plan.compatibility import component_reasons
from n2d_framework.registry import default_catalogue
from n2d_framework.testing.check import CheckFailedError, Checks, demand
from n2d_framework.testing.examination import (
    SEED,
    ComponentExamination,
    difference,
    fit,
    kept_state,
    options_for,
    same,
)
from n2d_framework.testing.exercise import as_array, ask, exercise
from n2d_framework.testing.sample_rows import N_CLUSTERS, copied, overwrite, rows_of, take, varied
from n2d_framework.types import ROLES, AnyArray

__all__ = ["CHECKS"]

CHECKS = Checks()

#: Rows that are asked about together, and sizes of batches: around the widths of vector
#: registers, of the tiles that products are computed in, and of blocks.
_POOL = 1030
#: How far answers may be apart, as a share of their span, where only rounding may differ.
_SPARSE_APART, _WEIGHTS_APART = 1e-3, 1e-3
_SIZES = (2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 127, 129, 257)


@CHECKS.add("the input is never changed")
def input_unchanged(exam: ComponentExamination) -> None:
    """Fit and answer on rows that may be written to, and compare; all other checks lock them."""
    rows, new, component = copied(exam.rows), copied(exam.new), exam.fresh()
    context = FitContext(seed=1, upstream=exam.upstream)
    exercise(component, exam.spec.role, rows, context)
    exam.answers(component, new)
    demand(_same_rows(rows, exam.rows), "fit changes its input")
    demand(_same_rows(new, exam.new), "answering changes its input")


def _same_rows(left: Any, right: Any) -> bool:
    return rows_of(left).fingerprint() == rows_of(right).fingerprint()


@CHECKS.add("its arrays are its own: rows and answers may be overwritten afterwards",
            roles=FITTED_ROLES)  # fmt: skip
def arrays_are_its_own(exam: ComponentExamination) -> None:
    """Overwrite the rows, the training output and each answer, and ask again."""
    rows, component = copied(exam.rows), exam.fresh()
    context = FitContext(seed=SEED, upstream=exam.upstream)
    output = exercise(component, exam.spec.role, rows, context)
    given = exam.answers(component, exam.new)
    answered = {name: found.copy() for name, found in given.items()}
    exam.answers(component, take(exam.rows, slice(exam.n_new)))
    reused = [name for name, found in given.items() if not same(found, answered[name])]
    demand(not reused, f"{', '.join(reused)} overwrites an earlier answer; return a new array")
    state = kept_state(component)

    def unchanged(what: str, hint: str) -> None:
        found = exam.answers(component, copied(exam.new))
        names = [name for name, values in answered.items() if not same(values, found[name])]
        now = component.get_state()
        names += [f"the state's {key}" for key in state if not same(state[key], now.get(key))]
        demand(not names, f"overwriting {what} changes {', '.join(names)}; {hint}")

    overwrite(rows)
    unchanged("the rows after fit", "keep a copy of rows (np.array(x)), not the rows themselves")
    if not role_info(exam.spec.role).gives_labels:  # labels_ is an attribute of the component
        _overwrite(output)
        unchanged("what fit_transform returned", "return a copy of what is kept")
    for name in answered:
        _overwrite(exam.answers(component, copied(exam.new))[name])
        unchanged(f"what {name} returned", "return a copy of what is kept")


def _overwrite(array: Any) -> None:
    if isinstance(array, np.ndarray) and array.flags.writeable:
        array[...] = 0


@CHECKS.add("it can be fitted on the fewest rows it accepts, and on one more")
def fewest_rows(exam: ComponentExamination) -> None:
    """Ask for the least number of rows, and fit that many."""
    fewest = next((n for n in range(2, exam.n_rows) if not _reasons(exam, n)), None)
    demand(fewest is not None, f"check_input refuses {exam.n_rows} rows: {_reasons(exam, 120)}")
    if fewest is None:
        return
    for n in (fewest, fewest + 1):
        component = exam.fresh()
        try:
            fitted = exam.fit(component, take(exam.rows, slice(n)))
        except Exception as error:
            name = type(error).__name__
            raise CheckFailedError(
                f"check_input accepts {n} rows, but fit fails with {name}: {error}"
            ) from error
        output = as_array(fitted.output)
        whole = len(output) == n or exam.spec.role not in FITTED_ROLES
        demand(whole and np.isfinite(output).all(), f"a fit on {n} rows is unusable")
        for name, values in exam.answers(component, take(exam.new, slice(3))).items():
            demand(np.isfinite(values).all(), f"fitted on {n} rows, {name} is not finite")


def _reasons(exam: ComponentExamination, n: int) -> list[str]:
    return component_reasons(exam.spec, exam.fresh(), n, rows_of(exam.rows).row_shape)


@CHECKS.add("a row gets the same answer, to the last bit, in any company, order and place, with "
            "any number of threads", "inductive", roles=FITTED_ROLES)  # fmt: skip
def batch_invariance(exam: ComponentExamination) -> None:
    """Ask about rows in batches for which libraries of linear algebra take other paths."""
    _same_in_company(exam, exam.fitted.component, exam.new, "")
    if exam.wide is not None:
        component, rows = exam.wide
        _same_in_company(exam, component, rows, f" of {rows.shape[1]} features")
    if exam.spec.sparse:
        component = exam.fit(exam.fresh(), sparse_rows(exam.rows)).component
        _same_in_company(exam, component, sparse_rows(exam.new), " in sparse matrices")


def _same_in_company(exam: ComponentExamination, component: Any, rows: Any, kind: str) -> None:
    n = len(rows_of(rows))
    pool = joined([rows, varied(rows, _POOL - n)])
    whole = exam.answers(component, pool)
    # What computes the answers is loaded by now, and to look for it takes milliseconds.
    libraries = threadpoolctl.ThreadpoolController()
    for company, positions, threads in _companies(n, _POOL):
        batch = take(pool, positions)
        if isinstance(batch, np.ndarray) and batch.dtype != object:
            # In the middle of a longer array: products may depend on where a row begins.
            shifted = np.concatenate([pool[:1].ravel()[:1], batch.ravel()])
            batch = shifted[1:].reshape(batch.shape)
        with libraries.limit(limits=threads):
            answered = exam.answers(component, batch)
        for name, found in answered.items():
            expected = whole[name][positions]
            demand(
                same(found, expected),
                f"{name} of rows{kind} {company} is not what it is of {_POOL} rows"
                f"{difference(found, expected)}; give products of matrices blocks of one size "
                "(in_blocks of n2d_framework.plugin), or compute each row by itself",
            )


def _companies(n: int, n_pool: int) -> Iterator[tuple[str, AnyArray, int | None]]:
    """Batches by their positions in the pool, and how many threads may be used."""
    everything = np.arange(n_pool)
    for position in range(min(n, 24)):
        yield "one by one", everything[position : position + 1], None
    for size in _SIZES:
        for start in (0, n // 2, n_pool - size):
            yield f"in a batch of {size}", everything[start : start + size], None
    yield "reversed", everything[:n][::-1], None
    yield "of which every third is asked about", everything[::3], None
    yield "with one thread", everything[:400], 1
    yield "with three threads", everything[:400], 3


@CHECKS.add("asked before it is fitted, it refuses with an error of the framework",
            roles=FITTED_ROLES)  # fmt: skip
def not_fitted(exam: ComponentExamination) -> None:
    """Ask a fresh component."""
    component = exam.fresh()
    role, verb = exam.spec.role, role_info(exam.spec.role).verb
    questions: dict[str, Any] = {"get_state": component.get_state}
    if exam.spec.inductive:
        questions[verb] = lambda: ask(role, component, verb, exam.new)
    for name, question in questions.items():
        _refused(question, f"{name} before fit", "use require_fitted of n2d_framework.plugin")


@CHECKS.add("rows of another width are refused with an error of the framework", "inductive",
            roles=FITTED_ROLES)  # fmt: skip
def wrong_width(exam: ComponentExamination) -> None:
    """Ask about rows with one feature more, and one less."""
    component = exam.fitted.component
    role, verb = exam.spec.role, role_info(exam.spec.role).verb
    if not isinstance(exam.new, np.ndarray) or exam.new.dtype == object:
        return  # columns are matched by the framework before, and a text has no width
    wider = np.concatenate([exam.new, exam.new[..., :1]], axis=-1)
    for rows in (wider, np.ascontiguousarray(exam.new[..., :-1])):
        _refused(
            lambda rows=rows: ask(role, component, verb, rows),
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


@CHECKS.add("in a model it takes rows of any real type and memory order, is saved and loaded",
            roles=("prepare", *ROLES))  # fmt: skip
def in_a_model(exam: ComponentExamination) -> None:
    """Fit a model that holds it on float64 rows in Fortran order that cannot be written to."""
    from n2d_framework.pipeline import N2D

    rows, new = _as_a_user_has(exam.rows), _as_a_user_has(exam.new)
    trio: dict[str, Any] = {
        "embedder": "identity", "manifolder": "identity", "clusterer": "kmeans",
    }  # fmt: skip
    dense = rows_of(exam.rows).storage == "dense"
    trio["prepare"] = "none" if dense else []
    if exam.spec.output == SPARSE:
        able = [e for e in default_catalogue().components("embedder") if e.spec.sparse]
        demand(able, "no installed embedder takes its sparse rows")
        trio["embedder"] = {"name": able[0].qualified_name, **able[0].spec.small_options}
    trio[exam.spec.role] = {"name": exam.entry.qualified_name, **options_for(exam.entry)}
    if exam.partner is not None:
        name = exam.partner.qualified_name
        trio["embedder"] = {"name": name, **exam.partner.spec.small_options}
    model = N2D(**trio, n_clusters=N_CLUSTERS, random_state=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotInductiveWarning)
        model.fit(rows)
    snapshot = model.to_snapshot()
    if not exam.spec.inductive:
        return
    expected = model.predict(new)
    kinds = {"float32": exam.new}
    if dense:
        kinds |= {"Fortran order": np.asfortranarray(new), "a list": new.tolist()}
    for kind, values in kinds.items():
        demand(np.array_equal(model.predict(values), expected), f"{kind} gives other labels")
    again = N2D.from_snapshot(snapshot)
    demand(np.array_equal(again.predict(new), expected), "a loaded model gives other labels")


def _as_a_user_has(x: Any) -> Any:
    """Rows of numbers in float64 and Fortran order, which cannot be written to; others as is."""
    if not isinstance(x, np.ndarray) or x.dtype == object:
        return rows_of(x)
    found = np.asfortranarray(x.astype(np.float64))
    found.setflags(write=False)
    return found


@CHECKS.add("sparse rows are taken as they are, and mean what dense ones do", "sparse")
def sparse_as_dense(exam: ComponentExamination) -> None:
    """Fit on the same rows as a sparse matrix, save the model, and compare with dense rows."""
    fitted = exam.fit(exam.fresh(), sparse_rows(exam.rows))
    found = exam.answers(fitted.component, sparse_rows(exam.new))
    for name, expected in exam.answered.items():
        span = float(np.ptp(expected)) or 1.0
        apart = np.abs(found[name].astype(np.float64) - expected).max() / span
        demand(apart < _SPARSE_APART, f"{name} of sparse rows is {apart:.1g} of its span away")
    again = exam.fresh()
    again.set_state(fitted.component.get_state())
    for name, values in exam.answers(again, sparse_rows(exam.new)).items():
        demand(
            same(values, found[name]), f"{name} of sparse rows changes by a passage of the state"
        )


def sparse_rows(x: AnyArray) -> Any:
    """Rows of numbers as a sparse matrix, as a component is given them."""
    from scipy.sparse import csr_array

    return rows_of(csr_array(x.reshape(len(x), -1))).given


@CHECKS.add("a row of weight two counts as two, and one of weight zero as none", "weighted",
            roles=FITTED_ROLES)  # fmt: skip
def weights_count(exam: ComponentExamination) -> None:
    """Compare a fit with weights 0 to 3 with one on rows left out and repeated."""
    times = np.arange(exam.n_rows) % 4
    weighed = fit(exam.entry, exam.fresh(), exam.rows, upstream=exam.upstream,
                  weights=times.astype(np.float64))  # fmt: skip
    repeated = exam.fit(exam.fresh(), take(exam.rows, np.repeat(np.arange(exam.n_rows), times)))
    found = exam.answers(weighed.component, exam.new)
    for name, expected in exam.answers(repeated.component, exam.new).items():
        span = float(np.ptp(expected)) or 1.0
        apart = np.abs(found[name].astype(np.float64) - expected).max() / span
        demand(apart < _WEIGHTS_APART, f"with weights, {name} is {apart:.1g} of its span away")
