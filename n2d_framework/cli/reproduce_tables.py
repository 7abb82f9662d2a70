"""A reproduction on the terminal: tables to stdout, what was skipped to stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

from n2d_framework.cli.terminal.console import bare_table, out, say_warning

if TYPE_CHECKING:
    from n2d_framework.reproduce import Report

__all__ = ["print_report"]

_HEADINGS = {
    "differences": "Where the numbers differ",
    "explanations": "What may be the reason, and how to read them",
}


def print_report(report: Report) -> None:
    """Print a report."""
    console = out()
    for block in report.blocks():
        table = bare_table(*block.columns, title=block.title)
        for row in block.rows:
            table.add_row(*row)
        console.print(table)
        console.print("")
    remarks = report.remarks()
    for name, heading in _HEADINGS.items():
        if remarks[name]:
            console.print(heading, style="bold")
            for text in remarks[name]:
                console.print(f"- {text}", soft_wrap=True)
            console.print("")
    for text in remarks["not_measured"]:
        say_warning(f"not measured: {text}")
    console.print(f"results: {report.paths['markdown']}", soft_wrap=True)
