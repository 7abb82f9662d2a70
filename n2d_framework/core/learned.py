"""Learned fields, declared: the state of a component is written, read and checked from them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import EllipsisType
from typing import Any, TypeAlias

import attrs
import numpy as np

from n2d_framework.core.arrays.guards import require_fitted
from n2d_framework.core.state import ARRAY_DTYPES, KEY_PATTERN, State, need
from n2d_framework.errors import StateError, did_you_mean
from n2d_framework.types import AnyArray

__all__ = ["Learned", "learned", "learned_of", "provide_state"]

_KEY = "n2d_learned"
#: Lengths by their names, or shapes of what a mapping holds.
Shape: TypeAlias = "tuple[int | str, ...] | EllipsisType"
Shapes: TypeAlias = Mapping[str, Any]
#: Python's own types in a state, in words.
_SCALARS: dict[type, str] = {
    bool: "true or false", int: "an integer", float: "a number", str: "a string",
}  # fmt: skip


@attrs.frozen(kw_only=True)
class Learned:
    """The declaration of one learned field; the arguments are those of :func:`learned`."""

    field: str
    key: str
    dtype: Any = None
    shape: Shape | Shapes | str | None = None
    of: type[Any] | None = None
    optional: bool = False
    finite: bool = True
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    largest: float | None = None
    choices: tuple[Any, ...] = ()
    write: Callable[[Any], Any] | None = None
    read: Callable[[Any, Any], Any] | None = None

    def check_values(self, values: Any, path: str) -> None:
        """Refuse numbers that are out of bounds; NaN is never within any."""
        if self.finite and not np.isfinite(values).all():
            raise StateError(f"state {path!r} holds values that are not finite")
        if self.largest is not None and np.abs(values).max(initial=0.0) > self.largest:
            raise StateError(f"state {path!r} holds values beyond {self.largest:g}")
        for sign, bound, within in (
            (">=", self.ge, operator.ge), (">", self.gt, operator.gt),
            ("<=", self.le, operator.le), ("<", self.lt, operator.lt),
        ):  # fmt: skip
            right = True if bound is None else within(values, bound)
            if not np.all(right):
                wrong = np.asarray(values)[~np.asarray(right)].flat[0]
                raise StateError(f"state {path!r} must be {sign} {bound:g}, got {wrong}")


def learned(
    *,
    shape: Shape | Shapes | str | None = None,
    dtype: Any = None,
    of: type[Any] | None = None,
    name: str = "",
    optional: bool = False,
    finite: bool = True,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    largest: float | None = None,
    choices: tuple[Any, ...] = (),
    write: Callable[[Any], Any] | None = None,
    read: Callable[[Any, Any], Any] | None = None,
    init: bool = False,
) -> Any:
    """Declare a field that fitting fills; its name ends with an underscore.

    A field with a `dtype`, with `of`, or with `write` and `read`, is part of the state: the
    component's ``get_state`` and ``set_state`` follow from all such fields, unless the class
    writes its own. ``learned()`` alone is not part of it, such as the training labels, or a
    search tree that is built again on first use; it is ``None`` after ``set_state``.

    Parameters
    ----------
    shape : tuple of int and str, mapping, str or ..., optional
        Shape of an array. A name stands for the attribute of that name (an option, or a property
        of what stands above) where the component has one that is not ``None``; else for any
        length of at least 1, the same wherever the name occurs. A mapping of names to shapes where
        the field is such a mapping. As one string: the attribute that gives the shape. ``...`` for
        any shape. Leave it out for a single value.
    dtype : str or type, optional
        Element type of an array, by the name that NumPy gives it (``"float64"``); ``int``,
        ``float``, ``bool`` or ``str`` for Python's own values, of which a `shape` of one length
        makes a tuple.
    of : type, optional
        A class whose own fields are declared with ``learned(…, init=True)``; they become a
        mapping in the state. Arguments of the class that are not declared so are given the
        attributes of the component of the same names.
    name : str, optional
        Name in the state; by default that of the field without underscores at its ends.
        ``"a/b"`` stands for the name ``b`` in the mapping ``a``.
    optional : bool, default False
        Whether the value may be ``None``; the state is without it then.
    finite : bool, default True
        Whether NaN and infinity are refused.
    ge, gt, le, lt : float, optional
        Bounds of all its numbers (``>=``, ``>``, ``<=``, ``<``).
    largest : float, optional
        Largest absolute value.
    choices : tuple, optional
        The values that are valid.
    write, read : callable, optional
        Where the state holds something else than the field: ``write(value)`` gives what it holds,
        and ``read(component, stored)`` the field's value again, or raises :class:`StateError`.
        `shape`, `dtype` and bounds are those of what the state holds; without a `dtype`, `read`
        checks it all. The component has the fields declared above by then.
    init : bool, default False
        Whether the field is an argument of its class: for classes that are used by `of`.

    Returns
    -------
    attrs field

    Notes
    -----
    What belongs together, or to the options, is checked by a method ``check_learned()``: a list of
    reasons why what was read cannot be used, empty if there are none. It is called on a component
    that has read its state, before that state counts.
    """
    described: dict[str, Any] = {
        "shape": shape, "dtype": dtype, "of": of, "name": name, "optional": optional,
        "finite": finite, "ge": ge, "gt": gt, "le": le, "lt": lt, "largest": largest,
        "choices": choices, "write": write, "read": read,
    }  # fmt: skip
    declared = dtype is not None or of is not None or read is not None
    if not declared and any(described[key] for key in ("shape", "name", "optional", "write")):
        raise TypeError("learned: say of which dtype it is, as in learned(shape=…, dtype=…)")
    if isinstance(dtype, str) and (dtype not in ARRAY_DTYPES or shape is None):
        raise TypeError(
            f"learned: dtype={dtype!r} needs a shape, and must be one of "
            f"{', '.join(sorted(ARRAY_DTYPES))}; for a single value, write int, float, bool or str"
        )
    if not isinstance(dtype, str) and dtype not in (None, *_SCALARS):
        raise TypeError(f"learned: dtype must be a name, int, float, bool or str, not {dtype!r}")
    metadata = {_KEY: described} if declared else {}
    if init:
        return attrs.field(metadata=metadata)
    return attrs.field(default=None, init=False, repr=False, metadata=metadata)


def learned_of(cls: type[Any]) -> tuple[Learned, ...]:
    """The fields of a class that make its state, in the order of declaration."""
    found = []
    for field in attrs.fields(cls):
        if _KEY in field.metadata:
            described = dict(field.metadata[_KEY])
            key = described.pop("name") or field.name.strip("_")
            if not all(KEY_PATTERN.fullmatch(part) for part in key.split("/")):
                raise TypeError(f"{cls.__qualname__}.{field.name}: {key!r} cannot name a state")
            found.append(Learned(field=field.name, key=key, **described))
    return tuple(found)


def provide_state(cls: Any) -> None:
    """Give a class that declares its state the methods that it does not write itself."""
    if learned_of(cls):
        for method in (get_state, set_state):
            if not hasattr(cls, method.__name__):
                setattr(cls, method.__name__, method)


def get_state(self: Any) -> State:
    """Fitted state, as plain values.

    Returns
    -------
    State
        One value for each declared field.

    Raises
    ------
    StateError
        If the component is not fitted, or a field is not as declared.
    """
    return _written(self, self, {}, "")


def set_state(self: Any, state: State) -> None:
    """Put back what :meth:`get_state` returned; all other learned fields are forgotten.

    Parameters
    ----------
    state : State
        As it was read from a file: it is checked against the declared fields.

    Raises
    ------
    StateError
        If something is missing, unknown, or not as declared; the component stays as it was.
    """
    made = object.__new__(type(self))
    for field in attrs.fields(type(self)):
        default = field.default
        if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
            default = default.factory()
        vars(made)[field.name] = getattr(self, field.name) if field.init else default
    own = getattr(type(self).get_state, "__func__", type(self).get_state) is not get_state
    for one, value in _read(type(self), state, made, {}, "", more=own):
        vars(made)[one.field] = value
    _refuse(made, "")
    vars(self).clear()
    vars(self).update(vars(made))


def _refuse(made: Any, path: str) -> None:
    reasons = made.check_learned() if hasattr(made, "check_learned") else ()
    if reasons:
        raise StateError(f"state {path!r}: " * bool(path) + "; ".join(reasons))


def _written(part: Any, owner: Any, sizes: dict[str, int], path: str) -> dict[str, Any]:
    """The state of a component, or of a part of it, checked as it will be when it is read."""
    state: dict[str, Any] = {}
    for one in learned_of(type(part)):
        value = getattr(part, one.field)
        if value is None and one.optional:
            continue
        require_fitted(value, type(owner).__name__)
        *above, name = one.key.split("/")
        into = state
        for part_name in above:
            into = into.setdefault(part_name, {})
        into[name] = _write(one, value, owner, sizes, path + one.key)
    return state


def _write(one: Learned, value: Any, owner: Any, sizes: dict[str, int], path: str) -> Any:
    if one.write is not None:
        value = one.write(value)
        if one.dtype is None:
            return value
    if one.of is not None:
        return _written(value, owner, sizes, f"{path}/")
    found = _checked(one, value, owner, sizes, path)
    return list(found) if isinstance(found, tuple) else found


def _read(
    cls: type[Any], state: State, owner: Any, sizes: dict[str, int], path: str, *, more: bool
) -> Iterator[tuple[Learned, Any]]:
    """The fields of a class, one after the other, from the state of a component or its part."""
    fields = learned_of(cls)
    known = [one.key.split("/")[0] for one in fields]
    unknown = [] if more else [key for key in state if key not in known]
    if unknown:
        hint = did_you_mean(str(unknown[0]), known, noun="name")
        raise StateError(f"state {path + str(unknown[0])!r} is not known; {hint}")
    for one in fields:
        *above, name = one.key.split("/")
        holder: Any = state
        for part in above:
            holder = need(holder, part, Mapping)
        if one.optional and holder.get(name) is None:
            yield one, None
            continue
        if name not in holder:
            raise StateError(
                f"state has no {path + one.key!r}; found: "
                f"{', '.join(map(str, holder)) or 'nothing'}"
            )
        stored, where = holder[name], path + one.key
        if one.of is not None:
            stored = _part(one.of, need(holder, name, Mapping), owner, sizes, where)
        elif one.of is None and one.dtype is not None:
            stored = _checked(one, stored, owner, sizes, where)
        yield one, stored if one.read is None else one.read(owner, stored)


def _part(cls: type[Any], state: State, owner: Any, sizes: dict[str, int], path: str) -> Any:
    found = {
        one.field: value for one, value in _read(cls, state, owner, sizes, f"{path}/", more=False)
    }
    arguments = {
        field.alias: found[field.name] if field.name in found else getattr(owner, field.name)
        for field in attrs.fields(cls)
        if field.init
    }
    made = cls(**arguments)
    _refuse(made, path)
    return made


def _checked(one: Learned, value: Any, owner: Any, sizes: dict[str, int], path: str) -> Any:
    """A value as it is declared: from a fit, or from a file."""
    shape: Any = getattr(owner, one.shape) if isinstance(one.shape, str) else one.shape
    if isinstance(shape, Mapping):
        return _mapping(one, value, shape, owner, sizes, path)
    if isinstance(one.dtype, str):
        return _array(one, value, _Shape(shape, owner, sizes), path)
    if shape is None:
        return _scalar(one, value, path)
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise StateError(f"state {path!r} must be a list, got {_short(value)}")
    _Shape(shape, owner, sizes).check((len(value),), path)
    return tuple(_scalar(one, item, f"{path}/{index}") for index, item in enumerate(value))


@attrs.frozen
class _Shape:
    """A declared shape, and the lengths that its names have come to stand for."""

    lengths: Shape
    owner: Any
    sizes: dict[str, int]

    def wanted(self, length: int | str) -> int | None:
        if isinstance(length, int):
            return length
        given = self.sizes.get(length)
        return getattr(self.owner, length, None) if given is None else given

    def check(self, found: tuple[int, ...], path: str) -> None:
        """Refuse an array of another shape.

        Raises
        ------
        StateError
        """
        if self.lengths is ...:
            return
        wanted = [self.wanted(length) for length in self.lengths]
        if len(found) == len(wanted) and all(
            have == want if want is not None else have > 0
            for have, want in zip(found, wanted, strict=True)
        ):
            named = zip(self.lengths, found, strict=True)
            self.sizes.update({name: size for name, size in named if isinstance(name, str)})
            return
        said = ", ".join(
            str(length).strip("_") if want in (None, length) else f"{str(length).strip('_')}={want}"
            for length, want in zip(self.lengths, wanted, strict=True)
        )
        raise StateError(f"state {path!r} has the shape {found}, expected ({said})")


def _mapping(
    one: Learned, value: Any, shapes: Shapes, owner: Any, sizes: dict[str, int], path: str
) -> dict[str, Any]:
    """Values by name, with exactly the names and shapes of `shapes`, at any depth."""
    if not isinstance(value, Mapping):
        raise StateError(f"state {path!r} must be a mapping, got {_short(value)}")
    if set(value) != set(shapes):
        raise StateError(
            f"state {path!r} holds {', '.join(sorted(map(str, value))) or 'nothing'}, expected "
            f"{', '.join(sorted(shapes))}"
        )
    return {
        name: _checked(attrs.evolve(one, shape=shape), value[name], owner, sizes, f"{path}/{name}")
        for name, shape in shapes.items()
    }


def _array(one: Learned, value: Any, shape: _Shape, path: str) -> AnyArray:
    if not isinstance(value, np.ndarray):
        raise StateError(f"state {path!r} must be an array of {one.dtype}, got {_short(value)}")
    if value.dtype != np.dtype(one.dtype):
        raise StateError(f"state {path!r} holds {value.dtype}, expected {one.dtype}")
    shape.check(value.shape, path)
    one.check_values(value, path)
    return value if value.flags.c_contiguous else np.ascontiguousarray(value)


def _scalar(one: Learned, value: Any, path: str) -> Any:
    if isinstance(value, np.generic):  # as it comes back from a file
        value = value.item()
    right = isinstance(value, (int, float)) if one.dtype is float else isinstance(value, one.dtype)
    if not right or (isinstance(value, bool) and one.dtype is not bool):
        raise StateError(f"state {path!r} must be {_SCALARS[one.dtype]}, got {_short(value)}")
    value = one.dtype(value)
    if one.choices and value not in one.choices:
        choices = ", ".join(map(repr, one.choices))
        raise StateError(f"state {path!r} must be one of {choices}, got {_short(value)}")
    if one.dtype in (int, float):
        one.check_values(value, path)
    return value


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}"
    if isinstance(value, Mapping):
        return "a mapping"
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:60]}…"
