"""Types of options: each works from end to end, or is refused where it is declared."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, NewType

import jsonschema
import numpy as np
import pytest
import yaml
from sklearn.base import clone

import n2d_framework as n2d
from n2d_framework.config import run_schema
from n2d_framework.core.option_schema import options_schema
from n2d_framework.core.options import component, option, options_dict, options_of
from n2d_framework.core.structure import describe_type, structure
from n2d_framework.errors import ConfigError

ODD = """
from __future__ import annotations

import enum
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, NewType, Optional

from n2d_builtin.kmeans.kmeans import KMeans
from n2d_framework.plugin import ComponentSpec, component, hookimpl, option

Width = NewType("Width", int)

class Speed(enum.Enum):
    SLOW = "slow"
    FAST = "fast"

@component
class Inner:
    depth: int = option(1, ge=0, help="How deep.")
    speed: Speed = option(Speed.SLOW, help="How fast.")

@component
class Odd(KMeans):
    speed: Speed = option(Speed.SLOW, help="How fast.")
    place: Path | None = option(None, help="A file.")
    words: frozenset[str] = option(frozenset(), help="Words.")
    several: list[int] = option((1, 2), ge=0, help="Numbers.")
    sequence: Sequence[float] = option((0.5,), help="Numbers.")
    pair: tuple[int, str] = option((1, "a"), help="A number and a word.")
    width: Width = option(3, help="A width.")
    annotated: Annotated[int, "metres"] = option(4, help="A length.")
    maybe: Optional[Literal["a", 1, None]] = option(None, help="One of three.")
    either: bool | int = option(True, help="Whether, or how many.")
    table: dict[str, float] = option({}, help="Numbers by name.")
    inner: Inner = option(Inner(), help="Options of a part.")
    speeds: tuple[Speed, ...] = option((), help="Several.")

    def fit(self, m, *, context):
        assert isinstance(self.speed, Speed) and isinstance(self.inner.speed, Speed)
        assert self.place is None or isinstance(self.place, Path)
        assert isinstance(self.words, frozenset) and isinstance(self.several, (list, tuple))
        assert all(isinstance(speed, Speed) for speed in self.speeds)
        return super().fit(m, context=context)

@hookimpl
def n2d_components():
    yield ComponentSpec(role="clusterer", name="odd", factory="odd_options:Odd", summary="Odd")
"""
GIVEN = {
    "speed": "fast", "place": "some/file.txt", "words": ["a", "b"], "several": [3, 4],
    "sequence": [1.5], "pair": [2, "b"], "width": 5, "annotated": 6, "maybe": "a",
    "either": 3, "table": {"x": 1.0}, "inner": {"depth": 2, "speed": "fast"}, "speeds": ["fast"],
}  # fmt: skip


@pytest.fixture
def odd(use_plugin):
    use_plugin("odd_options", ODD)
    import odd_options

    return odd_options


def config(tmp_path, suffix):
    model = {"embedder": "identity", "manifolder": "identity", "scaler": "none", "n_clusters": 2}
    tree = {"data": "digits", "model": model | {"clusterer": {"name": "odd", **GIVEN}}}
    path = tmp_path / f"config{suffix}"
    if suffix == ".toml":
        lines = ["data = 'digits'", "[model]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in model.items()]
        lines += ["[model.clusterer]", "name = 'odd'"]
        tables = {key: value for key, value in GIVEN.items() if isinstance(value, dict)}
        lines += [f"{k} = {json.dumps(v)}" for k, v in GIVEN.items() if k not in tables]
        for key, table in tables.items():
            lines += [f"[model.clusterer.{key}]"]
            lines += [f"{k} = {json.dumps(v)}" for k, v in table.items()]
        path.write_text("\n".join(lines))
    else:
        path.write_text(yaml.safe_dump(tree) if suffix == ".yaml" else json.dumps(tree))
    return path, tree


@pytest.mark.parametrize("suffix", [".yaml", ".json", ".toml"])
def test_every_type_of_option_works_from_end_to_end(odd, tmp_path, suffix):
    path, tree = config(tmp_path, suffix)
    model = n2d.compose(path, store=tmp_path / "store")
    jsonschema.Draft202012Validator(run_schema()).validate(tree)
    rows = np.random.default_rng(0).normal(size=(60, 4))
    model = clone(model).set_params(random_state=0).fit(rows)
    values = options_dict(model.clusterer_)
    assert {name: values[name] for name in GIVEN} == GIVEN
    assert model.clusterer_.speed is odd.Speed.FAST
    assert model.clusterer_.place == Path("some/file.txt")
    assert model.clusterer_.words == {"a", "b"}
    params = model.get_params()
    assert {name: params[f"clusterer__{name}"] for name in GIVEN} == GIVEN
    model.save(tmp_path / "odd.n2d")
    loaded = n2d.load(tmp_path / "odd.n2d")
    assert options_dict(loaded.clusterer_) == values
    assert (loaded.predict(rows) == model.labels_).all()
    json.dumps(n2d.inspect(tmp_path / "odd.n2d").manifest)


def test_an_instance_may_be_given_in_python_and_its_schema_takes_what_it_writes(odd):
    instance = odd.Odd(speed=odd.Speed.FAST, place=Path("x"), words={"b", "a"}, several=[5])
    model = n2d.N2D("identity", "identity", instance, n_clusters=2)
    values = model.composition().choice("clusterer").option_values()
    assert (values["speed"], values["place"], values["words"]) == ("fast", "x", ["a", "b"])
    jsonschema.Draft202012Validator(options_schema(odd.Odd)).validate(values)
    for name in ("speed", "place", "words", "pair", "maybe"):
        (opt,) = [opt for opt in options_of(odd.Odd) if opt.name == name]
        assert describe_type(opt.type)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("speed", "fats", "must be one of 'slow', 'fast', got 'fats'; did you mean 'fast'"),
        ("place", 3, "must be a path or null"),
        ("place", "", "must be a path"),
        ("words", ["a", "a"], "'a' more than once"),
        ("words", "ab", "must be a list of different values"),
        ("several", [-1], "must be >= 0"),
        ("pair", [1], "must have 2 values, got 1"),
        ("pair", ["a", 1], r"pair\[0\]: must be an integer"),
        ("inner", {"depth": -1}, "inner.depth: must be >= 0"),
        ("inner", {"speed": "no"}, "inner.speed: must be one of"),
        ("speeds", ["fast", "no"], r"speeds\[1\]: must be one of"),
    ],
)
def test_wrong_values_are_refused_by_their_place(odd, name, value, words):
    with pytest.raises(ConfigError, match=words):
        structure(odd.Odd, {name: value})


class Point(tuple):
    pass


class Unwritable(enum.Enum):
    PAIR = (1, 2)


Callback = NewType("Callback", Callable[[int], int])  # type: ignore[valid-newtype]
REFUSED = {
    "a Callable": (Callable[[int], int], "Literal"),
    "a bare Callable": (Callable, "Literal"),
    "a class": (type[int], "Literal"),
    "a new type of one": (Callback, "Literal"),
    "one in a union": (int | Callable[[int], int], "Literal"),
    "one in a list": (tuple[Callable[[int], int], ...], "Literal"),
    "one in an optional": (datetime | None, "ISO 8601"),
    "a date": (date, "ISO 8601"),
    "bytes": (bytes, "write str"),
    "complex": (complex, "two floats"),
    "a decimal": (Decimal, "write float"),
    "a fraction": (Fraction, "write bool, int"),
    "a number of numpy": (np.float64, "write float"),
    "an integer of numpy": (np.int64, "write int"),
    "a dtype": (np.dtype, "Literal of their names"),
    "an array": (np.ndarray, "tuple"),
    "other keys": (Mapping[int, str], "keys of a mapping"),
    "an enum of pairs": (Unwritable, "strings or numbers"),
    "a Literal of bytes": (Literal[b"x"], "a Literal holds"),
    "a set of lists": (frozenset[tuple[int, ...]], "items of a set"),
    "a class of the author's": (Point, "write bool, int"),
    "an object": (object, "write bool, int"),
    "annotated": (Annotated[date, "x"], "ISO 8601"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_no_configuration_can_hold_is_refused_where_it_is_declared(what):
    kind, words = REFUSED[what]
    with pytest.raises(TypeError, match=rf"Odd\.thing: .*{words}"):
        component(type("Odd", (), {"__annotations__": {"thing": kind}, "thing": option(help="x")}))


def test_a_sequence_and_any_may_be_declared():
    @component
    class Loose:
        anything: Any = option(None, help="Anything.")
        items: Sequence[int] = option((), help="Numbers.")

    assert structure(Loose, {"anything": {"a": 1}, "items": [1]}).items == (1,)
