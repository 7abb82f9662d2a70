"""Embedders of time series for n2d_framework: convolutional and recurrent autoencoders."""

from __future__ import annotations

from n2d_sequence.padding import observed_lengths, pad

__all__ = ["observed_lengths", "pad"]
