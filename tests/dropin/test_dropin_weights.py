"""Weight files: those of the old package, those of Keras 3, and what is neither."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from old_names import n2d, small_autoencoder

from n2d_framework.errors import BundleError, DataError, OutputError

# As the old package built AutoEncoder(64, 10, [32, 16]): layers in order of creation, and shapes.
OLD_LAYERS = {
    "input": None,
    "encoder_0": (64, 32),
    "encoder_1": (32, 16),
    "encoder_2": (16, 10),
    "decoder": (10, 16),
    "decoder_1": (16, 32),
    "decoder_0": (32, 64),
}


def write_old_weights(path, layers=OLD_LAYERS, *, whole_model: bool = False):
    """The layout that ``save_weights("x.h5")`` of TensorFlow 2.0 to 2.15 has."""
    rng = np.random.default_rng(0)
    arrays = []
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if whole_model else file
        root.attrs["layer_names"] = np.array([name.encode() for name in layers])
        root.attrs["backend"] = b"tensorflow"
        root.attrs["keras_version"] = b"2.2.4-tf"
        for name, shape in layers.items():
            group = root.create_group(name)
            weights = {}
            if shape is not None:
                weights[f"{name}/kernel:0"] = rng.normal(size=shape).astype(np.float32)
                weights[f"{name}/bias:0"] = rng.normal(size=shape[1]).astype(np.float32)
            group.attrs["weight_names"] = np.array([w.encode() for w in weights], dtype="S")
            for weight, values in weights.items():
                group[weight] = values
                arrays.append(values)
    return arrays


def h5py_text(name) -> str:
    return name.decode() if isinstance(name, bytes) else name


def check(model, arrays):
    for have, want in zip(model.get_weights(), arrays, strict=True):
        np.testing.assert_array_equal(have, want)


@pytest.mark.parametrize("name", ["har.h5", "har-1000-ae_weights.h5", "har.hdf5", "har"])
@pytest.mark.parametrize("whole_model", [False, True])
def test_weights_of_the_old_package_are_read(rows, name, whole_model):
    arrays = write_old_weights(name, whole_model=whole_model)
    ae = small_autoencoder(rows[0])
    ae.fit(rows[0], weights=name)
    check(ae.Model, arrays)


def test_weights_reach_the_encoder(rows):
    arrays = write_old_weights("har.h5")
    ae = small_autoencoder(rows[0]).fit(rows[0], weights="har.h5")
    hidden = np.maximum(rows[0] @ arrays[0] + arrays[1], 0)
    hidden = np.maximum(hidden @ arrays[2] + arrays[3], 0)
    np.testing.assert_allclose(
        ae.embed(rows[0]), hidden @ arrays[4] + arrays[5], rtol=2e-3, atol=1e-4
    )


@pytest.mark.parametrize("name", ["har.h5", "har.weights.h5", "weights/har", "har.hdf5"])
def test_what_is_written_is_read_again(rows, name):
    ae = small_autoencoder(rows[0])
    ae.fit(rows[0][:64], epochs=1, verbose=0, weight_id=name)
    again = small_autoencoder(rows[0])
    again.fit(rows[0], weights=name)
    check(again.Model, ae.Model.get_weights())


def test_plain_names_have_the_old_layout(rows):
    ae = small_autoencoder(rows[0])
    ae.fit(rows[0][:64], epochs=1, verbose=0, weight_id="har.h5")
    with h5py.File("har.h5") as file:
        names = [h5py_text(name) for name in file.attrs["layer_names"]]
        assert names == [name for name in OLD_LAYERS if name != "input"]
        kernel = file["decoder"][file["decoder"].attrs["weight_names"][0]]
        np.testing.assert_array_equal(kernel, ae.Model.get_layer("decoder").get_weights()[0])
    other = small_autoencoder(rows[0]).Model
    other.load_weights("har.h5")
    check(other, ae.Model.get_weights())


def test_a_model_saved_by_keras_is_read(rows):
    ae = small_autoencoder(rows[0])
    ae.Model.save("whole.keras")
    again = small_autoencoder(rows[0]).fit(rows[0], weights="whole.keras")
    check(again.Model, ae.Model.get_weights())


def test_weights_of_another_network_are_refused_and_change_nothing(rows):
    layers = OLD_LAYERS | {"decoder_1": (16, 33), "decoder_0": (33, 64)}
    write_old_weights("other.h5", layers)
    ae = small_autoencoder(rows[0])
    before = ae.Model.get_weights()
    with pytest.raises(
        DataError, match=r"other\.h5: its weights do not fit .*encoder_0 \(64, 32\)"
    ):
        ae.fit(rows[0], weights="other.h5")
    check(ae.Model, before)


@pytest.mark.parametrize("content", [b"", b"no weights", b"\x89HDF\r\n\x1a\n broken"])
def test_what_is_not_a_weights_file_is_refused(rows, tmp_path, content):
    (tmp_path / "har.h5").write_bytes(content)
    with pytest.raises(DataError, match=r"har\.h5: cannot be read as a file of Keras weights"):
        small_autoencoder(rows[0]).fit(rows[0], weights="har.h5")


@pytest.mark.timeout(60, method="thread")
@pytest.mark.skipif(sys.platform != "linux", reason="limits are those of Linux")
def test_weights_that_keep_libhdf5_busy_for_ever_are_refused(rows):
    write_old_weights("har.h5")
    with h5py.File("har.h5", "a") as file:
        file.attrs.create("layer_names", list(OLD_LAYERS), dtype=h5py.string_dtype())
    content = bytearray(Path("har.h5").read_bytes())
    heap = content.index(b"GCOL") + 16
    content[heap + 8 : heap + 16] = (2**64 - 16).to_bytes(8, "little")
    Path("har.h5").write_bytes(content)
    with pytest.raises(DataError, match=r"har\.h5: .* more time than its size explains"):
        small_autoencoder(rows[0]).fit(rows[0], weights="har.h5")


def archive_of(weights: bytes, path: str = "har.keras") -> None:
    """A model as Keras saves it: a zip archive with weights in HDF5."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", weights)


def looping() -> bytes:
    """A file in which libhdf5 finds no end."""
    write_old_weights("loop.h5")
    with h5py.File("loop.h5", "a") as file:
        file.attrs.create("layer_names", list(OLD_LAYERS), dtype=h5py.string_dtype())
    content = bytearray(Path("loop.h5").read_bytes())
    heap = content.index(b"GCOL") + 16
    content[heap + 8 : heap + 16] = (2**64 - 16).to_bytes(8, "little")
    return bytes(content)


def from_elsewhere(how: str) -> bytes:
    """A file whose values are in another one."""
    Path("secret").write_bytes(bytes(800))
    with h5py.File("secret.h5", "w") as other:
        other["x"] = np.zeros(100)
    with h5py.File("taken.h5", "w") as file:
        if how == "external storage":
            file.create_dataset("x", (100,), "f8", external=[("secret", 0, 800)])
        elif how == "virtual datasets":
            layout = h5py.VirtualLayout((100,), "f8")
            layout[:] = h5py.VirtualSource("secret.h5", "x", (100,))
            file.create_virtual_dataset("x", layout)
        else:
            file["g/x"] = h5py.ExternalLink("secret.h5", "x")
    return Path("taken.h5").read_bytes()


@pytest.mark.timeout(120, method="thread")
@pytest.mark.skipif(sys.platform != "linux", reason="limits are those of Linux")
@pytest.mark.parametrize("kind", ["weights", "encoder"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (looping, "more time than its size explains"),
        (lambda: from_elsewhere("external storage"), "external storage"),
        (lambda: from_elsewhere("virtual datasets"), "virtual datasets"),
        (lambda: from_elsewhere("link"), "'g/x' is a link into another file"),
        (lambda: b"\x89HDF\r\n\x1a\n" + bytes(2000), "cannot be read as"),
    ],
    ids=["looping", "external", "virtual", "link", "damaged"],
)
def test_no_file_of_keras_is_opened_before_another_process_has_read_it(
    rows, trained, kind, packed, make, message, monkeypatch
):
    if make is looping:  # the usual time is that of the test above
        monkeypatch.setattr("n2d_framework.data.apart.limited._SECONDS", 1.0)
    name = "har.keras" if packed else "har.h5"
    content = make()
    archive_of(content, name) if packed else Path(name).write_bytes(content)
    inside = r"har\.keras: model\.weights\.h5" if packed else r"har\.h5"
    said = rf"{inside}.*{message}"
    if kind == "weights":
        with pytest.raises(DataError, match=said):
            small_autoencoder(rows[0]).fit(rows[0], weights=name)
        return
    n2d.save_n2d(trained[0], "encoder.keras", "manifold")
    with pytest.raises(BundleError, match=said):
        n2d.load_n2d(name, "manifold")


def test_an_archive_that_declares_gigabytes_is_refused(rows):
    archive_of(bytes(1 << 20))
    content = Path("har.keras").read_bytes()
    declared = (1 << 20).to_bytes(4, "little")
    Path("har.keras").write_bytes(content.replace(declared, (1 << 31).to_bytes(4, "little")))
    with pytest.raises(DataError, match=r"har\.keras: .*declares 2147483648 bytes"):
        small_autoencoder(rows[0]).fit(rows[0], weights="har.keras")


def test_nan_in_weights_is_refused(rows):
    write_old_weights("har.h5")
    with h5py.File("har.h5", "r+") as file:
        file["decoder/decoder/bias:0"][0] = np.nan
    ae = small_autoencoder(rows[0])
    before = ae.Model.get_weights()
    with pytest.raises(DataError, match="NaN"):
        ae.fit(rows[0], weights="har.h5")
    check(ae.Model, before)


def test_a_missing_file(rows, tmp_path):
    with pytest.raises(DataError, match=r"har\.h5: there is no such file"):
        small_autoencoder(rows[0]).fit(rows[0], weights="har.h5")


def write_old_checkpoint(name, layers=OLD_LAYERS):
    """Files as ``save_weights("x")`` of TensorFlow 2.0 to 2.15 wrote them: names as those have."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    root, arrays = tf.Module(), []
    for number, shape in enumerate(shape for shape in layers.values() if shape is not None):
        layer = tf.Module()
        for weight, size in (("kernel", shape), ("bias", shape[1:])):
            values = rng.normal(size=size).astype(np.float32)
            setattr(layer, weight, tf.Variable(values))
            arrays.append(values)
        setattr(root, f"layer_with_weights-{number}", layer)
    tf.train.Checkpoint(**{k: v for k, v in vars(root).items() if k.startswith("layer_")}).write(
        str(name)
    )
    return arrays


@pytest.mark.parametrize("inside", ["har", "har/variables/variables"])
def test_a_checkpoint_of_tensorflow_is_read(rows, inside):
    """Keras 2 wrote one for every name without .h5, and within whole models."""
    Path(inside).parent.mkdir(parents=True, exist_ok=True)
    arrays = write_old_checkpoint(inside)
    ae = small_autoencoder(rows[0])
    ae.fit(rows[0], weights="har")
    check(ae.Model, arrays)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decoder_0": (32, 65)}, "not compatible|shape"),
        ({"decoder_0": None}, "layer_with_weights-5"),
        ({"extra": (64, 2)}, "the checkpoint also has layer_with_weights-6"),
    ],
)
def test_a_checkpoint_of_another_network(rows, change, message):
    write_old_checkpoint("har", OLD_LAYERS | change)
    ae = small_autoencoder(rows[0])
    before = ae.Model.get_weights()
    with pytest.raises(DataError, match=rf"har: its weights do not fit .*({message})"):
        ae.fit(rows[0], weights="har")
    check(ae.Model, before)


def test_a_damaged_checkpoint(rows, tmp_path):
    (tmp_path / "har.index").write_bytes(b"no index")
    with pytest.raises(DataError, match="har: its weights do not fit"):
        small_autoencoder(rows[0]).fit(rows[0], weights="har")


def test_a_place_that_cannot_be_written_is_reported_before_training(rows, tmp_path):
    (tmp_path / "file").write_text("in the way")
    ae = small_autoencoder(rows[0])
    with pytest.raises(OutputError, match="cannot be made"):
        ae.fit(rows[0], weight_id="file/har.h5")
    with pytest.raises(OutputError, match="is a folder"):
        ae.fit(rows[0], weight_id=str(tmp_path))
    assert ae.history == {}


def test_an_interrupted_training_keeps_what_it_has(rows, tmp_path):
    def interrupt(x):
        interrupt.calls += 1
        if interrupt.calls == 3:
            raise KeyboardInterrupt
        return x

    interrupt.calls = 0
    ae = n2d.AutoEncoder(64, 10, [32, 16], x_lambda=interrupt)
    with pytest.raises(KeyboardInterrupt):
        ae.fit(rows[0], epochs=50, verbose=0, weight_id="har.h5")
    again = small_autoencoder(rows[0]).fit(rows[0], weights="har.h5")
    check(again.Model, ae.Model.get_weights())
