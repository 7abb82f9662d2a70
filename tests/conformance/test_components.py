"""The conformance kit on everything that is installed; nothing gets in unexamined."""

from __future__ import annotations

import pytest

from n2d_framework.core.announcements.preset import PresetSpec
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.errors import PluginError, UnknownComponentError
from n2d_framework.events import HOOKS
from n2d_framework.registry import default_catalogue, hookspecs
from n2d_framework.testing import checks_for, conformance, entries_of

#: Networks, and methods that compile: more than ten seconds for all their checks.
SLOW = (
    "embedder/conv_ae", "embedder/dense_ae", "embedder/denoising_ae", "embedder/keras",
    "manifolder/umap", "manifolder/tsne",
)  # fmt: skip
ADDED = """
from n2d_framework.plugin import ComponentSpec, DatasetSpec, MetricSpec, hookimpl

@hookimpl
def n2d_components():
    about = {"factory": "absent:Thing", "summary": "One line."}
    return [ComponentSpec(role=r, name="added", **about) for r in ("manifolder", "clusterer")]

@hookimpl
def n2d_datasets():
    yield DatasetSpec(name="added", loader="absent:load", summary="s", n_rows=2, row_shape=(3,))

@hookimpl
def n2d_metrics():
    yield MetricSpec(name="added", function="absent:score", summary="One line.")

@hookimpl
def n2d_run_started(event):
    pass
"""

test_it_keeps_its_promise = conformance(
    "n2d_framework", marks=dict.fromkeys(SLOW, pytest.mark.slow)
)


def examined(test):
    """Names for which a test has cases."""
    (parameters,) = [mark for mark in test.pytestmark if mark.name == "parametrize"]
    return {case.values[0] for case in parameters.args[1]}


def test_whatever_the_framework_s_own_plugin_announces_has_cases():
    """The plugin is asked by each hook there is, past the catalogue and past the kit."""
    catalogue = default_catalogue()
    assert not catalogue.failures
    announcing = {name for name in vars(hookspecs) if name.startswith("n2d_")} - {*HOOKS.values()}
    announced = [
        spec
        for hook in announcing
        for implementation in getattr(catalogue.manager.hook, hook).get_hookimpls()
        if implementation.plugin_name.startswith("n2d_framework:")
        for spec in implementation.function()
        if not isinstance(spec, PresetSpec)  # examined by tests/config/test_presets.py
    ]
    names = {spec.name for spec in announced}
    assert {"dense_ae", "umap", "hdbscan", "digits"} <= names
    assert len(examined(test_it_keeps_its_promise)) == len(announced)
    assert {which.partition(":")[2] for which in examined(test_it_keeps_its_promise)} == names


def test_what_is_added_to_a_catalogue_is_examined(use_plugin):
    use_plugin("added", ADDED, distribution="adds-some")
    kinds = ("manifolder", "clusterer", "dataset", "metric", "tracker")
    everything = {f"{kind}/adds-some:added" for kind in kinds}
    assert examined(conformance("adds-some")) == everything
    assert examined(conformance("n2d_framework")) == examined(test_it_keeps_its_promise)


def test_a_distribution_of_which_something_cannot_be_used_is_refused(
    install_plugin, fresh_catalogue, tmp_path
):
    """Its tests would pass without the cases that are missing."""
    install_plugin("works", ADDED, distribution="half-broken")
    with (tmp_path / "site/half_broken-1.0.dist-info/entry_points.txt").open("a") as points:
        points.write("broken = absent\n")
    with pytest.raises(PluginError, match=r"'broken' of half-broken cannot be used.*absent"):
        entries_of("half-broken", fresh_catalogue())
    with pytest.raises(UnknownComponentError, match="did you mean 'n2d_framework'"):
        entries_of("n2d-framework", fresh_catalogue())


def test_a_mark_of_what_is_not_there_is_refused():
    with pytest.raises(UnknownComponentError, match="did you mean 'manifolder/umap'"):
        conformance("n2d_framework", marks={"manifolder/umpa": pytest.mark.slow})


def test_skips_are_few_and_declared():
    """A check that most entries could skip would be worth nothing."""
    components = [e for e in entries_of("n2d_framework") if isinstance(e.spec, ComponentSpec)]
    reasons = {
        (entry.spec.name, check.name): check.skipped(entry.spec)
        for entry in components
        for check in checks_for(entry)
        if not entry.spec.imports_code
    }
    # Three checks are of abilities that a component need not have; each is run for some.
    abilities = {
        "sparse_as_dense": "not sparse",
        "weights_count": "not weighted",
        "probabilities": "not soft",
    }
    for name, reason in abilities.items():
        found = {given for (_, check), given in reasons.items() if check == name}
        assert len(found) == 2
        assert reason in found
        reasons = {key: given for key, given in reasons.items() if key[1] != name}
    assert {key: given for key, given in reasons.items() if given} == {}
