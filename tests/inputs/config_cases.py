"""Configurations: one tree in every format, whole or damaged, or refused."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from damage_cases import mutate
from table_cases import Case, require
from truth import WORDS, Rng, some

from n2d_framework.config import read_config
from n2d_framework.config.reading import as_yaml, read_tree
from n2d_framework.errors import ConfigError, N2DError

_STRINGS = (
    *WORDS, "", "1e-3", "010", "0o17", "1:30", "yes", "off", "~", "<<", "=", "2024-01-01", "1_0",
    "&a", "*a", "!x", "- a", "a: b", "a #b", "{a}", "[a", "%a", "@a", "`a", "? a", "|", ">", "\\",
    "\r", "\x85", "\u2028", "\ufeff", "\x7f", "0x1F", ".5", ".inf", "-.INF", ".NaN", "null", "Null",
    "---",
)  # fmt: skip
_NUMBERS: tuple[Any, ...] = (
    0, -1, 7, 2**53 + 1, 2**64, -(2**70), 0.5, -0.0, 1e-300, 1e300, 1e22, 123456789.123, True,
    False,
)  # fmt: skip


def tree(rng: Rng, depth: int = 0) -> Any:
    """A tree of values that YAML, JSON and TOML all have."""
    kind = int(rng.integers(5 if depth < 3 else 3)) if depth else 3
    if kind == 0:
        return some(rng, _NUMBERS)
    if kind in (1, 2):
        return some(rng, _STRINGS)
    n = int(rng.integers(0 if depth else 1, 4))
    if kind == 3:
        return {some(rng, _STRINGS): tree(rng, depth + 1) for _ in range(n)}
    return [tree(rng, depth + 1) for _ in range(n)]


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return (
            "{" + ", ".join(f"{_string(key)} = {_toml(item)}" for key, item in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return _string(value) if isinstance(value, str) else json.dumps(value)


def _string(text: str) -> str:
    """A string as TOML and JSON write it alike."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _block(rng: Rng, value: Any, indent: int = 0) -> str:
    """YAML in blocks, with strings in one of its quotes."""
    pad = "\n" + "  " * indent
    if isinstance(value, dict) and value:
        return "".join(
            f"{pad}{_scalar(rng, key)}: {_block(rng, item, indent + 1)}"
            for key, item in value.items()
        )
    if isinstance(value, list) and value:
        return "".join(f"{pad}- {_block(rng, item, indent + 1)}" for item in value)
    return _scalar(rng, value)


def _scalar(rng: Rng, value: Any) -> str:
    if isinstance(value, str) and value.isprintable() and rng.random() < 0.5:
        return "'" + value.replace("'", "''") + "'"
    # Escapes, since YAML does not take every character as it is.
    return json.dumps(
        value, ensure_ascii=not isinstance(value, str) or max(value, default="") < "\uffff"
    )


def identical(a: Any, b: Any) -> bool:
    """Return whether trees have the same values of the same types in the same order."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(identical(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(identical, a, b))
    if isinstance(a, float):
        return (a == b and math.copysign(1, a) == math.copysign(1, b)) or (a != a and b != b)
    return bool(a == b)


def formats(rng: Rng, folder: Path) -> Case:
    """A tree that is written in every format is read as what it is."""
    value = tree(rng)
    texts = {
        "a.json": json.dumps(
            value, ensure_ascii=bool(rng.integers(2)), indent=some(rng, [None, 1])
        ),
        "b.yaml": json.dumps(value, ensure_ascii=True),
        "c.yml": _block(rng, value) + "\n",
        "d.yaml": as_yaml(value),
        "e.toml": "".join(f"{_string(key)} = {_toml(item)}\n" for key, item in value.items()),
    }
    mark = "\ufeff" if rng.random() < 0.2 else ""
    for name, text in texts.items():
        (folder / name).write_bytes((mark + text).encode())

    def run() -> str:
        for name, text in texts.items():
            found = read_tree(folder / name)
            assert identical(found, value), f"{name}: {found!r} of {text!r}"
        return "right"

    return repr(value)[:80], run


_RUNS = (
    {"data": "digits", "embedder": {"name": "pca", "latent_dim": 2}, "manifolder": "identity",
     "clusterer": {"name": "kmeans", "n_init": 2}, "n_clusters": 3, "seed": 1},
    {"data": {"path": "rows.csv", "x": ["a", "b"], "y": "c", "id": "d"}, "manifolder": "umap"},
    {"data": "usps", "embedder": {"name": "dense_ae", "epochs": 3, "hidden": [8, 4]},
     "scaler": {"name": "minmax", "per": "array"}, "clusterer": "gmm", "n_clusters": 10},
)  # fmt: skip


def _oracle(content: bytes, kind: str) -> Any:
    """Value that the standard library reads, with no key twice; raises ValueError."""
    text = content.decode("utf-8-sig")
    if kind == "toml":
        return tomllib.loads(text)

    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("twice")
        return found

    return json.loads(text, object_pairs_hook=distinct)


def damaged(rng: Rng, folder: Path) -> Case:
    """A configuration of a run with changed bytes: as the standard library reads it, or refused."""
    value = some(rng, _RUNS)
    kind = some(rng, ["json", "yaml", "toml"])
    text = {
        "json": json.dumps(value),
        "yaml": json.dumps(value) if rng.random() < 0.5 else as_yaml(value),
        "toml": "".join(f"{_string(key)} = {_toml(item)}\n" for key, item in value.items()),
    }[kind]
    content = mutate(rng, text.encode(), text=True)
    path = folder / f"run.{kind}"
    path.write_bytes(content)

    def run() -> str:
        outcome = "refused"
        try:
            found = read_tree(path)
        except ConfigError as error:
            require(path.name in str(error), "the file is not named")
            require(len(str(error)) < 5000, "the message is too long")
        else:
            outcome = "right"
            try:
                expected = _oracle(content, "json" if kind == "yaml" else kind)
            except (ValueError, RecursionError):
                expected = found  # of YAML, or refused by the standard library alone
                assert kind == "yaml", f"read as {found!r}"
            assert identical(_dates(found), _dates(expected)), f"{found!r}, not {expected!r}"
        try:
            read_config(path)
        except N2DError as error:
            require(len(str(error)) < 20_000, "the message is too long")
        return outcome

    return f"{kind} {content[:100]!r}", run


def _dates(value: Any) -> Any:
    """Dates of TOML as strings."""
    if isinstance(value, dict):
        return {key: _dates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_dates(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
