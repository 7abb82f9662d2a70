"""``n2d components``: the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import attrs
import typer
from rich.text import Text

from n2d_framework.cli.flags import Json
from n2d_framework.cli.plugin_facts import plugin_facts, print_others, print_trouble
from n2d_framework.cli.terminal.console import as_json, bare_table, out, print_json, styled
from n2d_framework.errors import UnknownComponentError, did_you_mean

if TYPE_CHECKING:
    from rich.console import Console

    from n2d_framework.core.spec import ComponentSpec
    from n2d_framework.registry import Catalogue, Entry
    from n2d_framework.types import Role

__all__ = ["components"]


def components(
    which: Annotated[
        str | None,
        typer.Argument(
            metavar="[ROLE][/NAME]",
            help="A role (prepare, embedder, manifolder, clusterer, refine, describe), a name, or "
            "ROLE/NAME for details.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """List installed components, or describe one."""
    from n2d_framework.registry import default_catalogue

    catalogue = default_catalogue()
    found, detailed = _find(catalogue, which)
    if json:
        _print_json(catalogue, found, detailed=detailed)
        return
    console = out()
    if detailed:
        for entry in found:
            _print_detail(console, entry)
    else:
        _print_list(console, found)
        if which is None:
            _print_presets(console, catalogue)
            print_others(console, catalogue)
    print_trouble(console, catalogue)


def _find(catalogue: Catalogue, which: str | None) -> tuple[list[Entry[ComponentSpec]], bool]:
    from n2d_framework.core.roles import ROLE_NAMES

    if which is None:
        return catalogue.components(), False
    role, slash, name = which.partition("/")
    if slash:
        return [catalogue.get(_role(role), name)], True
    if which in ROLE_NAMES:
        return catalogue.components(_role(which)), False
    named = [
        e
        for e in catalogue.components()
        if which in (e.spec.name, e.qualified_name, *e.former_names)
    ]
    if named:
        return named, True
    known = [*ROLE_NAMES, *(entry.spec.name for entry in catalogue.components())]
    hint = did_you_mean(which, known, noun="component")
    raise UnknownComponentError(f"unknown role or component {which!r}; {hint}")


def _role(text: str) -> Role:
    from n2d_framework.core.roles import ROLE_NAMES

    if text not in ROLE_NAMES:
        raise UnknownComponentError(f"unknown role {text!r}; {did_you_mean(text, ROLE_NAMES)}")
    return text


def _print_list(console: Console, entries: list[Entry[ComponentSpec]]) -> None:
    table = bare_table("role", "name", "from", "summary")
    before = ""
    for entry in entries:
        role = entry.spec.role
        if before and role != before:
            table.add_section()
        table.add_row(
            role if role != before else "",
            entry.spec.name,
            f"{entry.distribution} {entry.version}",
            entry.spec.summary,
        )
        before = role
    console.print(table)
    console.print("\nn2d components ROLE/NAME lists the options of one.", style="dim")


def _print_presets(console: Console, catalogue: Catalogue) -> None:
    table = bare_table("preset", "from", "summary")
    for entry in catalogue.presets():
        source = f"{entry.distribution} {entry.version}"
        table.add_row(entry.written_name, source, entry.spec.summary)
    if table.row_count:
        console.print()
        console.print(table)


def _print_detail(console: Console, entry: Entry[ComponentSpec]) -> None:
    spec = entry.spec
    console.print(styled((f"{spec.role} {spec.name}", "bold"), f": {spec.summary}"))
    facts = {
        "from": f"{entry.distribution} {entry.version}",
        "input": " or ".join(spec.input_kinds) or "any",
        "abilities": ", ".join(_abilities(spec)) or "none",
        "reference": spec.reference or "none",
    }
    reported = {"publishes": spec.publishes, "needs": spec.needs, "formerly": spec.aliases}
    facts |= {name: ", ".join(values) for name, values in reported.items() if values}
    for name, value in facts.items():
        console.print(f"  {name:<10} {value}")
    rows = _options(entry)
    if not rows:
        console.print("  it has no options\n")
        return
    table = bare_table("option", "default", "what it is")
    for row in rows:
        limits = f", {row['bounds']}" if row["bounds"] else ""
        meaning = Text.assemble((row["type"] + limits, "dim"), "\n", row["help"])
        table.add_row(row["name"], _shown(row), meaning)
    console.print()
    console.print(table)
    console.print()


def _shown(row: dict[str, Any]) -> str:
    return "required" if row["required"] else as_json(row["default"], indent=None)


def _abilities(spec: ComponentSpec) -> list[str]:
    from n2d_framework.core.roles import role_info

    said = {
        "places new rows": spec.inductive and role_info(spec.role).places_rows,
        "gives probabilities": spec.soft,
        "finds the number of clusters": spec.finds_n_clusters,
        "may leave rows as noise": spec.noise,
        "takes sparse rows": spec.sparse,
        "takes missing values": spec.missing,
        "honours weights": spec.weighted,
        "deterministic": spec.deterministic,
        f"default for {', '.join(spec.default_for)}": bool(spec.default_for),
    }
    return [text for text, able in said.items() if able]


def _options(entry: Entry[ComponentSpec]) -> list[dict[str, Any]]:
    from n2d_framework.core.option_schema import option_schema
    from n2d_framework.core.options import options_of
    from n2d_framework.core.structure import describe_type

    return [
        {
            "name": opt.name,
            "type": describe_type(opt.type),
            "required": opt.default is attrs.NOTHING,
            "default": option_schema(opt).get("default"),
            "bounds": _bounds(opt),
            "help": opt.help,
        }
        for opt in options_of(entry.spec.load())
    ]


def _bounds(opt: Any) -> str:
    signs = {">=": opt.ge, ">": opt.gt, "<=": opt.le, "<": opt.lt}
    return ", ".join(f"{sign} {bound:g}" for sign, bound in signs.items() if bound is not None)


def _print_json(
    catalogue: Catalogue, entries: list[Entry[ComponentSpec]], *, detailed: bool
) -> None:
    described = []
    for entry in entries:
        fact: dict[str, Any] = attrs.asdict(entry.spec, recurse=False)
        fact |= {"distribution": entry.distribution, "version": entry.version}
        described.append(fact | ({"options": _options(entry)} if detailed else {}))
    failures = [attrs.asdict(failure) for failure in catalogue.failures]
    plugins = plugin_facts(catalogue)
    presets = [
        attrs.asdict(entry.spec, recurse=False)
        | {"distribution": entry.distribution, "version": entry.version}
        for entry in catalogue.presets()
    ]
    print_json(
        {"components": described, "failures": failures, "plugins": plugins, "presets": presets}
    )
