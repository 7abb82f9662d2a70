"""A file with categories, dates and gaps, from ``n2d run`` to labels of new rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

Run = Callable[..., Any]


@pytest.fixture
def frame(elsewhere: Path) -> pd.DataFrame:
    """Three groups of customers."""
    rng = np.random.default_rng(0)
    group = np.arange(60) % 3
    made = pd.DataFrame(
        {
            "customer": [f"K{n:03d}" for n in range(60)],
            "age": rng.normal(30 + 15 * group, 2).round(1),
            "plan": np.array(["free", "basic", "gold"])[group],
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(400 * group, unit="D"),
            "news": group == 1,
            "note": [f"called {n} times about the bill" for n in range(60)],
            "class": np.array(["x", "y", "z"])[group],
        }
    )
    made.loc[3::9, "age"] = np.nan
    made.loc[5::11, "plan"] = None
    made.to_csv("customers.csv", index=False)
    return made


def test_one_command_and_new_rows_by_name(n2d: Run, frame: pd.DataFrame) -> None:
    said = n2d("run", "customers.csv", "--set", "model.n_clusters=3", "--out", "out", "--no-store")
    assert said.exit_code == 0, said.output
    for line in (
        "customers: 60 rows, 4 columns are features", "category  plan", "date      since",
        "number    age, news", "gaps in   age, plan", "ids       customer", "classes   class",
        "holds texts and is left out",
    ):  # fmt: skip
        assert line in said.stderr, line
    record = json.loads(Path("out/run.json").read_text())
    assert record["missing"] == {}
    assert record["scores"]["ari"] > 0.9
    labels = pd.read_csv("out/labels.csv", dtype=str)
    assert list(labels["id"]) == list(frame["customer"])
    bundle = "out/customers.n2d"
    for name in ("new.csv", "new.parquet", "new.jsonl"):
        turned = frame.iloc[:, ::-1].drop(columns=["class", "note"])
        if name.endswith(".csv"):
            turned.to_csv(name, index=False)
        elif name.endswith(".parquet"):
            turned.to_parquet(name, index=False)
        else:
            turned.assign(since=turned["since"].astype(str)).to_json(
                name, orient="records", lines=True
            )
        done = n2d("predict", bundle, name, "-o", "p.csv", "--chunk", 7)
        assert done.exit_code == 0, done.output
        pd.testing.assert_frame_equal(pd.read_csv("p.csv", dtype=str), labels)

    odd = frame.copy()
    odd.loc[:4, "plan"] = "platinum"
    odd["news"] = odd["news"].astype(object).where(odd.index > 0, None)
    odd.drop(columns="class").to_csv("odd.csv", index=False)
    done = n2d("predict", bundle, "odd.csv")
    assert done.exit_code == 0, done.output  # a new gap is filled as others are
    said = " ".join(done.stderr.split())
    assert "'plan' has 5 values of 1 categories that were not there at the fit" in said
    assert said.count("platinum") == 1
    for change, reason in (
        ({"age": "old"}, "column 'age' has 'old' in row 1"),
        ({"plan": "5"}, "column 'plan' is '5', a number like all others there"),
        ({"since": "soon"}, "column 'since' has 'soon' in row 1"),
    ):
        frame.assign(**change).to_csv("bad.csv", index=False)
        done = n2d("predict", bundle, "bad.csv", "-o", "bad-labels.csv")
        assert done.exit_code == 2
        assert reason in done.stderr
        assert "bad.csv" in done.stderr
        assert not Path("bad-labels.csv").exists()
    frame.drop(columns="plan").to_csv("bad.csv", index=False)
    assert "lacks 1 of the 4 columns" in n2d("predict", bundle, "bad.csv").stderr


def test_flags_and_configuration_agree(n2d: Run, frame: pd.DataFrame) -> None:
    flags = ["--drop", "n*", "--id", "customer", "--y", "class", "--kind", "age=category"]
    shared = ["--set", "model.n_clusters=3", "--no-plots", "--no-report", "--no-store"]
    quiet = n2d("run", "customers.csv", *flags, *shared, "--out", "flags", "--quiet")
    assert quiet.exit_code == 0, quiet.output
    assert "are features" not in quiet.stderr
    Path("customers.yaml").write_text(
        "data: {path: customers.csv, drop: n*, id: customer, y: class, kinds: {age: category}}\n"
    )
    assert n2d("run", "customers.yaml", *shared, "--out", "file").exit_code == 0
    assert Path("flags/labels.csv").read_bytes() == Path("file/labels.csv").read_bytes()
    assert n2d("run", "file/config.json", *shared, "--out", "again").exit_code == 0
    assert Path("again/labels.csv").read_bytes() == Path("file/labels.csv").read_bytes()
