"""A comparison through its public function: what is fitted, kept, reported and refused."""

from __future__ import annotations

import errno
import re

import dask.config
import numpy as np
import pytest
from distributed import default_client

import n2d_framework as n2d
from n2d_framework.core.events import StageFinished
from n2d_framework.errors import ConfigError, DataError, OutputError, StoreWarning
from n2d_framework.plan.run_step import fit_component
from n2d_framework.plan.store import StageStore


class Fits:
    """Counts the stages that were fitted, and those that came from the store."""

    def __init__(self) -> None:
        self.ended: list[StageFinished] = []

    def __call__(self, event) -> None:
        if isinstance(event, StageFinished):
            self.ended.append(event)

    @property
    def fitted(self) -> list[str]:
        return [event.key for event in self.ended if not event.cached and event.error is None]


def run(config, out, few_digits, **more):
    fits = Fits()
    found = n2d.compare(config, out, data={"few": few_digits}, listeners=[fits], n_jobs=1, **more)
    return found, fits


@pytest.fixture(scope="module")
def finished(few_digits, tmp_path_factory):
    config = {
        "embedders": ["pca", "identity", {"name": "pca", "latent_dim": 20}],
        "manifolders": ["identity", *({"name": "pca", "n_components": k} for k in (3, 5, 8))],
        "clusterers": [{"name": "kmeans", "n_init": 2}, {"name": "gmm", "n_init": 1}, "hdbscan"],
        "seeds": 2,
        "n_clusters": 10,
        "dbcv_rows": 100,
    }
    return run(config, tmp_path_factory.mktemp("finished"), few_digits)


def test_each_distinct_stage_is_fitted_once(finished):
    comparison, fits = finished
    by_role = [
        sum(event.role == role for event in fits.ended)
        for role in ("embedder", "manifolder", "clusterer")
    ]
    assert by_role == [6, 24, 72]
    assert len(fits.fitted) == len(set(fits.fitted)) == 102
    assert (comparison.table["status"] == "done").all()
    assert len(comparison.table) == 72


def test_scores_are_those_of_a_run_of_its_own(finished, few_digits):
    table = finished[0].table
    short = table.embedder == "pca(latent_dim=10)"
    cell = table[short & (table.clusterer == "gmm")].iloc[1]
    model = n2d.N2D(
        "pca", "identity", {"name": "gmm", "n_init": 1}, n_clusters=10, random_state=1, n_jobs=1
    ).fit(few_digits[0])
    scores = model.assess(few_digits[1])
    assert cell.seed == 1
    assert cell.acc == scores["acc"]
    assert cell.silhouette == scores["silhouette"]
    assert cell.n_clusters_found == scores["n_clusters"]
    assert cell.bic == model.clusterer_.bic_


def test_networks_can_be_chosen_by_their_loss(few_digits, tmp_path):
    network = {
        "name": "dense_ae", "hidden": [[8], [64, 64]], "epochs": 60, "learning_rate": 0.02,
        "validation_fraction": 0.2, "patience": 1,
    }  # fmt: skip
    config = {
        "embedders": [network, "pca"],
        "manifolders": ["identity"],
        "clusterers": [{"name": "kmeans", "n_init": 1}],
        "n_clusters": 10,
        "dbcv_rows": 0,
    }
    store = tmp_path / "store"
    found, _ = run(config, tmp_path / "out", few_digits, store=store)
    narrow, wide, pca = found.table["embedder_val_loss"]
    assert np.isnan(pca)
    best = found.best("embedder_val_loss")
    assert best.embedder_.hidden == ((8,) if narrow < wide else (64, 64))
    losses = best.history_["embedder"]["val_loss"]
    assert losses[-1] > min(losses) == min(narrow, wide)  # of the epoch whose weights are kept
    assert "| embedder_loss" in found.to_markdown(metrics=["acc", "embedder_loss"])
    without_the_note(StageStore(store), found.table["embedder_key"])
    again, fits = run(config, tmp_path / "again", few_digits, store=store)
    assert not fits.fitted
    assert again.to_csv() == found.to_csv()


def without_the_note(store, keys) -> None:
    """Entries as versions wrote them that noted no losses."""
    for key in keys:
        manifest, parts = store.read(key)
        assert "losses" in manifest
        kept = {name: manifest[name] for name in manifest if name != "losses"}
        store.remove(key)
        store.write(key, kept, parts)


def test_the_table_is_tidy(finished):
    table = finished[0].table
    assert table["cell"].is_unique
    noisy = table[table.clusterer == "hdbscan"]
    assert noisy["n_clusters"].isna().all()
    assert (noisy["coverage"] < 1).any()
    assert noisy["bic"].isna().all()
    for role in ("embedder", "manifolder", "clusterer"):
        assert (table[f"{role}_seconds"] > 0).all()
        assert (table[f"{role}_peak_memory"] > 10).all()
    assert table["versions"].str.contains("scikit-learn").all()
    assert table["dbcv"].between(-1, 1).any()


def test_the_best_cell_is_a_fitted_model_from_the_store(finished, few_digits, monkeypatch):
    comparison, _ = finished

    def refuse(component, role, *inputs, context):
        assert role == "prepare", "fitted again"
        return fit_component(component, role, *inputs, context=context)

    monkeypatch.setattr("n2d_framework.plan.run_step.fit_component", refuse)
    best = comparison.best("nmi")
    assert best.assess(few_digits[1])["nmi"] == comparison.table["nmi"].max()
    assert (best.predict(few_digits[0][:5]) == best.labels_[:5]).all() or best.agreement_
    worst = comparison.best("davies_bouldin")
    assert worst.assess(few_digits[1])["davies_bouldin"] == comparison.table.davies_bouldin.min()


def test_an_unknown_metric_or_dataset_is_refused(finished):
    with pytest.raises(ConfigError, match="did you mean 'nmi'"):
        finished[0].best("nm")
    with pytest.raises(ConfigError, match="unknown dataset 'other'"):
        finished[0].best(data="other")


def test_texts_for_papers(finished, tmp_path):
    comparison, _ = finished
    markdown = comparison.to_markdown(tmp_path / "t.md").splitlines()
    assert markdown[0].startswith("| data | method")
    assert len(markdown) == 2 + 36
    assert len({line.count("|") for line in markdown}) == 1
    latex = comparison.to_latex(metrics=["acc"])
    assert latex.count(r"\\") == 37
    assert "latent\\_dim" in latex
    assert (tmp_path / "t.md").read_text() == comparison.to_markdown()


def test_started_again_nothing_is_done_twice(grid, few_digits, tmp_path):
    first, _ = run(grid, tmp_path / "out", few_digits)
    again, fits = run(grid, tmp_path / "out", few_digits)
    assert fits.ended == []
    assert again.to_csv() == first.to_csv()


def test_an_interrupted_comparison_continues(grid, few_digits, tmp_path):
    whole, _ = run(grid, tmp_path / "whole", few_digits)
    before = Fits()

    def interrupt(event) -> None:
        before(event)
        if len(before.ended) == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        n2d.compare(
            grid, tmp_path / "out", data={"few": few_digits}, listeners=[interrupt], n_jobs=1
        )
    comparison = n2d.open_comparison(tmp_path / "out")
    assert 0 < (comparison.table["status"] == "waiting").sum() < 16
    found, after = run(grid, tmp_path / "out", few_digits)
    assert set(before.fitted).isdisjoint(after.fitted)
    assert len(before.fitted) + len(after.fitted) == 4 + 8 + 16
    assert found.to_csv() == whole.to_csv()


def test_another_grid_on_the_same_store_reuses_stages(grid, few_digits, tmp_path):
    run(grid, tmp_path / "one", few_digits, store=tmp_path / "stages")
    more = grid | {"clusterers": [*grid["clusterers"], {"name": "kmeans", "n_init": 3}]}
    _, fits = run(more, tmp_path / "two", few_digits, store=tmp_path / "stages")
    assert len(fits.fitted) == 8


def test_a_folder_of_another_configuration_is_refused(grid, few_digits, tmp_path):
    run(grid, tmp_path / "out", few_digits)
    with pytest.raises(ConfigError, match=r"another configuration.*--store"):
        run(grid | {"seeds": 1}, tmp_path / "out", few_digits)
    other = tmp_path / "other"
    other.mkdir()
    (other / "precious.txt").write_text("mine")
    with pytest.raises(ConfigError, match="has other files"):
        run(grid, other, few_digits)
    with pytest.raises(ConfigError, match="is not a directory"):
        run(grid, other / "precious.txt", few_digits)
    with pytest.raises(DataError, match="is not the output of a comparison"):
        n2d.open_comparison(other)


def test_a_folder_whose_mark_was_being_written_is_taken(grid, few_digits, tmp_path):
    out = tmp_path / "out"
    (out / "stages").mkdir(parents=True)
    (out / ".comparison.json.0123.tmp").write_text("{")
    found, _ = run(grid, out, few_digits)
    assert (found.table["status"] == "done").all()


def test_limits_and_metric_may_change_in_the_same_folder(grid, few_digits, tmp_path):
    run(grid, tmp_path / "out", few_digits)
    again, fits = run(grid | {"metric": "nmi", "timeout": 50}, tmp_path / "out", few_digits)
    assert fits.ended == []
    assert again.metric == "nmi"


def test_a_failing_stage_fails_its_cells_and_no_others(odd, grid, few_digits, tmp_path):
    grid["manifolders"] = ["identity", {"name": "odd", "mode": ["good", "raise"]}]
    found, fits = run(grid, tmp_path / "out", few_digits)
    failed = found.failures
    assert set(failed["manifolder"]) == {"odd(mode=raise)"}
    assert len(failed) == 8
    assert (found.table["status"] == "done").sum() == 16
    assert failed["error"].str.contains("ZeroDivisionError: by zero").all()
    assert failed["traceback"].str.contains("odd_grid.py").all()
    assert failed["acc"].isna().all()
    assert sum(event.error is not None for event in fits.ended) == 4
    board = found.leaderboard()
    assert board[board["failed"] > 0]["mean"].isna().all()
    assert board["mean"].iloc[-1] != board["mean"].iloc[-1]

    _, again = run(grid, tmp_path / "out", few_digits)
    assert again.ended == []
    _, retried = run(grid, tmp_path / "out", few_digits, retry_failed=True)
    assert sum(event.error is not None for event in retried.ended) == 4
    assert retried.fitted == []


def test_a_failure_known_from_before_is_not_tried_for_new_cells(odd, grid, few_digits, tmp_path):
    grid["manifolders"] = [{"name": "odd", "mode": "raise"}]
    found, _ = run(grid, tmp_path / "out", few_digits)
    assert len(found.failures) == len(found.table)
    records = sorted((tmp_path / "out" / "records").iterdir())
    import pyarrow.parquet as pq

    table = pq.read_table(records[-1])
    pq.write_table(table.slice(0, 4), records[-1])
    _, fits = run(grid, tmp_path / "out", few_digits)
    assert 0 < sum(event.error is not None for event in fits.ended) < 4 or not fits.ended


def test_without_true_classes_label_metrics_are_absent(grid, few_digits, tmp_path):
    found = n2d.compare(grid, tmp_path, data={"few": few_digits[0]}, n_jobs=1)
    assert "acc" not in found.table
    assert found.metric == "modularity"
    assert found.label_free().agreement.empty
    assert found.best().n_clusters_ == 10


def test_a_damaged_entry_is_computed_again_and_reported(grid, few_digits, tmp_path):
    whole, _ = run(grid, tmp_path / "out", few_digits)
    key = whole.table["manifolder_key"].iloc[0]
    path = tmp_path / "out" / "stages" / key[:2] / f"{key}.stage"
    path.write_bytes(path.read_bytes()[:-100])
    for record in (tmp_path / "out" / "records").iterdir():
        record.unlink()
    with pytest.warns(StoreWarning, match=r"is damaged .* computed again"):
        found, fits = run(grid, tmp_path / "out", few_digits)
    assert fits.fitted == [key]
    assert found.to_csv() == whole.to_csv()


def test_a_damaged_record_is_reported_with_the_remedy(grid, few_digits, tmp_path):
    run(grid, tmp_path / "out", few_digits)
    path = next((tmp_path / "out" / "records").iterdir())
    path.write_bytes(b"PAR1 nonsense")
    with pytest.raises(DataError, match="remove this file"):
        n2d.open_comparison(tmp_path / "out")


def test_a_full_disk_stops_the_comparison(grid, few_digits, tmp_path, monkeypatch):
    written = []
    original = StageStore.write

    def write(self, key, manifest, parts):
        written.append(key)
        if len(written) > 6:
            error = OSError(errno.ENOSPC, "No space left on device")
            raise OutputError(f"stage store: cannot write an entry ({error})") from error
        original(self, key, manifest, parts)

    monkeypatch.setattr(StageStore, "write", write)
    with pytest.raises(OutputError, match="No space left"):
        run(grid, tmp_path / "out", few_digits)
    monkeypatch.undo()
    found, fits = run(grid, tmp_path / "out", few_digits)
    assert (found.table["status"] == "done").all()
    assert len(fits.fitted) == 28 - 4


def test_a_store_in_memory_serves_one_process(grid, few_digits, tmp_path):
    found, _ = run(grid, tmp_path / "out", few_digits, store="memory://compare-test")
    assert (found.table["status"] == "done").all()
    assert found.best().n_clusters_ == 10
    with pytest.raises(ConfigError, match="seen by one process only"):
        run(grid, tmp_path / "two", few_digits, store="memory://compare-test", workers=2)
    with pytest.raises(ConfigError, match="seen by one process only"):
        run(grid | {"timeout": 3}, tmp_path / "two", few_digits, store="memory://compare-test")


def test_a_wrong_number_of_workers_is_refused(grid, few_digits, tmp_path):
    with pytest.raises(ConfigError, match="must be a positive number"):
        run(grid, tmp_path, few_digits, workers=0)
    with pytest.raises(ConfigError, match="cannot be combined"):
        run(grid, tmp_path, few_digits, workers=2, scheduler="tcp://127.0.0.1:1")


@pytest.mark.parametrize(
    "address",
    [
        "tcp://127.0.0.1:9", "tcp://192.0.2.1/12/3", "tcp://[::1", "inproc://1/2/3",
        "tls://127.0.0.1:1", "http://here:1", "here", "", 7,
    ],
)  # fmt: skip
def test_a_scheduler_that_does_not_answer_is_reported(
    grid, few_digits, tmp_path, monkeypatch, address
):
    monkeypatch.setattr("n2d_framework.plan.executors.dask_cluster._CONNECT_SECONDS", 1)
    said = re.escape(f"no scheduler answers at {address!r}")
    # The error keeps what failed alive, which must not be what Dask computes by from now on.
    with pytest.raises(ConfigError, match=said) as refused:
        run(grid, tmp_path / "out", few_digits, scheduler=address)
    assert not (tmp_path / "out").exists()
    assert dask.config.get("scheduler", None) is None
    with pytest.raises(ValueError, match="No clients"):
        default_client()
    del refused


def test_the_best_of_a_lost_store_is_refused(grid, few_digits, tmp_path):
    found, _ = run(grid, tmp_path / "out", few_digits)
    found.store.remove(found.table.sort_values("acc")["embedder_key"].iloc[-1])
    with pytest.raises(DataError, match="embedder of this cell is no longer there"):
        found.best()


def test_a_moved_folder_keeps_its_stages(grid, few_digits, tmp_path):
    run(grid, tmp_path / "out", few_digits)
    (tmp_path / "out").rename(tmp_path / "moved")
    assert np.unique(n2d.open_comparison(tmp_path / "moved").best().labels_).size == 10
