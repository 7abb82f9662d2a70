"""Embeddings of texts by a transformer model that lies in a local folder."""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import Self

import numpy as np

from n2d_framework.plugin import (
    AnyArray,
    DataWarning,
    FitContext,
    FloatArray,
    N2DError,
    component,
    learned,
    option,
    require_fitted,
)
from n2d_text.sentence_models import ModelFolder, SentenceModel
from n2d_text.word_counts import checked_texts, unit_rows, warn_of_unknown

__all__ = ["Transformer"]

_NAME = "transformer"
#: Texts that are embedded before it is looked whether to stop.
_BLOCK = 256


@component
class Transformer:
    """Embeddings of texts by a transformer model that lies in a local folder.

    The model is not trained further, and nothing is downloaded. Each text is embedded by itself on
    one thread, so that its coordinates are the same, bit for bit, in any company. A model sees a
    number of tokens, often 256 or 512: how many texts are longer, so that their ends do not
    count, is reported by a :class:`~n2d_framework.errors.DataWarning`. Empty texts are placed at
    the origin, and reported as well.

    A state has the digest of the model's files, which must lie at the same path to predict.

    Attributes
    ----------
    digest_ : str
        SHA-256 of the files that decide what the model answers.

    References
    ----------
    Reimers and Gurevych 2019, Sentence-BERT: Sentence embeddings using siamese BERT-networks,
    EMNLP.
    """

    model: str = option(
        help="Path of a folder on this machine: one with an ONNX file (model.onnx or "
        "onnx/model.onnx, which may be named itself) and its tokenizer.json (install "
        "n2d-text[onnx]), or one of sentence-transformers (install n2d-text[models])."
    )
    normalize: bool = option(True, help="Whether latent rows are brought to length 1.")
    digest_: str | None = learned(dtype=str)

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why so many texts cannot be embedded, or the model not be found."""
        reasons = [] if n_rows >= 1 else [f"{_NAME} needs at least 1 text, got 0"]
        try:
            ModelFolder.of(self.model)
        except N2DError as error:
            reasons.append(str(error))
        return reasons

    def fit(self, x: AnyArray, *, context: FitContext) -> Self:
        """Read the model; texts are only looked at.

        Parameters
        ----------
        x : array of str, shape (n,)
        context : FitContext

        Raises
        ------
        DataError
            If the model cannot be read, or something is not a string.
        UnsupportedError
            If the library that reads the model is not installed.
        """
        self._read(x)
        return self

    def fit_transform(self, x: AnyArray, *, context: FitContext) -> FloatArray:
        """Read the model, and return latent rows of the training texts."""
        texts = self._read(x)
        return self._placed(texts, context)

    def transform(self, x: AnyArray) -> FloatArray:
        """Latent rows of texts.

        Parameters
        ----------
        x : array of str, shape (n,)

        Returns
        -------
        float32 array of shape (n, d)

        Raises
        ------
        DataError
            If something is not a string.
        StateError
            If not fitted.
        """
        return self._placed(checked_texts(x, _NAME), None)

    def check_learned(self) -> list[str]:
        """Reasons why the files at the path are not those of the fit."""
        try:
            if ModelFolder.of(self.model).digest() == self.digest_:
                return []
        except (N2DError, OSError) as error:
            return [f"the bundle refers to a model: {error}"]
        return [f"{self.model} is another model than the one of the fit; put the former one there"]

    def _read(self, x: AnyArray) -> list[str]:
        texts, files = checked_texts(x, _NAME), ModelFolder.of(self.model)
        self.digest_ = files.digest()
        _model_of(files, self.digest_)
        return texts

    def _placed(self, texts: list[str], context: FitContext | None) -> FloatArray:
        model = _model_of(ModelFolder.of(self.model), require_fitted(self.digest_, _NAME))
        width = len(model.place(["a"])[0].vector)
        latent = np.zeros((len(texts), width), dtype=np.float32)
        beyond = np.zeros(len(texts), dtype=np.int64)
        written = np.array([bool(text.strip()) for text in texts], dtype=bool)
        rows = np.flatnonzero(written)
        for start in range(0, len(rows), _BLOCK):
            if context is not None:
                context.resources.check()
            block = rows[start : start + _BLOCK]
            for row, placed in zip(block, model.place([texts[i] for i in block]), strict=True):
                latent[row], beyond[row] = placed.vector, placed.beyond
        warn_of_unknown(written.astype(np.int64), np.zeros_like(beyond), _NAME)
        _warn_of_ends(beyond)
        return unit_rows(latent).astype(np.float32) if self.normalize else latent


@lru_cache(maxsize=2)
def _model_of(files: ModelFolder, digest: str) -> SentenceModel:
    """Model of some files, kept beside the components: it can be neither copied nor pickled."""
    del digest  # of the files as they were: others at the same path are read again
    return files.read()


def _warn_of_ends(beyond: AnyArray) -> None:
    cut = np.flatnonzero(beyond)
    if cut.size:
        warnings.warn(
            f"{_NAME}: {cut.size} of {len(beyond)} texts are longer than the model sees, the first "
            f"is row {cut[0]}; {int(beyond.sum())} tokens at their ends do not count",
            DataWarning,
            stacklevel=4,
        )
