"""A component that places rows as it should, and some that break one part of that promise each.

``WRONG`` says which check finds them, and by which words.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_framework.plugin import (
    ComponentSpec,
    StateError,
    check_features,
    component,
    hookimpl,
    in_blocks,
    learned,
    need,
    option,
    require_fitted,
)


@component
class Places:
    """Two features, from the middle of the training rows: a manifolder, and an embedder."""

    zoom: float = option(1.0, gt=0, help="By which the features are multiplied.")

    middle_: Any = learned()

    def fit(self, x, *, context):
        self.middle_ = x.mean(axis=0)
        return self

    def fit_transform(self, x, *, context):
        self.fit(x, context=context)
        return Places.transform(self, x)

    def transform(self, x):
        middle = require_fitted(self.middle_, "places")
        check_features(x, len(middle), "places")
        return ((x - middle)[:, -2:] * np.float32(self.zoom)).astype(np.float32)

    def reconstruct(self, z):
        rows = np.tile(require_fitted(self.middle_, "places"), (len(z), 1))
        rows[:, -2:] += z / np.float32(self.zoom)
        return rows

    def get_state(self):
        return {"middle": require_fitted(self.middle_, "places")}

    def set_state(self, state):
        self.middle_ = need(state, "middle", np.ndarray)
        if self.middle_.ndim != 1:
            raise StateError("middle must be a row")


@component
class Lists(Places):
    def transform(self, x):
        return super().transform(x).tolist()


@component
class Doubles(Places):
    def transform(self, x):
        return super().transform(x).astype(np.float64)


@component
class Flat(Places):
    def transform(self, x):
        return super().transform(x)[:, 0]


@component
class Loses(Places):
    """Forgets the last row of several."""

    def transform(self, x):
        return super().transform(x)[: max(1, len(x) - 1)]


@component
class Nowhere(Places):
    def transform(self, x):
        return super().transform(x) * np.float32(np.nan)


@component
class Widens(Places):
    def transform(self, x):
        return np.repeat(super().transform(x), 2, axis=1)


@component
class Trains64(Places):
    """The training output is wrong, new rows are placed as they should be."""

    def fit_transform(self, x, *, context):
        return super().fit_transform(x, context=context).astype(np.float64)


@component
class Drifts(Places):
    """A row's place depends on how many there are: by one in ten thousand, or by rounding."""

    by = 1e-4

    def transform(self, x):
        return (super().transform(x) * (1 + self.by / len(x))).astype(np.float32)


@component
class Rounds(Drifts):
    by = 1e-7


@component
class Multiplies(Places):
    """By a matrix, in float32, all rows at once: other numbers of rows take other paths."""

    def transform(self, x):
        middle = require_fitted(self.middle_, "places")
        check_features(x, len(middle), "places")
        matrix = np.cos(np.arange(9 * len(middle), dtype=np.float32)).reshape(-1, 9)
        return (x - middle) @ matrix


@component
class MultipliesInBlocks(Multiplies):
    def transform(self, x):
        def place(rows):
            return super(MultipliesInBlocks, self).transform(rows.astype(np.float64))

        return in_blocks(place, x, block=96, least=96).astype(np.float32)


@component
class Halves(Places):
    def reconstruct(self, z):
        return super().reconstruct(z)[:, ::2]


@component
class Voids(Places):
    def reconstruct(self, z):
        return super().reconstruct(z) * np.nan


@component
class KeepsRows(Places):
    """Keeps the very rows that it is given."""

    rows_: Any = learned()

    def fit(self, x, *, context):
        self.rows_ = x
        return super().fit(x, context=context)

    def get_state(self):
        return {**super().get_state(), "rows": self.rows_}

    def set_state(self, state):
        super().set_state(state)
        self.rows_ = need(state, "rows", np.ndarray)


@component
class KeepsOutput(Places):
    """Returns from fit_transform what it continues to use."""

    kept_: Any = learned()

    def fit_transform(self, x, *, context):
        self.kept_ = super().fit_transform(x, context=context)
        return self.kept_

    def transform(self, x):
        return super().transform(x) + require_fitted(self.kept_, "keepsoutput")[0]

    def get_state(self):
        return {**super().get_state(), "kept": self.kept_}

    def set_state(self, state):
        super().set_state(state)
        self.kept_ = need(state, "kept", np.ndarray)


@component
class ReusesAnswer(Places):
    """Answers in one array, again and again."""

    answer_: Any = learned()

    def transform(self, x):
        found = super().transform(x)
        if np.shape(self.answer_) != found.shape:
            self.answer_ = found
        self.answer_[...] = found
        return self.answer_


MANIFOLDERS = (Places, Lists, Doubles, Flat, Loses, Nowhere, Widens, Trains64, Drifts, Rounds)
MANIFOLDERS += (Multiplies, MultipliesInBlocks, KeepsRows, KeepsOutput, ReusesAnswer)
RIGHT = (Places, MultipliesInBlocks)
EMBEDDERS = (Places, Halves, Voids)
WRONG = [
    ("manifolder/lists", "output", "transform returns a list"),
    ("manifolder/doubles", "output", "transform holds float64"),
    ("manifolder/flat", "output", "transform has the shape (40,)"),
    ("manifolder/loses", "output", "transform has the shape (39, 2)"),
    ("manifolder/nowhere", "output", "transform holds values that are not finite"),
    ("manifolder/widens", "output", "transform gives 4 columns, training gave 2"),
    ("manifolder/trains64", "output", "training output"),
    ("manifolder/drifts", "batch_invariance", "transform of rows one by one is not what it is"),
    ("manifolder/rounds", "batch_invariance", "transform of rows one by one is not what it is"),
    ("manifolder/multiplies", "batch_invariance", "transform of rows"),
    ("manifolder/keepsrows", "arrays_are_its_own", "overwriting the rows after fit"),
    ("manifolder/keepsoutput", "arrays_are_its_own", "overwriting what fit_transform returned"),
    ("manifolder/reusesanswer", "arrays_are_its_own", "transform overwrites an earlier answer"),
    ("embedder/halves", "output", "reconstruct has the shape (40, 32)"),
    ("embedder/voids", "output", "reconstruct holds values that are not finite"),
]


@hookimpl
def n2d_components():
    for role, classes in (("manifolder", MANIFOLDERS), ("embedder", EMBEDDERS)):
        for cls in classes:
            yield ComponentSpec(
                role=role,
                name="good_places" if cls is Places else cls.__name__.lower(),
                factory=f"wrong_coordinates:{cls.__name__}",
                summary="Right" if cls in RIGHT else "Wrong",
            )
