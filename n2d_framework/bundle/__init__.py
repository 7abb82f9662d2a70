"""Bundles: a fitted composition in one file that anybody can open safely, years later.

The format is stated in docs/bundle-format.md.
"""

from __future__ import annotations

from n2d_framework.bundle.decoding import open_bundle
from n2d_framework.bundle.inspection import ArrayInfo, BundleInfo, inspect
from n2d_framework.bundle.onnx_export import OnnxExport, export_onnx
from n2d_framework.bundle.replay import StageReplay, VerifyReport
from n2d_framework.bundle.save_load import holds_rows, load, load_plan, save, save_again, verify
from n2d_framework.bundle.upgrading import upgrade

__all__ = [
    "ArrayInfo",
    "BundleInfo",
    "OnnxExport",
    "StageReplay",
    "VerifyReport",
    "export_onnx",
    "holds_rows",
    "inspect",
    "load",
    "load_plan",
    "open_bundle",
    "save",
    "save_again",
    "upgrade",
    "verify",
]
