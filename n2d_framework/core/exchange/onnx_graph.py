"""The ONNX graph that fitted components add their part to, one after the other."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from n2d_framework.types import AnyArray

__all__ = ["INPUT", "OPSET", "OUTPUT", "OnnxGraph"]

#: Of the operators. Old on purpose: runtimes since 2022 compute it.
OPSET = 17
#: The version of the file format that belongs to it.
_IR_VERSION = 8
#: Names of the rows that go in, and of what comes out.
INPUT, OUTPUT = "rows", "latent"


class OnnxGraph:
    """A graph under construction, in which a value is known by its name.

    A component that can be exported has the method ``to_onnx(graph, rows)``: it adds what its
    ``transform`` does to the value `rows` and returns the name of the result. The first
    axis of every value is the batch, of any length.
    """

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def constant(self, values: AnyArray) -> str:
        """Add numbers that are part of the model.

        Parameters
        ----------
        values : array
            Of the type in which they are computed with.

        Returns
        -------
        str
            Name of the value.
        """
        from onnx import numpy_helper

        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def apply(self, operator: str, *values: str, **attributes: Any) -> str:
        """Add an operator with one result.

        Parameters
        ----------
        operator : str
            As ONNX calls it, such as ``MatMul``, of the operator set :data:`OPSET`.
        *values : str
            Names of what it is applied to.
        **attributes
            Of the operator.

        Returns
        -------
        str
            Name of the result.
        """
        return self._add(operator, values, f"value_{len(self._nodes)}", attributes)

    def cast(self, value: str, dtype: Literal["float32", "float64"]) -> str:
        """Bring a value to another precision."""
        from onnx import helper

        return self.apply("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def reshape(self, value: str, row_shape: tuple[int, ...]) -> str:
        """Give the rows of a value another shape, the batch aside."""
        # 0 is the extent that the value has there.
        shape = self.constant(np.array([0, *row_shape], dtype=np.int64))
        return self.apply("Reshape", value, shape)

    def model(self, latent: str, row_shape: tuple[int, ...], latent_dim: int, version: str) -> Any:
        """The whole model, checked against the rules of ONNX.

        Parameters
        ----------
        latent : str
            Name of the value that comes out: float32 of shape (batch, `latent_dim`).
        row_shape : tuple of int
            Of a row that goes in, float32.
        latent_dim : int
        version : str
            Of the distribution that makes it.

        Returns
        -------
        onnx.ModelProto
        """
        from onnx import TensorProto, checker, helper

        self._add("Identity", (latent,), OUTPUT, {})
        shapes = {INPUT: row_shape, OUTPUT: (latent_dim,)}
        ends = {
            name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])
            for name, shape in shapes.items()
        }
        graph = helper.make_graph(
            self._nodes, "encoder", [ends[INPUT]], [ends[OUTPUT]], initializer=self._constants
        )
        model = helper.make_model(
            graph,
            producer_name="n2d_framework",
            producer_version=version,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=_IR_VERSION,
        )
        checker.check_model(model, full_check=True)
        return model

    def _add(
        self, operator: str, values: tuple[str, ...], result: str, attributes: dict[str, Any]
    ) -> str:
        from onnx import helper

        self._nodes.append(helper.make_node(operator, values, [result], **attributes))
        return result
