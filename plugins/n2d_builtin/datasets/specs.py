"""Facts about each dataset: where it is, what it is, what it may be used for.

The digests are those that TensorFlow Datasets and torchvision publish for the same addresses
(MNIST, Fashion-MNIST, CIFAR-10, USPS); those of the two archives of the UCI repository agree
between several independent projects that pin them.
"""

from __future__ import annotations

from typing import Any

from n2d_framework.plugin import DataFile, DatasetSpec

__all__ = ["DATASETS", "DIGITS"]

DIGITS = DatasetSpec(
    name="digits",
    loader="n2d_builtin.datasets.digits:load_digits",
    summary="Handwritten digits, 8 x 8 pixels, carried by scikit-learn",
    n_rows=1797,
    row_shape=(8, 8),
    n_classes=10,
    modality="image",
    embedded=True,
    licence="CC BY 4.0",
    citation="Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits (test set), "
    "UCI Machine Learning Repository, doi:10.24432/C50P49",
    source="sklearn.datasets.load_digits",
)

_MNIST_MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
_FASHION_MIRRORS = (
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
)
_LIBSVM = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/"
_UCI = "https://archive.ics.uci.edu/static/public/"
_NO_LICENCE = "none stated by its publishers"


def _idx_files(
    folder: str, mirrors: tuple[str, ...], about: tuple[tuple[str, str, int], ...]
) -> tuple[DataFile, ...]:
    return tuple(
        DataFile(
            name=f"{folder}/{name}",
            urls=tuple(mirror + name for mirror in mirrors),
            sha256=sha256,
            size=size,
        )
        for name, sha256, size in about
    )


_MNIST_FILES = _idx_files(
    "mnist",
    _MNIST_MIRRORS,
    (
        (
            "train-images-idx3-ubyte.gz",
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            9912422,
        ),
        (
            "train-labels-idx1-ubyte.gz",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            28881,
        ),
        (
            "t10k-images-idx3-ubyte.gz",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            1648877,
        ),
        (
            "t10k-labels-idx1-ubyte.gz",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            4542,
        ),
    ),
)
_FASHION_FILES = _idx_files(
    "fashion",
    _FASHION_MIRRORS,
    (
        (
            "train-images-idx3-ubyte.gz",
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            26421880,
        ),
        (
            "train-labels-idx1-ubyte.gz",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            29515,
        ),
        (
            "t10k-images-idx3-ubyte.gz",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            4422102,
        ),
        (
            "t10k-labels-idx1-ubyte.gz",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            5148,
        ),
    ),
)
_USPS_FILES = (
    DataFile(
        name="usps/usps.bz2",
        urls=(f"{_LIBSVM}usps.bz2",),
        sha256="3771e9dd6ba685185f89867b6e249233dd74652389f263963b3b741e994b034f",
    ),
    DataFile(
        name="usps/usps.t.bz2",
        urls=(f"{_LIBSVM}usps.t.bz2",),
        sha256="a9c0164e797d60142a50604917f0baa604f326e9a689698763793fa5d12ffc4e",
    ),
)
_PENDIGITS_FILE = DataFile(
    name="pendigits/pen+based+recognition+of+handwritten+digits.zip",
    urls=(f"{_UCI}81/pen+based+recognition+of+handwritten+digits.zip",),
    sha256="1e02bea023613c2b11c9492f6f34caf975420455934f3527d270cee9a1f03b64",
    size=1668118,
)
_HAR_FILE = DataFile(
    name="har/human+activity+recognition+using+smartphones.zip",
    urls=(f"{_UCI}240/human+activity+recognition+using+smartphones.zip",),
    sha256="c00b803081a5c797cd5e4b83700a9810b38d53d9d84e01917e090e1fdbc81031",
    size=61005872,
)
_CIFAR_FILE = DataFile(
    name="cifar10/cifar-10-binary.tar.gz",
    urls=("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
    sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    size=170052171,
)


def _idx_groups(folders: tuple[str, ...], parts: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Names of IDX files in folders ("" for none), packed and not."""
    kinds = ("images-idx3-ubyte", "labels-idx1-ubyte")
    return tuple(
        tuple(f"{folder}{part}-{kind}{suffix}" for part in parts for kind in kinds)
        for folder in folders
        for suffix in (".gz", "")
    )


def _har_groups(npz: str) -> tuple[tuple[str, ...], ...]:
    return ((npz,), ("UCI HAR Dataset",), ("UCI HAR Dataset.zip",), (_HAR_FILE.name[4:],))


_MNIST: dict[str, Any] = {
    "licence": "CC BY-SA 3.0",
    "citation": "LeCun, Bottou, Bengio and Haffner 1998, Gradient-based learning applied to "
    "document recognition, Proceedings of the IEEE 86",
    "source": "http://yann.lecun.com/exdb/mnist/",
}
_HAR: dict[str, Any] = {
    "licence": "CC BY 4.0",
    "citation": "Anguita, Ghio, Oneto, Parra and Reyes-Ortiz 2013, A Public Domain Dataset for "
    "Human Activity Recognition Using Smartphones, ESANN; doi:10.24432/C54S4K",
    "source": "https://archive.ics.uci.edu/dataset/240",
}

DATASETS = (
    DatasetSpec(
        name="mnist",
        loader="n2d_builtin.datasets.mnist:load_mnist",
        summary="Handwritten digits, 28 x 28 pixels: training and test rows joined",
        n_rows=70000,
        row_shape=(28, 28),
        n_classes=10,
        modality="image",
        files=_MNIST_FILES,
        alternatives=(("mnist.npz",), *_idx_groups(("mnist/", ""), ("train", "t10k"))),
        **_MNIST,
    ),
    DatasetSpec(
        name="mnist_test",
        loader="n2d_builtin.datasets.mnist:load_mnist_test",
        summary="Handwritten digits, 28 x 28 pixels: the test rows of mnist",
        n_rows=10000,
        row_shape=(28, 28),
        n_classes=10,
        modality="image",
        files=_MNIST_FILES[2:],
        alternatives=(("mnist_test.npz",), ("mnist.npz",), *_idx_groups(("mnist/", ""), ("t10k",))),
        **_MNIST,
    ),
    DatasetSpec(
        name="fashion",
        loader="n2d_builtin.datasets.mnist:load_fashion",
        summary="Articles of clothing, 28 x 28 pixels (Fashion-MNIST): all rows",
        n_rows=70000,
        row_shape=(28, 28),
        n_classes=10,
        modality="image",
        licence="MIT",
        citation="Xiao, Rasul and Vollgraf 2017, Fashion-MNIST, arXiv:1708.07747",
        source="https://github.com/zalandoresearch/fashion-mnist",
        files=_FASHION_FILES,
        alternatives=(
            ("fashion.npz",),
            ("fashion_mnist.npz",),
            *_idx_groups(("fashion/", "fashion-mnist/"), ("train", "t10k")),
        ),
    ),
    DatasetSpec(
        name="usps",
        loader="n2d_builtin.datasets.usps:load_usps",
        summary="Handwritten digits from envelopes, 16 x 16 pixels: all rows",
        n_rows=9298,
        row_shape=(16, 16),
        n_classes=10,
        modality="image",
        licence=_NO_LICENCE,
        citation="Hull 1994, A database for handwritten text recognition research, IEEE TPAMI 16",
        source="https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html#usps",
        files=_USPS_FILES,
        alternatives=(
            ("usps.npz",),
            ("usps.h5",),
            ("usps_train.jf", "usps_test.jf"),
            ("usps/usps_train.jf", "usps/usps_test.jf"),
            ("usps.bz2", "usps.t.bz2"),
            ("usps", "usps.t"),
        ),
    ),
    DatasetSpec(
        name="pendigits",
        loader="n2d_builtin.datasets.uci:load_pendigits",
        summary="Digits written with a pen: eight points (x, y) of each stroke; all rows",
        n_rows=10992,
        row_shape=(16,),
        n_classes=10,
        licence="CC BY 4.0",
        citation="Alpaydin and Alimoglu 1998, Pen-Based Recognition of Handwritten Digits, UCI "
        "Machine Learning Repository, doi:10.24432/C5MG6K",
        source="https://archive.ics.uci.edu/dataset/81",
        files=(_PENDIGITS_FILE,),
        alternatives=(
            ("pendigits.npz",),
            ("pendigits.tra", "pendigits.tes"),
            ("pendigits/pendigits.tra", "pendigits/pendigits.tes"),
        ),
    ),
    DatasetSpec(
        name="har",
        loader="n2d_builtin.datasets.uci:load_har",
        summary="Human activities by smartphone: 561 features made of the signals; all rows",
        n_rows=10299,
        row_shape=(561,),
        n_classes=6,
        files=(_HAR_FILE,),
        alternatives=_har_groups("har.npz"),
        **_HAR,
    ),
    DatasetSpec(
        name="har_raw",
        loader="n2d_builtin.datasets.uci:load_har_raw",
        summary="Human activities by smartphone: the signals, 128 steps of 9 channels; all rows",
        n_rows=10299,
        row_shape=(128, 9),
        n_classes=6,
        modality="sequence",
        files=(_HAR_FILE,),
        alternatives=_har_groups("har_raw.npz"),
        **_HAR,
    ),
    DatasetSpec(
        name="cifar10",
        loader="n2d_builtin.datasets.cifar:load_cifar10",
        summary="Photographs of ten kinds of things, 32 x 32 pixels in colour: all rows",
        n_rows=60000,
        row_shape=(32, 32, 3),
        n_classes=10,
        modality="image",
        licence=_NO_LICENCE,
        citation="Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images",
        source="https://www.cs.toronto.edu/~kriz/cifar.html",
        files=(_CIFAR_FILE,),
        alternatives=(
            ("cifar10.npz",),
            ("cifar-10-batches-bin",),
            ("cifar10/cifar-10-batches-bin",),
            ("cifar-10-binary.tar.gz",),
        ),
    ),
)
