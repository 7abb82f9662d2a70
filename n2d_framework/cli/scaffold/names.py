"""Which names a new package can have: well formed, and no one else's."""

from __future__ import annotations

import keyword
import re
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from n2d_framework import plugin
from n2d_framework.core.roles import ROLE_NAMES, role_info
from n2d_framework.core.scores import SCORES, is_taken

__all__ = ["class_of", "noun_of", "package_of", "refusal", "short_name"]

_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")


def package_of(name: str) -> str:
    """Package that is imported from a distribution: ``n2d_pacmap`` of ``n2d-pacmap``."""
    return name.replace("-", "_")


def short_name(name: str) -> str:
    """Name in configurations: ``pacmap`` for ``n2d-pacmap``."""
    return package_of(name).removeprefix("n2d_")


def class_of(short: str) -> str:
    """Name of the component's class: ``LandmarkMds`` of ``landmark_mds``."""
    return "".join(word.capitalize() for word in short.split("_"))


def noun_of(role: str) -> str:
    """Noun, with its article, for what a package of a role brings."""
    return role_info(role).noun if role in ROLE_NAMES else f"a {role}"


def refusal(name: str, role: str) -> str | None:
    """Why a new package cannot have a name.

    Parameters
    ----------
    name : str
        Name of the distribution.
    role : str
        What it brings.

    Returns
    -------
    str or None
        The reason, with a name that is free if one is found; ``None`` if there is none.
    """
    reason = _malformed(name)
    if reason:
        return reason
    reason = _taken(name, role)
    if reason is None:
        return None
    short = short_name(name).replace("_", "-")
    others = (f"n2d-{short}", f"n2d-my-{short}")
    free = [other for other in others if not (_malformed(other) or _taken(other, role))]
    return f"{reason}; try {free[0]}" if free else reason


def _malformed(name: str) -> str | None:
    package, short = package_of(name), short_name(name)
    if not _NAME.fullmatch(name) or len(name) > 60:
        return f"{name!r} must be lower-case letters, digits and hyphens, such as n2d-pacmap"
    if keyword.iskeyword(package) or keyword.iskeyword(short) or not short[0].isalpha():
        return f"{name!r} cannot be the name of a Python package"
    if class_of(short) in {"Any", "Self", *plugin.__all__}:
        return f"{name!r}: its class would be {class_of(short)}, as in n2d_framework.plugin"
    if short in {"plugin", "n2d"}:
        return f"{name!r} says nothing; name what the plugin brings"
    return None


def _taken(name: str, role: str) -> str | None:
    """Who has that name already: a module, a distribution, or what one of those announces."""
    package, short = package_of(name), short_name(name)
    if package in sys.stdlib_module_names or find_spec(package) is not None:
        return f"would hide the module {package!r} that is there already"
    try:
        return f"a distribution of that name is installed already: {name} {version(name)}"
    except PackageNotFoundError:
        pass
    if role == "metric" and is_taken(short):
        what = "score" if short in SCORES else "column"
        return f"n2d_framework itself has a {what} named {short!r}"
    return _announced(short, role)


def _announced(short: str, role: str) -> str | None:
    from n2d_framework.testing.kit import find_all, kind_of

    for entry in find_all():
        if entry.spec.name == short and kind_of(entry) == role:
            owner = f"{entry.distribution} {entry.version}"
            return f"{owner} has {noun_of(role)} named {short!r} already"
    return None
