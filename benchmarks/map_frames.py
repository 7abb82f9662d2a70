"""Times of frames and tasks of the map of a run's report while it is zoomed, moved, hovered over.

``python benchmarks/map_frames.py mnist.npz [CHROMIUM]`` makes the report of 70,000 rows (or of as
many as the file has) with their principal plane and k-means, opens it in headless Chromium, and
writes benchmarks/results/map_frames.md. With a number of rows instead of a file, tables are made up
(ten groups in eight columns), and benchmarks/results/map_frames_of_many.md is written: of more than
100,000 rows a sample is drawn over the density of all. Needs playwright. Tasks are those of the
page's main thread in a trace, by the clock, and by the processor time that they took: on a machine
that does other things as well only the latter says what the page needs.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright
from sklearn.cluster import MiniBatchKMeans
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA

from n2d_framework.pages import RunView, write_run_report

RESULTS = Path(__file__).with_name("results")
#: Collects the time between frames, as the page has it.
RECORD = """() => {
  window.frames_ = [];
  let before = null;
  const tick = (now) => { if (before !== null) frames_.push(now - before); before = now; requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
}"""  # noqa: E501


def report(source: Path, target: Path) -> int:
    """Write the report, and say of how many rows."""
    with np.load(source) as file:
        names = [("x", "y")] if "x" in file else [("x_train", "y_train"), ("x_test", "y_test")]
        y = np.concatenate([file[classes] for _, classes in names])
        x = np.concatenate([file[rows] for rows, _ in names]).reshape(len(y), -1)
    while len(x) < 70_000:
        x, y = np.concatenate([x, x])[:70_000], np.concatenate([y, y])[:70_000]
    plane = PCA(2, random_state=0).fit_transform(x.astype(np.float32))
    labels = MiniBatchKMeans(10, random_state=0, n_init=3).fit_predict(plane).astype(np.int64)
    side = int(np.sqrt(x.shape[1]))
    view = RunView(
        name="mnist",
        labels=labels,
        coordinates=plane,
        plane=plane.astype(float),
        axes=("principal axis 1", "principal axis 2"),
        rows=x.reshape(-1, side, side),
        image_shape=(side, side),
        truth=y.astype(np.int64),
        classes=[str(i) for i in range(10)],
    )
    write_run_report(view, target)
    return len(x)


def report_of_many(n_rows: int, target: Path) -> int:
    """Write the report of made-up rows, and say of how many."""
    x, y = make_blobs(n_rows, 8, centers=10, cluster_std=2.0, random_state=0)
    plane = PCA(2, random_state=0).fit_transform(x.astype(np.float32))
    labels = MiniBatchKMeans(10, random_state=0, n_init=3).fit_predict(x).astype(np.int64)
    view = RunView(
        name="rows",
        labels=labels,
        coordinates=plane,
        plane=plane.astype(float),
        axes=("principal axis 1", "principal axis 2"),
        rows=x.astype(np.float32),
        feature_names=tuple(f"x{i}" for i in range(8)),
        truth=y.astype(np.int64),
        classes=[str(i) for i in range(10)],
    )
    write_run_report(view, target)
    return n_rows


def tasks(trace: bytes) -> np.ndarray:
    """Milliseconds of each task of the page's main thread: by the clock, and of the processor."""
    events = json.loads(trace)["traceEvents"]
    main = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    found = [
        (event["dur"], event["tdur"])
        for event in events
        if event["name"].endswith("RunTask")
        and (event["pid"], event["tid"]) in main
        and "tdur" in event
    ]
    return np.array(found) / 1000


def frames(
    page_file: Path, chromium: str | None
) -> tuple[float, list[str], dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Seconds to the first paint, what the console said, and of each kind of action the times.

    These are milliseconds between frames, and what :func:`tasks` gives.
    """
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(page_file.as_uri())
        page.wait_for_selector("#map-legend li")
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        page.locator("#map-canvas").scroll_into_view_if_needed()
        box = page.locator("#map-canvas").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        found = {}
        for name in ("hover", "zoom", "move"):
            page.mouse.move(x, y)
            browser.start_tracing(page=page, categories=["toplevel"])
            page.evaluate(RECORD)
            for step in range(60):
                if name == "zoom":
                    page.mouse.wheel(0, -40 if step < 30 else 40)
                elif name == "move" and step == 0:
                    page.mouse.down()
                page.mouse.move(x + 3 * (step % 30), y + 2 * (step % 20))
            page.mouse.up()
            times = np.array(page.evaluate("frames_"))
            found[name] = times, tasks(browser.stop_tracing())
        browser.close()
    return paint / 1000, said, found


def main(source: str, chromium: str | None) -> None:
    """Measure, and write what was found."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "report.html"
        start = time.perf_counter()
        many = source.isdigit()
        n_rows = report_of_many(int(source), target) if many else report(Path(source), target)
        seconds, size = time.perf_counter() - start, target.stat().st_size
        load = os.getloadavg()[0]
        paint, said, found = frames(target, chromium)
    lines = [
        "# The map of a run's report" + (", of many rows" if many else ""),
        "",
        f"`python benchmarks/map_frames.py {Path(source).name}`: {n_rows:,} "
        f"{'rows' if many else 'images'}, {size / 1e6:.1f} MB, written in "
        f"{seconds:.0f} s with its clustering; first paint {paint:.2f} s; "
        f"{len(said) or 'no'} messages on the console. {os.cpu_count()} cores without a GPU, load "
        f"{load:.1f} when the browser started.",
        "",
        "Tasks of the page's main thread, in a trace; *long* are those of at least 1 ms of the "
        "processor. Wanted: 95 % of tasks at most 33 ms.",
        "",
        "| action | frames | median ms between | tasks | at most 33 ms, by the clock | of the "
        "processor | long ones | median ms of the processor | 95 % ms | at most 33 ms |",
        "|" + "---|" * 10,
    ]
    for name, (between, (clock, own)) in ((k, (a, b.T)) for k, (a, b) in found.items()):
        long = own[own >= 1]
        lines.append(
            f"| {name} | {len(between)} | {np.median(between):.0f} | {len(own)} | "
            f"{np.mean(clock <= 33):.1%} | {np.mean(own <= 33):.1%} | {len(long)} | "
            f"{np.median(long):.0f} | {np.quantile(long, 0.95):.0f} | {np.mean(long <= 33):.0%} |"
        )
    results = RESULTS / ("map_frames_of_many.md" if many else "map_frames.md")
    results.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(results.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
