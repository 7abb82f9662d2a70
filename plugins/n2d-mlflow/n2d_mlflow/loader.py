"""Model that mlflow.pyfunc loads: a bundle that predicts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import n2d_framework as n2d
from n2d_framework.errors import BundleError

__all__ = ["OUTPUTS", "Predictor"]

#: What ``params={"output": …}`` may ask for; the first by default.
OUTPUTS = ("labels", "probabilities", "manifold", "latent")
_METHODS = dict(zip(OUTPUTS, ("predict", "predict_proba", "transform", "embed"), strict=True))


class Predictor:
    """A model of the framework behind MLflow's interface.

    Parameters
    ----------
    model : N2D
        Fitted.
    """

    def __init__(self, model: n2d.N2D) -> None:
        self.model = model

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Labels of rows, or what `params` asks for.

        Parameters
        ----------
        model_input : DataFrame or array
            Rows.
        params : mapping, optional
            ``output``: ``labels`` (default), ``probabilities``, ``manifold`` or ``latent``.

        Returns
        -------
        array
            int64 of shape (n,) for labels (noise is -1), else of shape (n, columns).
        """
        wanted = (params or {}).get("output", OUTPUTS[0])
        if wanted not in _METHODS:
            raise ValueError(f"output must be one of {', '.join(OUTPUTS)}, got {wanted!r}")
        return np.asarray(getattr(self.model, _METHODS[wanted])(model_input))

    def get_raw_model(self) -> n2d.N2D:
        """The model of the framework; ``unwrap_python_model`` of MLflow asks for it."""
        return self.model


def _load_pyfunc(data_path: str, model_config: Mapping[str, Any] | None = None) -> Predictor:
    """Called by MLflow with the path of the bundle.

    Raises
    ------
    BundleError
        If the model's own file MLmodel names types to be trusted: only a caller may.
    """
    trusted = (model_config or {}).get("trusted") or ()
    if trusted and _trusted_by_file(Path(data_path)):
        raise BundleError(
            f"{data_path}: the file MLmodel of this model names types to be trusted, which only "
            "its user may: take 'trusted' out of it, and pass model_config={'trusted': [...]}"
        )
    return Predictor(n2d.load(data_path, trusted=trusted))


def _trusted_by_file(bundle: Path) -> Any:
    """Types that the file MLmodel next to a bundle wants to be trusted."""
    from mlflow.models import Model

    written = Model.load(str(bundle.parent.parent)).flavors.get("python_function", {})
    return (written.get("config") or {}).get("trusted")
