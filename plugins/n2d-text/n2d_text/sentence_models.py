"""Transformer models of sentences in local folders; nothing is downloaded."""

from __future__ import annotations

import hashlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_framework.plugin import DataError, UnsupportedError

__all__ = ["ModelFolder", "Placed", "SentenceModel"]

#: Where sentence-transformers and its relatives put an export to ONNX.
_EXPORTS = ("model.onnx", "onnx/model.onnx")
#: Files of a folder that say what a model answers; not its card, pictures or training arguments.
_SUFFIXES = (".json", ".txt", ".safetensors", ".model", ".onnx", ".onnx_data")
#: Parts of a model that an export to ONNX has inside, or that are done here.
_PLAIN_PARTS = ("Transformer", "Pooling", "Normalize")
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_MOST_TOKENS = 512
_INSTALL = "install n2d-text[{}]"


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@attrs.frozen(eq=False)
class Placed:
    """Answer of a model for one text.

    Attributes
    ----------
    vector : float32 array of shape (d,)
    beyond : int
        Tokens at the end of the text that the model did not see.
    """

    vector: NDArray[np.float32]
    beyond: int


class SentenceModel(ABC):
    """A model that was read: texts to vectors, one by one.

    A batch would be filled up to its longest text, and products of other sizes are rounded in
    other ways: of one text alone the vector is the same, bit for bit, in any company.
    """

    @abstractmethod
    def place(self, texts: Sequence[str]) -> list[Placed]:
        """The vectors of texts."""


@attrs.frozen
class ModelFolder:
    """Files of a model.

    Attributes
    ----------
    folder : Path
        Where its description is.
    export : Path or None
        The ONNX file; ``None`` where sentence-transformers is to read the folder.
    """

    folder: Path
    export: Path | None = None

    @classmethod
    def of(cls, source: str) -> ModelFolder:
        """Find the files at a path.

        Raises
        ------
        DataError
            If there is no model, or one that would need code of its own or a pickle.
        """
        path = Path(source).expanduser()
        if path.suffix == ".onnx" and path.is_file():
            folder = path.parent.parent if path.parent.name == "onnx" else path.parent
            return cls(folder, path)
        if not path.is_dir():
            raise DataError(f"{source}: there is not such a folder; give the path of a model that "
                            "lies on this machine, nothing is downloaded")  # fmt: skip
        for name in _EXPORTS:
            if (path / name).is_file():
                return cls(path, path / name)
        found = cls(path)
        parts = found.parts()
        if not parts:
            raise DataError(
                f"{path}: there is neither an ONNX file ({' or '.join(_EXPORTS)}) nor a "
                "modules.json of sentence-transformers in it"
            )
        foreign = [part for part in parts if not part.startswith("sentence_transformers.")]
        if foreign:
            raise DataError(f"{path}: its part {foreign[0]} is code that does not come with "
                            "sentence-transformers; it is not run")  # fmt: skip
        if not any(path.rglob("*.safetensors")):
            raise DataError(f"{path}: there is no .safetensors in it; weights that are pickled "
                            "could run code and are not read")  # fmt: skip
        return found

    def parts(self) -> list[str]:
        """The classes that ``modules.json`` names, in order; empty without one."""
        return [str(part.get("type", "")) for part in self._json("modules.json", [])]

    def digest(self) -> str:
        """SHA-256 of the files that decide what the model answers, hexadecimal."""
        digest = hashlib.sha256()
        for path in self._files():
            digest.update(path.relative_to(self.folder).as_posix().encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    def read(self) -> SentenceModel:
        """Read the model.

        Raises
        ------
        DataError
            If it cannot be read.
        UnsupportedError
            If the library that reads it is not installed.
        """
        return _sentence_transformers(self) if self.export is None else _onnx(self, self.export)

    def max_tokens(self) -> int:
        """Tokens that the model sees of a text."""
        given = (
            self._json("sentence_bert_config.json", {}).get("max_seq_length"),
            (self._json("tokenizer.json", {}).get("truncation") or {}).get("max_length"),
        )
        return min((int(n) for n in given if isinstance(n, int) and n > 0), default=_MOST_TOKENS)

    def pooling(self) -> str:
        """Pooling of the vectors of tokens: ``"mean"``, or ``"cls"`` for that of the first.

        Raises
        ------
        DataError
            If it is another way, or the model has parts behind it that an export has not.
        """
        further = [part for part in self.parts() if part.rpartition(".")[2] not in _PLAIN_PARTS]
        if further:
            raise DataError(f"{self.folder}: the part {further[0]} is not in its ONNX file; "
                            "give a folder without one")  # fmt: skip
        config = self._json("1_Pooling/config.json", {"pooling_mode_mean_tokens": True})
        ways = {key.removeprefix("pooling_mode_") for key, on in config.items() if on is True}
        ways &= {"cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens",
                 "weightedmean_tokens", "lasttoken"}  # fmt: skip
        if ways not in ({"mean_tokens"}, {"cls_token"}):
            raise DataError(f"{self.folder}: its pooling is {' and '.join(sorted(ways)) or 'none'};"
                            " of an ONNX file, mean_tokens and cls_token are known")  # fmt: skip
        return "mean" if ways == {"mean_tokens"} else "cls"

    def _files(self) -> Iterator[Path]:
        if self.export is None:
            yield from (p for p in sorted(self.folder.rglob("*")) if p.suffix in _SUFFIXES)
            return
        beside = [self.export, self.export.with_name(f"{self.export.name}_data")]
        names = ("tokenizer.json", "modules.json", "sentence_bert_config.json",
                 "1_Pooling/config.json")  # fmt: skip
        yield from (p for p in (*beside, *(self.folder / n for n in names)) if p.is_file())

    def _json(self, name: str, otherwise: Any) -> Any:
        path = self.folder / name
        if not path.is_file():
            return otherwise
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise DataError(f"{path}: it cannot be read: {error}") from error
        if not isinstance(found, type(otherwise)):
            raise DataError(f"{path}: it does not hold a {type(otherwise).__name__}")
        return found


def _onnx(files: ModelFolder, export: Path) -> SentenceModel:
    # It reports to its maker, and keeps a file in the user's home, from the import on.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime
    except ImportError as error:
        raise UnsupportedError(
            f"{export} needs the package onnxruntime; {_INSTALL.format('onnx')}"
        ) from error
    from tokenizers import Tokenizer

    tokenizer = files.folder / "tokenizer.json"
    if not tokenizer.is_file():
        raise DataError(f"{files.folder}: there is no tokenizer.json in it")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        pieces = Tokenizer.from_file(str(tokenizer))
        session = onnxruntime.InferenceSession(
            str(export), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # both libraries raise bare exceptions
        raise DataError(f"{files.folder}: its model cannot be read: {error}") from error
    unknown = [one.name for one in session.get_inputs() if one.name not in _INPUTS]
    if unknown:
        raise DataError(f"{export}: its input {unknown[0]} is none of {', '.join(_INPUTS)}")
    pieces.no_padding()
    pieces.no_truncation()
    return _OnnxModel(session, pieces, files.max_tokens(), files.pooling())


@attrs.frozen(eq=False)
class _OnnxModel(SentenceModel):
    session: Any
    tokenizer: Any
    max_tokens: int
    pooling: str

    def place(self, texts: Sequence[str]) -> list[Placed]:
        # A session may be asked from several threads; of itself it uses one.
        with ThreadPoolExecutor(usable_cores()) as pool:
            return list(pool.map(self._of, texts))

    def _of(self, text: str) -> Placed:
        encoded = self.tokenizer.encode(text, add_special_tokens=False)
        beyond = len(encoded.ids) - self.max_tokens
        beyond = max(0, beyond + self.tokenizer.num_special_tokens_to_add(False))
        encoded.truncate(len(encoded.ids) - beyond)
        encoded = self.tokenizer.post_process(encoded)
        fed = {
            "input_ids": encoded.ids,
            "attention_mask": encoded.attention_mask,
            "token_type_ids": encoded.type_ids,
        }
        wanted = {
            one.name: np.array([fed[one.name]], np.int64) for one in self.session.get_inputs()
        }
        found = self.session.run(None, wanted)[0][0]
        if found.ndim == 2:
            found = found[0] if self.pooling == "cls" else found.mean(axis=0, dtype=np.float64)
        return Placed(np.asarray(found, dtype=np.float32), beyond)


def _sentence_transformers(files: ModelFolder) -> SentenceModel:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise UnsupportedError(
            f"{files.folder} needs the package sentence-transformers; {_INSTALL.format('models')}"
        ) from error
    try:
        model = SentenceTransformer(
            str(files.folder), device="cpu", local_files_only=True,
            model_kwargs={"use_safetensors": True},
        )  # fmt: skip
    except Exception as error:  # whatever its libraries raise
        raise DataError(f"{files.folder}: its model cannot be read: {error}") from error
    return _TorchModel(model.eval())


@attrs.frozen(eq=False)
class _TorchModel(SentenceModel):
    model: Any

    def place(self, texts: Sequence[str]) -> list[Placed]:
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(1)  # of the whole process
        try:
            return [self._of(text) for text in texts]
        finally:
            torch.set_num_threads(before)

    def _of(self, text: str) -> Placed:
        limit = self.model.max_seq_length or _MOST_TOKENS
        tokens = self.model.tokenizer(text, truncation=False, verbose=False)["input_ids"]
        vector = self.model.encode([text], batch_size=1, show_progress_bar=False)[0]
        return Placed(np.asarray(vector, dtype=np.float32), max(0, len(tokens) - limit))
