"""Sphinx extension: reference pages written from the catalogue and the schema at build time.

The pages lie in ``docs/reference/generated`` and are never edited or committed, so they
cannot say anything else than the code does.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import attrs
from n2d_beside import whole_catalogue

from n2d_framework.cli.plugin_facts import plugin_facts
from n2d_framework.config import DataConfig, ModelConfig, RunConfig
from n2d_framework.core.options import Option, options_dict, options_of
from n2d_framework.core.roles import ROLE_NAMES, role_info
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.errors import ComponentImportError
from n2d_framework.registry import Catalogue, Entry
from n2d_framework.types import Role

_INPUTS = {
    "vector": "rows of numbers (images are flattened)",
    "image": "images: (height, width) or (height, width, channels)",
    "sequence": "sequences: (steps, features)",
    "any": "rows of any shape",
}
#: Parts of the configuration that have tables of their own.
_OWN_TABLE = (DataConfig, ModelConfig)
_BOUNDS = (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", lambda app: write_pages(Path(app.srcdir)))
    return {"parallel_read_safe": True}


def write_pages(source: Path) -> None:
    """Write all generated pages; an unchanged page keeps its time stamp."""
    folder = source / "reference" / "generated"
    folder.mkdir(parents=True, exist_ok=True)
    catalogue = whole_catalogue()
    pages = {f"{_plural(role)}.md": components_page(role, catalogue) for role in ROLE_NAMES}
    pages["plugins.md"] = plugins_page(catalogue)
    pages["configuration.md"] = configuration_page()
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _plural(role: Role) -> str:
    """The role's name for several components: that under which a comparison lists them."""
    return role_info(role).listed or role


def components_page(role: Role, catalogue: Catalogue) -> str:
    """Reference page of one role: every installed component with its options."""
    lines = [f"# {_plural(role).capitalize()}", "", f"{role_info(role).summary}.", ""]
    for entry in catalogue.components(role):
        lines += [*_component(entry), ""]
    return "\n".join(lines)


def plugins_page(catalogue: Catalogue) -> str:
    """Reference page of the plugins: what each distribution brings."""
    lines = ["# Plugins and what they bring", ""]
    for fact in plugin_facts(catalogue):
        lines += [f"## {fact['distribution']} {fact['version']}", ""]
        lines += [*_brought(fact["distribution"], fact["hears"], catalogue), ""]
    for failure in catalogue.failures:
        lines += [f"## {failure.distribution} {failure.version}", "", _cell(failure.error), ""]
    return "\n".join(lines)


def _brought(distribution: str, hears: list[str], catalogue: Catalogue) -> Iterator[str]:
    for role in ROLE_NAMES:
        mine = [e.spec for e in catalogue.components(role) if e.distribution == distribution]
        links = [f"[`{spec.name}`](#{role}-{spec.name})" for spec in mine]
        if links:
            yield f"- {_plural(role).capitalize()}: {', '.join(links)}."
    for metric in catalogue.metrics():
        if metric.distribution == distribution:
            yield f"- Metric `{metric.spec.name}`: {_cell(metric.spec.summary)}."
    if hears:
        yield f"- A tracker: it hears {_code(tuple(hears))}."
    datasets = [e.spec for e in catalogue.datasets() if e.distribution == distribution]
    if datasets:
        yield from (
            "",
            "| dataset | rows | shape of a row | classes | is |",
            "|---|---|---|---|---|",
        )
        for spec in datasets:
            shape = " x ".join(map(str, spec.row_shape))
            classes = "" if spec.n_classes is None else spec.n_classes
            yield f"| `{spec.name}` | {spec.n_rows} | {shape} | {classes} | {_cell(spec.summary)} |"


def configuration_page() -> str:
    """Reference page of the configuration file."""
    parts = (
        ("The file", RunConfig, "Keys at the top of a configuration."),
        ("`data`", DataConfig, "Where `data` is a mapping."),
        ("`model`", ModelConfig, "The composition."),
    )
    lines = ["# Configuration file", ""]
    for title, cls, intro in parts:
        lines += [f"## {title}", "", intro, "", *_table(options_of(cls)), ""]
    return "\n".join(lines)


def _component(entry: Entry[ComponentSpec]) -> Iterator[str]:
    spec = entry.spec
    yield from (f"({spec.role}-{spec.name})=", f"## {spec.name}", "", f"{spec.summary}.", "")
    for fact in _facts(entry):
        yield f"- {fact}"
    yield ""
    try:
        options = options_of(spec.load())
    except ComponentImportError as error:
        yield f"Its options are unknown here: {_cell(str(error))}"
        return
    if options:
        yield from _table(options)
    else:
        yield "It has no options."


def _facts(entry: Entry[ComponentSpec]) -> Iterator[str]:
    spec = entry.spec
    yield f"From `{entry.distribution}` {entry.version}."
    if spec.role == "embedder":
        kinds = spec.input_kinds or ("any",)
        yield f"Takes {' or '.join(_INPUTS.get(kind, kind) for kind in kinds)}."
    if not spec.inductive:
        yield "Cannot place new rows: a model with it has no `predict`."
    if spec.soft:
        yield "Soft: has `predict_proba`."
    if spec.finds_n_clusters:
        yield "Finds the number of clusters itself."
    if spec.noise:
        yield "May leave rows unlabelled: noise, -1."
    if not spec.deterministic:
        yield "Not deterministic: the same seed may give other results."
    if spec.publishes:
        yield f"Publishes {_code(spec.publishes)} for later stages."
    if spec.needs:
        yield f"Needs {_code(spec.needs)} of a stage before."
    if spec.extra:
        yield f"Needs `{spec.extra}`."
    if spec.reference:
        yield f"Reference: {spec.reference}."


def _code(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(options: tuple[Option, ...]) -> Iterator[str]:
    yield "| option | type | default | meaning |"
    yield "|---|---|---|---|"
    for prefix, opt in _flat("", options):
        known = not opt.follows or opt.follows in opt.help
        follows = "" if known else f" Left at `null`, it follows `{opt.follows}`."
        kind = _type_text(opt.type, _bounds(opt))
        meaning = _cell(opt.help + follows)
        yield f"| `{prefix}{opt.name}` | {kind} | {_default(opt)} | {meaning} |"


def _flat(prefix: str, options: tuple[Option, ...]) -> Iterator[tuple[str, Option]]:
    """Options, and beneath those that are mappings of options the options in them."""
    for opt in options:
        yield prefix, opt
        for arm in (opt.type, *get_args(opt.type)):
            if isinstance(arm, type) and attrs.has(arm) and arm not in _OWN_TABLE:
                yield from _flat(f"{prefix}{opt.name}.", options_of(arm))


def _bounds(opt: Option) -> str:
    found = ((sign, getattr(opt, name)) for name, sign in _BOUNDS)
    return ", ".join(f"{sign} {bound:g}" for sign, bound in found if bound is not None)


def _type_text(kind: Any, bounds: str) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(_type_text(arm, bounds) for arm in arguments)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin is tuple:
        return f"list of {_type_text(arguments[0], bounds)}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "mapping"
    if kind is type(None):
        return "`null`"
    if isinstance(kind, type) and attrs.has(kind):
        return "mapping"
    if kind in (int, float):
        return " ".join(filter(None, ["integer" if kind is int else "number", bounds]))
    return {str: "text", bool: "`true` or `false`"}.get(kind, "any")


def _default(opt: Option) -> str:
    if opt.default is attrs.NOTHING:
        return "required"
    value = opt.default.factory() if isinstance(opt.default, attrs.Factory) else opt.default
    if attrs.has(type(value)):
        value = {name: item for name, item in options_dict(value).items() if item is not None}
    if value is None or isinstance(value, bool):
        return f"`{str(value).lower().replace('none', 'null')}`"
    return f"`{list(value) if isinstance(value, tuple) else value}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
