"""The mark of a comparison's folder, read as what may come from an untrusted source."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from n2d_framework.core.scores import IDENTITY, KEYS
from n2d_framework.errors import BundleError, DataError, OutputError
from n2d_framework.storage import read_file
from n2d_framework.types import ROLES

__all__ = ["MARK", "VERSION", "own_file", "own_store", "read_mark", "recorded_store"]

#: The file that makes a folder the output of a comparison.
MARK = "comparison.json"
VERSION = 1
#: Bytes of the mark, and values in it: some 200,000 cells, and less than 1 GiB when it is parsed.
_MOST_BYTES = 1 << 28
_MOST_VALUES = 12_000_000
_DEEPEST = 32
_DIGEST = re.compile(r"[0-9a-f]{16,128}")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


def own_store(out: Path) -> Path:
    """Where a comparison keeps stages when no other place is named."""
    return out.absolute() / "stages"


def own_file(out: Path, name: str) -> Path:
    """A file of the folder that is to be written.

    Raises
    ------
    OutputError
        If it is a link: whoever made the folder would choose what is overwritten.
    """
    path = out / name
    if path.is_symlink():
        raise OutputError(
            f"cannot write {path}: it is a link to {path.readlink()}, and nothing is written "
            "through links in the folder of a comparison; remove it"
        )
    return path


def recorded_store(recorded: str | None, out: Path) -> Path:
    """Where the folder of a comparison says that its stages are, if that is on this machine.

    Parameters
    ----------
    recorded : str or None
        As the mark has it; ``None`` for a folder with its own stages.
    out : Path
        The folder of the comparison.

    Returns
    -------
    Path

    Raises
    ------
    DataError
        If it is not a plain local path. Whoever made the folder would choose where this machine
        connects to, and by which protocol.
    """
    if recorded is None:
        return own_store(out)
    plain = recorded.isprintable() and "::" not in recorded and not _URL.match(recorded)
    if not plain or recorded.startswith(("//", "\\\\")):
        raise DataError(
            f"{out / MARK}: the stages of this comparison are at {recorded!r}, which is not "
            "opened because a file names it; if you trust that place, name it yourself: "
            "open_comparison(..., store=...) or n2d report --store. Tables, and reports without "
            "pictures (--pictures 0), do not need it"
        )
    return (out / recorded).absolute()


def read_mark(out: Path) -> dict[str, Any]:
    """Read the comparison of a folder; everything in it has the types that it should have.

    Raises
    ------
    DataError
        If the folder is not the output of a comparison, or of a newer version, or its mark is
        damaged or too large.
    """
    path = out / MARK
    if not path.exists():
        raise DataError(f"{out} is not the output of a comparison: it has no {MARK}")
    try:
        data = read_file(path, max_bytes=_MOST_BYTES)
        if sum(map(data.count, (b",", b"[", b"{"))) > _MOST_VALUES:
            raise DataError(f"{path}: more than {_MOST_VALUES:,} values")
        mark = json.loads(data)
        version = mark["version"]
    except (BundleError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"{path} cannot be read: {error}; take it from a copy, or run the comparison again "
            "in a new folder"
        ) from error
    if version != VERSION:
        raise DataError(
            f"{path} has version {version!r:.40}; this program reads {VERSION}: upgrade it"
        )
    try:
        _check_mark(mark)
    except (KeyError, TypeError, ValueError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else error
        raise DataError(
            f"{path} is damaged: {what}; take it from a copy, or run the comparison again in a "
            "new folder"
        ) from error
    # Whatever else a cell has would take the place of what its record says.
    cells = [{name: cell[name] for name in _CELL} for cell in mark["cells"]]
    found: dict[str, Any] = mark | {"cells": cells}
    return found


Check = Callable[[Any], bool]


def _of(*kinds: type) -> Check:
    return lambda value: (
        isinstance(value, kinds) and not (isinstance(value, bool) and bool not in kinds)
    )


def _list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 63


def _digest(value: Any) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


_text = _of(str)
_DATA: dict[str, Check] = {
    "name": _text,
    "key": _digest,
    "truth": _or_none(_digest),
    "n_rows": _count,
    "row_shape": _list_of(_count),
    "n_classes": _or_none(_count),
}
#: What earlier versions did not write.
_LATER: dict[str, Check] = {
    "modality": _or_none(_text),
    "class_names": _list_of(_text),
    "schema": _or_none(_of(dict)),
    "ids": _or_none(_digest),
}
_ILLEGAL: dict[str, Check] = {
    name: _or_none(_count) if name == "n_clusters" else _text
    for name in ("data", *ROLES, "n_clusters", "reason")
}


def _options(value: Any) -> bool:
    """Return whether a string is a JSON object."""
    if not isinstance(value, str):
        return False
    try:
        return isinstance(json.loads(value), dict)
    except (ValueError, RecursionError):
        return False


def _scaler(value: Any) -> bool:
    """Return whether a string is a JSON object that says which scaler is meant."""
    if not _options(value):
        return False
    return _text(json.loads(value).get("name"))


def _directions(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(item, bool) for item in value.values())


def _cell_check(name: str) -> Check:
    if name.endswith("_key"):
        return _digest
    if name == "scaler_options":
        return _scaler
    if name.endswith("_options"):
        return _options
    return {"seed": _count, "n_clusters": _or_none(_count)}.get(name, _text)


_CELL = {name: _cell_check(name) for name in (*IDENTITY, *KEYS) if name != "status"}


def _check_mark(mark: Any) -> None:
    """Raise KeyError for what is missing, TypeError or ValueError for what is wrong."""
    _check_fields(mark, _FIELDS, "")
    chosen = {name: check for name, check in _CHOSEN.items() if name in mark["config"]}
    _check_fields(mark["config"], chosen, "config.")
    # A folder of an earlier version has none.
    _right(_directions, mark.get("less_is_better", {}), "less_is_better")
    _require(_depth(mark["config"]) <= _DEEPEST, "config", "is nested too deeply")
    for index, about in enumerate(mark["data"]):
        _check_fields(about, _DATA, f"data[{index}].")
        later = {name: check for name, check in _LATER.items() if name in about}
        _check_fields(about, later, f"data[{index}].")
    for index, item in enumerate(mark["illegal"]):
        _check_fields(item, _ILLEGAL, f"illegal[{index}].")
    right: set[tuple[str, Any]] = set()  # cells repeat each other's values
    for index, cell in enumerate(mark["cells"]):
        _check_fields(cell, _CELL, f"cells[{index}].", right)
    _require(bool(mark["cells"]), "cells", "is empty")
    _require(len({cell["cell"] for cell in mark["cells"]}) == len(mark["cells"]), "cells", "repeat")
    known = {about["name"] for about in mark["data"]}
    used = {cell["data"] for cell in mark["cells"]}
    _require(used <= known, "cells", "name data that the folder does not describe")


#: What is used of the configuration; all else is only shown.
_CHOSEN: dict[str, Check] = {
    "metric": _or_none(_text),
    "baseline": _or_none(_of(str, dict)),
}
_FIELDS: dict[str, Check] = {
    "identity": _text,
    "config": _of(dict),
    "store": _or_none(_text),
    "data": _list_of(_of(dict)),
    "illegal": _list_of(_of(dict)),
    "notes": _list_of(_text),
    "cells": _list_of(_of(dict)),
}


def _check_fields(
    values: Mapping[str, Any],
    checks: Mapping[str, Check],
    where: str,
    right: set[tuple[str, Any]] | None = None,
) -> None:
    for name, check in checks.items():
        if name not in values:
            raise KeyError(where + name)
        value = values[name]
        if right is None:
            _right(check, value, where + name)
        elif not isinstance(value, (str, int, type(None))):
            raise TypeError(f"{where}{name} is {value!r:.60}")
        elif (name, value) not in right:
            _right(check, value, where + name)
            right.add((name, value))


def _right(check: Check, value: Any, where: str) -> None:
    if not check(value):
        raise ValueError(f"{where} is {value!r:.60}")


def _require(holds: bool, where: str, what: str) -> None:
    if not holds:
        raise ValueError(f"{where} {what}")


def _depth(value: Any) -> int:
    """Depth to which a value is nested; the parser has bounded it."""
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        deepest = max(deepest, depth)
        if isinstance(item, dict):
            waiting.extend((inner, depth + 1) for inner in item.values())
        elif isinstance(item, list):
            waiting.extend((inner, depth + 1) for inner in item)
    return deepest
