"""The rows that components are examined with: small, real or as real, always the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_framework.core.roles import role_info
from n2d_framework.core.rows import COLUMN_KINDS, Field, Rows, Schema
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.types import AnyArray

__all__ = [
    "N_CLUSTERS", "N_NEW", "N_TRAIN", "WIDTHS", "changed", "clouds", "copied", "locked",
    "overwrite", "rows_for", "rows_of", "take", "varied",
]  # fmt: skip

N_TRAIN, N_NEW, N_CLUSTERS = 120, 40, 4
#: Features of wide rows: more than vector registers hold, and odd numbers.
WIDTHS = (67, 21)


def rows_for(spec: ComponentSpec) -> Any:
    """Rows that suit a component: the first 120 to fit it, the rest to ask it about.

    Parameters
    ----------
    spec : ComponentSpec
        Those that take rows of the data get scikit-learn's digits (flat, or as images of 8 x 8),
        sequences of 24 steps, texts of four topics, or columns of the kinds that they take, with
        missing values where they take those; the others get four clouds of points.

    Returns
    -------
    float32 array of shape (160, ...), array of str of shape (160,) or Rows
        As a component is given them.
    """
    info = role_info(spec.role)
    kinds = frozenset(spec.input_kinds) & frozenset(COLUMN_KINDS)
    if kinds:
        return _texts() if kinds == {"text"} else _table(kinds, missing=spec.missing)
    if info.takes != "rows":
        return clouds(6 if info.takes == "latent" else 3)
    if spec.input_kinds == ("sequence",):
        return _waves()
    images = _digits()
    return images if spec.input_kinds == ("image",) else images.reshape(len(images), -1)


#: Words of four topics, and those of all.
_TOPICS = (
    "goal match team player coach season league score referee stadium striker defence",
    "planet orbit rocket launch telescope galaxy comet gravity astronaut satellite moon crater",
    "recipe oven flour butter sugar pepper onion garlic sauce simmer whisk dough",
    "engine brake wheel gear clutch diesel tyre exhaust piston steering bumper mileage",
)
_COMMON = [
    "the",
    "a",
    "of",
    "and",
    "with",
    "for",
    "about",
    "this",
    "that",
    "was",
    "very",
    "new",
    "good",
    "first",
    "after",
    "before",
]


def _texts() -> AnyArray:
    """Texts of twelve to forty words, most of them of one topic."""
    rng = np.random.default_rng(22)
    found = np.empty(N_TRAIN + N_NEW, dtype=object)
    for row in range(len(found)):
        topic = _TOPICS[row % N_CLUSTERS].split()
        words = rng.choice([*topic, *topic, *_COMMON], size=rng.integers(12, 40))
        found[row] = " ".join(words.tolist()).capitalize() + "."
    return found


def _table(kinds: frozenset[str], *, missing: bool) -> Rows:
    """Two columns of each kind, whose values differ between four groups."""
    rng, n = np.random.default_rng(23), N_TRAIN + N_NEW
    group = np.arange(n) % N_CLUSTERS
    columns: dict[str, Any] = {}
    chosen: dict[str, str] = {}
    for number in range(2):
        made: dict[str, Any] = {
            "number": 10.0 * group * (number + 1) + rng.normal(size=n),
            "category": np.array(["red", "green", "blue", "grey"], dtype=object)[
                np.where(rng.random(n) < 0.8, group, rng.integers(0, 4, n))
            ],
            "text": _texts()[::-1] if number else _texts(),
            "date": np.datetime64("2020-01-01", "us")
            + (group * 40 + rng.integers(0, 20, n)).astype("timedelta64[D]"),
        }
        for kind in sorted(kinds):
            name, values = f"{kind}_{number}", made[kind]
            if missing and number:
                values = values.copy()
                values[rng.random(n) < 0.1] = {"number": np.nan, "date": np.datetime64("NaT")}.get(
                    kind
                )
            columns[name], chosen[name] = values, kind
    return Rows.of_columns(columns, chosen)


def rows_of(x: Any) -> Rows:
    """The rows that a component is given, as one handle."""
    if isinstance(x, np.ndarray) and x.dtype == object:
        return Rows({"text": x}, Schema((Field("text", "text"),)))
    return Rows.wrap(x)


def take(x: Any, which: Any) -> Any:
    """Some of the rows, as a component is given them."""
    return rows_of(x).take(which).given


def copied(x: Any) -> Any:
    """The rows in arrays of their own, which may be written to."""
    return take(x, np.arange(len(rows_of(x))))


def locked(x: Any) -> Any:
    """A copy that cannot be written to."""
    found = copied(x)
    for array in _arrays(found):
        array.setflags(write=False)
    return found


def overwrite(x: Any) -> None:
    """Put other values into the arrays of rows."""
    for array in _arrays(x):
        array[...] = "" if array.dtype == object else np.zeros((), array.dtype)


def changed(x: Any, factor: float = 0.5) -> Any:
    """The rows in the opposite order and, where they are numbers, smaller."""
    found = take(x, slice(None, None, -1))
    if not isinstance(found, Rows) and found.dtype.kind == "f":
        return (found * factor).astype(found.dtype)
    return found


def varied(x: Any, count: int) -> Any:
    """So many rows that are like the given ones: numbers changed a little, columns mixed."""
    rng = np.random.default_rng(11)
    rows = rows_of(x)
    picked = np.arange(count) % len(rows)
    if isinstance(x, Rows):
        # Each column in an order of its own, so that other rows come about.
        mixed = {name: rng.permutation(values[picked]) for name, values in x.values.items()}
        return Rows(mixed, x.schema)
    found = take(x, picked)
    if found.dtype == object:
        found[:] = [" ".join(rng.permutation(text.split()).tolist()) for text in found]
        return found
    if rows.storage == "sparse":
        found.data = found.data * rng.uniform(0.9, 1.1, size=found.data.shape).astype(np.float32)
        return found
    return np.ascontiguousarray(found * rng.uniform(0.9, 1.1, size=found.shape), np.float32)


def _arrays(x: Any) -> list[AnyArray]:
    if isinstance(x, Rows):
        return list(x.values.values())
    return [x] if isinstance(x, np.ndarray) else [x.data, x.indices, x.indptr]


def _digits() -> AnyArray:
    from sklearn.datasets import load_digits

    return np.ascontiguousarray(load_digits().images[: N_TRAIN + N_NEW] / 16, dtype=np.float32)


def clouds(width: int) -> AnyArray:
    """Four clouds of points: 160 rows of so many features, float32."""
    rng = np.random.default_rng(20)
    n = N_TRAIN + N_NEW
    centres = 6 * rng.normal(size=(N_CLUSTERS, width))
    points = centres[np.arange(n) % N_CLUSTERS] + rng.normal(size=(n, width))
    return np.ascontiguousarray(points, dtype=np.float32)


def _waves() -> AnyArray:
    rng = np.random.default_rng(21)
    n, steps = N_TRAIN + N_NEW, np.arange(24)
    speed = 0.2 + 0.2 * (np.arange(n) % N_CLUSTERS)
    phase = rng.uniform(0, 2 * np.pi, size=n)
    angle = speed[:, None] * steps + phase[:, None]
    waves = np.stack([np.sin(angle), np.cos(angle), 0.1 * rng.normal(size=angle.shape)], axis=-1)
    return np.ascontiguousarray(waves, dtype=np.float32)
