"""Identity of the code of a component, and the code that its options name."""

from __future__ import annotations

import base64
import contextlib
import csv
import dis
import hashlib
import importlib.util
import inspect
import json
import os
import re
import sys
import unicodedata
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path, PurePath
from types import CodeType
from typing import Any

from n2d_framework.core.spec import ComponentSpec, load_object

__all__ = [
    "code_of", "extra_requirements", "libraries_of", "library_versions", "normalized", "passing",
    "requirements",
]  # fmt: skip

_PASSING = "this process only: "
_DIGITS = 16
_LIBRARIES = (
    "numpy", "scipy", "scikit-learn", "umap-learn", "hdbscan", "openTSNE", "keras", "tensorflow",
    "numba", "h5py",
)  # fmt: skip


def code_of(spec: ComponentSpec, component: Any) -> dict[str, str]:
    """Code on which the results of a component depend, besides its options and its version.

    Parameters
    ----------
    spec : ComponentSpec
    component : object
        Its method ``imported_code()`` says what it imports, as ``"package.module:Class"``.

    Returns
    -------
    dict of str to str
        Of code that the options name: each distribution with its version. Code of no distribution,
        of one that is installed to be edited, or that differs from what was installed, by a hash of
        its source: all of a package, or the one module; and of local modules that it imports. The
        component's own code by such a hash too, if it is of these kinds; else the version of its
        distribution says it all, which is not in here.

    Raises
    ------
    ComponentImportError
        If the code cannot be imported.
    """
    cls: Any = type(component)
    found = dict(_own(cls))
    if spec.imports_code and hasattr(component, "imported_code"):
        for path in component.imported_code():
            found |= _identity(load_object(path, what=f"{spec.role} {spec.name!r}"), path)
    return found


def passing(code: Mapping[str, str]) -> list[str]:
    """Names of the code that no other process can know to be the same."""
    return [name for name, value in code.items() if value.startswith(_PASSING)]


def requirements(distribution: str) -> list[str]:
    """Names of the distributions that one needs without any of its extras, sorted."""
    try:
        found = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        return []
    return sorted({_name(text) for text in found if not re.search(r"\bextra\s*==", text)})


def extra_requirements(distribution: str, extra: str) -> list[str]:
    """Names of the distributions that an extra of one brings, those of extras in it included."""
    try:
        found = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        return []
    names, waiting, seen = set[str](), [extra], set[str]()
    while waiting:
        wanted = waiting.pop()
        seen.add(wanted)
        for text in found:
            if not re.search(rf"""\bextra\s*==\s*['"]{wanted}['"]""", text):
                continue
            if normalized(_name(text)) != normalized(distribution):
                names.add(_name(text))
            elif (inner := re.search(r"\[([^]]*)\]", text)) is not None:
                waiting += [item.strip() for item in inner[1].split(",") if item not in seen]
    return sorted(names)


def _name(requirement: str) -> str:
    return re.split(r"[\s<>=!~;\[(]", requirement, maxsplit=1)[0]


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
    in_use = {normalized(owner) for name in loaded for owner in _owners(name)}
    found: dict[str, str] = {}
    seen: set[str] = set()
    waiting = [(distribution, 0)]
    while waiting:
        name, depth = waiting.pop()
        if normalized(name) in seen:
            continue
        seen.add(normalized(name))
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        if depth < 2 or normalized(name) in in_use:
            found[name] = version
        if normalized(name) != "n2d-framework":
            waiting += [(other, depth + 1) for other in requirements(name)]
    return dict(sorted(found.items()))


def library_versions(*distributions: str) -> dict[str, str]:
    """Versions of the libraries that results may depend on, where they are installed.

    Parameters
    ----------
    *distributions : str
        Those that the components came with: what plugins need counts too.
    """
    found: dict[str, str] = {}
    for name in _LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = _library_version(name)
    for distribution in dict.fromkeys(distributions):
        if distribution != "n2d_framework":
            found |= libraries_of(distribution)
    return found


@cache
def _library_version(distribution: str) -> str:
    return metadata.version(distribution)


def normalized(distribution: str) -> str:
    """The name of a distribution, however it is spelt (``-``, ``_``, ``.``, upper case)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


@cache
def _own(cls: Any) -> Mapping[str, str]:
    """Of a component's class, as it was when it was first asked for: files may be edited later."""
    own = _versions(cls.__module__.partition(".")[0])
    found = {name: version for name, version in _versions(_FRAMEWORK).items() if name not in own}
    for module in _modules(cls, cls.__module__):
        top = module.partition(".")[0]
        if top in (_FRAMEWORK, *sys.stdlib_module_names):
            continue
        if _is_as_installed(module):
            found |= {name: version for name, version in _versions(top).items() if name not in own}
        else:
            name = top if hasattr(sys.modules.get(top), "__path__") else module
            found[name] = found.get(name) or _source(name)
    return found


@cache
def _identity(thing: Any, path: str) -> dict[str, str]:
    """Of one object, as it was when it was first asked for: files may be edited later."""
    found: dict[str, str] = {}
    for module in _modules(thing, path):
        top = module.partition(".")[0]
        if top in sys.stdlib_module_names:
            continue
        found |= _versions(top) if _is_as_installed(module) else {module: _source(module)}
    return found


def _is_as_installed(module: str) -> bool:
    """Return whether a version identifies a module: it was installed, and not edited."""
    names = _versions(module.partition(".")[0])
    return bool(names) and not any(_is_changed(name, module) for name in names)


def _modules(thing: Any, path: str) -> Iterator[str]:
    """Modules of an object and of the classes that it inherits from."""
    names = (path.partition(":")[0], *(item.__module__ for item in _classes(thing)))
    yield from dict.fromkeys(names)


def _classes(thing: Any) -> tuple[Any, ...]:
    if isinstance(thing, type):
        return inspect.getmro(thing)
    return (thing,) if hasattr(thing, "__module__") else ()


@cache
def _versions(top: str) -> dict[str, str]:
    """Distributions with that package, unless they are there to be edited."""
    return {name: metadata.version(name) for name in _owners(top) if not _is_edited(name)}


def _owners(top: str) -> list[str]:
    """Names of the distributions with that package or module."""
    return list(dict.fromkeys(found.metadata["Name"] for found in _distributions().get(top, ())))


@cache
def _distributions() -> Mapping[str, list[metadata.Distribution]]:
    """Distributions by the packages and modules that they bring.

    As ``metadata.packages_distributions`` finds them, in a tenth of its time: that makes an object
    of every file, and parses the description of every distribution.
    """
    found = defaultdict[str, list[metadata.Distribution]](list)
    for distribution in metadata.distributions():
        for top in _packages(distribution):
            found[top].append(distribution)
    return found


def _packages(distribution: metadata.Distribution) -> set[str]:
    if declared := (distribution.read_text("top_level.txt") or "").split():
        return set(declared)
    if (record := distribution.read_text("RECORD")) is not None:
        paths = [row[0] for row in csv.reader(record.splitlines()) if row]
    else:
        paths = [file.as_posix() for file in distribution.files or ()]
    return {path.removesuffix(".py").partition("/")[0] for path in paths if path.endswith(".py")}


def _is_edited(distribution: str) -> bool:
    about = json.loads(metadata.distribution(distribution).read_text("direct_url.json") or "{}")
    return bool(about.get("dir_info", {}).get("editable", False))


def _is_changed(distribution: str, module: str) -> bool:
    """Return whether files of a distribution differ from the recorded installed ones.

    Those beside the module are read; of the others in its package, whatever is younger than the
    record, which installers write last, or is not as long as that says.
    """
    file = getattr(sys.modules.get(module), "__file__", None)
    if not file:
        return False
    recorded, written = _recorded(distribution, module.partition(".")[0])
    beside = os.path.dirname(file)  # noqa: PTH120
    try:
        return any(
            (os.path.dirname(path) == beside or _is_suspect(path, size, written))  # noqa: PTH120
            and _digest(path) != digest
            for path, digest, size in recorded
        )
    except OSError:
        return True


def _is_suspect(path: str, size: int | None, written: int) -> bool:
    about = os.stat(path)  # noqa: PTH116
    return about.st_size != size or about.st_mtime_ns > written


def _digest(path: str) -> str:
    found = hashlib.sha256(Path(path).read_bytes()).digest()
    return base64.urlsafe_b64encode(found).rstrip(b"=").decode()


@cache
def _recorded(distribution: str, top: str) -> tuple[list[tuple[str, str, int | None]], int]:
    """Files of a package with digest and size from the record, and when that was written."""
    found: list[tuple[str, str, int | None]] = []
    written = 0
    for file in metadata.distribution(distribution).files or ():
        if file.name == "RECORD":
            written = Path(str(file.locate())).stat().st_mtime_ns
        elif file.hash is None or file.hash.mode != "sha256" or not _counts(file):
            continue
        elif file.parts[0] in (top, f"{top}.py"):
            found.append((str(file.locate()), file.hash.value, file.size))
    return found, written


def _source(module: str) -> str:
    """Hash of a package's source, or of the one module; made up where there is no file.

    Local modules that it imports, anywhere in its source, count too.
    """
    digest, waiting, seen = hashlib.sha256(), [module], set[str]()
    n_files = 0
    while waiting:
        name = waiting.pop()
        top = name.partition(".")[0]
        if top in seen:
            continue
        seen.add(top)
        wanted = set[str]()
        for label, path in _files(name):
            content = path.read_bytes()
            digest.update(f"{label} {len(content)} ".encode() + content)
            n_files += 1
            if path.suffix == ".py" and any(map(_is_local, _written_imports(content) - seen)):
                wanted |= _imports(content)
        waiting += sorted((found for found in wanted - seen if _is_local(found)), reverse=True)
    return digest.hexdigest()[:_DIGITS] if n_files else _PASSING + uuid.uuid4().hex


#: What is written like an import statement, in strings and comments too.
_IMPORT = re.compile(
    r"\bfrom[^\S\n]+(\w*)[^\S\n\w]*[\w.]*[^\S\n]*\bimport\b"
    r"|\bfrom[^\S\n]*(\w+)"
    r"|\bimport[^\S\n]+(\w(?:[\w.,]|[^\S\n])*)"
)


def _written_imports(source: bytes) -> set[str]:
    """First parts of all names that a file may import, and of others.

    To compile the file, which separates them, takes many times as long.
    """
    try:
        text = source.decode("utf-8")
    except UnicodeDecodeError:
        return _imports(source)
    lines = "\n".join(unicodedata.normalize("NFKC", text).splitlines()).replace("\\\n", " ")
    found = set[str]()
    for package, other, several in _IMPORT.findall(lines):
        names = several.split(",") if several else [package or other]
        found |= {re.split(r"[\s.]", name.strip(), maxsplit=1)[0] for name in names}
    return found - {""}


def _imports(source: bytes) -> set[str]:
    """Packages and modules that a file imports, by the first part of their names.

    Read from the compiled code: ``ast.parse`` of Python 3.11 fails by chance while another thread
    is in it, as in workers of Dask.
    """
    try:
        waiting = [compile(source, "<plugin>", "exec", dont_inherit=True)]
    except (SyntaxError, ValueError, RecursionError):
        return set()
    found = set[str]()
    while waiting:
        code = waiting.pop()
        waiting += [item for item in code.co_consts if isinstance(item, CodeType)]
        if _IMPORT_NAME not in code.co_code:
            continue
        constants: list[Any] = []
        for step in dis.get_instructions(code):
            if step.opname == "LOAD_CONST":
                constants.append(step.argval)
            # Compiled as the level of dots, the names wanted, and this.
            elif step.opname == "IMPORT_NAME" and constants[-2] == 0:
                found.add(step.argval.partition(".")[0])
    return found


_IMPORT_NAME = dis.opmap["IMPORT_NAME"]


@cache
def _is_local(top: str) -> bool:
    """Return whether it is source of no distribution, or of one that is there to be edited."""
    if top in sys.stdlib_module_names or top == _FRAMEWORK or _versions(top):
        return False
    return bool(list(_files(top)))


#: The framework is not part of a plugin that uses it: its version is, and its own components.
_FRAMEWORK = "n2d_framework"


def _counts(path: PurePath) -> bool:
    """Return whether results may depend on a file of a package: not on what is compiled from it."""
    hidden = any(part.startswith(".") or part == "__pycache__" for part in path.parts[:-1])
    return not hidden and path.suffix not in (".pyc", ".pyo") and not path.name.startswith(".")


def _files(module: str) -> Iterator[tuple[str, Path]]:
    """Names that are the same on every machine, and files."""
    top = module.partition(".")[0]
    folders, own = _places(top) if top not in sys.modules else _loaded_places(module)
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if _counts(path.relative_to(folder)) and path.is_file():
                yield path.relative_to(folder).as_posix(), path
    if own is not None and own.suffix and own.is_file():
        yield own.name, own


def _loaded_places(module: str) -> tuple[list[Path], Path | None]:
    top = sys.modules.get(module.partition(".")[0])
    file = getattr(sys.modules.get(module), "__file__", None)
    return [Path(item) for item in getattr(top, "__path__", ())], Path(file) if file else None


def _places(top: str) -> tuple[list[Path], Path | None]:
    """Where a module would be imported from, without importing it."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return [], None
    own = Path(spec.origin) if spec.has_location and spec.origin else None
    return [Path(item) for item in spec.submodule_search_locations or ()], own
