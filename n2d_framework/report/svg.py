"""matplotlib figures as SVG that takes the page's fonts and colours, light and dark."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
from markupsafe import Markup

from n2d_framework.plots.palette import COLOURS, NOISE_STYLE, sixty_colours

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["svg"]

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
#: Stands for the page's own text colour while matplotlib draws.
_INK = "#010203"
#: Collections of more points become a picture within the figure.
_MANY = 300
_DPI = 80
#: matplotlib draws areas at 1, lines at 2.
_ABOVE_AREAS = 1.5
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "n2d_framework",
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.titlecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _INK,
    "lines.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.family": "DejaVu Sans",
    # A matplotlibrc in the current folder could have titles typeset by LaTeX.
    "text.usetex": False,
}
_REFERENCE = re.compile(r"url\(#([^)]+)\)")


def svg(draw: Callable[[], Any], name: str, label: str, *, flat: bool = False) -> Markup:
    """Draw a figure as inline SVG.

    Parameters
    ----------
    draw : callable
        Returns axes, an array of axes, or a figure.
    name : str
        Put before identifiers, which must be unique in the page.
    label : str
        What the picture is, for those who do not see it.
    flat : bool, default False
        Whether all areas become one picture within the figure: for drawings of too many.

    Returns
    -------
    Markup
        Equal figures give equal texts. Colours of the palette are the page's variables
        ``--tol-0`` to ``--tol-9``; black is its text colour, white its background.
    """
    from cycler import cycler
    from matplotlib import rc_context

    target = io.BytesIO()
    # What has no colour of its own is drawn in that of the text.
    with rc_context(_SETTINGS | {"axes.prop_cycle": cycler(color=[_INK])}):
        figure = _figure_of(draw())
        _rasterise(figure, flat)
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(target, format="svg", dpi=_DPI, transparent=True, metadata=nothing)
    root = ET.fromstring(target.getvalue())  # noqa: S314  # matplotlib has just written it
    _tidy(root, name, label)
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", _XLINK)
    return Markup(_themed(ET.tostring(root, encoding="unicode")))  # noqa: S704  # well-formed


def _figure_of(drawn: Any) -> Figure:
    from matplotlib.figure import Figure

    found: Any = drawn.flat[0] if isinstance(drawn, np.ndarray) else drawn
    while not isinstance(found, Figure):
        found = found.figure
    return found


def _rasterise(figure: Figure, flat: bool) -> None:
    for axes in figure.axes:
        if flat:
            axes.set_rasterization_zorder(_ABOVE_AREAS)
        for collection in axes.collections:
            if len(np.atleast_1d(collection.get_offsets())) > _MANY:
                collection.set_rasterized(True)


def _tidy(root: ET.Element, name: str, label: str) -> None:
    """One label for the whole, no size of its own, no identifier that nothing refers to."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith("}metadata"):
                parent.remove(child)
    used = _referenced(root)
    for element in root.iter():
        identifier = element.attrib.pop("id", None)
        if identifier in used:
            element.set("id", f"{name}-{identifier}")
        for key, value in element.attrib.items():
            if key == f"{{{_XLINK}}}href" and value.startswith("#"):
                element.set(key, f"#{name}-{value[1:]}")
            else:
                element.set(key, _REFERENCE.sub(rf"url(#{name}-\1)", value))
    size = root.attrib.pop("width").removesuffix("pt")
    root.attrib.pop("height")
    root.set("style", f"max-width: {float(size) * 1.33:.0f}px")
    root.set("role", "img")
    root.set("aria-label", label)


def _referenced(root: ET.Element) -> set[str]:
    found: set[str] = set()
    for element in root.iter():
        for key, value in element.attrib.items():
            if key == f"{{{_XLINK}}}href" and value.startswith("#"):
                found.add(value[1:])
            found.update(_REFERENCE.findall(value))
    return found


def _themed(text: str) -> str:
    colours = {colour.lower(): f"var(--tol-{i})" for i, colour in enumerate(COLOURS)}
    colours |= {
        _INK: "currentColor",
        "#000000": "currentColor",
        "#ffffff": "var(--paper)",
        NOISE_STYLE.color.lower(): "var(--noise)",
    }
    if set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})\b", text)) - set(colours):
        many = sixty_colours().items()
        colours = {light: f"light-dark({light}, {dark})" for light, dark in many} | colours
    known = "|".join(colours)
    # Only where styles say it: a name may look like a colour too.
    return re.sub(
        rf"((?:fill|stroke): )({known})\b", lambda match: match[1] + colours[match[2]], text
    )
