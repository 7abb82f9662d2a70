"""Configuration files: YAML, TOML and JSON read to one tree, checked whole."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import yaml

from n2d_framework.core.arrays.written import written_float
from n2d_framework.errors import ConfigError, Problem

__all__ = ["apply_overrides", "as_yaml", "parse_yaml", "read_tree"]

_SUFFIXES = {".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json"}

#: Enough for the names of 20,000 columns; parsers need many seconds for more.
_MOST_BYTES = 1 << 19
_DEEPEST = 64
#: How many values aliases may add to those that are written.
_MOST_REPEATED = 100_000


def read_tree(source: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a configuration file without interpreting it.

    Parameters
    ----------
    source : path
        File that ends in ``.yaml``, ``.yml``, ``.toml`` or ``.json``.

    Returns
    -------
    dict
        Mappings with string keys, lists, strings, numbers, booleans and ``None``: the same
        whichever format holds it.

    Raises
    ------
    ConfigError
        If the file is missing, unreadable, of another kind, not well-formed, repeats a key,
        is not a mapping, or costs more to read than a configuration can (larger than 512 KiB,
        nested deeper than 64 levels, aliases that repeat more than 100,000 values).

    Notes
    -----
    YAML is read by the core schema of version 1.2: ``1e-3`` is a number, ``010`` is 10,
    ``0o17`` is 15, and ``1:30``, ``yes`` and ``2024-01-01`` are strings. Dates of TOML are
    strings as well, keys are always strings.
    """
    path = Path(source)
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise _problem(path, f"a configuration ends in {', '.join(sorted(_SUFFIXES))}")
    text = _text(path)
    try:
        tree = _PARSERS[kind](text)
    except (yaml.YAMLError, tomllib.TOMLDecodeError, ValueError) as error:
        raise _problem(path, f"is not well-formed {kind.upper()}: {error}") from error
    except RecursionError as error:
        raise _problem(path, f"is nested deeper than {_DEEPEST} levels") from error
    if not isinstance(tree, dict):
        raise _problem(path, "must hold a mapping of settings, such as 'data: digits'")
    return tree


def as_yaml(tree: Any) -> str:
    """Write a tree as YAML that :func:`read_tree` and readers of YAML 1.1 take back.

    Parameters
    ----------
    tree : mapping or list
        Plain values.

    Returns
    -------
    str
    """
    return str(yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=88))


def _problem(path: Path, message: str) -> ConfigError:
    return ConfigError([Problem("", message)], source=str(path))


def _text(path: Path) -> str:
    """Content of a regular file, without a byte order mark."""
    try:
        if path.exists() and not path.is_file():
            raise _problem(path, "is not a file; give the path of a configuration file")
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise _problem(
                path,
                f"is larger than {_MOST_BYTES} bytes, more than a configuration holds; leave "
                "out what is not a setting",
            )
        return content.decode("utf-8").lstrip("\ufeff")  # the mark may be there twice
    except OSError as error:
        raise _problem(path, f"cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise _problem(path, f"cannot be read: {error}; save it as UTF-8") from error


def _plain(value: Any, depth: int = 0) -> Any:
    """The values that every format has; dates as they are written."""
    if depth > _DEEPEST:
        raise ValueError(f"it is nested deeper than {_DEEPEST} levels")
    if isinstance(value, dict):
        found = {_characters(key): _plain(item, depth + 1) for key, item in value.items()}
        if len(found) < len(value):
            raise ValueError("a key is written twice, once in escapes")
        return found
    if isinstance(value, list):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    return _characters(value) if isinstance(value, str) else value


def _characters(text: str) -> str:
    """A string whose escapes may come in pairs, as JSON writes characters beyond 16 bits."""
    if _SURROGATE.search(text) is None:
        return text
    with suppress(UnicodeEncodeError):
        # Bytes of a file's name that are not UTF-8, as Python reads and a run records them.
        text.encode("utf-8", "surrogateescape")
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as error:
        raise ValueError(f"the escapes in {text[:60]!a} stand for no character") from error


_SURROGATE = re.compile("[\ud800-\udfff]")

#: Tag, what a plain scalar of it looks like, and the characters it may begin with: the core
#: schema of YAML 1.2 (section 10.3.2), with the merge key of older files.
_CORE: tuple[tuple[str, str, str], ...] = (
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("merge", r"<<", "<"),
)


class _CoreLoader(yaml.SafeLoader):
    """The core schema of YAML 1.2, in which nothing is written twice and aliases stay few."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012  # the stubs leave out ClassVar
    yaml_constructors: ClassVar[dict[Any, Any]] = {}

    def get_single_data(self) -> Any:
        """Construct the document once its size is known."""
        node = self.get_single_node()
        if node is None:
            return None
        _check_aliases(node)
        return self.construct_document(node)

    def construct_mapping(self, node: yaml.Node, deep: bool = False) -> dict[Any, Any]:
        """A mapping with its keys as strings, each written once."""
        if not isinstance(node, yaml.MappingNode):
            raise ValueError(f"{_line(node)}: must be a mapping")
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise ValueError(f"{_line(key)}: a key must be a string")
            if key.value in seen and key.tag != _MERGE:
                raise ValueError(f"{_line(key)}: {key.value!r} is written twice")
            seen.add(key.value)
        self.flatten_mapping(node)
        return {key.value: self.construct_object(item, deep=deep) for key, item in node.value}

    def number(self, node: yaml.ScalarNode) -> int | float:
        """An integer or a float of the core schema."""
        text = node.value
        if node.tag.endswith("int"):
            base = {"0o": 8, "0x": 16}.get(text[:2], 10)
            return int(text[2:] if base != 10 else text, base)
        return written_float(re.sub(r"\.(inf|nan)$", r"\1", text.lower()))

    def boolean(self, node: yaml.ScalarNode) -> bool:
        """A boolean of the core schema."""
        if node.value.lower() not in ("true", "false"):
            raise ValueError(f"{_line(node)}: {node.value!r} is not a boolean; write true or false")
        return str(node.value.lower()) == "true"

    def foreign(self, node: yaml.Node) -> Any:
        """Refuse a tag that JSON and TOML have no value for."""
        raise ValueError(f"{_line(node)}: the tag {node.tag!r} cannot be read; leave it out")


_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
for _name, _pattern, _first in _CORE:
    _CoreLoader.add_implicit_resolver(
        f"{_TAG}{_name}",
        re.compile(f"^(?:{_pattern})$"),
        [*_first, *([""] if _name == "null" else [])],
    )
for _name, _build in (
    ("null", yaml.SafeLoader.construct_yaml_null),
    ("bool", _CoreLoader.boolean),
    ("int", _CoreLoader.number),
    ("float", _CoreLoader.number),
    ("str", yaml.SafeLoader.construct_yaml_str),
    ("seq", yaml.SafeLoader.construct_yaml_seq),
    ("map", yaml.SafeLoader.construct_yaml_map),
):
    _CoreLoader.add_constructor(f"{_TAG}{_name}", _build)
_CoreLoader.add_constructor(None, _CoreLoader.foreign)


class _Dumper(yaml.SafeDumper):
    """Quotes what is not a string in YAML 1.1, as PyYAML does, or in 1.2."""

    def string(self, text: str) -> yaml.ScalarNode:
        """A string, with escapes where PyYAML would fold a line break of Unicode into spaces."""
        style = '"' if re.search("[\x85\u2028\u2029]", text) else None
        return self.represent_scalar(f"{_TAG}str", text, style=style)


_Dumper.add_representer(str, _Dumper.string)

for _name, _pattern, _first in _CORE[:-1]:
    _Dumper.add_implicit_resolver(f"{_TAG}{_name}", re.compile(f"^(?:{_pattern})$"), [*_first, ""])


def _line(node: yaml.Node) -> str:
    return f"line {node.start_mark.line + 1}"


def _check_aliases(root: yaml.Node) -> None:
    """Refuse aliases that contain themselves or multiply: a few bytes without end."""
    sizes: dict[int, int | None] = {}
    written = 0
    stack = [(root, False)]
    while stack:
        node, done = stack.pop()
        children = _children(node)
        if done:
            total = 1
            for child in children:
                total += sizes[id(child)] or 0
            sizes[id(node)] = total
            written += 1
        elif id(node) not in sizes:
            sizes[id(node)] = None  # open: whoever meets it again lies inside it
            stack.append((node, True))
            stack.extend((child, False) for child in children if id(child) not in sizes)
            if any(sizes.get(id(child), 0) is None for child in children):
                raise ValueError(f"{_line(node)}: an alias contains itself")
    repeated = (sizes[id(root)] or 0) - written
    if repeated > _MOST_REPEATED:
        raise ValueError(
            f"its aliases repeat {float(repeated):.0e} values, more than {_MOST_REPEATED}; "
            "write out what is needed"
        )


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def parse_yaml(text: str) -> Any:
    """Read YAML by the rules of :func:`read_tree`.

    Parameters
    ----------
    text : str

    Returns
    -------
    mapping, list or scalar

    Raises
    ------
    YAMLError, ValueError, RecursionError
        If it is not well-formed, repeats a key, or costs too much.
    """
    return _plain(yaml.load(text, Loader=_CoreLoader))  # noqa: S506  # a SafeLoader


#: Python's parser needs quadratic time for a key of many parts.
_LONG_KEY = re.compile(
    r"""(?<![\w."'-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+)"""
    f"{{{_DEEPEST}}}"
)


def _read_toml(text: str) -> Any:
    if _LONG_KEY.search(text):
        raise ValueError(f"a key has more than {_DEEPEST} parts")
    return _plain(tomllib.loads(text, parse_float=written_float))


def _read_json(text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict[str, Any]()
        for key, value in pairs:
            if key in found:
                raise ValueError(f"{key!r} is written twice")
            found[key] = value
        return found

    return _plain(json.loads(text, object_pairs_hook=unique, parse_float=written_float))


_PARSERS: dict[str, Callable[[str], Any]] = {
    "yaml": parse_yaml,
    "toml": _read_toml,
    "json": _read_json,
}


def apply_overrides(tree: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """Set single values in a tree, as ``--set a.b=c`` does.

    Parameters
    ----------
    tree : mapping
        Configuration; it is not changed.
    overrides : iterable of str
        Each ``path=value``; the path is written with dots, items of lists as ``[0]``; the
        value is read as YAML. A component given by its bare name becomes a mapping when one
        of its options is set.

    Returns
    -------
    dict
        A changed copy.

    Raises
    ------
    ConfigError
        If an override is malformed or leads nowhere; all of them at once.
    """
    result: dict[str, Any] = _copy(tree)
    problems = []
    for text in overrides:
        path, sign, value = text.partition("=")
        keys = re.findall(r"[^.\[\]]+|\[\d+\]", path)
        if not sign or not keys:
            problems.append(Problem(text, "write it as path=value, such as model.n_clusters=10"))
            continue
        try:
            _set(result, keys, parse_yaml(value))
        except RecursionError:
            problems.append(Problem(path, f"is nested deeper than {_DEEPEST} levels"))
        except (yaml.YAMLError, ValueError, LookupError, TypeError) as error:
            problems.append(Problem(path, str(error)))
    if problems:
        raise ConfigError(problems, source="--set")
    return result


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_copy(item) for item in value]
    return value


def _set(node: Any, keys: Sequence[str], value: Any) -> None:
    key, rest = keys[0], keys[1:]
    place: Any = key
    if key.startswith("["):
        place = int(key[1:-1])
        if not isinstance(node, list) or place >= len(node):
            raise LookupError(f"there is no item {key} to set")
    elif not isinstance(node, dict):
        raise LookupError(f"cannot set {key!r} inside {node!r}")
    if not rest:
        node[place] = value
        return
    child = node[place] if isinstance(node, list) else node.get(place)
    if child is None:
        child = {}
    elif isinstance(child, str):
        child = {"path" if place == "data" else "name": child}
    node[place] = child
    _set(child, rest, value)
