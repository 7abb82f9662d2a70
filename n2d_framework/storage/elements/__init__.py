"""The closed set of codecs: what a state may hold, and how each kind is stored."""

from __future__ import annotations

from n2d_framework.storage.elements.array_elements import ARRAY, BOOL_ARRAY
from n2d_framework.storage.elements.containers import LIST, MAPPING, mapping_branch
from n2d_framework.storage.elements.plain import PLAIN, text_leaf
from n2d_framework.storage.elements.registry import Codec, Codecs, Reading, Writing

__all__ = ["CODECS", "Codec", "Codecs", "Reading", "Writing", "mapping_branch", "text_leaf"]

#: Every codec of every version ever released.
CODECS = Codecs()
for _codec in (BOOL_ARRAY, ARRAY, MAPPING, LIST, PLAIN):
    CODECS.register(_codec)
