"""Long tables that become series, and photos of any size and mode: what they are brought to."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from table_cases import Case, require
from truth import Rng, some

from n2d_framework import data
from n2d_framework.errors import DataError

_IDS = ("a", "b", "é", "x y", "1", "01", "NA", "-")
_SUFFIXES = (".csv", ".jsonl", ".parquet", ".feather", ".h5")


def long_table(rng: Rng, folder: Path) -> Case:
    """Rows of series in any order, of equal times or of any; perhaps with one fault."""
    ids = rng.choice(np.array(_IDS, dtype=object), int(rng.integers(2, 6)), replace=False)
    equal, width = bool(rng.integers(2)), int(rng.integers(1, 4))
    length = int(rng.integers(2, 12))
    parts, steps = [], int(rng.integers(2, 9))
    for name in ids:
        n = length if equal else int(rng.integers(2, 12))
        at = np.arange(n) * 2.0 if equal else np.sort(rng.choice(1000, n, replace=False)) / 8
        values = np.round(rng.normal(size=(n, width)), 6)
        parts.append((name, at, values))
    frame = pd.concat(
        [
            pd.DataFrame({"who": name, "at": at, **{f"v{i}": v[:, i] for i in range(width)}})
            for name, at, v in parts
        ]
    )
    fault = some(rng, ["", "", "", "alone", "twice", "no time"])
    if fault == "alone":
        frame = pd.concat([frame, pd.DataFrame({"who": ["zz"], "at": [1.0], "v0": [2.0]})])
    elif fault == "twice":
        frame = pd.concat([frame, frame[:1]])
    elif fault == "no time":
        frame.iloc[0, 1] = np.nan
    order = [0, *(1 + rng.permutation(len(frame) - 1))]
    frame = frame.iloc[order].reset_index(drop=True)
    path = folder / f"long{some(rng, _SUFFIXES)}"
    _write(frame, path)
    asked = bool(rng.integers(2)) or not equal
    ask: dict[str, Any] = {"path": str(path), "id": "who", "time": "at"}
    ask |= {"steps": steps} if asked else {}

    def run() -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                read = data.load(ask)
            except DataError as error:
                require(bool(fault), f"refused: {error}")
                require(path.name in str(error), f"not named: {error}")
                return "refused"
        require(not fault, f"{fault} is read")
        require(read.modality == "sequence", "modality")
        found = dict(zip(read.ids, read.x.reshape(len(parts), -1, width), strict=True))
        for name, at, values in parts:
            kept = equal and (not asked or steps == len(at))
            want = values
            if not kept:
                place = np.linspace(at[0], at[-1], steps)
                want = np.stack([np.interp(place, at, v) for v in values.T], axis=1)
            require(np.allclose(found[name], want, rtol=1e-9, atol=1e-9), f"series {name!r}")
        return "right"

    return f"{path.name} equal={equal} {fault} {ask}", run


def _write(frame: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True, double_precision=15)
    elif path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    elif path.suffix == ".feather":
        frame.to_feather(path)
    else:
        kinds = {"who": h5py.string_dtype()}
        rows = np.empty(len(frame), dtype=[(name, kinds.get(name, "f8")) for name in frame])
        for name in frame:
            rows[name] = frame[name].to_numpy()
        with h5py.File(path, "w") as file:
            file["long"] = rows


def photos(rng: Rng, folder: Path) -> Case:
    """Images of one colour each, of any sizes and modes, brought to one; some are broken."""
    from PIL import Image

    top = folder / "photos"
    top.mkdir()
    size = int(rng.integers(1, 9)), int(rng.integers(1, 9))
    mode = some(rng, ["grey", "rgb", "rgba"])
    expected, broken = {}, set()
    for number in range(int(rng.integers(2, 7))):
        name = f"{number}{some(rng, ['.png', '.tif'])}"
        own = some(rng, ["L", "RGB", "RGBA", "P"])
        height, width = (int(side) for side in rng.integers(1, 20, 2))
        grey = int(rng.integers(256))
        picture = Image.new("RGB", (width, height), (grey, grey, grey))
        picture = picture.quantize(4) if own == "P" else picture.convert(own)
        picture.save(top / name)
        expected[name] = picture.convert("RGB").getpixel((0, 0))[0]
        if rng.random() < 0.2:
            (top / name).write_bytes(some(rng, [b"", b"no image", (top / name).read_bytes()[:20]]))
            broken.add(name)
    skip = bool(rng.integers(2))
    ask = {"path": str(top), "resize": list(size), "mode": mode} | (
        {"on_error": "skip"} if skip else {}
    )

    def run() -> str:
        with warnings.catch_warnings(record=True) as noted:
            warnings.simplefilter("always")
            try:
                read = data.load(ask)
            except DataError as error:
                named = any(name in str(error) for name in broken)
                require(bool(broken) and named, f"refused: {error}")
                require(not skip or len(broken) == len(expected), f"not left out: {error}")
                return "refused"
        require(skip or not broken, "a broken image is read")
        said = " ".join(str(note.message) for note in noted)
        require(all(name in said for name in broken), f"not said: {said}")
        channels = {"grey": (), "rgb": (3,), "rgba": (4,)}[mode]
        kept = [name for name in sorted(expected) if name not in broken]
        require(read.ids.tolist() == kept, f"ids {read.ids}")
        require(read.x.shape == (len(kept), *size, *channels), f"shape {read.x.shape}")
        for pixels, name in zip(read.x, kept, strict=True):
            colour = pixels[..., :3] if channels else pixels
            require((np.abs(colour.astype(int) - expected[name]) <= 1).all(), f"pixels of {name}")
        return "right"

    return f"{ask} broken={sorted(broken)}", run
