"""The report of one run: a map of its rows, and what each cluster is."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from n2d_framework.config.reading import as_yaml
from n2d_framework.metrics.cluster_profile import Profile, profiles
from n2d_framework.metrics.contents.prototypes import by_windows
from n2d_framework.metrics.surrogate_rules import Surrogate, said_of_rules, surrogate
from n2d_framework.pages.cluster_cards import MOST_CARDS, cards
from n2d_framework.pages.data_map import chosen_rows, points
from n2d_framework.pages.html_page import html_page
from n2d_framework.pages.line_charts import HEIGHT, WIDTH, line_chart
from n2d_framework.pages.map_columns import packed_columns
from n2d_framework.pages.odd_rows import odd_rows
from n2d_framework.pages.run_view import RunView
from n2d_framework.pages.series_cards import CHART_HEIGHT, CHART_WIDTH, SeriesView
from n2d_framework.pages.thumbnails import (
    ArrayPictures,
    FilePictures,
    Pictures,
    pictures_of,
    sprite,
)
from n2d_framework.pages.tree_drawing import drawn_tree
from n2d_framework.plots.colours.map_colours import map_colours
from n2d_framework.plots.row_sample import to_plane
from n2d_framework.readable import readable_text
from n2d_framework.storage import check_target, write_atomic
from n2d_framework.types import NOISE, AnyArray

__all__ = ["write_run_report"]

#: Rows that have a thumbnail on the map, and typical rows of each cluster.
_PICTURED, _EXEMPLARS = 5000, 8
#: Features by which clusters are compared.
_MOST_FEATURES = 20_000
#: Criteria for the number of clusters, as charts are headed, and what chose.
_CRITERIA = {
    "silhouette": "silhouette (greater is better)",
    "stability": "stability (greater is better)",
    "bic": "BIC (less is better)",
}
_SCRIPTS = tuple(
    f"{name}.js"
    for name in ("map_spread", "map_paints", "map_search", "curves", "map", "tree", "start_run")
)
_BY = {"rank": "the ranks by silhouette and stability", "bic": "BIC"}


def write_run_report(view: RunView, path: str | os.PathLike[str]) -> Path:
    """Write the report as one HTML file that needs no network.

    Parameters
    ----------
    view : RunView
    path : path
        Where to; an existing file is replaced when the new one is complete.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    target = Path(path)
    check_target(target)
    flat = None if view.rows is None else view.rows.reshape(len(view.rows), -1)
    compared = flat if view.image_shape is None else None
    series = None if view.series is None else SeriesView.of(view.series, view.labels)
    if compared is not None and compared.shape[1] > _MOST_FEATURES:
        compared = None
    found = profiles(
        view.coordinates,
        view.labels,
        features=None if series else compared,
        names=view.value_names(0 if compared is None else compared.shape[1]),
        strengths=view.strengths,
        n_exemplars=_EXEMPLARS,
        random_state=view.random_state,
    )
    if series is not None:
        found = by_windows(found, series.windows)
    ordered = sorted(found, key=lambda profile: (profile.label == NOISE, profile.label))
    pictures = _pictures(view)
    tree = drawn_tree(view, [profile.label for profile in ordered])
    replaced, said = _rules(view, compared)
    rules = () if replaced is None else replaced.rules
    shown_cards = cards(view, ordered, pictures, rules, series)
    page = html_page(
        "run.html.j2",
        {
            "view": view,
            "scores": _scores(view.scores),
            "cards": shown_cards,
            "chart_size": (CHART_WIDTH, CHART_HEIGHT),
            "rules": said,
            "ruled": bool(rules),
            "n_rows": len(view.labels),
            "n_clusters": sum(profile.label != NOISE for profile in ordered),
            "n_noise": int((view.labels == NOISE).sum()),
            "tree": tree,
            "numbers": _numbers(view.numbers),
            "odd": odd_rows(view, ordered),
            "left_out": max(0, len(ordered) - MOST_CARDS),
            "config_text": as_yaml(dict(view.config)),
        },
        _payload(view, ordered, pictures, series) | {"tree": tree and tree.payload},
        scripts=_SCRIPTS,
        styles=("run.css",),
    )
    if isinstance(pictures, FilePictures):
        pictures.point_out_unread(view.name)
    # Strings of data may hold what is not a character: such a thing becomes a mark.
    write_atomic(target, page.encode("utf-8", "replace"))
    return target


def _rules(view: RunView, compared: AnyArray | None) -> tuple[Surrogate | None, str]:
    """Rules of the clusters, and a sentence on them."""
    if compared is None:
        why = "rows are texts" if view.texts is not None else "rows have too many values"
        if view.image_shape is not None:
            why = "rows are images"
        return None, said_of_rules(None, why)
    names = view.value_names(compared.shape[1])
    found = surrogate(compared, view.labels, names, random_state=view.random_state)
    return found, said_of_rules(found)


def _numbers(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Charts of the criteria for the number of clusters, with a table of the same."""
    if found is None:
        return None
    rows, best = found["candidates"], found["best"]
    asked = [row["n_clusters"] for row in rows]
    charts = [
        line_chart(
            _CRITERIA[name],
            asked,
            [row[name] for row in rows],
            best.get(name),
            chosen=found["n_clusters"],
        )
        for name in _CRITERIA
        if name in rows[0]
    ]
    return {
        "n_clusters": found["n_clusters"],
        "by": _BY.get(found["by"], found["by"]),
        "charts": [chart for chart in charts if chart is not None],
        "names": [name for name in _CRITERIA if name in rows[0]],
        "rows": rows,
        "width": WIDTH,
        "height": HEIGHT,
    }


def _scores(scores: Mapping[str, float]) -> dict[str, float]:
    """Scores that are shown: those of the rows in clusters only where there are others."""
    from n2d_framework.metrics.directions import announced, less_is_better

    whole, of_plugins = scores.get("coverage", 1.0) == 1.0, announced()
    return {
        f"{name} (less is better)" if less_is_better(name, of_plugins) else name: value
        for name, value in scores.items()
        if not (whole and name.endswith("_clustered"))
    }


def _pictures(view: RunView) -> Pictures | None:
    if not view.keep_rows:
        return None
    if view.thumbnails is not None:
        return pictures_of(view.thumbnails)
    if view.image_shape is None or view.rows is None:
        return None
    return ArrayPictures.made(view.rows, view.image_shape)


def _payload(
    view: RunView,
    ordered: Sequence[Profile],
    pictures: Pictures | None,
    series: SeriesView | None,
) -> dict[str, Any]:
    plane, axes = view.plane, view.axes
    if plane is None:
        plane, axes = to_plane(np.asarray(view.coordinates), view.random_state)
    chosen = chosen_rows(len(view.labels), view.random_state)
    in_order = np.array([profile.label for profile in ordered])
    by_label = np.argsort(in_order)
    codes = by_label[np.searchsorted(in_order, view.labels, sorter=by_label)]
    telling = _telling(ordered)
    columns, names = _columns(view, telling, chosen)
    plane = np.asarray(plane, dtype=np.float64)
    drawn = points(
        plane,
        chosen,
        codes,
        classes=view.truth,
        strengths=view.strengths,
        confidence=view.confidence,
        columns=columns,
        names=names,
    )
    if view.keep_rows:
        mixed = view.columns if series is None else series.columns()
        drawn["columns"] += packed_columns(mixed, chosen, plane, telling)
    anchors = _on_map(plane, [profile.exemplars[0] for profile in ordered])
    n_clusters = sum(profile.label != NOISE for profile in ordered)
    colours = [*map_colours(plane[chosen], codes[chosen], n_clusters), "var(--noise)"]
    return {
        "points": drawn,
        "axes": list(axes),
        "clusters": [
            {
                "label": profile.label,
                "name": view.cluster_name(profile.label),
                "size": profile.size,
                "at": at,
                "colour": colour,
            }
            for profile, at, colour in zip(ordered, anchors, colours, strict=False)
        ],
        "classes": []
        if view.truth is None
        else [
            {"name": name, "colour": colour}
            for name, colour in zip(
                view.classes,
                map_colours(plane[chosen], view.truth[chosen], len(view.classes)),
                strict=True,
            )
        ],
        "ids": [str(view.ids[row]) for row in chosen]
        if view.ids is not None and view.keep_rows
        else None,
        "texts": [readable_text(view.texts[row]) for row in chosen]
        if view.texts is not None and view.keep_rows
        else None,
        "curves": series.curves(chosen) if series is not None and view.keep_rows else None,
        "sprite": None if pictures is None else _thumbnails(pictures, chosen),
    }


def _on_map(plane: AnyArray, rows: Sequence[int]) -> list[list[float]]:
    """Where rows are on the map: (x, y) in [0, 1], y downwards."""
    low, high = plane.min(axis=0), plane.max(axis=0)
    span = float((high - low).max()) or 1.0
    place = (plane[list(rows)] - (low + high) / 2) / span + 0.5
    place[:, 1] = 1 - place[:, 1]
    found: list[list[float]] = place.tolist()
    return found


def _telling(ordered: Sequence[Profile]) -> dict[str, float]:
    """The largest effect of each feature."""
    telling: dict[str, float] = {}
    for profile in ordered:
        for contrast in profile.contrasts:
            known = telling.get(contrast.feature, 0.0)
            telling[contrast.feature] = max(known, abs(contrast.effect))
    return telling


def _columns(
    view: RunView, telling: Mapping[str, float], rows: AnyArray
) -> tuple[AnyArray | None, list[str]]:
    """Columns of some rows for the map: those that set clusters apart, the most telling first."""
    unsaid = any(part is not None for part in (view.texts, view.series, view.image_shape))
    if view.rows is None or unsaid or not view.keep_rows:
        return None, []
    flat = view.rows.reshape(len(view.rows), -1)
    names = view.value_names(flat.shape[1])
    order = sorted(range(len(names)), key=lambda i: (-telling.get(names[i], 0.0), i))
    order = order[:MOST_CARDS]
    return flat[rows[:, None], order], [names[i] for i in order]


def _thumbnails(pictures: Pictures, chosen: AnyArray) -> dict[str, Any]:
    return sprite(pictures.of(chosen[:_PICTURED])) | {"count": min(_PICTURED, len(chosen))}
