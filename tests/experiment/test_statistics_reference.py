"""The tests over datasets, against published numbers and the libraries' own functions."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import scikit_posthocs as sp
from scipy.stats import bootstrap, friedmanchisquare, studentized_range, wilcoxon
from statsmodels.stats.multitest import multipletests

from n2d_framework.analysis.intervals import bootstrap_interval
from n2d_framework.analysis.paired import against_baseline
from n2d_framework.analysis.significance import compare_methods

#: Demsar 2006, "Statistical comparisons of classifiers over multiple datasets", table 6: AUC of
#: C4.5, and with m, cf, or both tuned, on 14 datasets. (Of "voting", cf is a little better than
#: both by the ranks in the table, which the three digits do not show.)
DEMSAR = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)
NAMES = ["C4.5 / m / c", "C4.5+m / m / c", "C4.5+cf / m / c", "C4.5+m+cf / m / c"]


def cells(scores: np.ndarray, seeds: int = 1) -> pd.DataFrame:
    """A table of cells whose means over seeds are the scores."""
    offsets = np.linspace(-0.001, 0.001, seeds) if seeds > 1 else [0.0]
    rows = [
        {"data": f"d{place}", "scaler": "minmax", "embedder": name.partition(" ")[0]}
        | {"manifolder": "m", "clusterer": "c", "n_clusters": 2, "seed": seed, "status": "done"}
        | {"acc": scores[place, column] + offset}
        for place in range(len(scores))
        for column, name in enumerate(NAMES)
        for seed, offset in enumerate(offsets)
    ]
    return pd.DataFrame(rows).astype({"n_clusters": "Int64"})


@pytest.mark.parametrize("seeds", [1, 4])
def test_mean_ranks_are_those_of_the_paper(seeds):
    found = compare_methods(cells(DEMSAR, seeds).round(9), "acc")
    assert found.ranks[NAMES].round(3).tolist() == [3.143, 2.0, 2.893, 1.964]
    assert found.ranks.index[0] == "C4.5+m+cf / m / c"


def test_friedman_is_that_of_scipy_and_near_the_paper():
    found = compare_methods(cells(DEMSAR), "acc")
    expected = friedmanchisquare(*DEMSAR.T)
    assert (found.statistic, found.p_value) == pytest.approx(tuple(expected))
    ranks, (n, k) = found.ranks.to_numpy(), DEMSAR.shape
    plain = 12 * n / (k * (k + 1)) * ((ranks**2).sum() - k * (k + 1) ** 2 / 4)
    assert plain == pytest.approx(9.28, abs=0.005)
    assert found.statistic > plain  # scipy corrects for ties


def test_nemenyi_is_the_studentized_range_of_the_difference_of_ranks():
    found = compare_methods(cells(DEMSAR), "acc")
    n, k = DEMSAR.shape
    assert np.allclose(
        found.p_values.loc[NAMES, NAMES], sp.posthoc_nemenyi_friedman(DEMSAR), rtol=1e-9
    )
    for one, other in itertools.combinations(NAMES, 2):
        gap = abs(found.ranks[one] - found.ranks[other]) / np.sqrt(k * (k + 1) / (6 * n))
        expected = studentized_range.sf(gap * np.sqrt(2), k, np.inf)
        assert found.p_values.loc[one, other] == pytest.approx(expected, rel=1e-5)
        assert found.p_values.loc[other, one] == found.p_values.loc[one, other]
    # The paper's critical difference at 0.05 is 2.569 * sqrt(4 * 5 / (6 * 14)) = 1.25.
    assert studentized_range.sf(2.569 * np.sqrt(2), k, np.inf) == pytest.approx(0.05, abs=2e-4)


def test_wilcoxon_holm_is_each_pair_of_scipy_corrected_by_statsmodels():
    scores = DEMSAR + np.random.default_rng(1).normal(0, 1e-3, DEMSAR.shape)
    found = compare_methods(cells(scores), "acc", posthoc="wilcoxon-holm")
    pairs = list(itertools.combinations(range(4), 2))
    plain = [wilcoxon(scores[:, a], scores[:, b], zero_method="zsplit").pvalue for a, b in pairs]
    corrected = multipletests(plain, method="holm")[1]
    for (a, b), expected in zip(pairs, corrected, strict=True):
        assert found.p_values.loc[NAMES[a], NAMES[b]] == pytest.approx(expected)
    library = sp.posthoc_wilcoxon(list(scores.T), p_adjust="holm", zero_method="zsplit")
    assert np.allclose(found.p_values.loc[NAMES, NAMES], library)


def test_a_baseline_is_each_pair_of_scipy_corrected_for_their_number():
    found = against_baseline(cells(DEMSAR, 5).round(9), "acc", NAMES[0])
    assert found.unit == "datasets"
    table = found.table.set_index("method")
    plain = [
        # Rounded: 0.768 - 0.763 and 0.888 - 0.883 are equal on paper, and a tie.
        wilcoxon((DEMSAR[:, column] - DEMSAR[:, 0]).round(6), zero_method="zsplit").pvalue
        for column in (1, 2, 3)
    ]
    assert table.loc[NAMES[1:], "p_value"].tolist() == pytest.approx(plain)
    corrected = multipletests(table.loc[NAMES[1:], "p_value"], method="holm")[1]
    assert table.loc[NAMES[1:], "p_holm"].tolist() == pytest.approx(corrected.tolist())
    wins = (DEMSAR[:, 3] > DEMSAR[:, 0] + 1e-9).sum()
    assert table.loc[NAMES[3], "wins"] == wins


def bars(axes) -> list[tuple[float, float]]:
    """Ranges that the thick lines of a diagram join."""
    thick = [line for line in axes.lines if line.get_linewidth() == 2]
    return sorted((min(line.get_xdata()), max(line.get_xdata())) for line in thick)


def test_the_diagram_joins_what_does_not_differ_and_nothing_else():
    none_differ = compare_methods(cells(DEMSAR), "acc")
    assert (none_differ.p_values.to_numpy() > 0.05).all()
    ranks = none_differ.ranks
    diagram = none_differ.diagram()
    assert bars(diagram) == [(ranks.min(), ranks.max())]
    texts = {text.get_text().strip() for text in diagram.texts}
    assert {"C4.5+m+cf / m / c (1.96)", "(3.14) C4.5 / m / c"} <= texts
    rng = np.random.default_rng(5)
    apart = np.array([0.9, 0.9, 0.5, 0.1]) + rng.normal(0, 0.01, (14, 4))
    found = compare_methods(cells(apart), "acc")
    joined = found.p_values.loc[found.ranks.index, found.ranks.index].to_numpy() > 0.05
    expected = [
        (found.ranks.iloc[a], found.ranks.iloc[b])
        for a, b in itertools.combinations(range(4), 2)
        if joined[a : b + 1, a : b + 1].all()
    ]
    widest = [
        (low, high)
        for low, high in expected
        if not any(a <= low and high <= b and (a, b) != (low, high) for a, b in expected)
    ]
    assert 0 < len(widest) < 3
    assert bars(found.diagram()) == sorted(widest)


def test_the_interval_is_the_percentile_bootstrap_of_scipy():
    values = [0.71, 0.8, 0.83, 0.86, 0.9]
    expected = bootstrap(
        (values,), np.mean, n_resamples=9999, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    assert bootstrap_interval(values) == pytest.approx(tuple(expected), abs=0.003)
