"""Configuration files: YAML, TOML and JSON read to one tree, checked whole."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from n2d_framework.errors import ConfigError, Problem

__all__ = ["apply_overrides", "read_tree"]

_SUFFIXES = {".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json"}


def read_tree(source: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a configuration file without interpreting it.

    Parameters
    ----------
    source : path
        File that ends in ``.yaml``, ``.yml``, ``.toml`` or ``.json``.

    Returns
    -------
    dict

    Raises
    ------
    ConfigError
        If the file is missing, unreadable, of another kind, not well-formed, repeats a key,
        or is not a mapping.
    """
    path = Path(source)
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise _problem(path, f"a configuration ends in {', '.join(sorted(_SUFFIXES))}")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _problem(path, f"cannot be read: {error}") from error
    try:
        tree = _PARSERS[kind](text)
    except (yaml.YAMLError, tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise _problem(path, f"is not well-formed {kind.upper()}: {error}") from error
    if not isinstance(tree, dict):
        raise _problem(path, "must hold a mapping of settings, such as 'data: digits'")
    return tree


def _problem(path: Path, message: str) -> ConfigError:
    return ConfigError([Problem("", message)], source=str(path))


class _StrictLoader(yaml.SafeLoader):
    """YAML's safe loader, which also refuses a key written twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    place = f"line {key.start_mark.line + 1}"
                    raise ValueError(f"{place}: {key.value!r} is written twice")
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _read_yaml(text: str) -> Any:
    return yaml.load(text, Loader=_StrictLoader)  # noqa: S506  # a SafeLoader


def _read_json(text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise ValueError(f"{twice[0]!r} is written twice")
        return dict(pairs)

    return json.loads(text, object_pairs_hook=unique)


_PARSERS: dict[str, Callable[[str], Any]] = {
    "yaml": _read_yaml,
    "toml": tomllib.loads,
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
            _set(result, keys, _read_yaml(value))
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
