"""From each file to a report with one command, no configuration and all defaults; then new rows.

Run as ``python benchmarks/own_files.py --n2d /path/of/n2d FILE ...``, with the ``n2d`` of a fresh
environment into which the framework and its plugins were installed. Every file is clustered by
``n2d run FILE``, then its last 50 rows in the opposite order are predicted as new ones: the share
that gets its label back is shown; of formats that it cannot write, the file itself is predicted.
``FILE:NAME`` names the classes by ``--y``. Markdown.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

MOST_NEW = 50


def new_rows(source: Path, target: Path) -> bool:
    """Write the last rows of a file in the opposite order; false for formats not known here."""
    if source.suffix == ".csv":
        frame = pd.read_csv(source, dtype=str, keep_default_na=False)
        frame[::-1][:MOST_NEW].to_csv(target, index=False)
    elif source.suffix == ".parquet":
        pd.read_parquet(source)[::-1][:MOST_NEW].to_parquet(target)
    elif source.suffix == ".npz":
        with np.load(source) as file:
            x = np.concatenate([file[name] for name in file if name.startswith("x")])
        np.savez(target, x=x[::-1][:MOST_NEW])
    else:
        return False
    return True


def one(n2d: str, path: Path, truth: str, folder: Path) -> str:
    """One line of the table."""
    out, found = folder / path.stem, folder / f"{path.stem}.csv"
    start = time.perf_counter()
    flags = ["--y", truth] if truth else []
    command = [n2d, "run", str(path), *flags, "--out", str(out), "--no-store", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        return f"| {path.name} | exit {done.returncode}: {done.stderr.strip()[-200:]} |"
    record = json.loads((out / "run.json").read_text())
    scores = [record["scores"].get(name) for name in ("acc", "nmi", "ari")]
    shown = ["" if score is None else f"{score:.3f}" for score in scores]
    new, expected = folder / f"new{path.suffix}", pd.read_csv(out / "labels.csv")["label"]
    if new_rows(path, new):
        expected = expected[::-1][:MOST_NEW]
    else:
        new = path
    bundle = next(out.glob("*.n2d"))
    subprocess.run([n2d, "predict", str(bundle), str(new), "-o", str(found)], check=True,
                   capture_output=True)  # fmt: skip
    back = f"{(pd.read_csv(found)['label'].to_numpy() == expected.to_numpy()).mean():.2f}"
    trio = " → ".join(stage["component"] for stage in record["stages"].values())
    cells = [path.name, trio, str(record["n_clusters_found"]), *shown, f"{seconds:.0f}", back]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", help="FILE or FILE:CLASSES")
    parser.add_argument("--n2d", default="n2d")
    arguments = parser.parse_args()
    print("| file | chosen | clusters | ACC | NMI | ARI | s | labels given back |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for item in arguments.files:
            path, _, truth = item.partition(":")
            print(one(arguments.n2d, Path(path), truth, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
