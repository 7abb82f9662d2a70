"""Tables of a comparison: one row per cell, and as text for papers."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from n2d_framework.core.scores import AXES, COSTS, IDENTITY, KEYS, RESERVED, SCORES, TEXTS
from n2d_framework.storage import write_atomic
from n2d_framework.types import ROLES
from n2d_framework.visible import one_line, spreadsheet_cell, visible

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "AXES", "full_table", "methods", "score_columns", "scores_of", "to_csv", "to_latex",
    "to_markdown", "written",
]  # fmt: skip


def full_table(
    cells: Sequence[Mapping[str, Any]],
    records: Sequence[Mapping[str, Any]],
    metric: str | None = None,
) -> pd.DataFrame:
    """Cells with their records, in the order of the cells; `metric` is there in any case."""
    import pandas as pd

    rows = [{**record, **cell} for cell, record in zip(cells, records, strict=True)]
    table = pd.DataFrame(rows)
    # The score that every cell can have is there even if no cell is done.
    for name in ("silhouette", metric, *COSTS, *TEXTS):
        if name is not None and name not in table:
            table[name] = None
    table["n_clusters"] = table["n_clusters"].astype("Int64")
    for name in COSTS:
        table[name] = table[name].astype("float64")
    scores = score_columns(table)
    for name in scores:
        table[name] = table[name].astype("float64")
    return table[[*IDENTITY, *scores, *COSTS, *TEXTS, *KEYS]]


def score_columns(table: pd.DataFrame) -> list[str]:
    """Names of the scores: the known ones first, then those of plugins by name."""
    found = [name for name in table.columns if name not in RESERVED]
    return [n for n in SCORES if n in found] + sorted(n for n in found if n not in SCORES)


def scores_of(record: Mapping[str, Any]) -> dict[str, float]:
    """The scores in the record of a cell."""
    return {n: float(v) for n, v in record.items() if n not in RESERVED and v is not None}


def methods(table: pd.DataFrame) -> list[str]:
    """A name for each row's method: everything but dataset and seed that varies."""
    several_scalers = table["scaler"].nunique() > 1
    several_numbers = table["n_clusters"].nunique() > 1
    names = []
    for row in table[list(AXES)].itertuples(index=False):
        name = " / ".join(str(getattr(row, role)) for role in ROLES)
        if several_scalers:
            name = f"{row.scaler} / {name}"
        reported = str(row.n_clusters)
        names.append(f"{name}, k={reported}" if several_numbers and reported != "<NA>" else name)
    return names


def to_csv(table: pd.DataFrame, *, costs: bool) -> str:
    """CSV without formulas; without costs and tracebacks it does not depend on the machine."""
    left_out = {"traceback", "versions"} | (set() if costs else set(COSTS))
    kept = [name for name in table.columns if name not in left_out]

    def cell(value: Any) -> Any:
        return spreadsheet_cell(visible(value)) if isinstance(value, str) else value

    return str(table[kept].map(cell).rename(columns=cell).to_csv(index=False, lineterminator="\n"))


#: What Markdown would take for a link, a tag, code or the end of a cell.
_MARKS = re.compile(r"[\\|<`]|\[(?=.*\])")


def to_markdown(summary: pd.DataFrame) -> str:
    """A Markdown table of texts."""
    rows = [[str(name) for name in summary.columns]]
    rows += [[str(value) for value in row] for row in summary.itertuples(index=False)]
    rows = [[_MARKS.sub(r"\\\g<0>", one_line(cell)) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def line(row: Sequence[str]) -> str:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        return f"| {' | '.join(cells)} |"

    rule = f"|{'|'.join('-' * (width + 2) for width in widths)}|"
    return "\n".join([line(rows[0]), rule, *(line(row) for row in rows[1:])]) + "\n"


_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    }  # fmt: skip


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(letter, letter) for letter in one_line(text))


def to_latex(summary: pd.DataFrame) -> str:
    """A LaTeX table of texts, with booktabs rules."""
    names = [_escaped(str(name)) for name in summary.columns]
    lines = [rf"\begin{{tabular}}{{{'l' * len(names)}}}", r"\toprule", f"{' & '.join(names)} \\\\"]
    lines.append(r"\midrule")
    rows = ([_escaped(str(value)) for value in row] for row in summary.itertuples(index=False))
    lines += [f"{' & '.join(row)} \\\\" for row in rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def written(text: str, path: str | os.PathLike[str] | None) -> str:
    """The text, also written to a file if one is named."""
    if path is not None:
        write_atomic(path, text.encode())
    return text
