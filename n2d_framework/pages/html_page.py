"""A page from its template: everything in one file, and nothing that could run besides."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from n2d_framework.config.reading import as_yaml
from n2d_framework.visible import visible

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["html_page"]

_SHARED = "n2d_framework.pages"
_MISSING = "\N{EN DASH}"
_STYLES = ("page.css", "tables.css", "charts.css")


def html_page(
    template: str,
    content: Mapping[str, Any],
    payload: Mapping[str, Any],
    *,
    scripts: Sequence[str],
    styles: Sequence[str] = (),
    package: str = _SHARED,
) -> str:
    """Make a page.

    Parameters
    ----------
    template : str
        Name of a template of `package`, which may include those that all reports share.
    content : mapping
        Values for the template.
    payload : mapping
        Plain values for the script.
    scripts, styles : sequence of str
        Names of static files of `package`, besides those that all reports share.
    package : str, default "n2d_framework.pages"

    Returns
    -------
    str
        Every string in it is escaped. A content security policy forbids the page to load
        anything, and to run anything but its own script.
    """
    script = "\n".join([_static(_SHARED, "core.js"), *(_static(package, name) for name in scripts)])
    style = [_static(_SHARED, name) for name in _STYLES] + [_static(package, s) for s in styles]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _environment(package)
        .get_template(template)
        .render(
            **content,
            payload=_shown(payload),
            style=Markup("\n".join(style)),  # noqa: S704  # our own files
            script=Markup(script),  # noqa: S704  # our own files
            policy=(
                "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
                f"style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
            ),
        )
    )


def _static(package: str, name: str) -> str:
    return files(package).joinpath("static", name).read_text(encoding="utf-8")


@cache
def _environment(package: str) -> Environment:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    from n2d_framework.readable import readable_number

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader(_SHARED)]), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_finalised,
    )  # fmt: skip
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    environment.filters |= {
        "seconds": _seconds, "number": _number, "plain_yaml": as_yaml, "readable": readable_number,
    }  # fmt: skip
    return environment


def _finalised(value: Any) -> Any:
    """Output of a template: nothing in it hides or turns what stands next to it."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _shown(value: Any) -> Any:
    """The same for what the script writes."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {_shown(key): _shown(item) for key, item in value.items()}
    return [_shown(item) for item in value] if isinstance(value, (list, tuple)) else value


def _seconds(value: float | None) -> str:
    """A duration for people."""
    if value is None:
        return _MISSING
    if value < 100:
        return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def _number(value: float | None) -> str:
    """A score for people."""
    if value is None:
        return _MISSING
    return f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"
