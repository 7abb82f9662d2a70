"""A prepare component that says what it did as it should, and some that do not.

``WRONG`` says by which words the check ``treatments`` finds them.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from n2d_framework.plugin import (
    ComponentSpec,
    StateError,
    component,
    hookimpl,
    learned,
    need,
    require_fitted,
)


@component
class Centred:
    """Rows around their mean."""

    middle_: Any = learned()

    def fit(self, x, *, context):
        self.middle_ = np.asarray(x, dtype=np.float64).mean(axis=0)
        return self

    def transform(self, x):
        return np.asarray(x, dtype=np.float64) - require_fitted(self.middle_, "centred")

    def treatments(self, x):
        mean = float(np.mean(require_fitted(self.middle_, "centred")))
        return [("each feature", f"brought to mean 0; the mean of all was {mean:.6f}")]

    def get_state(self):
        return {"middle": require_fitted(self.middle_, "centred")}

    def set_state(self, state):
        self.middle_ = need(state, "middle", np.ndarray)
        if self.middle_.ndim != 1:
            raise StateError("middle must be a row")


@component
class SaysMapping(Centred):
    def treatments(self, x):
        return {"each feature": "brought to mean 0"}


@component
class SaysThree(Centred):
    def treatments(self, x):
        return [("each feature", "brought to mean 0", 3)]


@component
class SaysNumbers(Centred):
    def treatments(self, x):
        return [("mean", 0.0)]


@component
class SaysNothing(Centred):
    def treatments(self, x):
        return [("each feature", " ")]


@component
class CountsQuestions(Centred):
    asked: ClassVar[int] = 0

    def treatments(self, x):
        type(self).asked += 1
        return [("each feature", f"brought to mean 0, question {type(self).asked}")]


@component
class NamesFirstRow(Centred):
    """Says something of a single row, and no value."""

    def treatments(self, x):
        return [("each feature", f"brought to mean 0, the first too: {int(x[0].sum())}")]


@component
class NamesExtremes(Centred):
    """Names values of single rows, whatever their order."""

    def treatments(self, x):
        return [("row sums", "brought to mean 0"), ("least", f"{_some(x)!r} is the origin")]


def _some(x):
    """A value that one row alone has: the greatest of the fractions."""
    values, counts = np.unique(np.asarray(x), return_counts=True)
    return float(values[counts == 1].max())


@component
class NamesRoundedExtremes(Centred):
    def treatments(self, x):
        return [("least", f"{_some(x):.5f} is the origin")]


@component
class ChangesRows(Centred):
    def treatments(self, x):
        x[...] = 0
        return [("each feature", "brought to mean 0")]


@component
class LearnsWhenAsked(Centred):
    def treatments(self, x):
        self.middle_ = self.middle_ + 1
        return [("each feature", "brought to mean 0")]


@component
class NamesTexts(Centred):
    """Takes columns, and names what one row says."""

    def fit(self, rows, *, context):
        self.middle_ = np.zeros(1)
        return self

    def transform(self, rows):
        return np.stack([_lengths(rows, field.name) for field in rows.schema.fields], axis=1)

    def treatments(self, rows):
        name = next(field.name for field in rows.schema.fields if field.kind == "text")
        longest = max(rows.column(name).tolist(), key=lambda text: (len(text), text))
        return [(name, f"letters counted, such as in: {longest}")]


def _lengths(rows, name):
    return np.array([len(text) for text in rows.column(name)], dtype=np.float64)


RIGHT = (Centred,)
CLASSES = (Centred, SaysMapping, SaysThree, SaysNumbers, SaysNothing, CountsQuestions)
CLASSES += (NamesFirstRow, NamesExtremes, NamesRoundedExtremes, ChangesRows, LearnsWhenAsked)
CLASSES += (NamesTexts,)
WRONG = [
    ("saysmapping", "returns a dict"),
    ("saysthree", "expected a pair"),
    ("saysnumbers", "0.0 in ('mean', 0.0)"),
    ("saysnothing", "' ' in"),
    ("countsquestions", "when asked again"),
    ("namesfirstrow", "order of the rows"),
    ("namesextremes", "of one row"),
    ("namesroundedextremes", "of one row"),
    ("changesrows", "changes the rows"),
    ("learnswhenasked", "changes the state: middle"),
    ("namestexts", "of one row"),
]


@hookimpl
def n2d_components():
    for cls in CLASSES:
        yield ComponentSpec(
            role="prepare",
            name=cls.__name__.lower(),
            factory=f"wrong_treatments:{cls.__name__}",
            summary="Right" if cls in RIGHT else "Wrong",
            **({"input": ("text", "category"), "output": "vector"} if cls is NamesTexts else {}),
        )
