"""Pictures of a report beside those of BERTopic and datamapplot, of the same texts.

Three steps, for the packages do not all go into one environment:

``python benchmarks/beside_others.py ours news20.parquet WORK`` fits 3,000 texts and writes the
report, and what the others need, into the folder WORK. Needs n2d-text.

``python benchmarks/beside_others.py theirs WORK`` makes BERTopic's document map and hierarchy of
the same latent rows, and datamapplot's picture of the points of the report. Needs bertopic and
datamapplot; what is not installed is left out. Prints seconds.

``python benchmarks/beside_others.py pictures WORK`` takes the pictures of all pages in headless
Chromium (``CHROMIUM`` names its program). Needs playwright.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROWS, SEED = 3000, 0


def ours(source: Path, work: Path) -> None:
    """The report, and its points, latent rows and texts."""
    import n2d_framework as n2d

    texts = pd.read_parquet(source)["text"].sample(ROWS, random_state=SEED).tolist()
    model = n2d.N2D(
        "tfidf_svd", "umap", {"name": "hdbscan", "min_cluster_size": 10},
        describe=["class_tfidf"], random_state=SEED,
    )  # fmt: skip
    model.fit(texts)
    timed("report", lambda: model.report(work / "report.html", texts, title="news20"))
    page = (work / "report.html").read_text()
    found = re.search(r'<script[^>]*id="data"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    points = {
        name: np.frombuffer(base64.b64decode(data["points"][name]), kind)
        for name, kind in (("x", "<u2"), ("y", "<u2"), ("row", "<u4"), ("cluster", "<u2"))
    }
    np.savez(
        work / "points.npz",
        latent=model.latent_,
        map=np.stack([points["x"], -points["y"].astype(int)], axis=1) / 65535,
        cluster=points["cluster"],
        names=[cluster["name"] for cluster in data["clusters"]],
    )
    (work / "texts.json").write_text(json.dumps(texts))


def theirs(work: Path) -> None:
    """Figures of BERTopic and datamapplot."""
    with np.load(work / "points.npz") as file:
        known = dict(file)
    if find_spec("bertopic"):
        from bertopic import BERTopic
        from sklearn.feature_extraction.text import CountVectorizer
        from umap import UMAP

        documents, latent = json.loads((work / "texts.json").read_text()), known["latent"]
        layout = UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine",
                      random_state=SEED)  # fmt: skip
        topics = BERTopic(
            embedding_model=None, umap_model=layout,
            vectorizer_model=CountVectorizer(stop_words="english"),
        )  # fmt: skip
        timed("BERTopic, fit", lambda: topics.fit(documents, embeddings=latent))
        shown = [" ".join(text.split())[:80] for text in documents]
        for name, draw in {
            "documents": lambda: topics.visualize_documents(shown, embeddings=latent),
            "hierarchy": lambda: topics.visualize_hierarchy(),
        }.items():
            figure = timed(f"BERTopic, {name}", draw)
            figure.write_html(work / f"bertopic-{name}.html")
    if find_spec("datamapplot"):
        import datamapplot

        names = known["names"][known["cluster"]]
        names[names == "noise"] = "Unlabelled"
        for times in ("first", "second"):
            figure = timed(
                f"datamapplot, {times}",
                lambda: datamapplot.create_plot(known["map"], names, figsize=(7.6, 7.6)),
            )[0]
        figure.savefig(work / "datamapplot.png", dpi=100)


def pictures(work: Path) -> None:
    """Pictures of the pages, with 256 colours, so that they are small."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=os.environ.get("CHROMIUM"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1000, "height": 720})
        for made, part in {
            "report-map": "#map-canvas >> xpath=..",
            "report-tree": "#tree",
            "bertopic-documents": None,
            "bertopic-hierarchy": None,
        }.items():
            source = "report" if part else made
            page.goto((work / f"{source}.html").resolve().as_uri())
            page.wait_for_timeout(3000)
            target = work / f"{made}.png"
            if part is None:
                page.screenshot(path=target)
            else:
                page.add_style_tag(content=".bar { display: none }")
                place = page.locator(part)
                place.scroll_into_view_if_needed()
                page.wait_for_timeout(1000)
                place.screenshot(path=target)
            with Image.open(target) as picture:
                small = picture.convert("RGB").quantize(method=Image.Quantize.MAXCOVERAGE)
            small.save(target, optimize=True)
        browser.close()


def timed(what: str, make: Callable[[], Any]) -> Any:
    """Print what something takes by the clock and of the processor, and return what it gives."""
    start, own = time.perf_counter(), time.process_time()
    found = make()
    clock, processor = time.perf_counter() - start, time.process_time() - own
    print(f"{what}: {clock:.1f} s, {processor:.1f} s of the processor", flush=True)
    return found


if __name__ == "__main__":
    step, *paths = sys.argv[1:]
    {"ours": ours, "theirs": theirs, "pictures": pictures}[step](*map(Path, paths))
