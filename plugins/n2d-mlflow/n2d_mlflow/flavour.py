"""Models of the framework as a flavour of MLflow: the bundle is the model, nothing is pickled."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import numpy as np
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec

import n2d_framework as n2d
from n2d_mlflow.loader import OUTPUTS
from n2d_mlflow.switch import muted

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo

__all__ = ["FLAVOUR", "load_model", "log_model", "save_model"]

#: Name of the flavour in the file MLmodel.
FLAVOUR = "n2d"
_BUNDLE = "model.n2d"


def save_model(
    model: n2d.N2D | str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    mlflow_model: Model | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    pip_requirements: list[str] | None = None,
    extra_pip_requirements: list[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Save a fitted model as an MLflow model on this machine.

    Parameters
    ----------
    model : N2D or path
        A fitted model, or the bundle of one.
    path : path
        Folder that is made.
    mlflow_model : mlflow.models.Model, optional
        What MLflow itself passes; not for users.
    signature : mlflow.models.ModelSignature, optional
        Columns or shape of rows, and what is returned; by default what the model was fitted on.
    input_example : array or DataFrame, optional
        Rows that are kept with the model as an example.
    pip_requirements : list of str, optional
        What must be installed to load it; by default this package, the framework and the
        plugins of the model's components, with the versions that are installed.
    extra_pip_requirements : list of str, optional
        To be added to those.
    metadata : mapping, optional
        Anything to be kept in the file MLmodel.
    """
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / _BUNDLE
        if isinstance(model, (str, os.PathLike)):
            bundle.write_bytes(Path(model).read_bytes())
        else:
            with muted():
                model.save(bundle)
        manifest = n2d.inspect(bundle).manifest
        described = Model() if mlflow_model is None else mlflow_model
        described.add_flavor(
            FLAVOUR,
            data=f"data/{_BUNDLE}",
            framework_version=manifest["framework_version"],
            components={role: about["name"] for role, about in _components(manifest).items()},
        )
        given = _requirements(manifest) if pip_requirements is None else list(pip_requirements)
        mlflow.pyfunc.save_model(
            path=str(path),
            loader_module="n2d_mlflow.loader",
            data_path=str(bundle),
            mlflow_model=described,
            signature=_signature(manifest) if signature is None else signature,
            input_example=input_example,
            pip_requirements=[*given, *(extra_pip_requirements or ())],
            metadata=dict(metadata) if metadata else None,
            model_config={"trusted": []},
        )


def log_model(
    model: n2d.N2D | str | os.PathLike[str],
    name: str = "model",
    *,
    registered_model_name: str | None = None,
    **options: Any,
) -> ModelInfo:
    """Log a fitted model to the active run of MLflow (a new one is started if there is none).

    Parameters
    ----------
    model : N2D or path
        A fitted model, or the bundle of one.
    name : str, default "model"
    registered_model_name : str, optional
        Also register it under that name.
    **options
        Those of :func:`save_model`, and of ``mlflow.models.Model.log``.

    Returns
    -------
    mlflow.models.model.ModelInfo
        ``model_uri`` is what :func:`load_model` and ``mlflow.pyfunc.load_model`` take.
    """
    found: ModelInfo = Model.log(
        artifact_path=None,
        name=name,
        flavor=sys.modules[__name__],
        registered_model_name=registered_model_name,
        model=model,
        **options,
    )
    return found


def load_model(model_uri: str, *, trusted: Iterable[str] = ()) -> n2d.N2D:
    """Load a model that was saved or logged, as a model of the framework.

    Parameters
    ----------
    model_uri : str
        A path, ``runs:/RUN_ID/model``, ``models:/NAME/VERSION``, ... It need not be trusted:
        unlike ``mlflow.pyfunc.load_model``, which imports what the model's file MLmodel names,
        this reads the bundle only.
    trusted : iterable of str, default ()
        As for :func:`n2d_framework.load`.

    Returns
    -------
    N2D
    """
    folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=model_uri))
    flavours = Model.load(str(folder)).flavors
    if FLAVOUR not in flavours:
        raise ValueError(f"{model_uri} was not saved by n2d_mlflow; it has {sorted(flavours)}")
    # What the file MLmodel says of the path does not matter: it may lead elsewhere.
    return n2d.load(folder / "data" / _BUNDLE, trusted=trusted)


def _components(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {role: manifest["composition"][role] for role in ("embedder", "manifolder", "clusterer")}


def _requirements(manifest: Mapping[str, Any]) -> list[str]:
    names = {about["distribution"] for about in _components(manifest).values()}
    wanted = ["n2d-mlflow", "n2d_framework", *sorted(names - {"n2d_framework"})]
    return [f"{name}=={version(name)}" for name in wanted]


def _signature(manifest: Mapping[str, Any]) -> ModelSignature:
    """Rows that the model takes, as it was fitted, and what it returns."""
    data = manifest["data"]
    names = data.get("feature_names")
    if names:
        inputs = Schema([ColSpec(DataType.double, str(name)) for name in names])
    else:
        shape = (-1, *(int(extent) for extent in data["row_shape"]))
        inputs = Schema([TensorSpec(np.dtype(data["dtype"]), shape)])
    outputs = Schema([TensorSpec(np.dtype("int64"), (-1,))])
    params = ParamSchema([ParamSpec("output", DataType.string, OUTPUTS[0])])
    return ModelSignature(inputs=inputs, outputs=outputs, params=params)
