"""``n2d stability``: how sure the labels of a model are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from n2d_framework.cli.commands.verify import TRUST
from n2d_framework.cli.flags import InsteadOfTables, selecting
from n2d_framework.cli.terminal.console import bare_table, out, print_json
from n2d_framework.errors import UnsupportedError

__all__ = ["stability"]

#: Most clusters of which all pairs are printed.
_MOST_PAIRED = 1000


@selecting
def stability(
    bundle: Annotated[Path, typer.Argument(help="A bundle (.n2d).")],
    data: Annotated[str, typer.Argument(help="Rows: those of the fit, or others.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write each row's confidence and consensus to this table."
        ),
    ] = None,
    select: Callable[[Any], Any] = lambda data: data,
    resamples: Annotated[
        int, typer.Option(min=0, help="Fits on 80 % of the rows each, which predict all.")
    ] = 20,
    seeds: Annotated[int, typer.Option(min=0, help="Fits on all rows with other seeds.")] = 5,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep", help="Keep the confidence in the bundle, for n2d predict --confidence."
        ),
    ] = False,
    store: Annotated[
        Path | None, typer.Option(help="Folder in which the stages of the refits are kept.")
    ] = None,
    trust: Annotated[list[str] | None, TRUST] = None,
    json: InsteadOfTables = False,
) -> None:
    """Fit a model's composition again, and say how sure its labels are."""
    import numpy as np

    from n2d_framework.bundle import holds_rows, load, save_again
    from n2d_framework.cli.table_file import check_table_path, open_table
    from n2d_framework.data import load as load_rows

    if output is not None:
        check_table_path(output, labels_only=False)
    model = load(bundle, trusted=trust or ()).set_params(store=store)
    if keep and not holds_rows(model):
        raise UnsupportedError(
            f"{bundle}: it was saved without rows, and --keep puts coordinates of rows into it; "
            "save the model with its rows first"
        )
    rows = load_rows(select(data), like=model.schema_)
    found = model.stability(rows, resamples=resamples, seeds=seeds, keep=keep)
    if keep:
        save_again(model, bundle)
    if output is not None:
        columns = {"row": np.arange(len(found.labels))}
        columns |= {} if rows.ids is None else {"id": rows.ids}
        with open_table(output) as table:
            table.write(
                columns
                | {
                    "label": found.labels,
                    "confidence": found.confidence,
                    "consensus": found.consensus,
                }
            )
    sizes = [int((found.labels == label).sum()) for label in found.clusters]
    sure = [float(found.confidence[found.labels == label].mean()) for label in found.clusters]
    if json:
        print_json(
            {
                "refits": len(found.kinds),
                "ari": found.ari.tolist(),
                "mean_confidence": float(found.confidence.mean()),
                "clusters": [
                    {"label": label, "size": size, "jaccard": float(alike), "confidence": mean}
                    for label, size, alike, mean in zip(
                        found.clusters, sizes, found.jaccard, sure, strict=True
                    )
                ],
                # A number for each pair of clusters: of very many it fills the disk.
                "together": found.together.tolist() if len(sizes) <= _MOST_PAIRED else None,
            }
        )
        return
    shown = bare_table("cluster", "rows", "Jaccard", "mean confidence", "most often taken for")
    for i, label in enumerate(found.clusters):
        others = np.where(np.arange(len(sizes)) == i, 0.0, found.together[i])
        other = f"{found.clusters[int(others.argmax())]} ({others.max():.0%})"
        shown.add_row(
            str(label), f"{sizes[i]:,}", f"{found.jaccard[i]:.3f}", f"{sure[i]:.3f}",
            other if others.max() >= 0.005 else "",
        )  # fmt: skip
    console = out()
    console.print(shown)
    console.print(
        f"\n{len(found.kinds)} refits: adjusted Rand index with the model {found.ari.mean():.3f} "
        f"on average, {found.ari.min():.3f} at least; mean confidence "
        f"{found.confidence.mean():.3f}"
    )
    if output is not None:
        console.print(f"rows     {output}", soft_wrap=True)
    if keep:
        console.print(f"bundle   {bundle}", soft_wrap=True)
