"""Every kind of rows meets every component that takes it, in every slot of the live catalogue.

That any two components go together is examined with images, in test_trios. Here each kind of rows
is fitted with each component that it can meet: bundles answer bit for bit as before in another
process, and a row gets the same answers in any company.
"""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from rows_of_kinds import (
    KINDS,
    N_TRAIN,
    SLOTS,
    all_answers,
    compositions,
    describing,
    fitted_model,
    legal_starts,
    rows_of,
)

from n2d_framework import N2D
from n2d_framework.errors import DataWarning
from n2d_framework.registry import default_catalogue
from n2d_framework.types import NOISE

CASES = {
    f"{kind}-{number}": (kind, slots)
    for kind in KINDS
    for number, slots in enumerate(compositions(kind))
}


@pytest.fixture(scope="module")
def fitted(tmp_path_factory) -> dict[str, N2D]:
    store = tmp_path_factory.mktemp("store")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return {name: fitted_model(kind, slots, store) for name, (kind, slots) in CASES.items()}


@pytest.fixture(scope="module")
def replayed(fitted, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bundles")
    for name, model in fitted.items():
        model.save(folder / f"{name}.n2d")
    script = Path(__file__).with_name("rows_of_kinds.py")
    done = subprocess.run(
        [sys.executable, str(script), str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_every_component_that_takes_a_kind_meets_it():
    for kind in KINDS:
        met = {
            (role, slots[role]) for case, slots in CASES.values() if case == kind for role in SLOTS
        }
        for role, names in zip(
            ("prepare", "embedder"), zip(*legal_starts(kind), strict=True), strict=True
        ):
            assert {(role, name) for name in names} <= met, kind
        for role in ("manifolder", "clusterer", "refine"):
            for entry in default_catalogue().components(role):
                spec = entry.spec
                if spec.inductive and not spec.imports_code and not spec.needs:
                    assert (role, spec.name) in met, kind
        roles = ("prepare", "embedder")
        starts = [dict(zip(roles, start, strict=True)) for start in legal_starts(kind)]
        legal = {("describe", name) for start in starts for name in describing(kind, start)}
        assert legal == {pair for pair in met if pair[0] == "describe" and pair[1]}, kind
    starts = {kind: set(legal_starts(kind)) for kind in KINDS}
    own = {
        kind: {start for start in found if _of_framework(*start)} for kind, found in starts.items()
    }
    assert {embedder for _, embedder in own["sparse"]} == {
        "truncated_svd", "nmf", "random_projection",
    }  # fmt: skip
    assert {prepare for prepare, _ in own["columns"]} == {"table"}
    assert {prepare for prepare, _ in own["text"]} == {"table"}
    assert {embedder for _, embedder in own["columns"]} >= {"dense_ae", "pca", "identity"}
    described = {kind: {s["describe"] for k, s in CASES.values() if k == kind} for kind in KINDS}
    assert "summary" in described["columns"] & described["sequence"]


def _of_framework(*names: str | None) -> bool:
    return all(
        name is None or default_catalogue().get(role, name).distribution == "n2d_framework"
        for role, name in zip(("prepare", "embedder"), names, strict=True)
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_bundle_answers_bit_for_bit_in_another_process(name, fitted, replayed):
    before = all_answers(fitted[name], rows_of(CASES[name][0]).take(slice(N_TRAIN, None)))
    with np.load(replayed / f"{name}.npz") as after:
        assert set(after) == set(before)
        for what, values in before.items():
            assert values.dtype == after[what].dtype
            assert np.array_equal(values, after[what]), (CASES[name], what)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_row_gets_the_same_answers_in_any_company(name, fitted):
    kind, model = CASES[name][0], fitted[name]
    rows = rows_of(kind).take(slice(N_TRAIN, None))
    n = len(rows)
    labels, places = model.predict(rows), model.transform(rows)
    companies = [
        [np.array([i]) for i in range(n)],
        [np.arange(i, min(i + 5, n)) for i in range(0, n, 5)],
        [np.arange(n)[::-1]],
    ]
    scale = np.abs(places).max()
    for company in companies:
        order = np.concatenate(company)
        again = np.concatenate([model.predict(rows.take(part)) for part in company])
        assert np.array_equal(again, labels[order]), CASES[name]
        moved = np.concatenate([model.transform(rows.take(part)) for part in company])
        np.testing.assert_allclose(moved, places[order], rtol=1e-5, atol=1e-5 * scale)
    assert set(labels.tolist()) <= {*model.labels_.tolist(), NOISE}
