"""Common parts of the examples of stocks: a table of prices, made or of your own."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from sklearn.preprocessing import StandardScaler

from n2d_framework import data

MADE = "made"
#: Tickers are named after what moves them, so that clusters can be judged by looking.
INDUSTRIES = ("BANK", "CHIP", "DRUG", "FOOD")
N_PER_INDUSTRY = 12
N_DAYS = 250


def load_prices(name: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Tickers, dates, and a standardised series for each ticker.

    Parameters
    ----------
    name : str
        A CSV: the first column has dates (2024-01-31), the others closing prices, one ticker
        each. ``"made"`` makes one first, in a temporary folder.
    """
    if name != MADE:
        return read_prices(Path(name))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stock_close.csv"
        write_prices(path)
        return read_prices(path)


def write_prices(path: Path) -> None:
    """Make prices: random walks, each mostly that of its industry."""
    rng = np.random.default_rng(0)
    shape = (N_DAYS, len(INDUSTRIES), N_PER_INDUSTRY)
    common, own = rng.normal(size=(*shape[:2], 1)), rng.normal(size=shape)
    steps = 0.015 * common + 0.006 * own
    closes = np.exp(np.log(100) + steps.cumsum(axis=0)).reshape(N_DAYS, -1)
    tickers = [f"{name}{number}" for name in INDUSTRIES for number in range(N_PER_INDUSTRY)]
    days = np.busday_offset("2024-01-02", np.arange(N_DAYS))
    lines = [",".join(["date", *tickers])]
    lines += [
        f"{day},{','.join(f'{p:.2f}' for p in row)}" for day, row in zip(days, closes, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n")


def read_prices(path: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Columns of a table as rows: each to mean 0 and deviation 1, so that only form counts."""
    header, *lines = path.read_text().splitlines()
    tickers = header.split(",")[1:]
    dates = np.array([line.partition(",")[0] for line in lines], dtype="datetime64[D]")
    # Dates are not numbers: the columns to use are named. No ticker is a label, not even "Y".
    closes = data.load({"path": path, "x": tickers, "y": False}).x
    return tickers, dates, StandardScaler().fit_transform(closes).T
