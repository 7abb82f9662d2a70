"""Compare libraries that turn plain values into options: ours, cattrs, msgspec, pydantic.

Run as ``python benchmarks/structuring.py``, with cattrs, msgspec and pydantic installed. Each is
given values that must be refused, one fault at a time and all at once; counted are faults that are
accepted or reported without the name of the option, and faults that are reported together. "cattrs
with our hooks" gives the same messages as ours. docs/decisions/structuring.md has the result.
"""

from __future__ import annotations

import json
import subprocess
import sys
import timeit
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

import attrs

import n2d_framework.core.structure as own
from n2d_framework.core.annotations import family_of
from n2d_framework.core.options import current_names, options_of
from n2d_framework.errors import ConfigError, Problem, did_you_mean
from n2d_framework.plugin import component, option

Problems = Callable[[BaseException], list[str]]


@component
class Inner:
    """Options inside options."""

    per: Literal["auto", "feature"] = option("auto", help="A choice.")
    depth: int = option(1, ge=0, help="A number.")


@component
class Toy:
    """One option of each kind."""

    n: int | None = option(None, ge=1, help="An integer.")
    ratio: float = option(1.0, gt=0, help="A number.")
    flag: bool = option(False, help="A boolean.")
    hidden: tuple[int, ...] = option((5,), ge=1, help="A list.")
    pair: tuple[int, float] = option((1, 2.0), help="Two numbers.")
    how: Literal["full", "tied"] = option("full", help="A choice.")
    x: str | tuple[str, ...] | None = option(None, help="A union.")
    rate: float | Literal["auto"] = option("auto", help="Another.")
    inner: Inner | str = option("auto", help="Options.")
    more: Mapping[str, Any] = option({}, help="A mapping.")
    need: str = option(help="Required.")


GOOD: dict[str, Any] = {
    "n": 3, "ratio": 2, "flag": True, "hidden": [5, 6], "pair": [1, 2.5], "how": "tied",
    "x": ["a"], "rate": 0.5, "inner": {"per": "feature"}, "more": {"a": [1]}, "need": "y",
}  # fmt: skip
BAD: dict[str, Any] = {
    "n": True, "ratio": "1", "flag": 1, "hidden": [5, 0, "a"], "pair": [1], "how": "tide", "x": 3,
    "rate": "aut", "inner": {"pre": "auto", "depth": 1.0}, "more": 3, "raito": 1,
}  # fmt: skip
#: Values with one fault, and the name that its message must have.
CASES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"n": True}, "n"), ({"n": 1.0}, "n"), ({"n": "1"}, "n"), ({"n": 0}, "n"),
    ({"ratio": "1"}, "ratio"), ({"ratio": True}, "ratio"), ({"ratio": float("nan")}, "ratio"),
    ({"flag": 1}, "flag"), ({"hidden": [5, 0]}, "hidden"), ({"hidden": "56"}, "hidden"),
    ({"hidden": [5, "a"]}, "hidden"), ({"pair": [1]}, "pair"), ({"how": "tide"}, "how"),
    ({"x": 3}, "x"), ({"raito": 1}, "raito"), ({"inner": {"pre": 1}}, "pre"),
    ({"inner": {"depth": 1.0}}, "depth"),
)  # fmt: skip


def ours() -> tuple[Callable[[Any], Any], Problems]:
    return lambda values: own.structure(Toy, values), reported


def reported(error: BaseException) -> list[str]:
    return [f"{p.path}: {p.message}" for p in getattr(error, "problems", ())]


def plain_cattrs() -> tuple[Callable[[Any], Any], Problems]:
    from cattrs import Converter, transform_error

    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    _register(converter, (bool, int, float, str), own._to_scalar)
    converter.register_structure_hook_func(
        lambda kind: get_origin(kind) in (Union, types.UnionType), _union_of(converter, None)
    )
    return lambda values: converter.structure(values, Toy), transform_error


def _register(converter: Any, kinds: Iterable[type], hook: Callable[[Any, Any], Any]) -> None:
    for kind in kinds:
        converter.register_structure_hook(kind, lambda value, to: hook(to, value))


def _union_of(converter: Any, gathered: Any) -> Callable[[Any, Any], Any]:
    def union(value: Any, kind: Any) -> Any:
        arms = get_args(kind)
        if value is None and type(None) in arms:
            return None
        exact = [arm for arm in arms if family_of(arm)[1] is type(value)]
        failures: list[Any] = []
        for arm in exact + [arm for arm in arms if arm not in (*exact, type(None))]:
            try:
                return converter.structure(value, arm)
            except Exception as error:  # groups of exceptions, and ours
                failures.append(gathered(error) if gathered else [Problem("", str(error))])
        deep = [found for found in failures if any(problem.path for problem in found)]
        if len(deep) == 1:
            raise ConfigError(deep[0])
        if len(failures) == 1 and type(None) not in arms:
            raise ConfigError(failures[0])
        raise own._refuse(kind, value)

    return union


def full_cattrs() -> tuple[Callable[[Any], Any], Problems]:
    """Give the messages of ours, by hooks for all that cattrs would word or judge otherwise."""
    from cattrs import ClassValidationError, Converter, IterableValidationError
    from cattrs.errors import ForbiddenExtraKeysError
    from cattrs.gen import make_dict_structure_fn, override

    converter = Converter(forbid_extra_keys=True, detailed_validation=True)

    def gathered(error: BaseException, names: Sequence[str] = ()) -> list[Problem]:
        if isinstance(error, ConfigError):
            return list(error.problems)
        if isinstance(error, ClassValidationError):
            names = [opt.name for opt in options_of(error.cl)]
            noted, others = error.group_exceptions()
            found = [p.under(note.name) for part, note in noted for p in gathered(part)]
            return found + [p for part in others for p in gathered(part, names)]
        if isinstance(error, IterableValidationError):
            return [
                problem.under(f"[{note.index}]" if isinstance(note.index, int) else note.index)
                for part, note in error.group_exceptions()[0]
                for problem in gathered(part)
            ]
        if isinstance(error, ForbiddenExtraKeysError):
            return [
                Problem(name, f"unknown option; {did_you_mean(name, names, noun='option')}")
                for name in sorted(error.extra_fields)
            ]
        if isinstance(error, KeyError):
            return [Problem("", "is required and missing")]
        raise error

    def of_class(cls: Any) -> Callable[[Any, Any], Any]:
        def bounded(opt: Any) -> Callable[[Any, Any], Any]:
            def hook(value: Any, _: Any) -> Any:
                made = converter.structure(value, opt.type)
                if wrong := opt.problem(made):
                    raise ConfigError([Problem("", wrong)])
                return made

            return hook

        hooks = {opt.name: override(struct_hook=bounded(opt)) for opt in options_of(cls)}
        fields = make_dict_structure_fn(cls, converter, _cattrs_forbid_extra_keys=True, **hooks)

        def hook(value: Any, kind: Any) -> Any:
            if isinstance(value, cls):
                return value
            if not isinstance(value, Mapping):
                raise own._refuse(kind, value)
            return fields(current_names(cls, value), kind)

        return hook

    def listed(value: Any, kind: Any) -> Any:
        if isinstance(value, (str, Mapping)) or not isinstance(value, Sequence):
            raise own._refuse(kind, value)
        family, _, kinds = family_of(kind)
        if family == "fixed" and len(value) != len(kinds):
            raise ConfigError([Problem("", f"must have {len(kinds)} values, got {len(value)}")])
        items, problems = [], []
        for index, item in enumerate(value):
            try:
                items.append(converter.structure(item, kinds[index if family == "fixed" else 0]))
            except Exception as error:
                problems += [problem.under(f"[{index}]") for problem in gathered(error)]
        if problems:
            raise ConfigError(problems)
        return tuple(items)

    def mapped(value: Any, kind: Any) -> Any:
        if not isinstance(value, Mapping):
            own._to_mapping(kind, value)
        item = family_of(kind)[2][0]
        return {name: converter.structure(each, item) for name, each in value.items()}

    _register(converter, (bool, int, float, str), own._to_scalar)
    converter.register_structure_hook_factory(attrs.has, of_class)
    for families, hook in (
        (("union",), _union_of(converter, gathered)), (("list", "fixed"), listed),
        (("mapping",), mapped),
        (("choice",), lambda value, kind: own._to_literal(kind, value)),
    ):  # fmt: skip
        converter.register_structure_hook_func(
            lambda kind, families=families: family_of(kind)[0] in families, hook
        )

    def run(values: Any) -> Any:
        try:
            return converter.structure(values, Toy)
        except Exception as error:
            raise ConfigError(gathered(error)) from None

    return run, reported


def msgspec() -> tuple[Callable[[Any], Any], Problems]:
    import msgspec

    return lambda values: msgspec.convert(values, Toy, strict=True), lambda error: [str(error)]


def pydantic() -> tuple[Callable[[Any], Any], Problems]:
    import pydantic

    def converted(kind: Any) -> Any:
        if attrs.has(kind):
            return model(kind)
        if get_origin(kind) in (Union, types.UnionType):
            return Union[tuple(converted(arm) for arm in get_args(kind))]  # noqa: UP007
        return kind

    def model(cls: Any) -> Any:
        strict = pydantic.ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
        fields: Any = {
            opt.name: (converted(opt.type), ... if opt.default is attrs.NOTHING else opt.default)
            for opt in options_of(cls)
        }
        return pydantic.create_model(cls.__name__, __config__=strict, **fields)

    made = model(Toy)
    return (
        lambda values: made.model_validate_json(json.dumps(values)),
        lambda error: [f"{fault['loc']}: {fault['msg']}" for fault in error.errors()],  # type: ignore[attr-defined]
    )


def said(run: Callable[[Any], Any], problems: Problems, values: Any) -> list[str] | None:
    try:
        run(values)
    except Exception as error:  # every library has its own
        return problems(error)
    return None


def import_ms(line: str) -> float:
    """Milliseconds that an import adds to attrs and NumPy: the least of nine."""
    code = (
        "import attrs, numpy, time; start = time.process_time(); "
        f"{line}; print(time.process_time() - start)"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
            for _ in range(9)]  # fmt: skip
    return 1e3 * min(float(run.stdout) for run in runs)


def main() -> None:
    whole: dict[str, list[str]] = {}
    print(f"{'':22}{'accepted':>9}{'unnamed':>9}{'together':>9}{'us':>7}")
    for name, make in (
        ("ours", ours), ("cattrs", plain_cattrs), ("cattrs with our hooks", full_cattrs),
        ("msgspec", msgspec), ("pydantic", pydantic),
    ):  # fmt: skip
        run, problems = make()
        answers = [said(run, problems, {"need": "y"} | given) for given, _ in CASES]
        accepted = sum(answer is None for answer in answers)
        unnamed = sum(
            answer is not None and not any(wanted in line for line in answer)
            for answer, (_, wanted) in zip(answers, CASES, strict=True)
        )
        whole[name] = sorted(said(run, problems, BAD) or [])
        seconds = min(timeit.repeat(lambda run=run: run(GOOD), number=200, repeat=7)) / 200
        print(f"{name:22}{accepted:9}{unnamed:9}{len(whole[name]):9}{1e6 * seconds:7.0f}")
    print("same messages:", whole["ours"] == whole["cattrs with our hooks"])
    for line in ("import cattrs", "import msgspec", "from pydantic import create_model"):
        print(f"{line:36}{import_ms(line):6.1f} ms")


if __name__ == "__main__":
    main()
