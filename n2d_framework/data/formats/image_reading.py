"""Images of any size and mode, brought to one form while they are read."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from n2d_framework.core.rows import ImageForm
from n2d_framework.data.faults import reading
from n2d_framework.data.reference import Reference
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = ["Header", "Picture", "choose_form", "differing", "read_header", "read_image"]

#: Longer side of images whose size is found out, and the greatest that is kept as it is stored.
_LONGER, _STORED = 64, 256
_MOST_PIXELS = 100_000_000
_ORIENTATION = 0x0112
#: Formats whose orientation is known without decoding.
_NOTED = ("JPEG", "MPO", "TIFF", "WEBP")
_DEEP = ("I;16", "I;16B", "I;16L", "I;16N")
_GREY = ("1", "L", "LA", *_DEEP)
#: Modes whose values have no known range.
_UNBOUNDED = ("I", "F")
_MODES = {"grey": "L", "rgb": "RGB", "rgba": "RGBA"}
#: What Pillow's decoders raise at damaged files, besides the errors of :func:`reading`.
_DECODING = (SyntaxError, TypeError, IndexError, AttributeError, AssertionError, ZeroDivisionError)


@attrs.frozen
class Header:
    """Facts on an image that has not been decoded.

    Attributes
    ----------
    size : tuple of int
        Height and width, upright.
    mode : str
        Pillow's.
    """

    size: tuple[int, int]
    mode: str


@attrs.frozen(eq=False)
class Picture:
    """Pixels of an image, with its mode, and whether further frames of it are left out."""

    pixels: AnyArray
    mode: str
    further: bool


def read_header(file: Path) -> Header:
    """Read size and mode of an image, and refuse what need not be decoded to be refused.

    Parameters
    ----------
    file : Path

    Raises
    ------
    DataError
        If it is empty, not an image, an animation, or has more than 100 million pixels.
    """
    with _opened(file) as opened:
        width, height = opened.size
        if _turned(opened):
            height, width = width, height
        return Header((height, width), _unpaletted(opened.mode))


def choose_form(
    ref: Reference, headers: Mapping[Path, Header]
) -> tuple[ImageForm | None, str | None]:
    """Choose the form of the images of a folder.

    Parameters
    ----------
    ref : Reference
        Its `resize` and `mode` say what the user wants.
    headers : mapping of Path to Header
        Of all images; at least one.

    Returns
    -------
    ImageForm or None
        ``None`` where all are read as they are stored.
    str or None
        A note for the user on what was chosen for them.

    Raises
    ------
    DataError
        If sizes or modes differ and must not, or modes have nothing in common.
    """
    sizes = sorted({header.size for header in headers.values()})
    modes = {header.mode: file for file, header in reversed(list(headers.items()))}
    largest = max(max(size) for size in sizes)
    size: tuple[int, int] | None = None
    if isinstance(ref.resize, tuple):
        size = ref.resize
    elif ref.resize == "auto" or (ref.resize is None and (sizes[1:] or largest > _STORED)):
        size = _typical(headers.values())
    elif sizes[1:]:
        _refuse_sizes(headers)
    if size is None and ref.mode is None and len(modes) == 1:
        return None, None
    form = ImageForm(size, _common_mode(ref.mode, modes))
    chosen = []
    if size is not None and ref.resize is None:
        chosen.append(f"scaled to {_size(size)} and cut in the middle where proportions differ")
    if len(modes) > 1 and ref.mode is None:
        chosen.append(f"brought to mode {_word(form.mode)}")
    if not chosen:
        return form, None
    found = f"of {_size(sizes[0])}" + (f" to {_size(sizes[-1])}" if sizes[1:] else "")
    return form, (
        f"{len(headers)} images {found} pixels in mode {', '.join(sorted(modes))} are "
        f"{' and '.join(chosen)}; to change that: --resize HEIGHTxWIDTH|none, "
        "--mode grey|rgb|rgba"
    )


def read_image(file: Path, form: ImageForm | None) -> Picture:
    """Read an image.

    Parameters
    ----------
    file : Path
    form : ImageForm or None
        What it is brought to; ``None`` reads it as it is stored, palettes apart.

    Raises
    ------
    DataError
        If it cannot be read, or its values cannot be brought to the mode.
    """
    from PIL import ImageOps

    with _opened(file) as opened:
        further = getattr(opened, "n_frames", 1) > 1
        if form is not None and form.size is not None:
            # Decoders of JPEG can leave out pixels; twice as many as needed are kept.
            height, width = (2 * side for side in form.size)
            opened.draft(None, (height, width) if _turned(opened) else (width, height))
        image = ImageOps.exif_transpose(opened)
        if form is None:
            mode = _unpaletted(image.mode)
            image = image if mode == image.mode else image.convert(mode)
        else:
            image = _in_form(file, image, form)
        pixels: AnyArray = np.asarray(image)
        if pixels.dtype == np.bool_:
            pixels = pixels.astype(np.uint8)
        return Picture(pixels, str(image.mode), further)


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    """Open an image that may be decoded."""
    from PIL import Image

    if not file.is_file():
        raise DataError(f"{file}: it is not a file; remove it")
    if file.stat().st_size == 0:
        raise DataError(f"{file}: the file is empty; write it again or remove it")
    try:
        with reading(file, "an image"), _no_warning(Image), Image.open(file) as opened:
            width, height = opened.size
            if width * height > _MOST_PIXELS:
                raise DataError(
                    f"{file}: it has {_size((height, width))} pixels, more than "
                    f"{_MOST_PIXELS:,}; images that large are refused, scale it down"
                )
            frames = getattr(opened, "n_frames", 1)
            if frames > 1 and opened.format != "MPO":
                raise DataError(f"{file}: it has {frames} frames; store one image per file")
            yield opened
    except Image.DecompressionBombError as error:
        raise DataError(f"{file}: {error}; images that large are refused, scale it down") from error
    except _DECODING as error:
        raise DataError(
            f"{file}: cannot be read as an image ({type(error).__name__}: {error}); it may be "
            "truncated or damaged; write it again or remove it"
        ) from error


@contextmanager
def _no_warning(library: Any) -> Iterator[None]:
    """Open images up to the limit above without the warning of Pillow's lower one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", library.DecompressionBombWarning)
        yield


def _turned(opened: Any) -> bool:
    """Return whether height and width change places, as far as it is known without decoding."""
    noted = opened.format in _NOTED or "exif" in opened.info
    return noted and opened.getexif().get(_ORIENTATION, 1) >= 5


def _unpaletted(mode: str) -> str:
    return "RGB" if mode in ("P", "PA") else mode


def _typical(headers: Any) -> tuple[int, int]:
    """Median height and width, scaled down until the longer side is short enough."""
    sizes = np.median([header.size for header in headers], axis=0)
    height, width = (sizes * min(1.0, _LONGER / sizes.max())).round().clip(1).astype(int).tolist()
    return height, width


def _refuse_sizes(headers: Mapping[Path, Header]) -> None:
    (first, known), *others = headers.items()
    file, other = next((file, one) for file, one in others if one.size != known.size)
    raise DataError(
        f"{file}: {differing(other.size, other.mode, first.name, known.size, known.mode)}"
    )


def _common_mode(wanted: str | None, modes: Mapping[str, Path]) -> str:
    """Pillow's name of the mode to which images of several modes are brought."""
    unbounded = next((mode for mode in modes if mode in _UNBOUNDED), "")
    if unbounded and (wanted is not None or len(modes) > 1):
        raise DataError(
            f"{modes[unbounded]}: its values have 32 bits (mode {unbounded}) and no known range, "
            "so that they cannot be brought to another mode; scale them to 8 or 16 bits"
        )
    if all(mode in _DEEP for mode in modes) and wanted in (None, "grey"):
        return "I;16"
    if wanted is not None:
        return _MODES[wanted]
    if len(modes) == 1 and next(iter(modes)) in ("RGBA", *_UNBOUNDED):
        return next(iter(modes))
    return "L" if all(mode in _GREY for mode in modes) else "RGB"


def _in_form(file: Path, image: Any, form: ImageForm) -> Any:
    """An upright image in the wanted mode and size."""
    from PIL import Image, ImageOps

    if image.mode != form.mode:
        if _UNBOUNDED[0] in (image.mode, form.mode) or _UNBOUNDED[1] in (image.mode, form.mode):
            raise DataError(
                f"{file}: its values are of mode {image.mode}, which cannot be brought to mode "
                f"{form.mode}; scale them to 8 or 16 bits"
            )
        image = _converted(image, form.mode)
    if form.size is None or image.size == form.size[::-1]:
        return image
    return ImageOps.fit(image, form.size[::-1], Image.Resampling.BILINEAR)


def _converted(image: Any, mode: str) -> Any:
    """An image in another mode: 16 bits scaled to 8, and what is transparent on white."""
    from PIL import Image

    if image.mode in _DEEP and mode in _DEEP:
        return Image.fromarray(np.asarray(image).astype(np.uint16))
    if image.mode in _DEEP:
        image = Image.fromarray(np.round(np.asarray(image) / 257).astype(np.uint8))
    if mode != "RGBA" and image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    if mode in _DEEP:
        return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    return image if image.mode == mode else image.convert(mode)


def _word(mode: str) -> str:
    """The user's word for a mode of Pillow."""
    return next((word for word, known in _MODES.items() if known == mode), mode)


def differing(
    size: Sequence[int], mode: str, other: str, other_size: Sequence[int], other_mode: str
) -> str:
    """Reason why an image cannot be read beside another, for messages."""
    return (
        f"it is {_size(size)} pixels in mode {mode}, but {other} is {_size(other_size)} "
        f"pixels in mode {other_mode}; bring all images to one size and mode, or let resize and "
        "mode do it"
    )


def _size(shape: Sequence[int]) -> str:
    """Height and width, for messages."""
    return " x ".join(f"{side:,}" for side in shape[:2])
