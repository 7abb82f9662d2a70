"""What identifies the code that a component imports because its options name it."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
import sys
import uuid
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from n2d_framework.core.spec import ComponentSpec, load_object

__all__ = ["code_of", "libraries_of", "outlasts", "requirements"]

_PASSING = "this process only: "
_DIGITS = 16


def code_of(spec: ComponentSpec, component: Any) -> dict[str, str]:
    """What the results of a component depend on besides its options: the code that they name.

    Parameters
    ----------
    spec : ComponentSpec
    component : object
        Its method ``imported_code()`` says what it imports, as ``"package.module:Class"``.

    Returns
    -------
    dict of str to str
        Each distribution with its version. Code of no distribution, or of one that is installed
        to be edited, by a hash of its source: all of a package, or the one module. Empty for a
        component that imports nothing so, or does not say what.

    Raises
    ------
    ComponentImportError
        If the code cannot be imported.
    """
    if not spec.imports_code or not hasattr(component, "imported_code"):
        return {}
    found: dict[str, str] = {}
    for path in component.imported_code():
        found |= _identity(load_object(path, what=f"{spec.role} {spec.name!r}"), path)
    return found


def outlasts(code: Mapping[str, str]) -> bool:
    """Whether another process can know that it has the same code."""
    return not any(value.startswith(_PASSING) for value in code.values())


def requirements(distribution: str) -> list[str]:
    """Names of the distributions that one needs without any of its extras, sorted."""
    try:
        found = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        return []
    plain = (text for text in found if not re.search(r"\bextra\s*==", text))
    return sorted({re.split(r"[\s<>=!~;\[(]", text, maxsplit=1)[0] for text in plain})


def libraries_of(distribution: str) -> dict[str, str]:
    """Versions of what a plugin's results may depend on: itself, and the libraries it needs.

    Parameters
    ----------
    distribution : str
        Of the plugin.

    Returns
    -------
    dict of str to str
        What it requires itself, where it is installed; and of what these require, at any depth,
        the libraries of which a module is loaded.
    """
    loaded = {name.partition(".")[0] for name in sys.modules}
    in_use = {_same(d) for name in loaded for d in _distributions().get(name, ())}
    found: dict[str, str] = {}
    seen: set[str] = set()
    waiting = [(distribution, 0)]
    while waiting:
        name, depth = waiting.pop()
        if _same(name) in seen:
            continue
        seen.add(_same(name))
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        if depth < 2 or _same(name) in in_use:
            found[name] = version
        if _same(name) != "n2d-framework":
            waiting += [(other, depth + 1) for other in requirements(name)]
    return dict(sorted(found.items()))


def _same(distribution: str) -> str:
    """The name of a distribution, however it is spelt."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


@cache
def _identity(thing: Any, path: str) -> dict[str, str]:
    """Of one object, as it was when it was first asked for: files may be edited later."""
    found: dict[str, str] = {}
    for module in _modules(thing, path):
        top = module.partition(".")[0]
        if top not in sys.stdlib_module_names:
            found |= _versions(top) or {module: _source(module)}
    return found


def _modules(thing: Any, path: str) -> Iterator[str]:
    """Modules of an object and of the classes that it inherits from."""
    names = (path.partition(":")[0], *(item.__module__ for item in _classes(thing)))
    yield from dict.fromkeys(names)


def _classes(thing: Any) -> tuple[Any, ...]:
    if isinstance(thing, type):
        return inspect.getmro(thing)
    return (thing,) if hasattr(thing, "__module__") else ()


def _versions(top: str) -> dict[str, str]:
    """Distributions with that package, unless they are there to be edited."""
    names = dict.fromkeys(_distributions().get(top, ()))
    return {name: metadata.version(name) for name in names if not _is_edited(name)}


@cache
def _distributions() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


def _is_edited(distribution: str) -> bool:
    about = json.loads(metadata.distribution(distribution).read_text("direct_url.json") or "{}")
    return bool(about.get("dir_info", {}).get("editable", False))


def _source(module: str) -> str:
    """Hash of a package's source, or of the one module; made up where there is no file."""
    digest, files = hashlib.sha256(), list(_files(module))
    for name, path in files:
        digest.update(f"{name} {path.stat().st_size} ".encode() + path.read_bytes())
    return digest.hexdigest()[:_DIGITS] if files else _PASSING + uuid.uuid4().hex


def _files(module: str) -> Iterator[tuple[str, Path]]:
    """Names that are the same on every machine, and files."""
    found = sys.modules.get(module)
    top = sys.modules.get(module.partition(".")[0])
    for folder in map(Path, getattr(top, "__path__", ())):
        for path in sorted(folder.rglob("*.py")):
            yield path.relative_to(folder).as_posix(), path
    own = Path(getattr(found, "__file__", None) or "")
    if own.suffix and own.is_file():
        yield own.name, own
