"""Every check of the kit can fail: for each there is a plugin that breaks just its promise."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import sys
import tempfile
import warnings
from pathlib import Path

import attrs
import numpy as np
import pytest
from wrong_coordinates import WRONG as WRONG_COORDINATES
from wrong_effects import TORCH
from wrong_effects import WRONG as WRONG_EFFECTS
from wrong_plugins import TRACKERS, WRONG, Colour, ObjectState, name_of
from wrong_registries import WRONG as WRONG_REGISTRIES
from wrong_treatments import WRONG as WRONG_TREATMENTS

from n2d_framework.plugin import DatasetSpec
from n2d_framework.registry import default_catalogue
from n2d_framework.testing import checks_for, find, run_checks
from n2d_framework.testing.kit import KINDS
from n2d_framework.testing.process.process_state import Surroundings

#: Check to what breaks it.
CASES = {
    **{check: f"clusterer/{name_of(factory)}" for check, factory in WRONG.items()},
    "arrays_are_its_own": "manifolder/keepsrows",
    "treatments": "prepare/namesextremes",
    "environment": "clusterer/sly",
    "process_settings": "clusterer/sly",
    "thread_counts": "clusterer/setsblasthreads",
    "survivors": "clusterer/keepsthread",
    "open_files": "clusterer/keepsfile",
    "no_warnings": "clusterer/warnsatfit",
    "dataset_import_is_light": "dataset/wrong_light",
    "dataset_described": "dataset/wrong_described",
    "dataset_obtainable": "dataset/wrong_obtainable",
    "dataset_rows": "dataset/wrong_rows",
    "dataset_repeats": "dataset/wrong_repeats",
    "dataset_leaves_process_alone": "dataset/wrong_disturbs",
    "dataset_prints_nothing": "dataset/wrong_prints",
    "metric_import_is_light": "metric/wrong_light",
    "metric_has_its_own_name": "metric/acc",
    "metric_is_a_number": "metric/wrong_number",
    "metric_direction": "metric/wrong_direction",
    "metric_is_about_groups": "metric/wrong_groups",
    "metric_takes_any_labels": "metric/wrong_labels",
    "metric_leaves_process_alone": "metric/wrong_disturbs",
    "metric_prints_nothing": "metric/wrong_prints",
    "tracker_import_is_light": "tracker/wrong_light",
    "tracker_takes_a_run": "tracker/wrong_run",
    "tracker_takes_a_failure": "tracker/wrong_failure",
    "tracker_takes_a_comparison": "tracker/wrong_comparison",
    "tracker_takes_two_runs": "tracker/wrong_two",
    "tracker_changes_nothing": "tracker/wrong_change",
    "tracker_writes_when_asked": "tracker/wrong_file",
    "tracker_leaves_process_alone": "tracker/wrong_disturbance",
    "tracker_prints_nothing": "tracker/wrong_print",
}
WRONG_MODULES = (
    "wrong_plugins", "wrong_coordinates", "wrong_effects", "wrong_registries", "wrong_treatments",
)  # fmt: skip
GOOD = {
    "prepare": "minmax",
    "refine": "reassign_noise",
    "describe": "summary",
    "embedder": "good_places",
    "manifolder": "good_places",
    "clusterer": "good",
    "dataset": "good_set",
    "metric": "good_score",
    "tracker": "good_tracker",
}
#: What a failure says, where a plugin breaks several promises at once.
WORDS = {
    "global_seeds": "numpy.random",
    "prints_nothing": "fitting",
    "log_handlers": "StreamHandler",
    "files": "left_behind.txt",
    "network": "127.0.0.1",
}
EFFECTS = [
    *WORDS, "environment", "process_settings", "thread_counts", "survivors", "open_files",
    "no_warnings",
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory):
    """Two distributions: one with everything right or wrong, one whose plugin is heavy."""
    site = tmp_path_factory.mktemp("site")
    points = {name: name for name in WRONG_MODULES}
    points |= {name: f"wrong_plugins:{attribute}" for name, attribute in TRACKERS.items()}
    for distribution, found in (("wrong", points), ("heavy", {"wrong_light": "wrong_heavy"})):
        info = site / f"{distribution}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1\n")
        lines = "".join(f"{name} = {value}\n" for name, value in found.items())
        (info / "entry_points.txt").write_text(f"[n2d_framework]\n{lines}")
    sys.path.insert(0, str(site))
    default_catalogue.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        if importlib.util.find_spec("torch") is None:
            (site / "torch.py").write_text(TORCH)
            patch.delitem(sys.modules, "torch", raising=False)
        yield
    sys.modules.pop("torch", None)
    sys.path.remove(str(site))
    default_catalogue.cache_clear()


@pytest.fixture(scope="module")
def outcomes_of(tmp_path_factory):
    """Examine, in a folder of its own, what does things to its process; each component once."""
    found = {}
    folder = tmp_path_factory.mktemp("process")

    def examined(which):
        if which not in found:
            with pytest.MonkeyPatch.context() as patch, as_it_was():
                patch.chdir(folder)
                patch.setattr(tempfile, "tempdir", str(folder))
                patch.setenv("TMPDIR", str(folder))
                for name in ("n2d_removed", "n2d_changed", "n2d_cut"):
                    folder.joinpath(name).write_text("of somebody else")
                report = run_checks(which, only=EFFECTS)
            found[which] = {outcome.check: outcome for outcome in report.outcomes}
        return found[which]

    return examined


@contextlib.contextmanager
def as_it_was():
    """Put back what the components under examination change here: the kit fits them here too."""
    before = Surroundings.now()
    try:
        with warnings.catch_warnings():
            yield
    finally:
        before.restore()


@pytest.mark.parametrize("check", [check for check in CASES if check not in EFFECTS])
def test_the_check_fails_for_a_plugin_that_breaks_its_promise(check):
    report = run_checks(CASES[check], only=[check], time_limit=0.5)
    assert [outcome.status for outcome in report.outcomes] == ["failed"]
    assert report.outcomes[0].detail


@pytest.mark.parametrize("check", WORDS)
def test_what_is_done_to_the_process_is_seen(check, outcomes_of):
    """By the one plugin that does everything to its process."""
    outcome = outcomes_of(CASES["files"])[check]
    assert outcome.status == "failed"
    assert WORDS[check] in outcome.detail


@pytest.mark.parametrize(("name", "check", "words"), [*WRONG_EFFECTS, *WRONG_REGISTRIES])
def test_what_is_done_quietly_to_the_process_is_seen(name, check, words, outcomes_of):
    outcome = outcomes_of(f"clusterer/{name}")[check]
    assert outcome.status == "failed"
    assert words in outcome.detail


@pytest.mark.parametrize("name", ["imports", "putsback"])
def test_what_a_library_does_or_what_is_put_back_is_allowed(name, outcomes_of):
    outcomes = outcomes_of(f"clusterer/{name}").values()
    assert [outcome.detail for outcome in outcomes if outcome.status != "passed"] == []


def test_what_they_leave_behind_is_not_where_the_tests_were_started(outcomes_of):
    outcomes_of(CASES["files"])
    outcomes_of("clusterer/sly")
    assert [name for name in ("left_behind.txt", "n2d_sly_working") if Path(name).exists()] == []


@pytest.mark.parametrize(("which", "check", "words"), WRONG_COORDINATES)
def test_each_part_of_what_is_promised_of_coordinates_can_fail(which, check, words):
    (outcome,) = run_checks(which, only=[check]).outcomes
    assert outcome.status == "failed"
    assert words in outcome.detail


@pytest.mark.parametrize(("name", "words"), WRONG_TREATMENTS)
def test_each_part_of_what_is_promised_of_treatments_can_fail(name, words):
    (outcome,) = run_checks(f"prepare/{name}", only=["treatments"]).outcomes
    assert outcome.status == "failed"
    assert words in outcome.detail


@pytest.mark.parametrize("which", ["prepare/centred", "prepare/table", "prepare/normalize_counts"])
def test_treatments_that_name_no_row_pass(which):
    (outcome,) = run_checks(which, only=["treatments"]).outcomes
    assert outcome.status == "passed", outcome.detail


def test_labels_in_another_order_than_the_rows_are_found():
    (outcome,) = run_checks("clusterer/wrong_turnslabels", only=["known_labels"]).failures
    assert "give labels in the order of the rows" in outcome.detail


MEMORY = ["same_seed", "refit_forgets", "state_is_plain", "state_round_trip"]
STATES = {
    "a set": ({1}, "a set cannot be stored"),
    "bytes": (b"x", "a bytes cannot be stored"),
    "a path": (Path("x"), "Path cannot be stored"),
    "a large integer": (2**70, "does not fit into 64 bit"),
    "a key": ({3: 1}, "3 is not a valid name"),
    "an enum": (Colour.RED, "a Colour cannot be stored"),
}


@pytest.mark.parametrize("what", STATES)
def test_a_state_that_cannot_be_stored_fails_by_its_place_and_hides_nothing_else(what, monkeypatch):
    value, words = STATES[what]
    monkeypatch.setattr(ObjectState, "kept", value)
    report = run_checks("clusterer/wrong_objectstate", only=[*EFFECTS, *MEMORY])
    assert {item.check for item in report.failures} == {"state_is_plain", "state_round_trip"}
    for item in report.failures:
        assert "state /object" in item.detail
        assert words in item.detail


def test_a_fit_that_fails_is_the_reason_of_every_check_and_is_tried_once(monkeypatch):
    """Common parts of several checks are computed once, also where that fails."""
    tries = []
    monkeypatch.setattr(ObjectState, "fit", lambda *_args, **_more: tries.append(1) or 1 / 0)
    report = run_checks("clusterer/wrong_objectstate", only=[*EFFECTS, *MEMORY, "output", "quick"])
    details = {outcome.detail for outcome in report.failures}
    assert all("ZeroDivisionError: division by zero" in detail for detail in details), details
    assert len(report.failures) == len(report.outcomes)
    assert len(tries) == 1


def test_products_in_blocks_of_one_size_are_the_same_in_any_company():
    report = run_checks("manifolder/multipliesinblocks", only=["batch_invariance"])
    assert report.ok, report.failures


def test_a_file_without_address_and_digest_is_found():
    (outcome,) = run_checks("dataset/wrong_address", only=["dataset_obtainable"]).outcomes
    assert "'rows.csv' has no address" in outcome.detail


def test_a_metric_without_direction_keeps_all_other_promises():
    report = run_checks("metric/largest")
    assert report.ok, report.failures
    (skipped,) = [outcome for outcome in report.outcomes if outcome.status == "skipped"]
    assert (skipped.check, skipped.detail) == ("metric_direction", "not directed")


@pytest.mark.parametrize("which", ["dataset/wrong_disturbs", "metric/wrong_disturbs",
                                   "tracker/wrong_disturbance"])  # fmt: skip
def test_what_is_not_a_component_leaves_the_process_alone_at_every_call(which, monkeypatch):
    """Effects of the first call only, as with a handler that is there already, count too."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    before = dict(os.environ), Path.cwd()
    name = f"{which.partition('/')[0]}_leaves_process_alone"
    report = run_checks(which)
    (outcome,) = report.failures
    assert outcome.check == name
    for words in ("numpy.random", "N2D_DISTURBED", "working directory", "StreamHandler"):
        assert words in outcome.detail
    assert (dict(os.environ), Path.cwd()) == before


@pytest.mark.parametrize(("changed", "words"), [
    ({"y": np.array([0, 1, np.nan] * 2)}, "missing (NaN) for 2 rows"),
    ({"names": ("one",)}, "has 1 names of classes, announced are 2"),
])  # fmt: skip
def test_classes_without_value_or_name_are_found(changed, words, monkeypatch):
    good = find("dataset/good_set").spec.load()
    monkeypatch.setattr(DatasetSpec, "load", lambda _: attrs.evolve(good, **changed))
    (outcome,) = run_checks("dataset/good_set", only=["dataset_rows"]).outcomes
    assert words in outcome.detail


def test_a_dataset_that_hands_out_one_array_is_found(monkeypatch):
    good = find("dataset/good_set").spec.load()
    monkeypatch.setattr(DatasetSpec, "load", lambda _: good)
    (outcome,) = run_checks("dataset/good_set", only=["dataset_repeats"]).outcomes
    assert "return a copy" in outcome.detail


@pytest.mark.parametrize("kind", KINDS)
def test_the_plugin_they_were_made_from_keeps_all_promises(kind):
    report = run_checks(f"{kind}/{GOOD[kind]}")
    assert report.ok, report.failures
    spec = find(f"{kind}/{GOOD[kind]}").spec
    asked = [check for check in checks_for(f"{kind}/{GOOD[kind]}") if not check.skipped(spec)]
    assert report.count("passed") == len(asked) > 3


def test_no_check_is_without_a_plugin_that_fails_it():
    names = {check.name for kind in KINDS for check in checks_for(f"{kind}/{GOOD[kind]}")}
    # Two need components of other rows and with weights: test_kinds_in_the_kit.py fails them.
    assert names == {*CASES, "sparse_as_dense", "weights_count"}


def test_every_check_says_what_it_promises():
    checks = [
        check
        for kind in ("clusterer", "dataset")
        for check in checks_for(find(f"{kind}/{GOOD[kind]}"))
    ]
    assert all(check.promise and "\n" not in check.promise for check in checks)


def test_only_declared_abilities_skip_checks():
    skips = {check.name: check.needs for check in checks_for("clusterer/good") if check.needs}
    assert set().union(*skips.values()) <= {
        "inductive", "deterministic", "soft", "embedded", "sparse", "weighted",
    }  # fmt: skip
