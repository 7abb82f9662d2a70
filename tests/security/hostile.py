"""Hostile states of the built-in components: proper files, right digests, wrong content.

Every built-in component of the live catalogue is fitted on a few digits; then one value of its
options or of its state (or, in later cases, two or three) becomes another one. The file is
written properly, loaded, and asked for every answer of a model about rows. By hand::

    python tests/security/hostile.py --cases 2000
    python tests/security/hostile.py --only manifolder-umap --first 17 --cases 1

Allowed ends: ``refused`` (``BundleError`` when it is loaded), ``same`` or ``other`` answers, all
finite, and ``error`` (an ``N2DError`` when it is asked). No case may take more than five seconds
or a GiB, or end the process.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import crafted
import limited
import numpy as np
from attrs import NOTHING

from n2d_framework import N2D, bundle
from n2d_framework.core.options import options_of
from n2d_framework.errors import BundleError, N2DError, UnsupportedError
from n2d_framework.registry import default_catalogue
from n2d_framework.storage import decode, encode, read_file
from n2d_framework.types import NOISE, ROLES

ALLOWED = ("refused", "same", "other", "error")
N_TRAIN, N_ASKED = 120, 5
ASKED = ("embed", "transform", "predict", "predict_proba", "strengths", "reconstruct")
_NEIGHBOURS = {"embedder": "pca", "manifolder": "identity", "clusterer": "kmeans"}


def components() -> list[tuple[str, str]]:
    """Role and name of every built-in component whose state is made of plain values."""
    catalogue = default_catalogue()
    return [
        (role, entry.spec.name)
        for role in ROLES
        for entry in catalogue.components(role)
        if entry.distribution == "n2d_framework"
        if entry.spec.inductive and not entry.spec.imports_code and _has_small(entry)
    ]


def _has_small(entry: Any) -> bool:
    """Return whether the component can be fitted without options that only a user can give."""
    required = {opt.name for opt in options_of(entry.spec.load()) if opt.default is NOTHING}
    return required <= set(entry.spec.small_options)


def images() -> np.ndarray:
    """scikit-learn's digits as images."""
    from sklearn.datasets import load_digits

    return load_digits().images.astype(np.float32)


def fit_bases(folder: Path) -> list[str]:
    """Fit and save one small trio for every component; return their names."""
    rows = images()
    np.save(folder / "rows.npy", rows[N_TRAIN - 1 : N_TRAIN - 1 + N_ASKED])
    names = []
    for role, name in components():
        chosen = dict(_NEIGHBOURS)
        small = dict(default_catalogue().get(role, name).spec.small_options)
        model = N2D(**(chosen | {role: {"name": name, **small}}), n_clusters=4, random_state=0)  # type: ignore[arg-type]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(rows[:N_TRAIN]).save(folder / f"{role}-{name}.n2d")
        names.append(f"{role}-{name}")
    return names


_PLAIN: tuple[Any, ...] = (
    None, True, False, 0, 1, 2, 3, 7, -1, 1000, 10**6, 10**9, 2**31, 2**63 - 1, 2**64 - 1, -(2**63),
    0.0, 0.5, -0.5, 1e-300, 1e9, 1e308, float("inf"), float("-inf"), float("nan"),
    "", "x", "x" * 100_000, "os:system", "../../x", [], [0], [1], [-1], [10**9], [10**9] * 3,
    [4, 8], [1] * 1000, [None], ["a"], [[1]], [1.5], {}, {"a": 1}, {"name": "os:system"},
)  # fmt: skip
#: What a layer of a network might be instead.
_LAYERS = (
    "Lambda", "Conv2D", "LSTM", "Flatten", "UpSampling2D", "keras.src", "builtins", "eval",
    "Functional", "TFSMLayer", "Attention", "exponential",
)  # fmt: skip
_DTYPES = ("bool", "int8", "int64", "uint64", "float16", "float32", "float64")


def _shapes(array: np.ndarray) -> Iterator[np.ndarray]:
    yield np.zeros(0, array.dtype)
    yield np.zeros((0,) * max(1, array.ndim), array.dtype)
    yield array.reshape(-1)[:1].reshape(())
    yield array[None]
    yield array[..., None]
    yield array.reshape(-1)
    yield np.ascontiguousarray(array.T)
    if array.ndim:
        yield array[1:]
        yield array[:1]
        yield array[:0]
        yield np.concatenate([array, array])
        yield np.ascontiguousarray(array[..., 1:])
        yield np.concatenate([array, array], axis=-1)
        yield np.zeros((200_000, *array.shape[1:2]), array.dtype)
    yield np.zeros((1,) * 32, array.dtype)


def _one(array: np.ndarray, value: Any, where: int) -> np.ndarray:
    changed = array.copy()
    changed.reshape(-1)[where] = value
    return changed


def _values(array: np.ndarray) -> Iterator[np.ndarray]:
    """The same shape and type with other numbers."""
    if array.dtype.kind == "f":
        most = np.finfo(array.dtype).max
        bad = [np.nan, np.inf, -np.inf, most, -most, np.finfo(array.dtype).smallest_subnormal]
        bad += [0.0, -1.0, 1e6, -1e6]
    elif array.dtype.kind in "iu":
        info = np.iinfo(array.dtype)
        bad = [info.min, info.max, 0, 1, max(info.min, -1), max(info.min, -2), array.size, 10**6]
    else:
        bad = [False, True]
    for value in bad:
        yield np.full_like(array, value)
        yield _one(array, value, 0)
        yield _one(array, value, -1)
        yield _one(array, value, array.size // 2)
    flat = np.arange(array.size).astype(array.dtype).reshape(array.shape)
    yield flat
    yield np.ascontiguousarray(array[::-1])
    yield np.random.default_rng(0).permutation(array)
    with np.errstate(over="ignore", invalid="ignore"):
        yield (array.astype(np.float64) * -1).astype(array.dtype)
        yield (array.astype(np.float64) * 1e30).astype(array.dtype)


def _arrays(array: np.ndarray) -> Iterator[Any]:
    with np.errstate(over="ignore", invalid="ignore"):
        for name in _DTYPES:
            if name != array.dtype.name:
                yield array.astype(name)
    yield from _shapes(array)
    if array.size and array.ndim:
        yield from _values(array)
    yield from (None, 1, 1.5, "text", [], {}, [array], {"a": array})


def _choices(cls: type) -> list[str]:
    """Every text that some option of a class takes."""
    found: set[str] = set()

    def visit(kind: Any) -> None:
        if get_origin(kind) is Literal:
            found.update(str(choice) for choice in get_args(kind))
        for arm in get_args(kind):
            if not isinstance(arm, str):
                visit(arm)

    for opt in options_of(cls):
        visit(opt.type)
    return sorted(found)


class _Drop:
    """Stands for a value that is taken away."""


def _walk(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in pairs:
        yield (*path, key), value
        if isinstance(value, (dict, list)):
            yield from _walk(value, (*path, key))


def singles(manifest: Any, parts: Any, role: str, name: str) -> list[tuple[tuple[Any, ...], Any]]:
    """Places in ("manifest" or "parts", ...) and what is put there, in a fixed order."""
    cls = default_catalogue().get(role, name).spec.load()  # type: ignore[arg-type]
    texts = _choices(cls)
    found: list[tuple[tuple[Any, ...], Any]] = []
    options = manifest["composition"][role]["options"]
    for path, value in _walk(options):
        place = ("manifest", "composition", role, "options", *path)
        replacements = [_Drop, *_PLAIN, *texts]
        if isinstance(value, list):
            replacements += [value * 2, value[:-1], value[::-1], [1] * 2_000_000]
        if isinstance(value, str) and value.startswith("{"):
            replacements += _texts(value)
        found += [(place, other) for other in replacements]
    for extra in ("unknown", "__class__", "factory"):
        found.append((("manifest", "composition", role, "options", extra), 1))
    for part in (role, "prepare", "golden", "training"):
        for path, value in _walk(parts[part]):
            place = ("parts", part, *path)
            others = _arrays(value) if isinstance(value, np.ndarray) else iter(_PLAIN)
            found.append((place, _Drop))
            found += [(place, other) for other in others]
    return found


def _texts(text: str) -> Iterator[str]:
    """JSON in which one value is another one."""
    tree = json.loads(text)
    for path, _ in _walk(tree):
        for other in (_Drop, *_PLAIN, *_LAYERS):
            changed = {"": copy.deepcopy(tree)}
            _put(changed, ("", *path), other)
            yield json.dumps(changed[""])
    yield from (text[:-1], text * 2, "[" * 100_000, "{}", json.dumps({"a": "b" * 2**21}))


def _put(content: dict[str, Any], place: tuple[Any, ...], value: Any) -> None:
    container: Any = content
    for key in place[:-1]:
        container = container[key]
    if value is _Drop:
        del container[place[-1]]
    else:
        container[place[-1]] = copy.deepcopy(value)


def hostile(
    number: int, manifest: Any, parts: Any, known: Sequence[tuple[tuple[Any, ...], Any]]
) -> tuple[dict[str, Any], str]:
    """Content of a case, and what was changed: all single changes come first, then several."""
    content = {"manifest": copy.deepcopy(manifest), "parts": copy.deepcopy(parts)}
    if number < len(known):
        changes = [known[number]]
    else:
        rng = np.random.default_rng([number, 20261121])
        changes = [known[i] for i in rng.integers(len(known), size=rng.integers(2, 4))]
    for place, value in changes:
        try:
            _put(content, place, value)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took that place away
    reported = "; ".join(f"{'/'.join(map(str, p[1:]))} = {_reported(v)}" for p, v in changes)
    return content, reported


def _reported(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape} {value.reshape(-1)[:3]}"
    return "(dropped)" if value is _Drop else repr(value)[:60]


def answers(model: Any, rows: np.ndarray) -> dict[str, np.ndarray]:
    """All answers of a model about rows."""
    found = {}
    for name in ASKED:
        try:
            found[name] = np.asarray(getattr(model, name)(rows))
        except UnsupportedError:
            continue
    return found


def judge(path: Path, rows: np.ndarray, expected: dict[str, np.ndarray] | None) -> str:
    """Load a file as a user would and ask it; one of :data:`ALLOWED`, or what is wrong."""
    try:
        model = bundle.load(path)
    except BundleError as error:
        return "refused" if len(str(error)) < 5000 else "the message is too long"
    try:
        found = answers(model, rows)
    except N2DError as error:
        return "error" if len(str(error)) < 5000 else "the message is too long"
    for name, values in found.items():
        if len(values) != len(rows) or not np.isfinite(values).all():
            return f"{name} is {values.dtype} of shape {values.shape}, or not finite"
    if (found["predict"] < NOISE).any() or found["predict"].dtype != np.int64:
        return "labels that are none"
    same = expected is not None and all(
        name in found and np.array_equal(values, found[name]) for name, values in expected.items()
    )
    return "same" if same else "other"


class Base:
    """A fitted model that cases are made from."""

    def __init__(self, path: Path, rows: np.ndarray) -> None:
        self.role, self.name = path.stem.split("-", 1)
        self.manifest, self.parts = decode(read_file(path))
        self.created = str(self.manifest["created"])
        self.singles = singles(self.manifest, self.parts, self.role, self.name)
        self.expected = answers(bundle.load(path), rows)

    def case(self, which: int | str) -> tuple[bytes, str]:
        """File of a case, and what was changed in it."""
        if isinstance(which, str):
            content = {"manifest": copy.deepcopy(self.manifest), "parts": dict(self.parts)}
            crafted.ATTACKS[which](content["manifest"], content["parts"])
            reported = which
        else:
            content, reported = hostile(which, self.manifest, self.parts, self.singles)
        return encode(content["manifest"], content["parts"], created=self.created), reported


def work(folder: Path, items: Sequence[tuple[str, int | str]]) -> None:
    """Run cases in this process."""
    warnings.simplefilter("ignore")
    rows = np.load(folder / "rows.npy")
    bases = {name: Base(folder / f"{name}.n2d", rows) for name in {name for name, _ in items}}
    limited.limit_memory()
    target = folder / f"case-{os.getpid()}.n2d"
    for name, which in items:
        print(json.dumps([[name, which], "", "made"]), flush=True)
        image, reported = bases[name].case(which)
        target.write_bytes(image)
        del image
        expected = bases[name].expected
        limited.report([name, which], reported, lambda known=expected: judge(target, rows, known))
    target.unlink(missing_ok=True)


def campaign(folder: Path, items: Sequence[tuple[str, int | str]]) -> dict[str, Any]:
    """Run cases of bases that :func:`fit_bases` saved in limited processes."""
    command = [sys.executable, __file__, "--work", str(folder)]
    return limited.campaign(command, folder, items, ALLOWED)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=500, help="for each component")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--only", default="", help="ROLE-NAME")
    parser.add_argument("--bases", type=Path, help="a folder that keeps the fitted models")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments.work, json.loads((arguments.work / "items.json").read_text()))
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.bases or Path(temporary)
        folder.mkdir(exist_ok=True)
        names = sorted(path.stem for path in folder.glob("*r-*.n2d")) or fit_bases(folder)
        numbers = range(arguments.first, arguments.first + arguments.cases)
        total = 0
        for name in [name for name in names if arguments.only in ("", name)]:
            start = time.perf_counter()
            result = campaign(folder, [(name, number) for number in numbers])
            seconds = round(time.perf_counter() - start, 1)
            print(json.dumps(result["outcomes"]), f"slowest {result['slowest']} s,",
                  f"{seconds} s in all", flush=True)  # fmt: skip
            for item in result["bad"]:
                print("   ", item, flush=True)
            total += len(result["bad"])
    return bool(total)


if __name__ == "__main__":
    sys.exit(main())
