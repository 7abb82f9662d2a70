"""Checks of what a component remembers: seeds, refits, states."""

from __future__ import annotations

from n2d_framework.core.roles import FITTED_ROLES
from n2d_framework.core.state import check_state
from n2d_framework.errors import StateError
from n2d_framework.testing.check import CheckFailedError, Checks, demand
from n2d_framework.testing.examination import ComponentExamination, difference, kept_state, same
from n2d_framework.testing.exercise import as_array

__all__ = ["CHECKS"]

CHECKS = Checks()
_REMEDY = "declare what it holds with learned(shape=..., dtype=...), or read it with need(...)"


@CHECKS.add("the same seed gives the same result in another process, with other threads",
            "deterministic")  # fmt: skip
def same_seed(exam: ComponentExamination) -> None:
    """Compare the training output with that of a fresh process that had two threads."""
    here, there = as_array(exam.fitted.output), exam.elsewhere.output
    demand(same(here, there), f"another process gives other results{difference(here, there)}")


@CHECKS.add("fitting again forgets the earlier fit", "deterministic", roles=FITTED_ROLES)
def refit_forgets(exam: ComponentExamination) -> None:
    """Compare a fit that followed a fit on other rows with one that did not."""
    once, again = exam.fitted, exam.refitted
    left, right = as_array(once.output), as_array(again.output)
    demand(same(left, right), f"a second fit gives other results{difference(left, right)}")
    found, wanted = again.component.get_state(), once.component.get_state()
    keys = [key for key in wanted if not same(found.get(key), wanted[key])]
    keys += sorted(set(found) - set(wanted))
    demand(not keys, f"a second fit leaves another state: {', '.join(keys)}")


@CHECKS.add("what one component learns is not changed by fitting another one", roles=FITTED_ROLES)
def components_are_independent(exam: ComponentExamination) -> None:
    """Compare a fitted component before and after another one is fitted on other rows."""
    component, answered = exam.fitted.component, exam.answered
    before = kept_state(component)
    exam.fit(exam.fresh(), exam.other)
    hint = "; keep what fit learns in the object, not in its class or module"
    for name, values in exam.answers(component, exam.new).items():
        demand(same(values, answered[name]), f"{name} changes when another one is fitted{hint}")
    now = component.get_state()
    changed = [key for key, value in before.items() if not same(value, now.get(key))]
    demand(
        not changed, f"its state ({', '.join(changed)}) changes when another one is fitted{hint}"
    )


@CHECKS.add("the state is plain values", roles=FITTED_ROLES)
def state_is_plain(exam: ComponentExamination) -> None:
    """Look for what a file cannot hold."""
    try:
        check_state(exam.fitted.component.get_state())
    except StateError as error:
        raise CheckFailedError(str(error)) from error


@CHECKS.add("a fresh process gives bit-identical answers from the state", roles=FITTED_ROLES)
def state_round_trip(exam: ComponentExamination) -> None:
    """Compare answers after a passage through a file."""
    state = exam.fitted.component.get_state()
    check_state(state)
    restored = exam.fresh()
    restored.set_state(state)
    if exam.spec.deterministic:
        again = restored.get_state()
        demand(same(dict(state), dict(again)), "get_state after set_state gives another state")
    demand(
        not exam.elsewhere.reason, f"from the state, in a fresh process: {exam.elsewhere.reason}"
    )
    found = exam.elsewhere.answers
    for name, values in exam.answered.items():
        demand(
            name in found and same(values, found[name]),
            f"{name} gives other answers from the state{difference(values, found.get(name))}",
        )


@CHECKS.add("a damaged state is refused with a StateError", roles=FITTED_ROLES)
def state_refuses_damage(exam: ComponentExamination) -> None:
    """Put a text at the place of each value, and leave everything out."""
    state = dict(exam.fitted.component.get_state())
    damaged = {f"{key!r} as a text": state | {key: "rubbish"} for key in state}
    if state:
        damaged["nothing"] = {}
    for what, broken in damaged.items():
        if any(isinstance(state[key], str) and broken.get(key) == "rubbish" for key in state):
            continue
        try:
            exam.fresh().set_state(broken)
        except StateError:
            continue
        except Exception as error:
            name = type(error).__name__
            raise CheckFailedError(
                f"a state with {what} gives {name}: {error}; {_REMEDY}"
            ) from error
        demand(False, f"a state with {what} is accepted; {_REMEDY}")
