"""Checks of what a component announces, and of its options."""

from __future__ import annotations

import copy
from typing import Any

import attrs
import numpy as np

from n2d_framework.config.config_schema import component_schema
from n2d_framework.config.reading import as_yaml, parse_yaml
from n2d_framework.core.option_schema import option_schema
from n2d_framework.core.options import Option, options_dict, options_of
from n2d_framework.core.roles import LABEL_ROLE, role_info
from n2d_framework.core.structure import structure
from n2d_framework.errors import ConfigError
from n2d_framework.testing.check import Checks, demand
from n2d_framework.testing.examination import ComponentExamination
from n2d_framework.types import ROLES

__all__ = ["CHECKS"]

CHECKS = Checks()


@CHECKS.add("announcing it and importing its class loads no heavy library")
def import_is_light(exam: ComponentExamination) -> None:
    """Import in a fresh process."""
    demand(
        not exam.imported,
        f"importing loads {', '.join(exam.imported)}; import such libraries inside functions",
    )


@CHECKS.add("the summary is one line of text")
def summary(exam: ComponentExamination) -> None:
    """Look at the summary."""
    text = exam.spec.summary
    demand(text.strip() and "\n" not in text, f"the summary must be one line, got {text!r}")
    demand(len(text) <= 120, f"the summary has {len(text)} characters, at most 120 fit a table")


@CHECKS.add("its methods are those of its role and of the abilities it declares")
def abilities(exam: ComponentExamination) -> None:
    """Look for methods."""
    spec, component = exam.spec, exam.fresh()
    missing = role_info(spec.role).lacking(component)
    wanted = ["predict_proba"] if spec.soft else []
    wanted += ["upgrade_state"] if spec.state_version > 1 else []
    missing += [name for name in wanted if not callable(getattr(component, name, None))]
    demand(not missing, f"lacks {', '.join(missing)}")
    if spec.role != LABEL_ROLE:
        wrong = [name for name in ("soft", "noise", "finds_n_clusters") if getattr(spec, name)]
        demand(not wrong, f"declares {', '.join(wrong)}, which only a {LABEL_ROLE} can be")


@CHECKS.add("every option has a help text and a type that the schema knows")
def options_described(exam: ComponentExamination) -> None:
    """Look at help and schema of each option."""
    for opt in options_of(exam.cls):
        demand(opt.help.strip(), f"option {opt.name!r} has no help")
        known = set(option_schema(opt)) & {"type", "anyOf", "enum"}
        demand(known, f"option {opt.name!r}: no configuration can hold a {opt.type!r}")


@CHECKS.add("options come back from a configuration file as they were, and fit the schema")
def options_round_trip(exam: ComponentExamination) -> None:
    """Write options as YAML, check them by the schema, and read them."""
    import jsonschema

    schema = component_schema(exam.entry)
    components = [exam.fresh()]
    if all(opt.default is not attrs.NOTHING for opt in options_of(exam.cls)):
        components.append(exam.cls())
    for component in components:
        values = options_dict(component)
        read = parse_yaml(as_yaml(values))
        again = options_dict(structure(exam.cls, read))
        demand(again == values, f"read back as {again}, written from {values}")
        errors = jsonschema.Draft202012Validator(schema).iter_errors(
            {"name": exam.spec.name, **read}
        )
        wrong = [f"{error.json_path}: {error.message}" for error in errors]
        demand(not wrong, f"the schema refuses its own options: {'; '.join(wrong)}")


@CHECKS.add("values beyond an option's bounds are refused, by its name")
def options_bounded(exam: ComponentExamination) -> None:
    """Try the first value beyond each bound."""
    component = exam.fresh()
    for opt in options_of(exam.cls):
        for value in _beyond(opt):
            shown = (value,) if isinstance(getattr(component, opt.name), tuple) else value
            try:
                attrs.evolve(component, **{opt.name: shown})
            except ConfigError as error:
                demand(opt.name in str(error), f"{opt.name}={value}: not named in {error}")
            else:
                demand(False, f"{opt.name}={value} is accepted, beyond its bounds")


def _beyond(opt: Option) -> list[Any]:
    steps = [(opt.ge, -1), (opt.gt, 0), (opt.le, 1), (opt.lt, 0)]
    found = [bound + step for bound, step in steps if bound is not None]
    return [int(value) if float(value).is_integer() else float(value) for value in found]


@CHECKS.add("scikit-learn can clone it and read and set its options", roles=ROLES)
def clone_and_params(exam: ComponentExamination) -> None:
    """Clone an estimator that holds it, by name and as an object."""
    from sklearn.base import clone

    from n2d_framework.pipeline import N2D

    role, component = exam.spec.role, exam.fresh()
    values = options_dict(component)
    named = {"name": exam.entry.qualified_name, **values}
    for choice in (named, component):
        model = clone(N2D(**{role: choice}))  # type: ignore[arg-type]
        found = model.get_params()
        read = {name: found.get(f"{role}__{name}") for name in values}
        demand(read == values, f"get_params of a clone gives {read}, it was made with {values}")
        model.set_params(**{f"{role}__{name}": value for name, value in values.items()})
        demand(
            model.composition().choice(role).option_values() == values,
            "set_params with its own options changes them",
        )
    fitted = exam.fitted.component
    demand(options_dict(fitted) == values, "fitting changes its options")
    copied = copy.deepcopy(fitted)
    demand(
        np.array_equal(_answer(exam, copied), _answer(exam, fitted)),
        "a deep copy gives other answers",
    )


def _answer(exam: ComponentExamination, component: Any) -> Any:
    found = exam.answers(component, exam.new)
    return next(iter(found.values())) if found else np.zeros(0)
