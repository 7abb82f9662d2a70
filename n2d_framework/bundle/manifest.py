"""Required content of a bundle's manifest, checked before anything is built from it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from n2d_framework.core.roles import FITTED_ROLES, ROLE_TABLE, labels_in, role_info
from n2d_framework.core.rows import STORAGES
from n2d_framework.core.state import KEY_PATTERN
from n2d_framework.errors import BundleError, Problem

__all__ = ["PARTS", "check_manifest", "check_parts", "parts_in"]

#: Parts that every bundle has beside those of its components.
PARTS = ("training", "golden")

#: Greatest height and width that images of a folder are brought to.
_MOST_PIXELS = 10_000
#: Greatest length of series that are read from a long table.
_MOST_STEPS = 1_000_000

_Check = Callable[[Any], bool]
_LABEL = re.compile(r"[\x20-\x7e]{0,64}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return _is_int(value) and value >= 0


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and KEY_PATTERN.fullmatch(value) is not None


def _is_shape(value: Any) -> bool:
    return isinstance(value, list) and all(_is_int(item) and item > 0 for item in value)


def _is_names(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(map(_is_text, value)))


def _is_field(value: Any) -> bool:
    return (
        _is_mapping(value)
        and isinstance(value.get("name"), str)
        and all(isinstance(value.get(key, ""), str) for key in ("kind", "dtype"))
    )


def _is_row_count(value: Any) -> bool:
    return value is None or _is_count(value)


def _is_name_or_null(value: Any) -> bool:
    return value is None or _is_text(value)


def _is_image_form(value: Any) -> bool:
    if value is None:
        return True
    if not (_is_mapping(value) and isinstance(value.get("mode"), str) and "size" in value):
        return False
    size = value["size"]
    return size is None or (_is_shape(size) and len(size) == 2 and max(size) <= _MOST_PIXELS)


def _is_series_form(value: Any) -> bool:
    return value is None or (
        _is_mapping(value)
        and _is_text(value.get("time"))
        and _is_names(value.get("values", 0))
        and bool(value["values"])
        and _is_count(value.get("steps"))
        and 2 <= value["steps"] <= _MOST_STEPS
        and isinstance(value.get("interpolated"), bool)
        and _are_step_times(value.get("times"), value["steps"])
    )


def _are_step_times(value: Any, steps: int) -> bool:
    if value is None:
        return True
    if not (_is_mapping(value) and isinstance(value.get("values"), list)):
        return False
    numbers = all(
        isinstance(one, (int, float)) and not isinstance(one, bool) and math.isfinite(one)
        for one in value["values"]
    )
    flags = all(isinstance(value.get(name), bool) for name in ("dated", "since_start"))
    return numbers and flags and len(value["values"]) in (2, steps)


#: Of a schema, what may be null.
_FORMS: dict[str, tuple[_Check, str]] = {
    "x": (_is_name_or_null, "a string"),
    "y": (_is_name_or_null, "a string"),
    "id": (_is_name_or_null, "a string"),
    "width": (_is_row_count, "a non-negative integer"),
    "images": (_is_image_form, "a mapping with size and mode"),
    "series": (
        _is_series_form,
        "a mapping with time, values, steps, interpolated, and times or not",
    ),
}


def _schema_problems(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Problems of the columns that the model takes."""
    names = data.get("feature_names")
    if not _is_names(names):
        yield Problem("/manifest/data/feature_names", "must be null or a list of strings")
        return
    path, schema = "/manifest/data/schema", data.get("schema")
    if schema is not None and not _is_mapping(schema):
        yield Problem(path, "must be null or a mapping")
        return
    fields = (schema or {}).get("fields", [])
    if not (isinstance(fields, list) and all(map(_is_field, fields))):
        yield Problem(f"{path}/fields", "must be a list of mappings with name, kind and dtype")
        return
    for key, (check, what) in _FORMS.items():
        if not check((schema or {}).get(key)):
            yield Problem(f"{path}/{key}", f"must be null or {what}")
    listed = [field["name"] for field in fields]
    if schema is not None and names is not None and names != listed:
        yield Problem(path, "must have the names of feature_names")
    for chosen in filter(None, (names, listed)):
        shape = data.get("row_shape")
        one_text = shape == [] and len(chosen) == 1
        if _is_shape(shape) and shape != [len(chosen)] and not one_text:
            yield Problem(path, f"names {len(chosen)} columns for rows of shape {shape}")
        if len(set(chosen)) < len(chosen):
            yield Problem(path, "must not have a name twice")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_agreement(value: Any) -> bool:
    return _is_mapping(value) and all(map(_is_number, value.values()))


def _is_label(value: Any) -> bool:
    return isinstance(value, str) and _LABEL.fullmatch(value) is not None


_TOP: dict[str, tuple[_Check, str]] = {
    "created": (_is_label, "at most 64 ASCII characters"),
    "framework_version": (_is_label, "at most 64 ASCII characters"),
    "composition": (_is_mapping, "a mapping"),
    "random_state": (_is_count, "a non-negative integer"),
    "n_clusters_found": (_is_count, "a non-negative integer"),
    "data": (_is_mapping, "a mapping"),
    "training": (_is_mapping, "a mapping"),
    "environment": (_is_mapping, "a mapping"),
}
_COMPONENT: dict[str, tuple[_Check, str]] = {
    "name": (_is_name, "the name of a component"),
    "distribution": (_is_text, "a text"),
    "version": (_is_text, "a text"),
    "state_version": (lambda value: _is_int(value) and value >= 1, "an integer from 1"),
    "options": (_is_mapping, "a mapping"),
}
_DATA: dict[str, tuple[_Check, str]] = {"row_shape": (_is_shape, "a list of positive integers")}
_TRAINING: dict[str, tuple[_Check, str]] = {
    "seconds": (_is_mapping, "a mapping"),
    "keys": (_is_mapping, "a mapping"),
    "agreement": (_is_agreement, "a mapping of numbers"),
}
#: What may be left out, but is nothing else if it is there.
_OPTIONAL: dict[str, tuple[_Check, str]] = {
    "n_rows": (_is_row_count, "null or a non-negative integer"),
    "dtype": (_is_text, "a text"),
    "fingerprint": (_is_text, "a text"),
    "storage": (lambda value: value in STORAGES, f"one of {', '.join(STORAGES)}"),
}


def _problems(value: Any, wanted: Mapping[str, tuple[_Check, str]], path: str) -> Iterator[Problem]:
    if not isinstance(value, Mapping):
        yield Problem(path, "must be a mapping")
        return
    for name, (check, what) in wanted.items():
        if name not in value:
            yield Problem(path, f"has no {name!r}")
        elif not check(value[name]):
            yield Problem(f"{path}/{name}", f"must be {what}")


def _composition_problems(
    composition: Mapping[str, Any], training: Any, path: str
) -> Iterator[Problem]:
    """Problems of the components, and of what the training says of them."""
    described = dict(composition)
    for info in ROLE_TABLE:
        if info.short and info.short in described and info.name not in described:
            if not _is_mapping(described[info.short]):
                yield Problem(f"{path}/{info.short}", "must be a mapping")
            described[info.name] = _SHORT
    try:
        labels = labels_in(described)
    except ValueError as error:
        yield Problem(path, str(error))
        return
    for label, role in labels.items():
        if described[label] is _SHORT:
            continue
        yield from _problems(described[label], _COMPONENT, f"{path}/{label}")
        stored = role in FITTED_ROLES and role_info(role).gives != "rows"
        for name, check, what in (("seconds", _is_number, "number"), ("keys", _is_text, "text")):
            reported = training.get(name) if isinstance(training, Mapping) else None
            if stored and isinstance(reported, Mapping) and not check(reported.get(label)):
                yield Problem(f"/manifest/training/{name}", f"must be a {what} for each role")


#: Stands for a component that is written by a short key.
_SHORT: dict[str, Any] = {}


def _all_problems(manifest: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _problems(manifest, _TOP, "/manifest")
    composition = manifest.get("composition")
    if isinstance(composition, Mapping):
        path = "/manifest/composition"
        yield from _composition_problems(composition, manifest.get("training"), path)
        found = composition.get("n_clusters")
        if found is not None and not (_is_int(found) and found >= 1):
            yield Problem(f"{path}/n_clusters", "must be null or a positive integer")
    data = manifest.get("data")
    if isinstance(data, Mapping):
        given = {name: check for name, check in _OPTIONAL.items() if name in data}
        yield from _problems(data, _DATA | given, "/manifest/data")
        yield from _schema_problems(data)
    if isinstance(manifest.get("training"), Mapping):
        yield from _problems(manifest["training"], _TRAINING, "/manifest/training")


def check_manifest(manifest: Mapping[str, Any]) -> None:
    """Refuse a manifest that is not as docs/bundle-format.md says.

    Parameters
    ----------
    manifest : mapping

    Raises
    ------
    BundleError
        With everything that is wrong.
    """
    problems = list(_all_problems(manifest))
    if problems:
        raise BundleError(
            "the manifest is not that of a fitted model: " + "; ".join(map(str, problems))
        )


def check_parts(manifest: Mapping[str, Any], names: Mapping[str, Any]) -> None:
    """Refuse a bundle in which a part is missing, or belongs to no component.

    Parameters
    ----------
    manifest : mapping
        Checked.
    names : mapping
        The parts, by name.

    Raises
    ------
    BundleError
    """
    known = parts_in(manifest)
    missing = [part for part in (*known, *PARTS) if part not in names]
    if missing:
        raise BundleError(f"the bundle lacks {', '.join(f'/{part}' for part in missing)}")
    roles = {name for info in ROLE_TABLE for name in (info.name, info.short) if name}
    stray = [part for part in names if re.sub(r"_\d+$", "", part) in roles and part not in known]
    if stray:
        listed = ", ".join(f"/{part}" for part in stray)
        raise BundleError(f"the composition in the manifest has no component for {listed}")


def parts_in(manifest: Mapping[str, Any]) -> list[str]:
    """Names of the parts of the components, in the order in which data pass them."""
    composition = manifest["composition"]
    short: dict[str, str] = {i.name: i.short for i in ROLE_TABLE if i.short in composition}
    labels = labels_in([*composition, *short])
    return [short.get(label, label) for label, role in labels.items() if role in FITTED_ROLES]
