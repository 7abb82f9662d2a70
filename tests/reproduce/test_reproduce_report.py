"""Remarks on published and measured numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from n2d_framework.reproduce import Report, read_study
from n2d_framework.reproduce.measurements import Measured, Score
from n2d_framework.reproduce.study_remarks import Settings, brief
from n2d_framework.reproduce.study_report import Ran


def report_of(measured, *, study="paper", data="usps", rows=9298, epochs=None, seeds=3, **more):
    ran = Ran(
        n_rows=rows, expected_rows=9298, folder=Path("out/usps"), measured=measured,
        versions={"umap-learn": "0.5.12"},
    )  # fmt: skip
    settings = Settings(epochs, seeds, list(measured))
    return Report(read_study(study), settings, {data: ran}, more.get("skipped", {}), Path("out"))


def of_n2d(*values):
    return {"n2d": Measured({"acc": Score.of(values)})}


def test_a_number_close_to_the_published_is_not_a_difference():
    report = report_of(of_n2d(0.94, 0.96, 0.97))
    assert report.remarks()["differences"] == [
        "1 of 1 measured numbers are within 0.01 of the published number."
    ]


def test_a_wide_interval_excuses_nothing():
    first, count = report_of(of_n2d(0.50, 0.50, 0.96)).remarks()["differences"]
    assert "ACC 0.653 is 0.305 below the published 0.958" in first
    assert "the interval over 3 seeds is so wide that it holds the published number" in first
    assert count.startswith("0 of 1 measured numbers")


def test_a_number_outside_the_interval_is_reported_with_its_size():
    first, count = report_of(of_n2d(0.90, 0.91, 0.92)).remarks()["differences"]
    assert "ACC 0.910 is 0.048 below the published 0.958" in first
    assert "outside the interval over 3 seeds" in first
    assert count.startswith("0 of 1 measured numbers")


def test_one_seed_has_no_interval_and_says_so():
    report = report_of(of_n2d(0.99), seeds=1)
    first, count = report.remarks()["differences"]
    assert "0.032 above the published" in first
    assert "may be chance" in first
    assert count.endswith("within 0.01 of the published number.")
    assert next(report.blocks()).rows == [
        ["N2D: autoencoder, UMAP, mixture (one start)", "0.958", "0.990", "0.901", "-"]
    ]


def test_intervals_are_in_brackets():
    row = next(report_of(of_n2d(0.90, 0.90, 0.92)).blocks()).rows[0]
    assert row[2].startswith("0.907 [0.900, 0.9")


def test_seeds_without_a_score_are_left_out_not_zero():
    score = Score.of([0.5, float("nan")])
    assert (score.mean, score.seeds) == (0.5, 1)
    assert Score.of([float("nan")]) is None


def test_failures_are_reported():
    failed = Measured({}, 3, "3 of its seeds failed: MemoryError: no")
    report = report_of({"n2d": failed})
    assert report.remarks()["not_measured"] == [
        "usps, N2D: autoencoder, UMAP, mixture (one start): 3 of its seeds failed: MemoryError: no"
    ]
    assert not report.measured_anything
    assert [line["mean"] for line in report.lines()] == [None, None]


def test_reasons_name_epochs_rows_and_versions():
    reported = " ".join(report_of(of_n2d(0.9, 0.9), epochs=60, rows=50).remarks()["explanations"])
    assert "60 epochs instead of 1000" in reported
    assert "50 rows were found here" in reported
    assert "umap-learn 0.5.12" in reported
    assert "starts once" in reported
    assert "values from 0 to 2" in reported
    assert "retrained" not in reported, "what others measured is of other data"


def test_what_others_measured_is_reported_for_the_same_data():
    reported = " ".join(report_of(of_n2d(0.9, 0.9), data="mnist").remarks()["explanations"])
    assert "Others on mnist: ACC 0.83611" in reported
    assert "values from 0 to 2" not in reported


def test_the_published_number_of_epochs_needs_no_word():
    report = report_of(of_n2d(0.9, 0.9), epochs=1000)
    assert "instead of" not in report.to_markdown()
    assert "1000 epochs as published" in report.to_markdown()


def test_rows_without_noise_are_scored_without_noise():
    measured = {
        "pca_hdbscan": Measured(
            {
                "nmi": Score.of([0.1]),
                "nmi_clustered": Score.of([0.66]),
                "coverage": Score.of([0.35]),
            }
        )
    }
    report = report_of(measured, study="thesis", data="fashion", seeds=1)
    found = {(e["table"], e["metric"]): e["mean"] for e in report.lines()}
    assert found["12.1", "nmi"] == 0.66
    assert found["12.1", "coverage"] == 0.35
    assert "only the rows that are not noise" in report.to_markdown()


@pytest.mark.parametrize(
    ("reason", "short"),
    [
        ("one\ntwo", "one"),
        (
            "it could not be downloaded:\n  - a: 404\n  - b: 404",
            "it could not be downloaded: a: 404",
        ),
        ("nothing follows:", "nothing follows:"),
    ],
)
def test_long_reasons_are_reported_in_a_line(reason, short):
    assert brief(reason) == short
