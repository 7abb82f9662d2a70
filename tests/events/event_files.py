"""Reads TensorBoard's event files back: records of length, checksum, message, checksum."""

from __future__ import annotations

import struct
from collections import defaultdict
from pathlib import Path

from tensorboardX.proto.event_pb2 import Event


def events_in(folder: Path) -> list[Event]:
    """Every event of the files directly in a folder, in the order of the files."""
    found = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            found.append(Event.FromString(data[12 : 12 + length]))
            data = data[16 + length :]
    return found


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Steps and values by tag."""
    found: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for event in events_in(folder):
        for value in event.summary.value:
            if value.HasField("simple_value"):
                found[value.tag].append((event.step, value.simple_value))
    return dict(found)


def tags(folder: Path) -> set[str]:
    """All tags, of whatever kind."""
    return {value.tag for event in events_in(folder) for value in event.summary.value}


def texts(folder: Path) -> str:
    """All texts, joined."""
    values = [value for event in events_in(folder) for value in event.summary.value]
    parts = [part.decode() for value in values for part in value.tensor.string_val]
    return "\n".join(parts)


def images(folder: Path) -> dict[str, bytes]:
    """Encoded pictures by tag."""
    values = [value for event in events_in(folder) for value in event.summary.value]
    return {v.tag: v.image.encoded_image_string for v in values if v.HasField("image")}
