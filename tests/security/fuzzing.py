"""A fuzzer for bundles: mutated files, opened in a process with limits.

Run it by hand for a long campaign::

    python tests/security/fuzzing.py --cases 20000 --seed 0

Each case is made from its number alone, so that a failure can be repeated with
``--seed N --cases 1``. Families:

``raw``
    Bytes are changed, the digest is not repaired. The only allowed end is ``BundleError``.
``repaired``
    Bytes are changed and the digest is repaired. Allowed: ``BundleError``, or values.
``forged``
    The manifest or a state is changed and written properly, then *loaded* into components.
    Allowed: ``BundleError``, or a model.

No case may take more than five seconds or a GiB, or end the process.
"""

from __future__ import annotations

import argparse
import copy
import json
import struct
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "bundle")]

import forging  # noqa: E402
import limited  # noqa: E402
import toy_plugin  # noqa: E402

from n2d_framework import bundle  # noqa: E402
from n2d_framework.errors import BundleError  # noqa: E402
from n2d_framework.storage import decode, encode  # noqa: E402

FAMILIES = ("raw", "repaired", "forged")
INTERESTING = (0, 1, 2, 127, 128, 255, 2**15, 2**16 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)

_Mutation = Callable[[np.random.Generator, bytearray], None]


def base_image() -> bytes:
    """A model of toys, with every kind of element and some larger arrays."""
    snapshot = toy_plugin.snapshot()
    rng = np.random.default_rng(0)
    extra = {
        "labels": rng.integers(0, 10, 3000),
        "latent": rng.normal(size=(400, 10)).astype(np.float32),
        "mask": rng.random(300) > 0.5,
        "layers": [{"w": rng.normal(size=(9, 9)), "name": "a"}, {"w": np.zeros((0, 3))}, "text"],
        "noise": rng.bytes(3000).hex(),
        "scalar": np.array(1.5),
    }
    parts = snapshot.parts | {"extra": extra}
    return encode(snapshot.manifest, parts, created="2026")


def _flip(rng: np.random.Generator, data: bytearray) -> None:
    for _ in range(int(rng.integers(1, 9))):
        data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))


def _overwrite(rng: np.random.Generator, data: bytearray) -> None:
    start = int(rng.integers(len(data)))
    data[start : start + 8] = rng.bytes(len(data[start : start + 8]))


def _number(rng: np.random.Generator, data: bytearray) -> None:
    """Put an interesting number over a field of 1, 2, 4 or 8 bytes."""
    size = int(rng.choice([1, 2, 4, 8]))
    value = int(rng.choice(np.array(INTERESTING, dtype=object))) % (1 << 8 * size)
    start = int(rng.integers(max(1, len(data) - size)))
    data[start : start + size] = value.to_bytes(size, "little")


def _truncate(rng: np.random.Generator, data: bytearray) -> None:
    del data[int(rng.integers(len(data))) :]


def _insert(rng: np.random.Generator, data: bytearray) -> None:
    start = int(rng.integers(len(data)))
    data[start:start] = rng.bytes(int(rng.integers(1, 64)))


def _remove(rng: np.random.Generator, data: bytearray) -> None:
    start = int(rng.integers(len(data)))
    del data[start : start + int(rng.integers(1, 64))]


def _splice(rng: np.random.Generator, data: bytearray) -> None:
    """Copy a piece of the file over another place."""
    size = int(rng.integers(1, 512))
    source, target = rng.integers(max(1, len(data) - size), size=2)
    data[target : target + size] = data[source : source + size]


def _address(rng: np.random.Generator, data: bytearray) -> None:
    """Let some 8 bytes that look like an address point elsewhere."""
    places = [i for i in range(512, len(data) - 8, 1) if data[i + 3 : i + 8] == bytes(5)]
    if places:
        place = int(rng.choice(places))
        struct.pack_into("<Q", data, place, int(rng.integers(len(data))))


def _header_byte(rng: np.random.Generator, data: bytearray) -> None:
    """Change a byte within an object header, where the structure is."""
    starts = [i for i in range(len(data)) if data[i : i + 4] == b"OHDR"]
    if starts:
        place = int(rng.choice(starts)) + int(rng.integers(4, 200))
        if place < len(data):
            data[place] = int(rng.integers(256))


#: Keep the length, and so leave most of the structure readable.
GENTLE: tuple[_Mutation, ...] = (
    _flip, _overwrite, _number, _splice, _address, _address, _header_byte, _header_byte,
)  # fmt: skip
ROUGH: tuple[_Mutation, ...] = (_truncate, _insert, _remove)


def mutated(rng: np.random.Generator, image: bytes, *, repair: bool) -> bytes:
    """A file with one to three mutations."""
    data = bytearray(image)
    kinds = GENTLE + ROUGH if rng.random() < 0.2 else GENTLE
    while bytes(data) == image:
        for _ in range(int(rng.integers(1, 4))):
            if data:
                kinds[rng.integers(len(kinds))](rng, data)
    return forging.reseal(bytes(data)) if repair else bytes(data)


_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 1e308, float("nan"), float("inf"), "", "../../x", "os:system",
    "x" * 100_000, [], [[]], {}, {"a": 1}, [None] * 1000, np.zeros(0), np.zeros((0, 5)),
    np.full((2, 2), np.nan), np.zeros((3, 3, 3), np.int8), np.array(7), np.array([True]),
    np.full(5, -(2**63)), np.zeros((1, 1000), np.float32), np.arange(8),
)  # fmt: skip


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in pairs:
        yield tree, key
        if isinstance(value, (dict, list)):
            yield from _places(value)


def forged(rng: np.random.Generator) -> bytes:
    """A proper file in which one to three values of a manifest or a state are others."""
    snapshot = toy_plugin.snapshot()
    manifest, parts = copy.deepcopy(snapshot.manifest), copy.deepcopy(snapshot.parts)
    for _ in range(int(rng.integers(1, 4))):
        inside_manifest = rng.random() < 0.5
        places = list(_places(manifest if inside_manifest else parts))
        if not places:
            continue
        container, key = places[rng.integers(len(places))]
        value = copy.deepcopy(_VALUES[rng.integers(len(_VALUES))])
        top = container is parts
        action = rng.random()
        if action < 0.25:
            del container[key]
        elif action < 0.35 and isinstance(container, dict):
            container[f"{key}_"[:100]] = container.pop(key)
        elif top:
            container[key] = value if isinstance(value, dict) else {"a": value}
        elif not (inside_manifest and isinstance(value, np.ndarray)):
            container[key] = value
    return encode(manifest, parts, created="2026", framework_version="0.1.0")


def case(number: int, image: bytes) -> tuple[str, bytes]:
    """Family and file of a case."""
    rng = np.random.default_rng([number, 20261121])
    family = FAMILIES[number % len(FAMILIES)]
    if family == "forged":
        return family, forged(rng)
    return family, mutated(rng, image, repair=family == "repaired")


class Judge:
    """Opens a case as a user would, and says how it ended."""

    def __init__(self, image: bytes, path: Path) -> None:
        self.path = path
        self.catalogue = toy_plugin.catalogue()
        self.original = encode(*decode(image), created="2026")

    def __call__(self, family: str, data: bytes) -> str:
        """Return ``refused``, ``same`` or ``other``; anything else is raised."""
        try:
            if family == "forged":
                self.path.write_bytes(data)
                bundle.load(self.path, catalogue=self.catalogue)
                return "other"
            again = encode(*decode(data), created="2026")
        except BundleError as error:
            if len(str(error)) > 5000:
                raise AssertionError("the message is too long") from error
            return "refused"
        return "same" if again == self.original else "other"


def h5py_judge(family: str, data: bytes) -> str:
    """For comparison only: the HDF5 library opens the file and reads everything in it."""
    import io

    import h5py

    def visit(name: str, item: Any) -> None:
        dict(item.attrs)
        if isinstance(item, h5py.Dataset) and item.size < (1 << 24):
            item[()]

    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            file.visititems(visit)
    except Exception:
        return "refused"
    return "other"


def work(folder: Path, reader: str) -> None:
    """Run the cases that ``items.json`` in a folder lists in this process."""
    image = base_image()
    judge = Judge(image, folder / "case.n2d") if reader == "n2d" else h5py_judge
    limited.limit_memory()
    for item in json.loads((folder / "items.json").read_text()):
        again = f"python tests/security/fuzzing.py --seed {item[1]} --cases 1"
        family, data = case(item[1], image)

        def run(family: str = family, data: bytes = data) -> str:
            outcome = judge(family, data)
            assert outcome == "refused" or family != "raw", f"damage is not noticed: {outcome}"
            return outcome

        limited.report(item, again, run)


def campaign(folder: Path, numbers: Iterable[int], reader: str = "n2d") -> dict[str, Any]:
    """Run cases in limited processes, and count how they ended (:func:`limited.campaign`)."""
    command = [sys.executable, __file__, "--work", str(folder), "--reader", reader]
    items = [(FAMILIES[number % len(FAMILIES)], number) for number in numbers]
    return limited.campaign(command, folder, items, ("refused", "same", "other"))


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="number of the first case")
    parser.add_argument("--reader", choices=("n2d", "h5py"), default="n2d")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments.work, arguments.reader)
        return 0
    numbers = range(arguments.seed, arguments.seed + arguments.cases)
    with tempfile.TemporaryDirectory() as folder:
        result = campaign(Path(folder), numbers, arguments.reader)
    del result["ends"]
    print(json.dumps(result, indent=1))
    return bool(result["bad"]) and arguments.reader == "n2d"


if __name__ == "__main__":
    sys.exit(main())
