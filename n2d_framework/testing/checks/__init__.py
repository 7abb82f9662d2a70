"""The checks, by what is examined."""

from __future__ import annotations
