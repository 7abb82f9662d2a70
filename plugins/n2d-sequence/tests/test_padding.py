"""Series of different lengths: padded, recognized, never seen by a network."""

from __future__ import annotations

import n2d_sequence
import numpy as np
import pytest
from n2d_sequence.conv1d import Conv1dAutoencoder

from n2d_framework.plugin import DataError


def test_series_are_padded_behind():
    padded = n2d_sequence.pad([[[1, 2], [3, 4]], [[5, 6]]], value=-1, length=3)
    assert padded.tolist() == [[[1, 2], [3, 4], [-1, -1]], [[5, 6], [-1, -1], [-1, -1]]]
    assert padded.dtype == np.float64


def test_series_of_one_feature_stay_flat_and_float32_stays():
    series = [np.ones(3, np.float32), np.ones(5, np.float32)]
    assert n2d_sequence.pad(series).shape == (2, 5)
    assert n2d_sequence.pad(series).dtype == np.float32


@pytest.mark.parametrize("value", [0.0, -999.9, 0.1])
def test_lengths_are_recognized(value):
    rng = np.random.default_rng(0)
    series = [rng.normal(size=(length, 2)) for length in (4, 9, 1)]
    padded = n2d_sequence.pad(series, value=value)
    for x in (padded, padded.astype(np.float32)):
        assert n2d_sequence.observed_lengths(x, value).tolist() == [4, 9, 1]
        assert n2d_sequence.observed_lengths(x, None).tolist() == [9, 9, 9]


@pytest.mark.parametrize("flat", [False, True])
def test_embedders_count_the_steps_that_are_not_padding(padded, flat):
    x = padded[:, :, 1] if flat else padded
    wanted = n2d_sequence.observed_lengths(x, 0.0).tolist()
    assert Conv1dAutoencoder(padding_value=0.0).observed_steps(x).tolist() == wanted
    assert min(wanted) < 21
    assert set(Conv1dAutoencoder().observed_steps(x).tolist()) == {21}


def test_only_the_end_is_padding_and_only_where_all_features_are():
    x = np.array([[[0, 0], [1, 0], [0, 0], [0, 2], [0, 0]]], dtype=float)
    assert n2d_sequence.observed_lengths(x, 0.0).tolist() == [4]
    assert n2d_sequence.observed_lengths(np.zeros((2, 5)), 0.0).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("series", "more", "said"),
    [
        ([], {}, "no series"),
        ([[1.0], []], {}, "series 1 is empty"),
        ([[1.0, 2.0]], {"length": 1}, "series 0 has 2 steps, more than length=1"),
        ([[[1.0, 2.0]], [[1.0]]], {}, r"series 1 has the shape \(1, 1\)"),
        ([np.ones((2, 2, 2))], {}, "give .steps,. or .steps, features."),
        ([[1.0, 0.0]], {}, "series 0 ends with 0, the padding value"),
    ],
)
def test_what_cannot_be_padded_is_said(series, more, said):
    with pytest.raises(DataError, match=said):
        n2d_sequence.pad(series, **more)
