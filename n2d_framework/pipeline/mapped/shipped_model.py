"""A fitted model on its way to other processes, which build it once from its bundle."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Hashable, Iterable, Mapping
from importlib import metadata
from typing import Any, Self

import attrs

from n2d_framework.core.roles import components_in
from n2d_framework.core.trust import trusting
from n2d_framework.errors import ConfigError, Problem
from n2d_framework.pipeline.snapshot import Snapshot, fit_from_snapshot
from n2d_framework.plan.fitted_plan import FittedPlan
from n2d_framework.storage import encode, open_image

__all__ = ["ShippedModel"]

#: Libraries of other versions of which a coordinate may differ in its last bit.
_LIBRARIES = ("n2d_framework", "numpy", "scipy", "scikit-learn", "numba", "openTSNE")
#: The model that was asked for last, and what it was asked for.
_built: dict[str, FittedPlan] = {}
_asked: dict[tuple[str, Hashable], Callable[[Any], Any]] = {}
#: Libraries share the threads of a process, which therefore answers for one block at a time.
_lock = threading.Lock()


@attrs.frozen(eq=False)
class ShippedModel:
    """The bundle of a fitted model, and the versions with which it answers as here.

    Attributes
    ----------
    image : bytes
        Of the bundle.
    versions : mapping of str to str
        By distribution: of the framework, of the components, and of the libraries on which bits
        depend, as far as they are installed here.
    trusted : tuple of str
        Foreign types that adapted components may construct.
    """

    image: bytes = attrs.field(repr=False)
    versions: Mapping[str, str]
    trusted: tuple[str, ...] = ()
    digest: str = attrs.field(init=False)

    @digest.default
    def _of_all(self) -> str:
        about = repr((sorted(self.versions.items()), self.trusted)).encode()
        return hashlib.sha256(about + self.image).hexdigest()

    @classmethod
    def of_image(cls, image: bytes, trusted: Iterable[str] = ()) -> Self:
        """Ship the content of a bundle."""
        manifest = open_image(image).manifest
        components = components_in(manifest["composition"]).values()
        brought = (about["distribution"] for about in components)
        found = {name: _version(name) for name in dict.fromkeys((*_LIBRARIES, *brought))}
        known = {name: version for name, version in found.items() if version is not None}
        return cls(image, known, tuple(trusted))

    @classmethod
    def of_snapshot(cls, snapshot: Snapshot) -> Self:
        """Ship a fitted model of this process."""
        manifest = snapshot.manifest
        return cls.of_image(encode(manifest, snapshot.parts, created=manifest["created"]))

    def answer(self, make: Callable[[FittedPlan], Callable[[Any], Any]], x: Any) -> Any:
        """Ask the model of rows: ``make(model)(x)``, one block at a time in a process.

        Raises
        ------
        ConfigError
            If a library has another version here, or is not installed.
        """
        with _lock:
            ask = _asked.get((self.digest, make))
            if ask is None:
                ask = _asked[self.digest, make] = make(self._model())
            return ask(x)

    def _model(self) -> FittedPlan:
        found = _built.get(self.digest)
        if found is None:
            self._refuse_other_versions()
            opened = open_image(self.image)
            with trusting(self.trusted):
                found = fit_from_snapshot(Snapshot(opened.manifest, opened.states())).fitted
            _asked.clear()
            _built.clear()
            _built[self.digest] = found
        return found

    def _refuse_other_versions(self) -> None:
        other = [
            f"{name} {_version(name) or 'is not installed'}, not {version}"
            for name, version in self.versions.items()
            if _version(name) != version
        ]
        if other:
            text = f"{_place()} has {'; '.join(other)}: its answers may differ; install the same"
            raise ConfigError([Problem("scheduler", text)])


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _place() -> str:
    from distributed import get_worker

    try:
        return f"the worker at {get_worker().address}"
    except ValueError:
        return "this process"
