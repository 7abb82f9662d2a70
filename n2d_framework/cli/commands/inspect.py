"""``n2d inspect``: what is inside a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from n2d_framework.cli.flags import Json
from n2d_framework.cli.terminal.console import (
    bare_table,
    out,
    print_json,
    seconds_text,
    shape_text,
    size_text,
)
from n2d_framework.core.roles import components_in
from n2d_framework.core.rows import Schema, listed

if TYPE_CHECKING:
    from rich.console import Console

    from n2d_framework.bundle import BundleInfo

__all__ = ["inspect"]


def inspect(
    bundle: Annotated[Path, typer.Argument(help="A bundle (.n2d).")],
    arrays: Annotated[bool, typer.Option("--arrays", help="List every stored value.")] = False,
    json: Json = False,
) -> None:
    """Describe the content of a bundle, importing nothing of its components."""
    from n2d_framework.bundle import inspect as look

    info = look(bundle)
    if json:
        print_json(info.to_dict())
        return
    console = out()
    _print_facts(console, info)
    _print_stages(console, info)
    if arrays:
        _print_arrays(console, info)


def _print_facts(console: Console, info: BundleInfo) -> None:
    manifest = info.manifest
    data = manifest["data"]
    facts = {
        "bundle": info.path,
        "size": size_text(info.file_size),
        "format": f"version {info.format_version}, written by n2d_framework "
        f"{info.framework_version}",
        "created": info.created,
        "sha256": info.sha256,
        "fitted on": _rows(data),
        "clusters": str(manifest["n_clusters_found"]),
        "seed": str(manifest["random_state"]),
    }
    schema = Schema.of_data(data)
    if schema.named:
        facts["columns"] = listed(schema.names)
    if schema.images is not None:
        facts["images become"] = str(schema.images)
    if schema.id is not None:
        facts["ids in"] = repr(schema.id)
    agreement = manifest["training"]["agreement"]
    if "equal" in agreement:
        rows = f"{agreement['rows']:.0f} " if "rows" in agreement else ""
        facts["agreement"] = (
            f"{agreement['equal']:.2%} of {rows}training rows are predicted their label"
        )
    for name, value in facts.items():
        console.print(f"{name:<10} {value}", soft_wrap=True)
    console.print()


def _rows(data: Mapping[str, Any]) -> str:
    """Rows that the model was fitted on; a bundle need not give their number or type."""
    rows = "rows" if data.get("n_rows") is None else f"{data['n_rows']} rows"
    shape = f" of {shape_text(data['row_shape'])}" if data["row_shape"] else ""
    return rows + shape + (f" ({data['dtype']})" if data.get("dtype") else "")


def _print_stages(console: Console, info: BundleInfo) -> None:
    table = bare_table("stage", "component", "from", "fitted in", "stored", "options")
    seconds = info.manifest["training"]["seconds"]
    for label, about in components_in(info.manifest["composition"]).items():
        options = ", ".join(f"{name}={value}" for name, value in about["options"].items())
        table.add_row(
            label,
            about["name"],
            f"{about['distribution']} {about['version']}",
            seconds_text(float(seconds[label])) if label in seconds else "",
            size_text(info.part_sizes.get(label, info.part_sizes.get("scaler", 0))),
            options,
        )
    console.print(table)


def _print_arrays(console: Console, info: BundleInfo) -> None:
    table = bare_table("value", "type", "shape", "stored", "size")
    for array in info.arrays:
        kind = array.dtype if array.type != "plain" else "plain"
        shape = shape_text(array.shape)
        table.add_row(array.path, kind, shape, size_text(array.stored), size_text(array.size))
    console.print()
    console.print(table)
