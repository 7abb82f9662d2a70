"""From a bundle to a fitted model, and back."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from n2d_framework.bundle.decoding import named, open_bundle
from n2d_framework.bundle.replay import VerifyReport, environment_changes, replay
from n2d_framework.core.roles import components_in, labels_in
from n2d_framework.core.state import State
from n2d_framework.core.trust import trusting
from n2d_framework.errors import BundleError, BundleWarning, ConfigError, N2DError

if TYPE_CHECKING:
    from n2d_framework.pipeline import N2D
    from n2d_framework.pipeline.fitting import Fit
    from n2d_framework.plan.fitted_plan import FittedPlan
    from n2d_framework.registry import Catalogue
    from n2d_framework.storage import Opened

__all__ = ["build", "holds_rows", "load", "load_plan", "save", "save_again", "verify"]


def save(model: N2D, path: str | os.PathLike[str], *, keep_rows: bool = True) -> None:
    """Save a fitted model as one file.

    Parameters
    ----------
    model : N2D
        Fitted.
    path : path-like
        Where to; by custom it ends in ``.n2d``. An existing file is replaced only when the
        new one is complete.
    keep_rows : bool, default True
        Whether the file may hold values of training rows; see :meth:`N2D.save`.

    Raises
    ------
    NotFittedError
        If the model has not been fitted.
    OutputError
        If the file cannot be written; what was there before is unchanged.
    """
    if not hasattr(model, "to_snapshot"):
        raise TypeError(f"only an N2D model can be saved, not a {type(model).__name__}")
    model.save(path, keep_rows=keep_rows)


def holds_rows(model: N2D) -> bool:
    """Return whether the bundle of a model that was loaded may hold values of training rows.

    Parameters
    ----------
    model : N2D
    """
    # Golden arrays without the rows themselves: the bundle was saved so on purpose. A model
    # that cannot place rows has no golden arrays at all.
    golden = model.to_snapshot().parts["golden"]
    return not golden or "x" in golden


def save_again(model: N2D, path: str | os.PathLike[str], *, like: N2D | None = None) -> None:
    """Save a model that was loaded, without values of rows if its bundle had none.

    Errors as :func:`save`.

    Parameters
    ----------
    model : N2D
    path : path-like
    like : N2D, optional
        The model that was loaded, where `model` is what became of it.
    """
    save(model, path, keep_rows=holds_rows(model if like is None else like))


def load(
    path: str | os.PathLike[str],
    *,
    verify: bool = False,
    max_bytes: int | None = None,
    catalogue: Catalogue | None = None,
    trusted: Iterable[str] = (),
) -> N2D:
    """Load a fitted model; nothing in the file is executed or imported.

    Parameters
    ----------
    path : path-like
        A bundle.
    verify : bool, default False
        Replay the golden rows and warn if a stage answers differently than it did when the
        model was fitted (after an upgrade of a library, for example).
    max_bytes : int, optional
        Limit on the size of the file and of its arrays; 8 GiB by default.
    catalogue : Catalogue, optional
        Where the components are found; by default, what is installed.
    trusted : iterable of str, default ()
        Full names of foreign types that adapted components may construct.

    Returns
    -------
    N2D
        Fitted; predicts bit-identically to the model that was saved.

    Raises
    ------
    BundleError
        If the file is missing, damaged, altered, newer than this framework, or needs
        a component that is not installed.

    Warns
    -----
    BundleWarning
        If `verify` finds that a stage moved.
    """
    opened = open_bundle(path, max_bytes)
    with named(path):
        parts = opened.states()
        model = build(opened.manifest, parts, catalogue, trusted)
        if verify:
            report = _report(path, model, opened.manifest, parts)
            if not report.ok:
                warnings.warn(str(report), BundleWarning, stacklevel=2)
    return model


def load_plan(
    path: str | os.PathLike[str],
    *,
    opened: Opened | None = None,
    max_bytes: int | None = None,
    catalogue: Catalogue | None = None,
    trusted: Iterable[str] = (),
) -> FittedPlan:
    """Load what predicts, without the estimator around it; errors as `load`.

    A process that only predicts imports neither scikit-learn nor what it brings along, unless a
    component does: most of the time of a short one.

    Parameters
    ----------
    path : path-like
        A bundle.
    opened : Opened, optional
        What :func:`open_bundle` gave for it, where its manifest was needed before anything is
        built; it is not read again.
    max_bytes, catalogue, trusted
        As for `load`.

    Returns
    -------
    FittedPlan
        Answers as the model does.
    """
    opened = open_bundle(path, max_bytes) if opened is None else opened
    from n2d_framework.pipeline.descriptions import names_given

    with named(path):
        fit = _fit(opened.manifest, opened.states(), catalogue, trusted)
        return attrs.evolve(fit.fitted, described=names_given(fit.descriptions))


def verify(
    path: str | os.PathLike[str],
    *,
    max_bytes: int | None = None,
    catalogue: Catalogue | None = None,
    trusted: Iterable[str] = (),
) -> VerifyReport:
    """Check a bundle's digest and replay its golden rows. Arguments as `load`.

    Returns
    -------
    VerifyReport
        Which stage moved and by how much; true if none did.

    Raises
    ------
    BundleError
        If the file cannot be loaded at all.
    """
    opened = open_bundle(path, max_bytes)
    with named(path):
        parts = opened.states()
        model = build(opened.manifest, parts, catalogue, trusted)
        return _report(path, model, opened.manifest, parts)


def _report(
    path: str | os.PathLike[str],
    model: N2D,
    manifest: Mapping[str, Any],
    parts: Mapping[str, State],
) -> VerifyReport:
    stages = replay(model, parts["golden"])
    return VerifyReport(os.fspath(path), stages, environment_changes(manifest["environment"]))


def build(
    manifest: dict[str, Any],
    parts: dict[str, State],
    catalogue: Catalogue | None,
    trusted: Iterable[str],
) -> N2D:
    """Construct a model from what was read and checked.

    Raises
    ------
    BundleError
        If a component is missing or cannot take its state.
    """
    from n2d_framework.pipeline import N2D

    fit = _fit(manifest, parts, catalogue, trusted)
    with _reported(manifest["composition"]):
        return N2D.from_fit(fit)


def _fit(
    manifest: dict[str, Any],
    parts: dict[str, State],
    catalogue: Catalogue | None,
    trusted: Iterable[str],
) -> Fit:
    from n2d_framework.pipeline.snapshot import Snapshot, fit_from_snapshot
    from n2d_framework.registry import default_catalogue

    catalogue = default_catalogue() if catalogue is None else catalogue
    described = manifest["composition"]
    _check_installed(described, catalogue)
    with trusting(trusted), _reported(described):
        return fit_from_snapshot(Snapshot(manifest, parts), catalogue)


@contextlib.contextmanager
def _reported(described: Mapping[str, Any]) -> Iterator[None]:
    """Whatever goes wrong is the bundle's error, with who wrote it."""
    try:
        yield
    except BundleError:
        raise
    except ConfigError as error:
        raise BundleError(
            f"an option is not known to the components that are installed: {error}; "
            f"the bundle was written with {_writers(described)}; install these versions"
        ) from error
    except N2DError as error:
        raise BundleError(f"{error} (the bundle was written with {_writers(described)})") from error
    except Exception as error:  # a component may raise anything on what it is given
        raise BundleError(
            f"a component cannot be built from what the bundle holds: "
            f"{type(error).__name__}: {error} "
            f"(the bundle was written with {_writers(described)})"
        ) from error


def _check_installed(described: Mapping[str, Any], catalogue: Catalogue) -> None:
    missing = []
    components = components_in(described)
    for label, role in labels_in(components).items():
        about = components[label]
        name, distribution = about["name"], about["distribution"]
        if catalogue.name_of_written(role, distribution, name) is None:
            others = [e.distribution for e in catalogue.components(role) if e.spec.name == name]
            missing.append(
                f"{role} {name!r} is not installed; it comes from the distribution "
                f"{distribution}, version {about['version']} when the bundle was written"
                + "".join(
                    f"; the {role} {name!r} of {other} may be another one: if it is the same, "
                    f'its author says so by aliases=("{distribution}:{name}",)'
                    for other in others
                )
            )
    if missing:
        failed = ", ".join(failure.entry_point for failure in catalogue.failures)
        hint = f" (plugins that failed to load here: {failed})" if failed else ""
        raise BundleError("; ".join(missing) + "; install it and load again" + hint)


def _writers(described: Mapping[str, Any]) -> str:
    components = components_in(described).values()
    pairs = {(about["distribution"], about["version"]) for about in components}
    return ", ".join(f"{name} {version}" for name, version in sorted(pairs))
