"""run_plan: all steps of a plan in this process."""

from __future__ import annotations

from n2d_framework.core.rows import Rows
from n2d_framework.plan.run_step import Edge, RunContext, StepResult, run_step
from n2d_framework.plan.steps import Plan

__all__ = ["run_plan"]


def run_plan(
    plan: Plan, rows: Rows, fingerprint: str, random_state: int, context: RunContext
) -> tuple[StepResult, ...]:
    """Run all steps, one after the other, in this process.

    Parameters
    ----------
    plan : Plan
    rows : Rows
    fingerprint : str
        Of the rows.
    random_state : int
        The composition's seed.
    context : RunContext

    Returns
    -------
    tuple of StepResult

    Raises
    ------
    DataError, StageError
        If a step fails.
    """
    edge, results = Edge(rows, fingerprint), []
    for step in plan:
        result = run_step(step, edge, step.seed(random_state), context)
        edge = edge.after(result.output, result.key, result.published)
        results.append(result.without_rows() if step.prepares else result)
    return tuple(results)
