"""Options that several commands have in common."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any, Final

import typer

from n2d_framework.core.rows.columns import COLUMN_KINDS
from n2d_framework.data.reference import IMAGE_MODES
from n2d_framework.errors import ConfigError, Problem

__all__ = [
    "AllowCode", "InsteadOfTables", "Json", "Quiet", "age", "duration", "numbers_written",
    "selecting", "size",
]  # fmt: skip

AllowCode = Annotated[
    bool,
    typer.Option(
        "--allow-code",
        help="Let the configuration name code to import; only for files you trust.",
    ),
]
InsteadOfTables = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


def _columns(flag: str, help_text: str) -> Any:
    return Annotated[
        list[str] | None,
        typer.Option(f"--{flag}", metavar="NAME|PATTERN", help=f"{help_text}; repeatable."),
    ]


#: Flags that choose among the columns or arrays of data, and say how images are read, by their
#: keys in `data` of a configuration; see :func:`selecting`.
_SELECTION: Final = {
    "x": _columns(
        "x",
        "Array with the rows, or columns that are features: a name, a glob (price_*) or /regex/",
    ),
    "drop": _columns("drop", "Columns that are not features: a name, a glob or /regex/"),
    "id": Annotated[
        str | None,
        typer.Option(
            "--id",
            metavar="COLUMN",
            help="Column or array with the ids of rows, which come out beside the labels.",
        ),
    ],
    "y": Annotated[
        str | None,
        typer.Option(
            "--y",
            metavar="NAME|false",
            help="Column or array with the true classes; false says that there are none.",
        ),
    ],
    "text": _columns("text", "Columns of texts; they alone are the rows, unless --x chooses more"),
    "kinds": Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            metavar="NAME|PATTERN=KIND",
            help=f"Kind of columns ({', '.join(COLUMN_KINDS)}) where it is guessed wrong; "
            "repeatable.",
        ),
    ],
    "time": Annotated[
        str | None,
        typer.Option(
            "--time",
            metavar="COLUMN",
            help="Times of a long table: rows with the same --id become one series.",
        ),
    ],
    "steps": Annotated[
        int | None,
        typer.Option("--steps", min=2, help="Times at which series are interpolated."),
    ],
    "resize": Annotated[
        str | None,
        typer.Option(
            "--resize",
            metavar="HEIGHTxWIDTH|auto|none",
            help="Size that images of a folder are scaled to.",
        ),
    ],
    "mode": Annotated[
        str | None,
        typer.Option(
            "--mode",
            metavar="|".join(IMAGE_MODES),
            help="Mode that images of a folder are brought to.",
        ),
    ],
    "on_error": Annotated[
        str | None,
        typer.Option(
            "--on-error",
            metavar="raise|skip",
            help="Whether an image that cannot be read ends the command, or is left out.",
        ),
    ],
    "thumbnails": Annotated[
        str | None,
        typer.Option(
            "--thumbnails",
            metavar="NAME",
            help="Column with paths of pictures, or array of images, for the report of a run; not "
            "a feature.",
        ),
    ],
}


#: Flags that are not called like their keys.
_FLAGS: Final = {"kinds": "kind", "on_error": "on-error"}


def selecting(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the flags that say what of the data is used, and how.

    Parameters
    ----------
    command : callable
        It has a parameter `select`, in whose place the flags come. It gets a function that adds to
        data, as :func:`n2d_framework.data.load` takes them, what the flags say. A flag that the
        command has itself, with another meaning, is not among them.

    Returns
    -------
    callable
    """
    signature = inspect.signature(command, eval_str=True)
    offered = {name: flag for name, flag in _SELECTION.items() if name not in signature.parameters}
    if "time" not in offered:
        offered.pop("steps")  # between times
    parameters = list[inspect.Parameter]()
    for parameter in signature.parameters.values():
        if parameter.name != "select":
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        parameters += [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
            )
            for name, annotation in offered.items()
        ]

    @functools.wraps(command)
    def with_flags(**options: Any) -> None:
        given = {name: options.pop(name, None) for name in offered}
        command(**options, select=functools.partial(_selected, **given))

    with_flags.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_flags.__annotations__ = {one.name: one.annotation for one in parameters}
    return with_flags


def _selected(data: Any, **flags: Any) -> Any:
    """Data with what the flags select in it; each wins over what a configuration says."""
    given = {name: value for name, value in flags.items() if value}
    if not given:
        return data
    if data is None:
        shown = ", ".join("--" + _FLAGS.get(name, name) for name in given)
        raise ConfigError([Problem(shown, "there are no data to select from; name them")])
    known: dict[str, Any] = {"path": data} if isinstance(data, str) else dict(data)
    if given.get("y") == "false":
        given["y"] = False
    if len(given.get("x", ())) == 1:
        given["x"] = given["x"][0]
    if "kinds" in given:
        given["kinds"] = {**(known.get("kinds") or {}), **dict(map(_kind, given["kinds"]))}
    if re.fullmatch(r"\d+x\d+", given.get("resize", "")):
        given["resize"] = list(map(int, given["resize"].split("x")))
    return known | given


def _kind(text: str) -> tuple[str, str]:
    name, separator, kind = text.rpartition("=")
    if not (separator and name):
        problem = f"must be COLUMN=KIND, as in age=number; got {text!r}"
        raise ConfigError([Problem("--kind", problem)])
    return name, kind


#: Most numbers that FROM:TO stands for.
_MOST_NUMBERS = 10_000


def numbers_written(text: str | None, flag: str) -> list[int]:
    """Integers of ``2:20``, which ends with 20, or ``5,8,10``; none of ``None``.

    Parameters
    ----------
    text : str or None
    flag : str
        Where it was written, for messages.

    Raises
    ------
    ConfigError
        If it is neither.
    """
    if text is None:
        return []
    with suppress(ValueError):
        first, colon, last = text.partition(":")
        if not colon:
            return [int(part) for part in text.split(",")]
        if 0 <= int(last) - int(first) < _MOST_NUMBERS:
            return list(range(int(first), int(last) + 1))
    problem = f"must be FROM:TO, of which TO is not less, or numbers such as 5,8,10; got {text!r}"
    raise ConfigError([Problem(flag, problem)])


_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_BYTES: Final = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}


def age(text: str | None) -> float | None:
    """Seconds of ``12h``, ``30d`` or ``8w``, for ``--older-than``."""
    return None if text is None else _amount(text, "--older-than", r"(m|h|d|w)", _SECONDS, "30d")


def duration(text: str, flag: str) -> float:
    """Seconds of ``90s``, ``10m`` or ``2h``.

    Parameters
    ----------
    text : str
    flag : str
        Where it was written, for messages.

    Raises
    ------
    ConfigError
    """
    found = _amount(text, flag, r"(s|m|h|d)", _SECONDS, "10m")
    if not found:
        raise ConfigError([Problem(flag, f"must be more than nothing, got {text!r}")])
    return found


def size(text: str | None) -> float | None:
    """Bytes of ``5GB``, for ``--max-size``."""
    return None if text is None else _amount(text, "--max-size", r"([kmgt]?)b?", _BYTES, "5GB")


def _amount(text: str, name: str, unit: str, scale: Mapping[str, float], example: str) -> float:
    found = re.fullmatch(rf"(\d+(?:\.\d+)?)\s*{unit}", text.strip().lower())
    if found is None:
        raise ConfigError([Problem(name, f"expected an amount such as {example}, got {text!r}")])
    return float(found[1]) * scale[found[2]]
