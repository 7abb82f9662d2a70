"""Components with an option that only a user can give: examined with it, skipped without it."""

from __future__ import annotations

import pytest

from n2d_framework.errors import ConfigError, UnknownComponentError, UnsupportedError
from n2d_framework.testing import conformance, run_checks

PLUGIN = '''
from typing import Any
from pathlib import Path
import numpy as np
from n2d_framework.plugin import (
    ComponentSpec, check_features, component, hookimpl, learned, option, require_fitted,
)

@hookimpl
def n2d_components():
    yield ComponentSpec(
        role="embedder", name="filed", factory="filed_plugin:Filed", summary="Times a number",
    )

@component
class Filed:
    """Rows times the number in a file."""
    path: str = option(help="A file with a number.")
    factor_: Any = learned(dtype=float)
    width_: Any = learned(dtype=int)

    def fit(self, x, *, context):
        self.factor_, self.width_ = float(Path(self.path).read_text()), x.shape[1]
        return self

    def transform(self, x):
        factor = require_fitted(self.factor_, "filed")
        check_features(x, self.width_, "filed")
        return np.asarray(x * np.float32(factor))
'''
CHECKS = ("options_described", "output", "in_a_model", "same_seed", "state_round_trip")


@pytest.fixture
def number(use_plugin, tmp_path):
    use_plugin("filed_plugin", PLUGIN)
    path = tmp_path / "number.txt"
    path.write_text("2.5")
    return str(path)


def test_an_option_that_is_given_is_used_in_this_process_and_in_the_fresh_one(number):
    report = run_checks("embedder/filed", only=CHECKS, options={"path": number})
    assert [outcome.status for outcome in report.outcomes] == ["passed"] * 5, str(report)


def test_without_it_what_needs_it_is_skipped_with_what_to_pass(number):
    report = run_checks("embedder/filed", only=CHECKS)
    found = {outcome.check: outcome for outcome in report.outcomes}
    assert found.pop("options_described").status == "passed"
    for outcome in found.values():
        assert outcome.status == "skipped"
        assert "n2d check-plugin embedder/filed --set path=VALUE" in outcome.detail


@pytest.mark.parametrize("which", ["embedder/filed", "filed_plugin"])
def test_the_test_of_pytest_takes_it_for_one_entry_and_for_a_distribution(
    number, n2d_examine, which
):
    def ran(options):
        test = conformance(which, options=options)
        for case in test.pytestmark[0].args[1]:
            if case.values[1].name in CHECKS:
                test(*case.values, n2d_examine)

    given = {"path": number}
    ran(given if "/" in which else {"embedder/filed": given})
    with pytest.raises(pytest.skip.Exception, match="--set path=VALUE"):
        ran(None)
    with pytest.raises(ConfigError, match="did you mean 'path'"):
        ran({"paht": number} if "/" in which else {"embedder/filed": {"paht": number}})
    if "/" not in which:
        with pytest.raises(UnknownComponentError, match="options: filed_plugin brings no"):
            ran({"embedder/field": given})


def test_what_is_wrong_with_a_given_option_fails(number):
    report = run_checks("embedder/filed", only=("output",), options={"path": number + ".no"})
    assert [outcome.status for outcome in report.outcomes] == ["failed"]
    with pytest.raises(ConfigError, match="did you mean 'path'"):
        run_checks("embedder/filed", only=("output",), options={"paht": number})
    with pytest.raises(UnsupportedError, match="a dataset has none"):
        run_checks("dataset/digits", options={"path": number})


def test_the_command_line_takes_options_of_one_entry(number):
    from typer.testing import CliRunner

    from n2d_framework.cli import app

    asked = CliRunner().invoke(app, ["check-plugin", "filed_plugin", "--set", f"path={number}"])
    assert asked.exit_code == 2
    assert "ROLE/NAME" in asked.output
    asked = CliRunner().invoke(
        app, ["check-plugin", "embedder/filed", "--set", "path=absent.txt", "--markdown"]
    )
    assert asked.exit_code == 1
    assert "absent.txt" in asked.stdout
