"""Objects of scikit-learn in a state from an untrusted source: nothing acts or fills memory."""

from __future__ import annotations

import io
import json
import warnings
import zipfile

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.tree import DecisionTreeClassifier

from n2d_framework.core.trust import object_from_state, object_state
from n2d_framework.errors import BundleWarning, StateError

PACKED, PLAIN = zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED
ARRAY = {"__class__": "ndarray", "__module__": "numpy", "__loader__": "NdArrayNode"}
CSR = {"__class__": "csr_matrix", "__module__": "scipy.sparse", "__loader__": "SparseMatrixNode"}
LIST = {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "__id__": 0}


def archive(schema, compression=PLAIN, **files) -> dict[str, np.ndarray]:
    """A state whose archive has these files."""
    target = io.BytesIO()
    about = {"protocol": 2, "_skops_version": "0.15.0", **schema}
    with zipfile.ZipFile(target, "w", compression, compresslevel=1) as made:
        made.writestr("schema.json", json.dumps(about))
        for name, content in files.items():
            made.writestr(name, content)
    return {"skops": np.frombuffer(target.getvalue(), np.uint8), "parts": []}


def file_of(save, values) -> bytes:
    target = io.BytesIO()
    save(target, values)
    return target.getvalue()


def named(times: int) -> dict:
    nodes = [ARRAY | {"type": "numpy", "file": "a", "__id__": i + 1} for i in range(times)]
    return LIST | {"content": nodes}


def compressed():
    return archive(named(1), PACKED, a=file_of(np.save, np.zeros(11 << 20)))


def named_often():
    return archive(named(3000), a=file_of(np.save, np.zeros(1 << 14)))


def compressed_inside():
    zeros = np.zeros(8 << 20)
    matrix = sparse.csr_matrix((zeros, zeros.astype(np.int32), [0, len(zeros)]), shape=(1, 1))
    node = CSR | {"type": "scipy", "file": "a", "__id__": 1}
    return archive(node, a=file_of(sparse.save_npz, matrix))


@pytest.mark.parametrize("bomb", [compressed, named_often, compressed_inside])
def test_small_archives_do_not_fill_memory(bomb):
    with pytest.raises(StateError, match="bytes of memory"):
        object_from_state(bomb(), (), what="a")


def test_what_is_compressed_with_reason_is_read():
    rows = np.random.default_rng(0).integers(0, 9, (50, 7))
    found = object_from_state(archive(named(3), PACKED, a=file_of(np.save, rows)), (), what="a")
    assert all(np.array_equal(item, rows) for item in found)


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"])
@pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csr_array])
def test_sparse_matrices_of_all_formats_come_back(form, make):
    matrix = make(np.random.default_rng(0).integers(0, 3, (6, 4)) * 1.5).asformat(form)
    found = object_from_state(object_state([matrix], what="a"), (), what="a")[0]
    assert type(found) is type(matrix)
    assert np.array_equal(found.toarray(), matrix.toarray())


@pytest.mark.parametrize("form", ["csc", "dia"])
def test_declared_columns_are_not_made(form):
    state = object_state([sparse.csr_matrix(np.eye(3)).asformat(form)], what="a")
    part = dict(state["parts"][0], shape=[3, 1 << 26])
    if form == "csc":
        with pytest.raises(StateError):
            object_from_state(state | {"parts": [part]}, (), what="a")
    else:  # its own arrays are as large as before
        assert object_from_state(state | {"parts": [part]}, (), what="a")[0].data.shape == (1, 3)


def test_indices_that_lead_out_of_a_matrix_are_refused():
    matrix = sparse.csr_matrix(np.eye(4))
    matrix.indices[:] = 1 << 20
    node = CSR | {"type": "scipy", "file": "a", "__id__": 1}
    state = archive(node, a=file_of(sparse.save_npz, matrix))
    names = ("scipy.sparse.csr_matrix", "scipy.sparse._csr.csr_matrix")
    with pytest.raises(StateError, match="cannot be read"):
        object_from_state(state, names, what="a")


def test_special_parts_inside_arrays_of_objects_are_found():
    things = np.empty(2, dtype=object)
    things[:] = [sparse.csr_matrix(np.eye(2)), {"a": np.arange(3.0)}]
    state = object_state({"held": things}, what="a")
    assert [part["kind"] for part in state["parts"]] == ["sparse"]
    found = object_from_state(state, (), what="a")["held"]
    assert np.array_equal(found[0].toarray(), np.eye(2))
    assert np.array_equal(found[1]["a"], np.arange(3.0))


def test_trees_whose_nodes_no_one_checks_are_not_trusted():
    tree = DecisionTreeClassifier(random_state=0).fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(StateError, match=r"sklearn\.tree\._tree\.Tree"):
        object_from_state(object_state(tree, what="a"), (), what="a")


def test_warnings_that_quote_a_state_show_what_they_quote():
    model = KMeans(2, n_init=1, random_state=0).fit(np.arange(8.0).reshape(4, 2))
    state = object_state(model, what="a")
    with zipfile.ZipFile(io.BytesIO(state["skops"].tobytes())) as made:
        files = {name: made.read(name) for name in made.namelist()}
    hidden = json.dumps(json.dumps("1.0\x1b]0;title\x07"))[1:-1]
    right = json.dumps(json.dumps(sklearn.__version__))[1:-1]
    schema = json.loads(files.pop("schema.json").decode().replace(right, hidden))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        object_from_state(archive(schema, **files), (), what="a")
    assert [item.category for item in caught] == [BundleWarning]
    assert r"1.0\x1b]0;title\x07" in str(caught[0].message)
