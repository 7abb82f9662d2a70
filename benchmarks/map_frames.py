"""Frame times of the map of a run's report while it is zoomed, moved and hovered over.

``python benchmarks/map_frames.py mnist.npz [CHROMIUM]`` makes the report of 70,000 rows (or of as
many as the file has) with their principal plane and k-means, opens it in headless Chromium, and
writes benchmarks/results/map_frames.md. Needs playwright.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA

from n2d_framework.pages import RunView, write_run_report

RESULTS = Path(__file__).with_name("results") / "map_frames.md"
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


def frames(page_file: Path, chromium: str | None) -> tuple[float, dict[str, list[float]]]:
    """Seconds to the first paint, and milliseconds between frames of each kind of action."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(page_file.as_uri())
        page.wait_for_selector("#map-legend li")
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        page.locator("#map-canvas").scroll_into_view_if_needed()
        box = page.locator("#map-canvas").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        found = {}
        for name in ("hover", "zoom", "move"):
            page.mouse.move(x, y)
            page.evaluate(RECORD)
            for step in range(60):
                if name == "zoom":
                    page.mouse.wheel(0, -40 if step < 30 else 40)
                elif name == "move" and step == 0:
                    page.mouse.down()
                page.mouse.move(x + 3 * (step % 30), y + 2 * (step % 20))
            page.mouse.up()
            found[name] = page.evaluate("frames_")
        browser.close()
    return paint / 1000, found


def main(source: Path, chromium: str | None) -> None:
    """Measure, and write what was found."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "report.html"
        start = time.perf_counter()
        n_rows = report(source, target)
        seconds, size = time.perf_counter() - start, target.stat().st_size
        load = os.getloadavg()[0]
        paint, found = frames(target, chromium)
    lines = [
        "# The map of a run's report",
        "",
        f"`python benchmarks/map_frames.py`: {n_rows:,} images, {size / 1e6:.1f} MB, written in "
        f"{seconds:.0f} s with its clustering; first paint {paint:.2f} s. {os.cpu_count()} cores "
        f"without a GPU, load {load:.1f} when the browser started.",
        "",
        "| action | frames | median ms | 95 % ms | at most 33 ms |",
        "|---|---|---|---|---|",
    ]
    for name, times in found.items():
        values = np.array(times)
        lines.append(
            f"| {name} | {len(values)} | {np.median(values):.0f} | {np.quantile(values, 0.95):.0f} "
            f"| {np.mean(values <= 33.4):.0%} |"
        )
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
