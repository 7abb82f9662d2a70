"""Learned fields: the state that is derived of them, and what is refused."""

from __future__ import annotations

from typing import Any

import attrs
import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from n2d_framework.plugin import StateError, component, learned, option


@attrs.frozen(eq=False)
class Tree:
    parent: Any = learned(shape=("nodes",), dtype="int64", ge=-1, init=True)
    owner: Any = learned(shape=("n",), dtype="int64", init=True)
    metric: str

    def check_learned(self) -> list[str]:
        return [] if self.parent[0] == -1 else ["'parent' must begin with -1"]


@component
class Toy:
    """One of everything."""

    n_clusters: int | None = option(None, help="Clusters.")
    metric: str = option("euclidean", help="Handed to the tree.")
    rows_: Any = learned(shape=("n", "d"), dtype="float32")
    centers_: Any = learned(shape=("n_clusters", "d"), dtype="float64", largest=1e30)
    square_: Any = learned(shape="_square_shape", dtype="float64", finite=False)
    any_: Any = learned(shape=..., dtype="float64")
    shape_: Any = learned(shape=("axes",), dtype=int, ge=1)
    scale_: Any = learned(dtype=float, gt=0)
    rounds_: Any = learned(dtype=int, ge=0, le=10)
    done_: Any = learned(dtype=bool, name="training/done")
    how_: Any = learned(dtype=str, choices=("slow", "fast"), name="training/how")
    note_: Any = learned(dtype=str, optional=True)
    weights_: Any = learned(shape="_weights", dtype="float32")
    names_: Any = learned(write=sorted, read=lambda toy, stored: set(stored))
    _tree: Any = learned(of=Tree)
    labels_: Any = learned()

    @property
    def _square_shape(self) -> tuple[int, int]:
        return (self.rows_.shape[1],) * 2

    @property
    def _weights(self) -> dict[str, Any]:
        return {"first": {"kernel": (self.rows_.shape[1], 2), "bias": (2,)}}

    def check_learned(self) -> list[str]:
        return ["more rounds than rows"] if self.rounds_ > len(self.rows_) else []


def fitted(n: int = 5, d: int = 3, k: int = 2) -> Toy:
    toy = Toy()
    toy.rows_ = np.arange(n * d, dtype=np.float32).reshape(n, d)
    toy.centers_, toy.square_ = np.ones((k, d)), np.full((d, d), np.inf)
    toy.any_ = np.array(2.0)
    toy.shape_, toy.scale_, toy.rounds_ = (d,), 0.5, 3
    toy.done_, toy.how_, toy.note_ = True, "fast", None
    toy.weights_ = {"first": {"kernel": np.ones((d, 2), "f4"), "bias": np.zeros(2, "f4")}}
    toy.names_, toy._tree = {"b", "a"}, Tree(np.array([-1, 0]), np.zeros(n, int), "euclidean")
    toy.labels_ = np.zeros(n)
    return toy


def test_the_state_is_what_is_declared_in_its_order():
    state = fitted().get_state()
    assert list(state) == [
        "rows", "centers", "square", "any", "shape", "scale", "rounds", "training", "weights",
        "names", "tree",
    ]  # fmt: skip
    assert state["training"] == {"done": True, "how": "fast"}
    assert (state["shape"], state["names"]) == ([3], ["a", "b"])
    assert list(state["tree"]) == ["parent", "owner"]


def test_a_state_goes_round_and_forgets_the_rest():
    other = Toy(metric="manhattan")
    other.labels_ = "of an earlier fit"
    other.set_state(fitted().get_state())
    assert other.labels_ is None
    assert other.any_.shape == ()
    assert (other.shape_, other.names_, other._tree.metric) == ((3,), {"a", "b"}, "manhattan")
    again, state = other.get_state(), fitted().get_state()
    assert again["training"] == state["training"]
    np.testing.assert_array_equal(again["weights"]["first"]["kernel"], np.ones((3, 2)))


def put(path: str, value: Any) -> dict[str, Any]:
    state: dict[str, Any] = dict(fitted().get_state())
    *above, name = path.split("/")
    place = state
    for part in above:
        place[part] = dict(place[part])
        place = place[part]
    place[name] = value
    return state


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("rows", [1.0], "'rows' must be an array of float32, got"),
        ("rows", np.ones((5, 3)), "'rows' holds float64, expected float32"),
        ("rows", np.ones((0, 3), "f4"), r"'rows' has the shape \(0, 3\), expected \(n, d\)"),
        ("rows", np.full((5, 3), np.nan, "f4"), "'rows' holds values that are not finite"),
        ("centers", np.ones((2, 4)), r"shape \(2, 4\), expected \(n_clusters, d=3\)"),
        ("centers", np.full((2, 3), 1e31), r"'centers' holds values beyond 1e\+30"),
        ("square", np.ones((3, 2)), r"shape \(3, 2\), expected \(3, 3\)"),
        ("shape", 3, "'shape' must be a list, got 3"),
        ("shape", [3, 0], "'shape/1' must be >= 1, got 0"),
        ("shape", [3, 2.0], "'shape/1' must be an integer, got 2.0"),
        ("shape", [], "'shape'"),
        ("scale", True, "'scale' must be a number, got True"),
        ("scale", float("nan"), "'scale' holds values that are not finite"),
        ("scale", 0, "'scale' must be > 0, got 0"),
        ("rounds", True, "'rounds' must be an integer, got True"),
        ("rounds", 11, "'rounds' must be <= 10, got 11"),
        ("rounds", 6, "more rounds than rows"),
        ("training", 1, "'training'"),
        ("training/done", 1, "'training/done' must be true or false, got 1"),
        ("training/how", "best", "'training/how' must be one of 'slow', 'fast', got 'best'"),
        ("note", 1, "'note' must be a string, got 1"),
        ("weights", {}, "'weights' holds nothing, expected first"),
        ("weights/first", {"kernel": 1}, "'weights/first' holds kernel, expected bias, kernel"),
        ("weights/first/bias", np.zeros(3, "f4"), r"'weights/first/bias' has the shape \(3,\)"),
        ("weights/first/bias", np.zeros(2), "'weights/first/bias' holds float64"),
        ("tree", None, "'tree'"),
        ("tree/parent", np.array([-1, -2]), "'tree/parent' must be >= -1, got -2"),
        ("tree/parent", np.array([0, 0]), "state 'tree': 'parent' must begin with -1"),
        ("tree/owner", np.zeros(4, int), r"'tree/owner' has the shape \(4,\), expected \(n=5\)"),
        ("tree/more", 1, "'tree/more' is not known"),
        ("row", 1, "'row' is not known; did you mean 'rows'"),
    ],
)  # fmt: skip
def test_what_is_not_as_declared_is_refused_and_changes_nothing(path, value, message):
    toy = fitted()
    before = dict(vars(toy))
    with pytest.raises(StateError, match=message):
        toy.set_state(put(path, value))
    assert vars(toy) == before


@pytest.mark.parametrize("missing", list(fitted().get_state()))
def test_nothing_may_be_missing(missing):
    state = {name: value for name, value in fitted().get_state().items() if name != missing}
    with pytest.raises(StateError, match=f"no '{missing}"):
        Toy().set_state(state)


def test_lengths_are_those_of_options():
    with pytest.raises(StateError, match=r"expected \(n_clusters=4, d=3\)"):
        Toy(n_clusters=4).set_state(fitted().get_state())
    Toy(n_clusters=2).set_state(fitted().get_state())


def test_a_fit_that_is_not_as_declared_is_refused_when_it_is_saved():
    with pytest.raises(StateError, match="Toy is not fitted"):
        Toy().get_state()
    toy = fitted()
    toy.centers_ = np.ones((2, 4))
    with pytest.raises(StateError, match=r"expected \(n_clusters, d=3\)"):
        toy.get_state()


def test_methods_of_the_class_come_first():
    @component
    class Own:
        """Writes its state itself, as plugins of 0.1.0 do; reading is derived."""

        size_: Any = learned(dtype=int)

        def get_state(self):
            return {"size": self.size_, "more": 1}

    class Base:
        def get_state(self):
            return {"of": "base"}

        def set_state(self, state):
            self.read = state

    @component
    class Inherits(Base):
        """Inherits both."""

        size_: Any = learned(dtype=int)

    @component
    class Bare:
        """Declares nothing."""

        labels_: Any = learned()

    own = Own()
    own.set_state({"size": 3, "more": 1})
    assert own.get_state() == {"size": 3, "more": 1}
    assert Inherits().get_state() == {"of": "base"}
    assert not hasattr(Bare(), "get_state")


@pytest.mark.parametrize(
    "wrong", [{"shape": ("n",)}, {"dtype": "float64"}, {"dtype": "text", "shape": ("n",)},
              {"dtype": list}, {"optional": True}],
)  # fmt: skip
def test_declarations_that_say_too_little_are_refused(wrong):
    with pytest.raises(TypeError, match="learned"):
        learned(**wrong)


@given(
    rows=arrays.arrays("f4", arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=5),
                       elements={"allow_nan": False, "allow_infinity": False}),
    scale=st.floats(min_value=1e-300, allow_infinity=False, allow_nan=False),
    rounds=st.integers(0, 10), note=st.none() | st.text(),
)  # fmt: skip
def test_any_values_within_the_declaration_come_back(rows, scale, rounds, note):
    toy = fitted(len(rows), rows.shape[1])
    toy.rows_, toy.scale_, toy.rounds_, toy.note_ = rows, scale, min(rounds, len(rows)), note
    again = Toy()
    again.set_state(toy.get_state())
    assert again.rows_.tobytes() == rows.tobytes()
    assert (again.scale_, again.note_) == (scale, note)
    assert again.rounds_ == min(rounds, len(rows))
