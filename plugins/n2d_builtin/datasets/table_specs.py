"""Facts about the tables of numbers on which clusterings are compared.

The digests of those with addresses are of the files that the named tag or commit holds.
"""

from __future__ import annotations

from typing import Any

from n2d_framework.plugin import DataFile, DatasetSpec

__all__ = ["EMBEDDED_TABLES", "TABLES"]

_UCI_LICENCE = "CC BY 4.0"
_NO_LICENCE = "none stated by its publishers"
_UCI = "UCI Machine Learning Repository, doi:10.24432/"
_BATTERY = "https://raw.githubusercontent.com/gagolews/clustering-data-v1/v1.1.0/uci/"
_COPIES = (
    "https://raw.githubusercontent.com/jbrownlee/Datasets/d20fcb6402ae34e653d4513b00f39257bb37ed7f/"
)
_SKLEARN = "n2d_builtin.datasets.packaged_rows"
_READER = "n2d_builtin.datasets.number_tables:load_table"


def _embedded(
    name: str,
    rows: tuple[int, int],
    n_classes: int,
    summary: str,
    citation: str,
    licence: str = _UCI_LICENCE,
) -> DatasetSpec:
    made = name.startswith("made_")
    return DatasetSpec(
        name=name,
        loader=f"{_SKLEARN}:{'' if made else 'load_'}{name}",
        summary=summary,
        n_rows=rows[0],
        row_shape=rows[1:],
        n_classes=n_classes,
        embedded=True,
        licence=licence,
        citation=citation,
        source="made by sklearn.datasets, seed 0" if made else f"sklearn.datasets.load_{name}",
    )


_MADE: dict[str, Any] = {
    "citation": "Pedregosa et al. 2011, Scikit-learn: Machine Learning in Python, JMLR 12",
    "licence": "BSD-3-Clause",
}

EMBEDDED_TABLES = (
    _embedded(
        "iris", (150, 4), 3, "Sepals and petals of three kinds of iris",
        f"Fisher 1936, Iris, {_UCI}C56C76",
    ),
    _embedded(
        "wine", (178, 13), 3, "Chemical measurements of wines of three cultivars",
        f"Aeberhard and Forina 1992, Wine, {_UCI}C5PC7J",
    ),
    _embedded(
        "breast_cancer", (569, 30), 2, "Shapes of cell nuclei, benign or malignant",
        f"Wolberg, Mangasarian, Street and Street 1995, {_UCI}C5DW2B",
    ),
    _embedded("made_moons", (500, 2), 2, "Made by a generator: two half circles", **_MADE),
    _embedded("made_circles", (500, 2), 2, "Made by a generator: a circle within another", **_MADE),
    _embedded(
        "made_blobs", (500, 2), 3, "Made by a generator: three groups of unlike spread", **_MADE
    ),
    _embedded(
        "made_stretched", (500, 2), 3, "Made by a generator: three groups stretched alike", **_MADE
    ),
)  # fmt: skip


def _files(folder: str, base: str, about: tuple[tuple[str, str, int], ...]) -> tuple[DataFile, ...]:
    return tuple(
        DataFile(name=f"{folder}/{name}", urls=(base + name,), sha256=sha256, size=size)
        for name, sha256, size in about
    )


def _table(
    name: str,
    rows: tuple[int, int],
    n_classes: int,
    summary: str,
    citation: str,
    files: tuple[DataFile, ...] = (),
    *originals: str,
    licence: str = _UCI_LICENCE,
) -> DatasetSpec:
    """A table that is downloaded, or where there is no address put into the user's folder."""
    plain = tuple(file.name.rpartition("/")[2] for file in files)
    return DatasetSpec(
        name=name,
        loader=_READER,
        summary=summary,
        n_rows=rows[0],
        row_shape=rows[1:],
        n_classes=n_classes,
        licence=licence,
        citation=citation,
        source="https://archive.ics.uci.edu",
        files=files,
        alternatives=tuple(group for group in ((f"{name}.npz",), plain, originals) if group),
    )


def _battery(
    name: str,
    rows: tuple[int, int],
    n_classes: int,
    summary: str,
    doi: str,
    there: str,
    data: tuple[str, int],
    labels: tuple[str, int],
) -> DatasetSpec:
    """A table of the battery of Gagolewski 2022."""
    files = _files(name, _BATTERY, ((f"{there}.data.gz", *data), (f"{there}.labels0.gz", *labels)))
    return _table(name, rows, n_classes, summary, _UCI + doi, files)


def _copied(
    name: str,
    rows: tuple[int, int],
    n_classes: int,
    summary: str,
    citation: str,
    there: str,
    sha256: str,
    size: int,
    licence: str = _UCI_LICENCE,
) -> DatasetSpec:
    """A table of which the last column has the classes."""
    files = _files(name, _COPIES, ((f"{there}.csv", sha256, size),))
    return _table(name, rows, n_classes, summary, citation, files, licence=licence)


TABLES = (
    _table(
        "letter", (20000, 16), 26, "Capital letters: 16 features of their shape",
        f"Slate 1991, Letter Recognition, {_UCI}C5ZP40", (), "letter-recognition.data",
    ),
    _table(
        "satimage", (6435, 36), 6, "Kinds of soil: four spectral bands of 3 x 3 pixels",
        f"Srinivasan 1993, Statlog (Landsat Satellite), {_UCI}C55887", (), "sat.trn", "sat.tst",
    ),
    _battery(
        "ecoli", (336, 7), 8, "Where proteins of E. coli are: scores of their sequences", "C5388M",
        "ecoli",
        ("0103bfee45abb6646e5845a133dcfa83a0cc79502756f13713de197ac8cbafe6", 2490),
        ("b356c4db317c0dabb7a3bb240a05427d61fc28e0c5e8ed23e9019a5e18227a88", 60),
    ),
    _battery(
        "glass", (214, 9), 6, "Kinds of glass: refraction and oxides", "C5WW2P", "glass",
        ("c0ad4bf34bb5ccf978ec48aec49d2983bcc259ac4b2b5ad00ade8c41888d7c87", 3182),
        ("492b7325e8866ae0fca50d4b535016e4716792878571089ad0da2ba081d46ea0", 53),
    ),
    _battery(
        "ionosphere", (351, 34), 2, "Returns of a radar from the ionosphere, good or bad", "C5W01B",
        "ionosphere",
        ("b5680b0c848358c13f08a7f050020b8076139dd34bf58164e2e31e2cbb269304", 27649),
        ("78306c884a9f912b1797122ebe2bfc5e847293595b03717eb6beb890c15f5429", 53),
    ),
    _battery(
        "sonar", (208, 60), 2, "Echoes of mines and of rocks in 60 bands", "C5T01Q", "sonar",
        ("e07c7aca470427c6d8fc1b8aff5acabafc1bd41d7f4a49bbd745ef5fe015b848", 28408),
        ("4d461338e403d95a54146dbb4f09c0c445b9357292eee23585b02a262a189fe1", 42),
    ),
    _battery(
        "segment", (2310, 19), 7, "Regions of outdoor pictures: colours and contrasts", "C5P01G",
        "statlog",
        ("ad481e152762240977a5d58965823fce9eb32e737d82968900fc6ab6db72b293", 111800),
        ("c034e9b47eb22876b3067707e865f009946ca9a00019d0c7815914029d1a8c26", 1289),
    ),
    _battery(
        "yeast", (1484, 8), 10, "Where proteins of yeast are: scores of their sequences", "C5KG68",
        "yeast",
        ("11f58a5f199184b3e0ec71b880365df360c6db365823c3d42a006d198f08acd9", 11851),
        ("928ba1f1d2b3049ce36aa55f09eccaae660452b6a5bc1d820bb91a865a56d1fa", 679),
    ),
    _copied(
        "banknote", (1372, 4), 2, "Pictures of banknotes, genuine or forged: wavelet statistics",
        f"Lohweg 2012, Banknote Authentication, {_UCI}C55P57", "banknote_authentication",
        "d0539aaed2139ba7a587b3e34fb345ce503ff7d5d33dbf9912d8e195ce425cb9", 46400,
    ),
    _copied(
        "seeds", (210, 7), 3, "Kernels of three kinds of wheat: their shape",
        f"Charytanowicz et al. 2010, Seeds, {_UCI}C5H30K", "wheat-seeds",
        "8dbd1853a4439afc113cfe07f290422c7ce3fe48745d71f3f7eaa027cd38fd6e", 9301,
    ),
    _copied(
        "thyroid", (215, 5), 3, "Thyroid glands, normal, over- or underactive: five blood tests",
        f"Quinlan 1986, Thyroid Disease (new-thyroid), {_UCI}C5D010", "new-thyroid",
        "b1e244cdb7764210cfbf2888c47a4a558c36acd3c5e25452c0255c09c0b2c0a0", 4843,
    ),
    _copied(
        "pima", (768, 8), 2, "Diabetes among Pima women: eight measurements",
        "Smith, Everhart, Dickson, Knowler and Johannes 1988, Using the ADAP learning algorithm "
        "to forecast the onset of diabetes mellitus", "pima-indians-diabetes",
        "6bfe5d0f379d17a0e0819b996407e3c09bf80febd4287f2ed212190dfff154af", 23278,
        _NO_LICENCE,
    ),
    _copied(
        "haberman", (306, 3), 2, "Survival after surgery: age, year and nodes",
        f"Haberman 1976, Haberman's Survival, {_UCI}C5XK51", "haberman",
        "b4b7a32586a5668f9f4d6dc8be9d1bc8cd4822523affb1f6b5bfc350681ef3e2", 3103,
    ),
    _copied(
        "phoneme", (5404, 5), 2, "Nasal and oral vowels: amplitudes of five harmonics",
        "ELENA project 1995, Phoneme; Alcala-Fdez et al. 2011, KEEL Data-Mining Software Tool",
        "phoneme", "eacbb9f7a2b2135d067bff28ed7b9adb760f61f5e91f375f91e22e7e42ace24d", 174717,
    ),
)  # fmt: skip
