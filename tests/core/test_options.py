from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from n2d_framework.core.learned import learned
from n2d_framework.core.option_schema import options_schema
from n2d_framework.core.options import component, option, options_dict, options_of
from n2d_framework.core.structure import structure
from n2d_framework.errors import ConfigError, RenamedWarning


@component
class Inner:
    depth: int = option(1, help="How deep.", ge=1)


@component
class Sample:
    size: int = option(help="Required.", ge=1, le=10)
    rate: float | Literal["auto"] = option("auto", help="A rate.", gt=0)
    kind: Literal["round", "square"] = option("round", help="A choice.")
    widths: tuple[int, ...] = option((1, 2), help="Widths.", ge=1, min_len=1)
    inner: Inner | None = option(None, help="Nested.")
    extra: Mapping[str, float] = option({}, help="Mapping.")
    flag: bool = option(False, help="A switch.")
    k: int | None = option(None, help="Follows.", follows="n_clusters")
    found_: object = learned()


def problems(values: dict, path: str = "") -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        structure(Sample, values, path)
    return {problem.path: problem.message for problem in caught.value.problems}


def test_all_problems_are_said_at_once_each_with_its_path():
    found = problems(
        {
            "size": 11,
            "rate": "fast",
            "kind": "rond",
            "widths": [1, "a", 2.5],
            "inner": {"depth": 0, "dept": 1},
            "extra": {"a": "b"},
            "flag": 1,
            "sise": 3,
        },
        "model.embedder",
    )
    prefix = "model.embedder."
    assert found[prefix + "size"] == "must be <= 10, got 11"
    assert "a number or one of 'auto'" in found[prefix + "rate"]
    assert "did you mean 'round'?" in found[prefix + "kind"]
    assert found[prefix + "widths[1]"] == "must be an integer, got 'a'"
    assert found[prefix + "widths[2]"] == "must be an integer, got 2.5"
    assert found[prefix + "inner.depth"] == "must be >= 1, got 0"
    assert "did you mean 'depth'?" in found[prefix + "inner.dept"]
    assert found[prefix + "extra.a"] == "must be a number, got 'b'"
    assert "true or false" in found[prefix + "flag"]
    assert "did you mean 'size'?" in found[prefix + "sise"]
    assert len(found) == 10


def test_missing_required_options_are_named():
    assert problems({}) == {"size": "is required and missing"}


@pytest.mark.parametrize("value", [True, "1", 1.0, None, [1]])
def test_nothing_is_taken_for_an_integer_that_is_none(value):
    assert "must be an integer" in problems({"size": value})["size"]


@pytest.mark.parametrize("value", [np.int64(3), np.uint8(3), 3])
def test_numpy_integers_are_integers(value):
    made = structure(Sample, {"size": value})
    assert type(made.size) is int


def test_nan_is_refused_and_empty_lists_are_too_short():
    found = problems({"size": 1, "rate": float("nan"), "widths": []})
    assert found["rate"] == "must be a finite number, got nan"
    assert found["widths"] == "needs at least 1 values, got 0"


def test_a_text_is_not_taken_for_a_list():
    assert "a list of an integer" in problems({"size": 1, "widths": "12"})["widths"]


def test_constructing_directly_checks_bounds_too():
    with pytest.raises(ConfigError, match="size: must be >= 1, got 0"):
        Sample(size=0)


def test_options_are_described_for_the_catalogue():
    described = {opt.name: opt for opt in options_of(Sample)}
    assert list(described) == [
        "size", "rate", "kind", "widths", "inner", "extra", "flag", "k",
    ]  # fmt: skip
    assert described["k"].follows == "n_clusters"
    assert described["size"].help == "Required."


values = st.fixed_dictionaries(
    {"size": st.integers(1, 10)},
    optional={
        "rate": st.one_of(st.just("auto"), st.floats(1e-6, 1e6)),
        "kind": st.sampled_from(["round", "square"]),
        "widths": st.lists(st.integers(1, 99), min_size=1, max_size=4),
        "inner": st.one_of(st.none(), st.fixed_dictionaries({"depth": st.integers(1, 9)})),
        "extra": st.dictionaries(st.text(max_size=5), st.floats(-5, 5), max_size=3),
        "flag": st.booleans(),
    },
)


@given(values)
def test_options_survive_config_and_satisfy_their_schema(given_values):
    made = structure(Sample, given_values)
    plain = options_dict(made)
    again = structure(Sample, json.loads(json.dumps(plain)))
    assert options_dict(again) == plain
    jsonschema.validate(plain, options_schema(Sample))


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 20),
    st.text(max_size=3),
    st.lists(st.integers(-1, 3), max_size=3),
)


@given(
    st.dictionaries(
        st.sampled_from(["size", "rate", "kind", "widths", "flag"]), anything, max_size=5
    )
)
def test_schema_and_check_agree(given_values):
    valid = jsonschema.Draft202012Validator(options_schema(Sample)).is_valid(given_values)
    try:
        structure(Sample, given_values)
    except ConfigError:
        assert not valid
    else:
        assert valid


def test_the_former_name_of_a_check_works_with_a_deprecation():
    (depth,) = options_of(Inner)
    with pytest.warns(RenamedWarning, match=r"Option\.complaint is now called Option\.problem"):
        assert depth.complaint(0) == depth.problem(0) == "must be >= 1, got 0"
    assert depth.problem(1) is None


@pytest.mark.parametrize(("name", "declared", "words"), [
    ("a__b", option(1, help="x"), "separates names"),
    ("_a", option(1, help="x"), "separates names"),
    ("a", option(1, help="x", aliases=("b__c",)), "separates names"),
    ("a", option(0, ge=1, help="x"), "its default must be >= 1, got 0"),
    ("a", option(float("nan"), help="x"), "its default must be a finite number"),
    ("a", option((2, 0), ge=1, help="x"), "its default must be >= 1, got 0"),
])  # fmt: skip
def test_options_that_cannot_be_set_or_refuse_their_default_are_refused(name, declared, words):
    with pytest.raises(TypeError, match=re.escape(words)):
        component(type("Wrong", (), {"__annotations__": {name: Any}, name: declared}))
