"""Tables of numbers, categories, dates and texts as rows of numbers of comparable weight."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.checked_rows import require_fitted
from n2d_builtin.prepare.categories import Categories, Lookup, distinct_strings
from n2d_builtin.prepare.measures import HOW, Balance, Measures
from n2d_builtin.prepare.said_of_columns import (
    said_of_categories,
    said_of_numbers,
    said_of_strings,
)
from n2d_builtin.prepare.strings import Strings
from n2d_builtin.prepare.treated_columns import TreatedColumn, TreatedColumns, times_the_usual
from n2d_framework.plugin import (
    AnyArray,
    DataError,
    DataWarning,
    FitContext,
    Rows,
    component,
    learned,
    option,
)

__all__ = ["Table"]

Treatment: TypeAlias = Literal[
    "standard", "robust", "log", "quantile", "onehot", "ngrams", "hashing", "elapsed", "parts",
    "drop",
]  # fmt: skip

#: Treatments of each kind of columns.
_TREATMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "number": (*HOW, "drop"),
    "category": ("onehot", "ngrams", "hashing", "drop"),
    "date": ("elapsed", "parts", "drop"),
    "text": ("ngrams", "hashing", "drop"),
}
#: Rows from which on a column of as many categories is pointed out.
_MANY: Final = 20


@component
class Table:
    """Tables with numbers, categories, dates, texts and missing values as rows of numbers.

    Each column becomes one or more features, and all columns weigh alike, whatever their kind
    (`balance`). A missing value takes the mean of its column, and another feature says that it was
    missing, where the share of such rows is at least `rare`: it is as far from the others as these
    are from each other on average. A category that was rare or unknown at
    the fit counts as *other* where rare categories were pooled, and as the mean of its column
    otherwise; how many there were is a warning. Columns with one value are left out. Each row's
    result depends on that row alone.

    Attributes
    ----------
    columns_, kinds_, treatments_ : tuple of str
        Names, kinds and treatments of the columns, in the order in which they are taken.
    complete_ : bool array of shape (c,)
        Whether no value of the column was missing at the fit.

    Notes
    -----
    With ``"famd"`` a number has variance 1, and a category the value ``1 / sqrt(p)`` of its share
    ``p``: squared distances are those of a factor analysis of mixed data, in which the principal
    components of numbers and the multiple correspondence analysis of categories are one (Pages
    2004). With ``"mismatch"``, two rows of different categories are as far apart as two rows differ
    in a number on average (squared distance 2), as in k-prototypes with equal weights. With
    ``"gower"``, numbers are divided by their range and categories by 2: manhattan distances
    are those of Gower 1971, times the number of columns. With ``"none"``, categories are 0 and 1,
    for metrics such as jaccard. Strings of many different values (`max_categories`) are counted by
    their n-grams of 2 to 4 characters, hashed, weighted by inverse document frequency and brought
    to `n_components` features by a singular value decomposition.

    References
    ----------
    Pages 2004, Analyse factorielle de donnees mixtes, Revue de statistique appliquee 52.
    Gower 1971, A General Coefficient of Similarity and Some of Its Properties, Biometrics 27.
    Huang 1998, Extensions to the k-Means Algorithm for Clustering Large Datasets with Categorical
    Values, Data Mining and Knowledge Discovery 2.
    """

    numbers: Literal["standard", "robust", "log", "quantile"] = option(
        "standard",
        help="How numbers are treated. standard: mean 0 and variance 1; robust: by median and "
        "quartiles; log: logarithms of the distance from the median, for heavy tails on either "
        "side; quantile: ranks among the training rows.",
    )
    categories: Literal["onehot", "ngrams", "hashing"] = option(
        "onehot",
        help="How categories are treated. onehot: a feature for each; ngrams: similar strings get "
        "similar features; hashing: features of the whole string, for codes without meaning.",
    )
    dates: Literal["elapsed", "parts"] = option(
        "elapsed",
        help="elapsed: days since the first date; parts: also season, day of the week and time of "
        "day, each as a point on a circle, as far as they vary.",
    )
    columns: Mapping[str, Treatment] = option(
        {},
        help="Treatments of single columns by their names, such as {income: log, code: hashing, "
        "note: drop}.",
    )
    balance: Literal["mismatch", "famd", "gower", "none"] = option(
        "mismatch",
        help="How kinds of columns are weighed against each other; see Notes. famd suits euclidean "
        "distances and principal components, gower manhattan distances, none jaccard and hamming.",
    )
    missing: Literal["indicate", "mean"] = option(
        "indicate", help="Whether a feature says that a value was missing, or only its mean counts."
    )
    rare: float = option(
        0.005,
        ge=0,
        lt=0.5,
        help="Categories, and missing values, of a smaller share of rows have no feature of their "
        "own: two or more such categories are pooled as one.",
    )
    max_categories: int = option(
        40, ge=2, help="Columns of more categories, rare ones pooled, are treated by ngrams."
    )
    n_components: int = option(
        10, ge=1, help="Features of a column that is treated by ngrams or hashing."
    )
    columns_: Any = learned(shape=("c",), dtype=str)
    kinds_: Any = learned(shape=("c",), dtype=str, choices=tuple(_TREATMENTS))
    treatments_: Any = learned(shape=("c",), dtype=str)
    complete_: NDArray[np.bool_] | None = learned(shape=("c",), dtype="bool")
    _measures: Measures | None = learned(of=Measures, name="numbers")
    _categories: Categories | None = learned(of=Categories, name="categories")
    _strings: Strings | None = learned(of=Strings, name="strings")

    def fit(self, x: Any, *, context: FitContext) -> Self:
        """Learn how columns become features.

        Parameters
        ----------
        x : Rows, or array of shape (n, d)
            Columns of numbers, categories, dates and texts; of an array, numbers.
        context : FitContext
            Its seed starts the singular value decomposition of strings.

        Raises
        ------
        DataError
            If no column varies, or `columns` names one that is not there or cannot be treated so.

        Warns
        -----
        DataWarning
            If a column of categories has another value in each row, or dates are far from all
            others.
        """
        columns = TreatedColumns(tuple(self._treated(x)))
        columns.warn_of_dates("the others", times_the_usual)
        indicate = self.missing == "indicate"
        _, how, values, places = columns.measures()
        codes = np.array([HOW[name] for name in how], dtype=np.int8)
        least = self.rare if indicate else 2.0
        self._measures = Measures.of(values, codes, places, Balance(self.balance), least)
        self._categories = Categories.of(
            [column.values for column in columns.of("onehot")], self.rare, indicate=indicate
        )
        written = columns.of("ngrams", "hashing")
        grams = [column.treatment == "ngrams" for column in written]
        strings = [column.values for column in written]
        self._strings = Strings.of(strings, grams, self.n_components, context.seed)
        self.columns_ = tuple(column.name for column in columns.every)
        self.kinds_ = tuple(column.kind for column in columns.every)
        self.treatments_ = tuple(column.treatment for column in columns.every)
        self.complete_ = np.array([not column.gaps.any() for column in columns.every])
        if not self.feature_names_out():
            raise DataError(
                "table: none of the columns has two values that are frequent enough; lower rare "
                f"({self.rare:g}), or choose other columns"
            )
        return self

    def transform(self, x: Any) -> AnyArray:
        """Features of rows.

        Parameters
        ----------
        x : Rows, or array of shape (n, d)
            Of the columns of the fit.

        Returns
        -------
        float64 array of shape (n, features)
            Named by :meth:`feature_names_out`.

        Raises
        ------
        DataError
            If rows have other columns than those of the fit.
        StateError
            If not fitted.

        Warns
        -----
        DataWarning
            With the number of values that were unknown, or missing where none was at the fit; with
            that of dates far from those of the fit.
        """
        measures, strings = require_fitted(self._measures, "table"), self._strings
        columns = self._as_fitted(x)
        values = columns.measures()[2]
        columns.warn_of_dates("those of the fit", measures.deviations)
        surprises = _gap_counts(columns, require_fitted(self.complete_, "table"))
        found = [measures.transform(values)]
        for column, lookup in zip(columns.of("onehot"), self._lookups(), strict=True):
            features, unknown = lookup.transform(column.values)
            found.append(features)
            if unknown:
                surprises.append(_unknown(column.name, unknown))
        for number, column in enumerate(columns.of("ngrams", "hashing")):
            found.append(require_fitted(strings, "table").transform(number, column.values))
        if surprises:
            warnings.warn(
                f"table: {'; '.join(surprises)}; they count as rare, where rare categories were "
                "pooled, else as the mean of their column",
                DataWarning,
                stacklevel=2,
            )
        return np.hstack(found)

    def treatments(self, x: Any) -> list[tuple[str, str]]:
        """Say what is done to each column, in plain words; gaps are those of rows `x`."""
        measures, strings = require_fitted(self._measures, "table"), self._strings
        columns, lookups = self._as_fitted(x), iter(self._lookups())
        factors = iter(require_fitted(strings, "table").factor)
        width = require_fitted(strings, "table").mean.shape[1]
        places = columns.measures()[3]
        said = []
        for place, column in enumerate(columns.every):
            own = places == place
            if column.treatment == "onehot":
                how, gaps = said_of_categories(next(lookups))
            elif column.treatment in ("ngrams", "hashing"):
                how, gaps = said_of_strings(column.treatment, width * bool(next(factors)))
            else:
                how, gaps = said_of_numbers(
                    column.treatment, int((measures.factor[own] > 0).sum()), measures.missing[own]
                )
            count = int(column.gaps.sum())
            if count and gaps:
                how = f"{how}; gaps ({count:,}) {gaps}"
            said.append((column.name, f"{column.kind}: {how}"))
        return said

    def feature_names_out(self) -> tuple[str, ...]:
        """Names of the features: of numbers, categories and strings, each in order of columns."""
        measures = require_fitted(self._measures, "table")
        empty: dict[str, Any] = {"number": np.float64, "date": "datetime64[us]"}
        columns = self._columns(
            (name, kind, np.zeros(0, dtype=empty.get(kind, object)))
            for name, kind in zip(require_fitted(self.columns_, "table"), self.kinds_, strict=True)
        )
        names = measures.names(columns.measures()[0])
        for column, lookup in zip(columns.of("onehot"), self._lookups(), strict=True):
            names += [f"{column.name}{suffix}" for suffix in lookup.suffixes]
        strings = require_fitted(self._strings, "table")
        for column, factor in zip(columns.of("ngrams", "hashing"), strings.factor, strict=True):
            if factor:
                names += [f"{column.name} {place}" for place in range(strings.mean.shape[1])]
        return tuple(names)

    def output_shape(self, row_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of a row of features; before the fit that of the row, for it is not known.

        Raises
        ------
        DataError
            If it is fitted on rows of another shape.
        """
        if self.columns_ is None:
            return row_shape
        if row_shape != (len(self.columns_),):
            raise DataError(
                f"table was fitted on {len(self.columns_)} columns and got rows of shape "
                f"{row_shape}; pass rows of the same columns"
            )
        return (len(self.feature_names_out()),)

    def check_learned(self) -> list[str]:
        """Reasons why a state that was read cannot be used."""
        pairs = [*zip(self.kinds_, self.treatments_, strict=True)]
        if any(treatment not in _TREATMENTS[kind] for kind, treatment in pairs):
            return ["state 'treatments' has one that its kind of column cannot have"]
        categories = require_fitted(self._categories, "table")
        strings = require_fitted(self._strings, "table")
        one, text = (
            sum(treatment in chosen for treatment in self.treatments_)
            for chosen in (("onehot",), ("ngrams", "hashing"))
        )
        grams = [t == "ngrams" for t in self.treatments_ if t in ("ngrams", "hashing")]
        made = sum(t in HOW or t == "elapsed" or (t == "parts") * 7 for t in self.treatments_)
        return [
            f"state {name!r} does not fit the columns"
            for name, right in (
                ("numbers", len(require_fitted(self._measures, "table").how) == made),
                ("categories", max(categories.column, default=-1) < one),
                ("strings", len(strings.factor) == text and [*strings.grams] == grams),
            )
            if not right
        ]

    def _lookups(self) -> list[Lookup]:
        count = self.treatments_.count("onehot")
        categories = require_fitted(self._categories, "table")
        return categories.lookups(count, Balance(self.balance))

    def _columns(self, given: Iterable[tuple[str, str, AnyArray]]) -> TreatedColumns:
        return TreatedColumns(tuple(
            TreatedColumn(name, kind, treatment, values)
            for (name, kind, values), treatment in zip(given, self.treatments_, strict=True)
        ))  # fmt: skip

    def _as_fitted(self, x: Any) -> TreatedColumns:
        """Columns of new rows, which must be those of the fit."""
        given, names = _given(x), require_fitted(self.columns_, "table")
        found = [(name, kind) for name, kind, _ in given]
        wanted = [*zip(names, self.kinds_, strict=True)]
        if found != wanted:
            place = next(
                (i for i, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b), 0
            )
            raise DataError(
                f"table was fitted on {len(wanted)} columns and got {len(found)}; column {place} "
                f"is {found[place] if found else None} where it was {wanted[place]} (name, kind)"
            )
        return self._columns(given)

    def _treated(self, x: Any) -> Iterator[TreatedColumn]:
        """Columns of the rows of a fit, with the treatment that each gets."""
        given = _given(x)
        for name in self.columns:
            Rows.of(x).column(name)  # which refuses unknown ones
        for name, kind, values in given:
            chosen = self.columns.get(name, "")
            if kind not in _TREATMENTS:
                raise DataError(
                    f"table: column {name!r} has the kind {kind!r}; it takes columns of "
                    f"{', '.join(_TREATMENTS)}"
                )
            if chosen and chosen not in _TREATMENTS[kind]:
                raise DataError(
                    f"table: columns.{name}: {chosen!r} is not for columns of kind {kind!r}; "
                    f"choose one of {', '.join(_TREATMENTS[kind])}"
                )
            yield TreatedColumn(name, kind, chosen or self._usual(name, kind, values), values)

    def _usual(self, name: str, kind: str, values: AnyArray) -> str:
        """Treatment of a column of which `columns` does not speak."""
        if kind != "category":
            return {"number": self.numbers, "date": self.dates}.get(kind, "ngrams")
        if self.categories != "onehot":
            return self.categories
        distinct = len(distinct_strings(values)[1])
        if distinct == len(values) >= _MANY:
            warnings.warn(
                f"table: column {name!r} has another value in each of {distinct} rows; leave it "
                f"out if it is an id (columns: {{{name}: drop}})",
                DataWarning,
                stacklevel=5,
            )
        return "onehot" if distinct <= self.max_categories else "ngrams"


def _given(x: Any) -> list[tuple[str, str, AnyArray]]:
    """Name, kind and values of each column."""
    if isinstance(x, Rows) and x.storage == "columns":
        return [(field.name, field.kind, x.column(field.name)) for field in x.schema.fields]
    values = np.asarray(x.values if isinstance(x, Rows) else x)
    if values.ndim == 1 and values.dtype == object:  # texts alone, which have no name
        return [("text", "text", values)]
    if values.ndim != 2:
        raise DataError(f"table takes rows of columns, got an array of shape {values.shape}")
    names = x.schema.names if isinstance(x, Rows) else ()
    named = zip(names or map(str, range(values.shape[1])), values.T, strict=True)
    return [(name, "number", column) for name, column in named]


def _gap_counts(columns: TreatedColumns, complete: AnyArray) -> list[str]:
    """Missing values of columns that had none at the fit, in words."""
    counts = [
        (column.name, int(column.gaps.sum()))
        for column, whole in zip(columns.every, complete, strict=True)
        if whole and column.treatment != "drop"
    ]
    return [
        f"column {name!r} has {count} missing values, and had none at the fit"
        for name, count in counts
        if count
    ]


def _unknown(name: str, counts: Mapping[str, int]) -> str:
    first = max(counts, key=lambda value: (counts[value], value))
    return (
        f"column {name!r} has {sum(counts.values())} values of {len(counts)} categories that were "
        f"not there at the fit, such as {first!r}"
    )
