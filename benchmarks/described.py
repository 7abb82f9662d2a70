"""Descriptions of five datasets by ``n2d describe``: docs/described.md and its picture.

``python benchmarks/described.py FOLDER WORK``: FOLDER has usps.npz, letter.npz, credit_mixed.csv,
pbmc68k_reduced.h5ad and news20.parquet. Runs go to WORK; one that is there is not made again.
No fit sees classes: they say which share of a cluster is of its most frequent class.
"""

from __future__ import annotations

import json
import shlex
import string
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import h5py
import numpy as np
import pandas as pd
from PIL import Image

PAGE = Path(__file__).parents[1] / "docs" / "described.md"
TOP = """# Five datasets, described

What [`n2d describe`](meaning.md#descriptions-as-values) says of real data, to be checked against
the classes, which no step has seen: the last column is the most frequent class of a cluster and its
share there. Each table is what the commands above it give, put together by
`python benchmarks/described.py FOLDER WORK`. *Apart* are the features that set a cluster apart: its
mean, in brackets the mean of all other rows. *Fidelity* is how often a shallow tree gives the
cluster of rows that it was not grown on; below .8 there are no rules.
"""


@attrs.frozen
class Described:
    """A dataset and how it is clustered."""

    title: str
    file: str
    reading: str
    options: str
    about: str


SETS = [
    Described(
        "USPS: handwritten digits",
        "usps.npz",
        "--y y",
        "--set model.embedder=pca --set model.manifolder=umap --set model.clusterer=gmm -k 10",
        "Pixels by number say little. Above the mean image of each cluster, from 0 on, below its "
        "medoid:\n\n"
        "![Mean and most typical digit of each cluster](described-usps.png)",
    ),
    Described(
        "Newsgroups",
        "news20.parquet",
        "--text text --id id --y label",
        "--set model.embedder=tfidf_svd "
        "--set model.manifolder=umap --set model.clusterer=gmm -k 20",
        "With the package `n2d-text`.",
    ),
    Described(
        "Credit applications",
        "credit_mixed.csv",
        "--id customer_id --y class",
        "--set model.embedder=pca --set model.manifolder=identity --set model.clusterer=gmm -k 4",
        "Numbers, categories and gaps; codes are those of the dataset. Good and bad risks (1, 2) "
        "are another question than what kinds of applications there are; of all rows .70 are good.",
    ),
    Described(
        "Blood cells (PBMC)",
        "pbmc68k_reduced.h5ad",
        "--y obs/bulk_labels",
        "--set model.embedder=pca --set model.manifolder=umap --set model.clusterer=gmm -k 8",
        "Features are genes.",
    ),
    Described(
        "Letters",
        "letter.npz",
        "--y y",
        "--set model.embedder=identity "
        "--set model.manifolder=identity --set model.clusterer=kmeans -k 26",
        "Sixteen measurements of printed letters, without names in the file.",
    ),
]


def classes_of(path: Path) -> list[str]:
    """Names of the true classes of the rows."""
    if path.suffix == ".npz":
        with np.load(path) as file:
            y = file["y"].tolist()
        return (
            [string.ascii_uppercase[k] for k in y] if path.stem == "letter" else list(map(str, y))
        )
    if path.suffix == ".h5ad":
        with h5py.File(path) as file:
            names = file["uns"]["bulk_labels_categories"][:]
            return [names[k].decode() for k in file["obs"]["bulk_labels"]]
    if path.suffix == ".parquet":
        return list(pd.read_parquet(path)["label"])
    return pd.read_csv(path)["class"].astype(str).tolist()


def apart(about: dict[str, Any]) -> str:
    """Features that set a cluster apart, or the name that a component gave it."""
    if not about["distinctive"]:
        return str(about["name"])
    return "; ".join(
        f"{one['feature'].removeprefix('feature ')} {one['mean']:.3g} ({one['others']:.3g})"
        for one in about["distinctive"][:3]
    )


def pictures(path: Path, described: dict[str, Any], labels: np.ndarray) -> None:
    """Mean and medoid of each cluster of small images, side by side."""
    with np.load(path) as file:
        x = file["x"].reshape(-1, 16, 16)
    columns = [
        np.vstack([x[labels == about["label"]].mean(axis=0), x[int(about["exemplars"][0])]])
        for about in described["clusters"]
    ]
    grey = np.uint8(255 * (1 - np.clip(np.hstack(columns), 0, 1)))
    Image.fromarray(grey).resize((grey.shape[1] * 4, grey.shape[0] * 4), Image.NEAREST).save(
        PAGE.with_name("described-usps.png"), optimize=True
    )


def section(one: Described, folder: Path, work: Path) -> str:
    """Fit, describe, and write what was said."""
    path, stem = folder / one.file, Path(one.file).stem
    last = f"--seed 0 --no-plots --no-report --out {stem}"
    run = f"n2d run {one.file} {one.reading} {one.options} {last}"
    ask = f"n2d describe {stem}/{stem}.n2d {one.file} {one.reading} --json"
    said = work / f"{stem}.json"
    for command, done, output in ((run, work / stem / f"{stem}.n2d", None), (ask, said, said)):
        if done.exists():
            continue
        words = [str(path) if word == one.file else word for word in shlex.split(command)]
        made = subprocess.run(words, cwd=work, check=True, stdout=subprocess.PIPE)
        if output is not None:
            output.write_bytes(made.stdout)
    described = json.loads(said.read_text(encoding="utf-8"))
    labels = pd.read_csv(work / stem / "labels.csv")["label"].to_numpy()
    classes = pd.Series(classes_of(path))
    lines = [
        "| cluster | rows | apart | typical rows | class |",
        "|---|---|---|---|---|",
    ]
    for about in described["clusters"]:
        shares = classes[labels == about["label"]].value_counts(normalize=True)
        typical = ", ".join(map(str, about["exemplars"][:3]))
        lines.append(
            f"| {about['label']} | {about['size']} | {apart(about)} | {typical} | "
            f"{shares.index[0]} {shares.iloc[0]:.2f} |"
        )
    if stem == "usps":
        pictures(path, described, labels)
    fidelity = described.get("fidelity")
    measured = "none, texts have no features for a tree" if fidelity is None else f"{fidelity:.2f}"
    return "\n".join(
        [
            f"## {one.title}",
            "",
            "```sh",
            run,
            ask,
            "```",
            "",
            f"{one.about}\n\nFidelity: {measured}.",
            "",
            *lines,
            "",
        ]
    )


def main(folder: Path, work: Path) -> None:
    """Write the page."""
    sections = [section(one, folder, work) for one in SETS]
    PAGE.write_text("\n".join([TOP, *sections]), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
