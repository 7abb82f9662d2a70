"""Cards of clusters: what each is, in words, numbers and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from n2d_framework.metrics.cluster_profile import Profile
from n2d_framework.metrics.surrogate_rules import Rule
from n2d_framework.pages.run_view import RunView
from n2d_framework.pages.series_cards import SeriesView
from n2d_framework.pages.thumbnails import Pictures, data_uri
from n2d_framework.readable import readable_text
from n2d_framework.types import AnyArray

__all__ = ["MOST_CARDS", "cards"]

#: Clusters that have a card; of more, the largest.
MOST_CARDS = 200


def cards(
    view: RunView,
    ordered: Sequence[Profile],
    pictures: Pictures | None,
    rules: Sequence[Rule] = (),
    series: SeriesView | None = None,
) -> list[dict[str, Any]]:
    """Content of the card of each cluster; of very many, of the largest.

    Parameters
    ----------
    view : RunView
    ordered : sequence of Profile
        Of all clusters, noise last.
    pictures : Pictures, optional
    rules : sequence of Rule
        Of the clusters that have one.
    series : SeriesView, optional
        Where rows are series.
    """
    largest = sorted(range(len(ordered)), key=lambda i: (-ordered[i].size, i))[:MOST_CARDS]
    of_label = {rule.label: rule for rule in rules}
    made = []
    for i in sorted(largest):
        rule = of_label.get(ordered[i].label)
        made.append(
            _card(view, ordered[i], i, pictures)
            | {
                "rule": rule and attrs.asdict(rule),
                "prototype": series and series.charts(ordered[i].label),
                "words": view.words.get(ordered[i].label, ()),
            }
        )
    return made


def _card(view: RunView, profile: Profile, place: int, pictures: Pictures | None) -> dict[str, Any]:
    own = view.labels == profile.label
    longest = max((abs(contrast.effect) for contrast in profile.contrasts), default=1.0)
    classes = []
    if view.truth is not None:
        counts = np.bincount(view.truth[own], minlength=len(view.classes))
        order = np.argsort(-counts, kind="stable")[:3].tolist()
        classes = [(view.classes[i], float(counts[i] / own.sum())) for i in order if counts[i]]
    return {
        "place": place,
        "label": profile.label,
        "name": view.cluster_name(profile.label),
        "size": profile.size,
        "share": profile.share,
        "density": profile.density,
        "strength": profile.strength,
        "touches": [(view.cluster_name(label), share) for label, share in profile.touches],
        "classes": classes,
        "contrasts": [
            attrs.asdict(contrast) | {"width": min(1.0, abs(contrast.effect) / longest)}
            for contrast in profile.contrasts
        ],
        "mean": _mean_image(pictures, own),
        "exemplars": [_exemplar(view, row, pictures) for row in profile.exemplars]
        if view.keep_rows
        else [],
    }


def _mean_image(pictures: Pictures | None, own: AnyArray) -> str | None:
    mean = None if pictures is None else pictures.mean(own)
    return None if mean is None else data_uri(mean)


def _exemplar(view: RunView, row: int, pictures: Pictures | None) -> dict[str, Any]:
    picture = None if pictures is None else data_uri(pictures.of(np.array([row]))[0])
    text = None if view.texts is None else readable_text(view.texts[row])
    return {"row": row, "name": view.row_name(row), "picture": picture, "text": text}
