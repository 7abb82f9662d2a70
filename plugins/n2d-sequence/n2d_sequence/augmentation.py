"""Random variations of series, fresh for every batch."""

from __future__ import annotations

from typing import Literal

import attrs

from n2d_framework.plugin import option

__all__ = ["Augmentation"]


@attrs.frozen(kw_only=True)
class Augmentation:
    """Variation of training series, after they were normalised; padding stays padding.

    References
    ----------
    Um et al. 2017, "Data Augmentation of Wearable Sensor Data for Parkinson's Disease
    Monitoring using Convolutional Neural Networks", ICMI: jitter and scaling, of these sizes.
    Le Guennec, Malinowski and Tavenard 2016, "Data Augmentation for Time Series
    Classification using Convolutional Neural Networks": slices of 90 % of a series, and
    windows of 10 % that go half or twice as fast.
    """

    jitter: float = option(
        0.05, ge=0, help="Standard deviation of normal noise added to every value."
    )
    scaling: float = option(
        0.1,
        ge=0,
        help="Standard deviation of the factor, 1 on average, of each feature of a series.",
    )
    crop: float = option(
        0.1,
        ge=0,
        lt=1,
        help="Largest share of a series that is cut off; the rest is stretched to its length.",
    )
    warp: float = option(
        1.0,
        ge=0,
        help="How much faster or slower a random window may go: 1 is twice or half as fast. "
        "The series is stretched back to its length.",
    )
    warp_window: float = option(
        0.1, gt=0, le=1, help="Length of that window, as a share of the series."
    )
    target: Literal["varied", "original"] = option(
        "varied",
        help="What the decoder has to make of a varied series: the same variant, or the original, "
        "which makes the latent space forget the variation.",
    )
