"""The conformance kit on everything that is installed; nothing gets in unexamined."""

from __future__ import annotations

import pytest

from n2d_framework.testing import checks_for
from n2d_framework.testing.kit import find_all, kind_of

ENTRIES = {
    f"{kind_of(entry)}/{entry.qualified_name}": entry
    for entry in find_all()
    if entry.distribution == "n2d_framework"
}
#: Networks, and methods that compile: more than ten seconds for all their checks.
SLOW = {"conv_ae", "dense_ae", "denoising_ae", "keras", "umap", "tsne"}


def cases():
    for which, entry in ENTRIES.items():
        marks = [pytest.mark.slow] if entry.spec.name in SLOW else []
        for check in checks_for(entry):
            yield pytest.param(which, check, id=f"{which}-{check.name}", marks=marks)


@pytest.mark.parametrize(("which", "check"), list(cases()))
def test_it_keeps_its_promise(which, check, n2d_examine):
    reason = check.skipped(ENTRIES[which].spec)
    if reason:
        pytest.skip(f"the spec says: {reason}")
    check.run(n2d_examine(which))


def test_every_entry_of_the_catalogue_is_examined():
    from n2d_framework.registry import default_catalogue

    catalogue = default_catalogue()
    announced = [*catalogue.components(), *catalogue.datasets(), *catalogue.metrics()]
    assert not catalogue.failures
    mine = [entry for entry in announced if entry.distribution == "n2d_framework"]
    examined = {param.values[0] for param in cases()}
    missing = [entry for entry in mine if entry not in ENTRIES.values()]
    assert missing == []
    assert examined == set(ENTRIES)
    assert {kind_of(entry) for entry in mine} >= {"embedder", "manifolder", "clusterer", "dataset"}
    assert all(checks_for(entry) for entry in ENTRIES.values())


def test_skips_are_few_and_declared():
    """A check that most entries could skip would be worth nothing."""
    own = [e for e in ENTRIES.values() if kind_of(e) in ("embedder", "manifolder", "clusterer")]
    plain = [entry for entry in own if not entry.spec.imports_code]
    skipped = [
        (entry.spec.name, check.name)
        for entry in plain
        for check in checks_for(entry)
        if check.skipped(entry.spec)
    ]
    assert skipped == []
