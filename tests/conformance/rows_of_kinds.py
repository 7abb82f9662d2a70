"""Rows of every kind, and compositions of the live catalogue in which each component takes them.

Run as ``python rows_of_kinds.py FOLDER``: every bundle in FOLDER answers for rows of the kind that
its name begins with; the answers go to ``<name>.npz``. Used by test_kinds_and_slots.
"""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import scipy.sparse as sp
from replay import answers

import n2d_framework as n2d
from n2d_framework.core.rows import Rows
from n2d_framework.errors import DataError
from n2d_framework.plan.compatibility import kind_reasons
from n2d_framework.registry import default_catalogue
from n2d_framework.types import ROLES

#: Rows of each kind: to fit, and to answer for. Where they become numbers these are 64, which some
#: components have as an option.
N_TRAIN, N_NEW, WIDTH = 90, 24, 64
SLOTS = ("prepare", *ROLES, "refine", "describe")
_WORDS = ("goal match team league", "orbit moon comet rocket", "flour butter sugar oven")


def rows_of(kind: str) -> Rows:
    """Three groups of rows of a kind; always the same."""
    rng = np.random.default_rng(5)
    n = N_TRAIN + N_NEW
    group = np.arange(n) % 3
    centres = 4 * rng.normal(size=(3, WIDTH))
    points = centres[group] + rng.normal(size=(n, WIDTH))
    points -= points.min()  # some components take no negative values
    if kind == "sparse":
        counts = rng.poisson(np.exp(rng.normal(-1.5, 1.5, size=(3, WIDTH)))[group])
        return Rows.of(sp.csr_array(counts.astype(np.float64)))
    if kind == "sequence":
        phase = np.arange(WIDTH // 2) * (0.1 + 0.1 * group[:, None])
        waves = 2 + np.stack([np.sin(phase), np.cos(phase)], axis=2)
        return attrs.evolve(
            Rows.of(waves + 0.1 * rng.normal(size=waves.shape)), named_kind="sequence"
        )
    texts = np.array(
        [" ".join(rng.choice([*_WORDS[g].split(), "the", "and", "new"], 9)) for g in group],
        dtype=object,
    )
    if kind == "text":
        return Rows.of(texts.tolist())
    # Numbers of which one has gaps (two features), four categories, two categories, a date.
    columns: dict[str, Any] = {f"v{i}": points[:, i] for i in range(WIDTH - 6)}
    columns["v0"] = np.where(np.arange(n) % 5 == 1, np.nan, columns["v0"])
    columns["many"] = np.array(["a", "b", "c", "d"], dtype=object)[(group + (points[:, 9] > 6)) % 4]
    columns["two"] = np.array(["x", "y"], dtype=object)[group % 2]
    columns["day"] = np.datetime64("2024-01-01") + (40 * group + np.arange(n) % 7).astype("m8[D]")
    return Rows.of(columns)


#: Images, also as vectors, are the rows of test_trios.
KINDS = ("sparse", "columns", "text", "sequence")


#: The tests of its distribution bring the file that it has to be given.
_NEEDS_A_FILE = ("transformer",)


def _names(role: str) -> list[str]:
    specs = [entry.spec for entry in default_catalogue().components(role)]
    return [s.name for s in specs if not s.imports_code and s.name not in _NEEDS_A_FILE]


def _spec(role: str, name: str) -> Any:
    return default_catalogue().get(role, name).spec


def legal_starts(kind: str) -> list[tuple[str | None, str]]:
    """Prepare component (or none) and embedder that take rows of a kind one after the other."""
    rows = rows_of(kind)
    found = []
    for prepare, embedder in itertools.product([None, *_names("prepare")], _names("embedder")):
        specs = [_spec("embedder", embedder)]
        if prepare is not None:
            specs.insert(0, _spec("prepare", prepare))
        image = "image" in specs[-1].input_kinds
        if not image and specs[-1].inductive and not kind_reasons(specs, rows):
            found.append((prepare, embedder))
    return found


def compositions(kind: str) -> list[dict[str, str | None]]:
    """Few compositions in which every component occurs that can with rows of the kind."""
    starts, missing = legal_starts(kind), set[tuple[int, str | None]]()
    for start in starts:
        missing |= set(enumerate(start))
    chosen = []
    while missing:
        best = max(starts, key=lambda start: len(set(enumerate(start)) & missing))
        chosen.append(best)
        missing -= set(enumerate(best))
    later = {
        role: [name for name in _names(role) if _spec(role, name).inductive]
        for role in ("manifolder", "clusterer", "refine")
    }
    # What needs something that others publish is examined with those, in test_trios.
    later["clusterer"] = [name for name in later["clusterer"] if not _spec("clusterer", name).needs]
    count = max(len(chosen), *map(len, later.values()))
    found = []
    for turn in range(count):
        start = dict(zip(("prepare", "embedder"), chosen[turn % len(chosen)], strict=True))
        rest = {role: names[turn % len(names)] for role, names in later.items()}
        described = describing(kind, start)
        rest["describe"] = described[turn % len(described)] if described else None
        found.append(start | rest)
    return found


def describing(kind: str, start: dict[str, str | None]) -> list[str]:
    """Describe components that take the rows of a kind, or what they have become before."""
    before = [_spec(role, name) for role, name in start.items() if name is not None]
    names = _names("describe")
    return [n for n in names if not kind_reasons(before, rows_of(kind), [_spec("describe", n)])]


def fitted_model(kind: str, slots: dict[str, str | None], store: Path) -> n2d.N2D:
    """The composition fitted on rows of the kind, with options that make it fast.

    Negative values are refused by some components, which no announcement says beforehand: with
    these the first legal start takes the place of theirs.
    """
    rows = rows_of(kind).take(slice(0, N_TRAIN))
    try:
        return _model(kind, slots, store).fit(rows)
    except DataError as error:
        known = (slots["prepare"], slots["embedder"]) in WITHOUT_NEGATIVE
        if known or "not negative" not in str(error):
            raise
    start = dict(zip(("prepare", "embedder"), legal_starts(kind)[0], strict=True))
    return _model(kind, slots | start, store).fit(rows)


#: What gives no negative values, before the component that takes no others.
WITHOUT_NEGATIVE = [(prepare, "nmf") for prepare in (None, "minmax", "none", "normalize_counts")]


def _model(kind: str, slots: dict[str, str | None], store: Path) -> n2d.N2D:
    choices = {
        role: {"name": name, **_spec(role, name).small_options}
        for role, name in slots.items()
        if name is not None
    }
    if kind == "text" and "n_components" in choices.get("prepare", {}):
        choices["prepare"]["n_components"] = WIDTH
    return n2d.N2D(
        **{role: choices[role] for role in ROLES},
        **{role: choices[role] for role in ("prepare", "refine", "describe") if role in choices},
        n_clusters=3,
        random_state=0,
        store=store,
    )


def main(folder: Path) -> None:
    for path in sorted(folder.glob("*.n2d")):
        rows = rows_of(path.name.partition("-")[0])
        new = rows.take(slice(N_TRAIN, None))
        np.savez(path.with_suffix(".npz"), **all_answers(n2d.load(path), new))


def all_answers(model: n2d.N2D, rows: Rows) -> dict[str, np.ndarray]:
    """Everything that a model says about rows and about its clusters."""
    said = json.dumps(model.descriptions_, sort_keys=True)
    return {**answers(model, rows), "descriptions": np.array(said)}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
