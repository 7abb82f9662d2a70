"""Trios of the live catalogue keep the promises of prediction and of bundles.

A component knows of the others only the rows that they hand on. So the trios are those in which
every two components that can occur together do, in all roles. Stages are shared through one store:
all trios together cost one fit per distinct stage.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from replay import answers

from n2d_framework import N2D
from n2d_framework.plan.compatibility import needs_reasons
from n2d_framework.registry import default_catalogue
from n2d_framework.types import NOISE, ROLES

N_TRAIN, N_NEW = 400, 500


def legal(role: str) -> list[str]:
    entries = default_catalogue().components(role)
    return [e.spec.name for e in entries if e.spec.inductive and not e.spec.imports_code]


def possible(trio: tuple[str, ...]) -> bool:
    """Return whether everything that is needed is published before."""
    catalogue = default_catalogue()
    specs = [catalogue.get(role, name).spec for role, name in zip(ROLES, trio, strict=True)]
    return not needs_reasons(specs)


def pairs(trio: tuple[str, ...]) -> set[tuple[tuple[int, str], ...]]:
    """The pairs of components in a trio, each with the number of its role."""
    return set(itertools.combinations(enumerate(trio), 2))


def covering(trios: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Few of the trios that have all of their pairs, the ones with most new pairs first."""
    chosen, missing = [], set().union(*map(pairs, trios))
    while missing:
        chosen.append(max(trios, key=lambda trio: len(pairs(trio) & missing)))
        missing -= pairs(chosen[-1])
    return chosen


LEGAL = [trio for trio in itertools.product(*(legal(role) for role in ROLES)) if possible(trio)]
TRIOS = covering(LEGAL)
IDS = ["-".join(trio) for trio in TRIOS]


def choice(role: str, name: str) -> dict[str, object]:
    return {"name": name, **default_catalogue().get(role, name).spec.small_options}


@pytest.fixture(scope="module")
def images(digits) -> np.ndarray:
    return digits[0].reshape(-1, 8, 8).astype(np.uint8)


@pytest.fixture(scope="module")
def fitted(images, tmp_path_factory) -> dict[tuple[str, ...], N2D]:
    store = tmp_path_factory.mktemp("store")
    models = {}
    for trio in TRIOS:
        chosen = [choice(role, name) for role, name in zip(ROLES, trio, strict=True)]
        model = N2D(*chosen, n_clusters=5, random_state=0, store=store)
        models[trio] = model.fit(images[:N_TRAIN])
    return models


@pytest.fixture(scope="module")
def replayed(fitted, images, tmp_path_factory) -> Path:
    """Answers of all bundles in another process, and labels of all trios fitted there."""
    folder = tmp_path_factory.mktemp("bundles")
    np.save(folder / "training.npy", images[:N_TRAIN])
    np.save(folder / "rows.npy", images[-N_NEW:])
    for trio, model in fitted.items():
        model.save(folder / f"{'-'.join(trio)}.n2d")
    script = Path(__file__).with_name("replay.py")
    done = subprocess.run(
        [sys.executable, str(script), str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_all_pairs_of_built_ins_occur():
    assert len(LEGAL) >= 8 * 7 * 5
    assert set().union(*map(pairs, TRIOS)) == set().union(*map(pairs, LEGAL))


@pytest.mark.slow
@pytest.mark.parametrize("trio", TRIOS, ids=IDS)
def test_reloaded_in_another_process_every_answer_is_bit_identical(trio, fitted, replayed, images):
    before = answers(fitted[trio], images[-N_NEW:])
    with np.load(replayed / f"{'-'.join(trio)}.npz") as after:
        assert set(after) == set(before)
        for name, values in before.items():
            assert values.dtype == after[name].dtype
            assert np.array_equal(values, after[name]), name


@pytest.mark.slow
@pytest.mark.parametrize("trio", TRIOS, ids=IDS)
def test_a_row_gets_the_same_answer_in_any_company(trio, fitted, images):
    model, rows = fitted[trio], images[-60:]
    whole_labels, whole_coordinates = model.predict(rows), model.transform(rows)
    companies = {
        "one by one": [rows[i : i + 1] for i in range(6)],
        "sevens": [rows[i : i + 7] for i in range(0, 28, 7)],
        "reversed": [rows[::-1]],
        "among a thousand": [np.concatenate([rows, images[:940]])],
    }
    for company, batches in companies.items():
        labels = np.concatenate([model.predict(batch) for batch in batches])
        coordinates = np.concatenate([model.transform(batch) for batch in batches])
        if company == "reversed":
            labels, coordinates = labels[::-1], coordinates[::-1]
        n = min(len(labels), len(rows))
        assert np.array_equal(labels[:n], whole_labels[:n]), company
        scale = np.abs(whole_coordinates).max()
        np.testing.assert_allclose(
            coordinates[:n], whole_coordinates[:n], rtol=1e-5, atol=1e-5 * scale, err_msg=company
        )


@pytest.mark.slow
@pytest.mark.parametrize("trio", TRIOS, ids=IDS)
def test_labels_are_known_and_probabilities_add_up(trio, fitted, images):
    model = fitted[trio]
    known = set(np.unique(model.labels_)) | {NOISE}
    assert set(np.unique(model.predict(images[-N_NEW:]))) <= known
    spec = default_catalogue().get("clusterer", trio[2]).spec
    if spec.soft:
        proba = model.predict_proba(images[-N_NEW:])
        found = spec.noise or spec.finds_n_clusters
        width = (int(model.labels_.max()) + 1 if found else 5) + spec.noise
        assert proba.shape == (N_NEW, width)
        assert (proba >= 0).all()
        np.testing.assert_allclose(proba.sum(axis=1), 1.0, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("trio", TRIOS, ids=IDS)
def test_training_rows_are_given_their_labels_back(trio, fitted, images):
    model = fitted[trio]
    predicted = model.predict(images[:N_TRAIN])
    both = (predicted != NOISE) & (model.labels_ != NOISE)
    assert (predicted == model.labels_)[both].all()
    spec = default_catalogue().get("clusterer", trio[2]).spec
    if not spec.noise:
        assert both.all()
    assert model.agreement_["rows"] == N_TRAIN


@pytest.mark.slow
def test_labels_do_not_depend_on_process_or_threads(fitted, replayed):
    """The other process, with another number of threads, fitted every trio again."""
    with np.load(replayed / "labels.npz") as labels:
        different = [
            "-".join(trio)
            for trio, model in fitted.items()
            if not np.array_equal(labels["-".join(trio)], model.labels_)
        ]
    assert different == []
