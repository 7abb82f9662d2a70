"""Pieces of Zarr arrays that Blosc wrote: are they as long as they say?

Blosc reads as much as the head of a piece says, also from the memory behind it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import attrs
import numpy as np

from n2d_framework.errors import DataError

__all__ = ["METADATA", "BloscPieces", "blosc_pieces", "codecs_of"]

#: Files that are not pieces.
METADATA = ("zarr.json", ".zgroup", ".zarray")
#: Bytes of the head of a piece, of an entry in the index of a shard, and of its check sum.
_HEAD, _ENTRY, _SUM = 16, 16, 4
#: Place and length of a piece that a shard does not have.
_ABSENT = np.iinfo(np.uint64).max


@attrs.frozen
class _Index:
    """Index of a shard: how many pieces it has, and where it is."""

    pieces: int
    summed: bool
    at_end: bool

    def read(self, file: BinaryIO, size: int) -> list[tuple[int, int]]:
        """Place and length of each piece of a shard of so many bytes."""
        wanted = _ENTRY * self.pieces
        whole = wanted + _SUM * self.summed
        file.seek(size - whole if self.at_end and size >= whole else 0)
        entries = np.frombuffer(file.read(wanted).ljust(wanted, b"\0"), dtype="<u8").reshape(-1, 2)
        return [(start, length) for start, length in entries.tolist() if start != _ABSENT]


@attrs.frozen
class BloscPieces:
    """Pieces of an array, each of Blosc; in shards several in a file."""

    folder: Path
    shards: _Index | None = None

    def check_lengths(self) -> None:
        """Refuse pieces that are not as long as they say.

        Raises
        ------
        DataError
            With the file.
        """
        for place, _, files in os.walk(self.folder):
            for name in files:
                if name in METADATA or name.startswith("."):
                    continue
                path = Path(place, name)
                size = path.stat().st_size
                with path.open("rb") as file:
                    parts = [(0, size)] if self.shards is None else self.shards.read(file, size)
                    if not all(_is_whole(file, size, *part) for part in parts):
                        text = "the piece is cut off or damaged; copy it again"
                        raise DataError(f"{path}: {text}")


def _is_whole(file: BinaryIO, size: int, start: int, length: int) -> bool:
    if length < _HEAD or start + length > size:
        return False
    file.seek(start)
    return int.from_bytes(file.read(_HEAD)[12:], "little") == length


def blosc_pieces(where: str, folder: Path, found: Any) -> BloscPieces | None:
    """The pieces of an array, if Blosc wrote them.

    Parameters
    ----------
    where : str
        The array, for messages.
    folder : Path
        Of its pieces.
    found : zarr.Array

    Raises
    ------
    DataError
        If Blosc has a place among the codecs in which its pieces cannot be looked at.
    """
    described = found.metadata.to_dict()
    if "blosc" not in codecs_of(described):
        return None
    listed = list(map(_plain, described.get("codecs") or [described.get("compressor")]))
    pieces, outer = BloscPieces(folder), listed[-1]
    if _name(outer) == "sharding_indexed":
        about = outer["configuration"]
        inner = math.prod(
            -(-whole // part)
            for whole, part in zip(found.shards, about["chunk_shape"], strict=True)
        )
        index = [_name(_plain(codec)) for codec in about["index_codecs"]]
        last = getattr(about["index_location"], "value", about["index_location"]) == "end"
        pieces = BloscPieces(folder, _Index(inner, index == ["bytes", "crc32c"], last))
        listed = list(map(_plain, about["codecs"])) if index[0] == "bytes" else []
    others = [*listed[:-1], *map(_plain, described.get("filters") or ())]
    known = [_name(codec) for codec in listed[-1:]] == ["blosc"]
    if not known or "blosc" in codecs_of({"codecs": others}):
        raise DataError(
            f"{where}: Blosc is not what its pieces, or those of its shards, are stored by in the "
            "end; write it again with Blosc as the last codec, or with zstd"
        )
    return pieces


def codecs_of(described: Mapping[str, Any]) -> Iterator[str]:
    """Names of the codecs in the metadata of an array, of either version of the format."""
    listed = [
        *(described.get("codecs") or ()),
        *(described.get("index_codecs") or ()),
        *(described.get("filters") or ()),
        *filter(None, [described.get("compressor")]),
        *(described.get("storage_transformers") or ()),
    ]
    for codec in listed:
        about = _plain(codec)
        yield _name(about)
        if isinstance(about.get("configuration"), Mapping):
            yield from codecs_of(about["configuration"])


def _plain(codec: Any) -> Mapping[str, Any]:
    return codec if isinstance(codec, Mapping) else codec.to_dict()


def _name(codec: Mapping[str, Any]) -> str:
    return str(codec.get("name", codec.get("id"))).removeprefix("numcodecs.")
