"""Vectors of words, from files of several formats; nothing is downloaded."""

from __future__ import annotations

import gzip
import hashlib
import importlib.metadata
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_framework.plugin import AnyArray, DataError, State, StateError, need, packed
from n2d_text.word_counts import strings_of_state

__all__ = ["PACKAGES", "VectorFiles", "WordVectors"]

#: Installed packages that bring vectors in their wheel: folders of the vectors and the tokenizer.
PACKAGES = {"wordllama": ("weights/l2_supercat_256.safetensors",
                          "tokenizers/l2_supercat_tokenizer_config.json")}  # fmt: skip
_FOLDERS = ("", "0_StaticEmbedding/")
_TABLES = ("embeddings", "embedding.weight")
_LISTS = (".txt", ".vec", ".glove", ".txt.gz", ".vec.gz")
_FORMATS = (
    "vectors can be read from .txt or .vec (word2vec's text format, GloVe; also .gz), .npz (arrays "
    "words and vectors), .safetensors with a tokenizer.json next to it, and folders of model2vec"
)
_DTYPES = ("float16", "float32")
#: Words whose vectors are summed at once.
_SUMMED = 8192


@attrs.frozen(eq=False)
class WordVectors:
    """A table of vectors, by words or by the pieces of words that a tokenizer finds.

    Attributes
    ----------
    table : float16 or float32 array of shape (entries, d)
    words : tuple of str
        One for each row of the table; empty where there is a tokenizer.
    tokenizer : str
        JSON of a tokenizer of the library ``tokenizers``, whose pieces are numbered as the rows
        of the table.
    digest : str
        SHA-256 of the files that the table was read from; empty for a part of them.
    version : str
        Of the package that brought the files; empty if none did.
    elsewhere : bool
        Whether a state has the digest only.
    """

    table: AnyArray
    words: tuple[str, ...] = ()
    tokenizer: str = ""
    digest: str = ""
    version: str = ""
    elsewhere: bool = False

    def __attrs_post_init__(self) -> None:
        table = self.table
        if table.ndim != 2 or table.size == 0 or table.dtype.name not in _DTYPES:
            raise DataError(f"vectors are {table.dtype} of shape {table.shape}; they must be a "
                            "table of float16 or float32 with a row for each word")  # fmt: skip
        if not np.isfinite(table).all():
            row = int(np.flatnonzero(~np.isfinite(table).all(axis=1))[0])
            raise DataError(f"the vector in row {row} has values that are not finite")
        if self.tokenizer:
            highest = max(self._pieces.get_vocab().values(), default=-1)
            if highest >= len(table):
                raise DataError(
                    f"the tokenizer knows {highest + 1} pieces of words, and there are "
                    f"{len(table)} vectors; the files do not belong together"
                )
        elif len(self.words) != len(table):
            raise DataError(f"there are {len(self.words)} words and {len(table)} vectors")

    @cached_property
    def _pieces(self) -> Any:
        from tokenizers import Tokenizer

        try:
            made = Tokenizer.from_str(self.tokenizer)
        except Exception as error:  # the library raises bare exceptions
            raise DataError(f"the tokenizer cannot be read: {error}") from error
        made.no_padding()
        made.no_truncation()
        return made

    @cached_property
    def _unknown(self) -> int | None:
        """Number of the piece that stands for what the tokenizer does not know."""
        name = json.loads(self.tokenizer).get("model", {}).get("unk_token")
        return None if name is None else self._pieces.token_to_id(name)

    @cached_property
    def _rows(self) -> dict[str, int]:
        rows: dict[str, int] = {}
        for row, word in enumerate(self.words):
            rows.setdefault(word.lower(), row)  # the first, and so the most frequent
        return rows

    def entries(self, word: str) -> list[int]:
        """Rows of the table whose sum is the vector of a word in lower case; none if unknown."""
        if not self.tokenizer:
            row = self._rows.get(word)
            return [] if row is None else [row]
        found: list[int] = self._pieces.encode(word, add_special_tokens=False).ids
        return [row for row in found if row != self._unknown]

    def of(self, words: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        """The known ones among some words, and their vectors."""
        known = {word: rows for word in words if (rows := self.entries(word))}
        counts = np.fromiter(map(len, known.values()), dtype=np.int64, count=len(known))
        entries = np.fromiter(chain.from_iterable(known.values()), dtype=np.int64)
        firsts = np.append(0, np.cumsum(counts))[:-1]
        vectors = np.empty((len(known), self.table.shape[1]), dtype=np.float32)
        for start in range(0, len(known), _SUMMED):
            first, count = firsts[start : start + _SUMMED], counts[start : start + _SUMMED]
            sums = self.table[entries[first]].astype(np.float64)
            for place in range(1, int(count.max())):  # one piece after the other, as they stand
                more = np.flatnonzero(count > place)
                sums[more] += self.table[entries[first[more] + place]]
            vectors[start : start + _SUMMED] = sums
        return tuple(known), vectors

    def part(self, words: Sequence[str]) -> WordVectors:
        """The vectors of some words alone."""
        known, vectors = self.of(words)
        return WordVectors(vectors, known)

    def as_state(self) -> State:
        """Plain values, for a bundle."""
        if self.elsewhere:
            return {"digest": self.digest, "version": self.version}
        if self.tokenizer:
            content = np.frombuffer(self.tokenizer.encode(), dtype=np.uint8)
            return {"table": self.table, "tokenizer": content}
        return {"table": self.table, "words": packed(self.words)}

    @classmethod
    def from_state(cls, state: Any, source: str) -> WordVectors:
        """The vectors of what :meth:`as_state` gave.

        Parameters
        ----------
        state : State
        source : str
            Where they are, if the state has their digest only.

        Raises
        ------
        StateError
            If it is something else, or the files at `source` are not those of the digest.
        """
        if not isinstance(state, Mapping):
            raise StateError("word vectors in a state must be a mapping")
        if "digest" in state:
            version = need(state, "version", str) if "version" in state else ""
            return cls._from_files(source, need(state, "digest", str), version)
        table = need(state, "table", np.ndarray)
        try:
            if "tokenizer" in state:
                content = need(state, "tokenizer", np.ndarray)
                return cls(table, tokenizer=content.astype(np.uint8).tobytes().decode())
            return cls(table, strings_of_state(None, state.get("words")))
        except (DataError, ValueError) as error:
            raise StateError(f"word vectors cannot be read: {error}") from error

    @classmethod
    def _from_files(cls, source: str, digest: str, version: str) -> WordVectors:
        try:
            files = VectorFiles.of(source)
            if files.digest() == digest:
                return attrs.evolve(files.read(), elsewhere=True)
        except (DataError, OSError) as error:
            raise StateError(f"the bundle refers to word vectors: {error}") from error
        before = f"install {source} {version}" if version else "put the former file there"
        raise StateError(
            f"{files.vectors} has other word vectors than those that the model was fitted with; "
            f"{before}"
        )


@attrs.frozen
class VectorFiles:
    """Files with the vectors of words.

    Attributes
    ----------
    vectors : Path
    tokenizer : Path or None
    version : str
        Of the package that brings them; empty if none does.
    """

    vectors: Path
    tokenizer: Path | None = None
    version: str = ""

    @classmethod
    def of(cls, source: str) -> VectorFiles:
        """Find the files of an installed package, or at a path.

        Raises
        ------
        DataError
            If they are not there; with what can be read.
        """
        if source in PACKAGES:
            return cls._of_package(source)
        path = Path(source).expanduser()
        if path.is_dir():
            for folder in _FOLDERS:
                files = path / f"{folder}model.safetensors", path / f"{folder}tokenizer.json"
                if all(file.is_file() for file in files):
                    return cls(*files)
            raise DataError(f"{path}: there are no model.safetensors and tokenizer.json in it")
        if not path.is_file():
            raise DataError(
                f"{source}: there is not such a file, and it is not one of the packages that bring "
                f"vectors ({', '.join(PACKAGES)}); {_FORMATS}"
            )
        if path.suffix == ".safetensors":
            beside = path.with_name("tokenizer.json")
            if not beside.is_file():
                raise DataError(f"{path}: there is no tokenizer.json next to it, which says what "
                                "words its vectors are of")  # fmt: skip
            return cls(path, beside)
        if path.suffix != ".npz" and not path.name.endswith(_LISTS):
            raise DataError(f"{path}: {_FORMATS}")
        return cls(path)

    @classmethod
    def _of_package(cls, name: str) -> VectorFiles:
        spec = find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            raise DataError(
                f"the package {name}, which brings the vectors, is not installed; install it, or "
                "give a path as option vectors"
            )
        folder = Path(next(iter(spec.submodule_search_locations)))
        files = [folder / part for part in PACKAGES[name]]
        missing = next((file for file in files if not file.is_file()), None)
        if missing is not None:
            raise DataError(f"the installed {name} lacks {missing.name}; install another version")
        return cls(files[0], files[1], importlib.metadata.version(name))

    def digest(self) -> str:
        """SHA-256 of the content, hexadecimal."""
        digest = hashlib.sha256()
        for path in filter(None, (self.vectors, self.tokenizer)):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    def read(self) -> WordVectors:
        """Read them.

        Raises
        ------
        DataError
            If they cannot be read; with the line where a file of text has one.
        """
        path = self.vectors
        try:
            if self.tokenizer is not None:
                return self._with_tokenizer(self.tokenizer.read_text(encoding="utf-8"))
            words, table = _arrays(path) if path.suffix == ".npz" else _listed(path)
            return WordVectors(table, words, digest=self.digest())
        except DataError as error:
            raise DataError(f"{path}: {error}") from error
        except (OSError, EOFError, ValueError, KeyError) as error:
            raise DataError(f"{path}: it cannot be read: {error}; {_FORMATS}") from error

    def _with_tokenizer(self, tokenizer: str) -> WordVectors:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            tensors = load_file(self.vectors)
        except SafetensorError as error:
            raise DataError(f"it cannot be read: {error}") from error
        name = next((name for name in _TABLES if name in tensors), "")
        if not name:
            raise DataError(f"there is none of the tensors {', '.join(_TABLES)} in it, but "
                            f"{', '.join(sorted(tensors)) or 'nothing'}")  # fmt: skip
        table = tensors[name]
        # model2vec's way of several pieces with one vector, each with a weight of its own.
        if "mapping" in tensors:
            table = table[tensors["mapping"]]
        if "weights" in tensors:
            table = table.astype(np.float32) * tensors["weights"].astype(np.float32)[:, None]
        narrow = table.dtype.name in _DTYPES
        return WordVectors(
            table if narrow else table.astype(np.float32),
            tokenizer=tokenizer,
            digest=self.digest(),
            version=self.version,
        )


def _arrays(path: Path) -> tuple[tuple[str, ...], AnyArray]:
    with np.load(path, allow_pickle=False) as file:
        words, vectors = file["words"], file["vectors"]
    if words.ndim != 1 or words.dtype.kind != "U":
        raise DataError(f"its array words is {words.dtype} of shape {words.shape}; it must be one "
                        "of strings (dtype U)")  # fmt: skip
    narrow = vectors.dtype.name in _DTYPES
    return tuple(words.tolist()), vectors if narrow else vectors.astype(np.float32)


def _listed(path: Path) -> tuple[tuple[str, ...], AnyArray]:
    """Lines of a word and numbers, separated by spaces; word2vec puts their counts in front."""
    words, vectors, width = [], [], 0
    for number, line in enumerate(_lines(path), start=1):
        fields = line.rstrip().split(" ")
        if number == 1 and len(fields) == 2 and all(field.isdigit() for field in fields):
            width = int(fields[1])
            continue
        width = width or len(fields) - 1
        try:
            if len(fields) <= width or width < 1:
                raise ValueError(f"{len(fields) - 1} numbers instead of {width}")
            vectors.append(np.array(fields[-width:], dtype=np.float32))
        except ValueError as error:
            raise DataError(f"line {number} is not a word and {width} numbers: {error}") from error
        words.append(" ".join(fields[:-width]))
    if not words:
        raise DataError("there is not a word in it")
    return tuple(words), np.stack(vectors)


def _lines(path: Path) -> Iterator[str]:
    with (
        gzip.open(path, "rt", encoding="utf-8")
        if path.suffix == ".gz"
        else path.open(encoding="utf-8") as file
    ):
        yield from file
