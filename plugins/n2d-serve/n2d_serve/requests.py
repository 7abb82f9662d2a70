"""Requests as rows, and labels as answers: JSON, or streams of Arrow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from n2d_serve.limits import Limits, Refusal

__all__ = ["ARROW", "JSON", "RowReader", "arrow_answer", "joined", "json_answer"]

JSON = "application/json"
ARROW = "application/vnd.apache.arrow.stream"

Rows = dict[str, list[Any]] | np.ndarray[Any, Any]


class RowReader:
    """Reads rows for one model.

    Parameters
    ----------
    names : tuple of str
        Columns of the model; empty where they have no names.
    row_shape : tuple of int
        Shape of a row of numbers.
    limits : Limits
    """

    def __init__(self, names: tuple[str, ...], row_shape: tuple[int, ...], limits: Limits) -> None:
        self.names, self.row_shape, self.limits = names, row_shape, limits

    def read(self, body: bytes, kind: str) -> Rows:
        """Rows of a request: columns by name, or an array.

        Raises
        ------
        Refusal
            With status 415 for another content type, 413 for too many rows, 422 for what are not
            rows of the model.
        """
        if kind == JSON:
            return self._of_json(body)
        if kind == ARROW:
            return self._of_arrow(body)
        raise Refusal(415, f"send {JSON} or {ARROW}, not {kind or 'nothing'}")

    def _of_json(self, body: bytes) -> Rows:
        try:
            content = json.loads(body, parse_constant=_not_json)
        except (ValueError, RecursionError) as error:
            raise Refusal(422, f"the body is not JSON: {error}") from error
        rows = content.get("rows") if isinstance(content, dict) else None
        if not isinstance(rows, list) or not rows:
            raise Refusal(422, 'send {"rows": [...]}, with a row at least')
        self._refuse_many(len(rows))
        if self.names and all(isinstance(row, dict) for row in rows):
            for number, row in enumerate(rows):
                self._refuse_names(row, f"row {number}")
            return {name: [row[name] for row in rows] for name in self.names}
        if not all(isinstance(row, list) for row in rows):
            wanted = "an object with the names of columns" if self.names else "a list of numbers"
            raise Refusal(422, f"each row is {wanted}")
        if self.names:
            for number, row in enumerate(rows):
                if len(row) != len(self.names):
                    raise Refusal(
                        422, f"row {number} has {len(row)} values, the model {len(self.names)}"
                    )
            return {name: [row[at] for row in rows] for at, name in enumerate(self.names)}
        return self._array(rows)

    def _array(self, rows: Any) -> np.ndarray[Any, Any]:
        try:
            found = np.asarray(rows)
        except ValueError as error:
            raise Refusal(422, f"rows have different numbers of values ({error})") from error
        if found.dtype.kind not in "iuf":
            raise Refusal(422, "a value is not a number")
        if found.shape[1:] != self.row_shape:
            raise Refusal(
                422, f"rows have the shape {found.shape[1:]}, those of the model {self.row_shape}"
            )
        return found.astype(np.float64)

    def _of_arrow(self, body: bytes) -> Rows:
        try:
            import pyarrow as pa
        except ImportError as error:
            text = 'this server reads no Arrow; pip install "n2d-serve[arrow]"'
            raise Refusal(415, text) from error
        try:
            with pa.ipc.open_stream(pa.py_buffer(body)) as stream:
                table = stream.read_all()
            table.validate(full=True)
        except (pa.ArrowException, ValueError, OSError, MemoryError) as error:
            raise Refusal(422, f"the body is not a stream of Arrow: {error}") from error
        self._refuse_many(table.num_rows)
        if not table.num_rows:
            raise Refusal(422, "there are no rows")
        if self.names:
            self._refuse_names(dict.fromkeys(table.column_names), "the table")
            return {name: table.column(name).to_pylist() for name in self.names}
        columns = [column.to_numpy() for column in table.columns]
        return self._array(np.stack(columns, axis=1).reshape(-1, *self.row_shape))

    def _refuse_many(self, count: int) -> None:
        if count > self.limits.rows:
            raise Refusal(413, f"{count} rows; a request may have {self.limits.rows}")

    def _refuse_names(self, row: Mapping[str, Any], where: str) -> None:
        if row.keys() == set(self.names):
            return
        missing = [name for name in self.names if name not in row]
        further = [str(name) for name in row if name not in self.names]
        said = [f"lacks {', '.join(missing[:5])}"] if missing else []
        said += [f"has {', '.join(further[:5])}, which the model does not know"] if further else []
        raise Refusal(422, f"{where} {' and '.join(said)}")


def _not_json(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a value of JSON; send null for what is missing")


def joined(requests: list[Rows]) -> Rows:
    """The rows of several requests, one after the other."""
    if len(requests) == 1:
        return requests[0]
    first = requests[0]
    if isinstance(first, dict):
        return {
            name: [value for part in requests if isinstance(part, dict) for value in part[name]]
            for name in first
        }
    return np.concatenate([part for part in requests if not isinstance(part, dict)])


def json_answer(columns: Mapping[str, np.ndarray[Any, Any]]) -> bytes:
    """Columns of labels as JSON: ``{"label": [...], ...}``."""
    content = {name: column.tolist() for name, column in columns.items()}
    return json.dumps(content, allow_nan=False).encode()


def arrow_answer(columns: Mapping[str, np.ndarray[Any, Any]]) -> bytes:
    """Columns of labels as a stream of Arrow."""
    import pyarrow as pa

    table = pa.table(dict(columns))
    content = pa.BufferOutputStream()
    with pa.ipc.new_stream(content, table.schema) as writer:
        writer.write_table(table)
    found: bytes = content.getvalue().to_pybytes()
    return found
