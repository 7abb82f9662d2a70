"""Files of a run, each written by itself, so that a failure costs only one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from n2d_framework.cli.output_dir import MARK, Output
from n2d_framework.cli.request import RunRequest
from n2d_framework.cli.table_file import names_of, open_table
from n2d_framework.cli.terminal.console import as_json
from n2d_framework.core.dataset import class_names
from n2d_framework.core.rows import Rows
from n2d_framework.data.formats.write_back import columns_back
from n2d_framework.errors import OutputError, attempt, note_missing
from n2d_framework.registry import default_catalogue
from n2d_framework.storage import write_atomic
from n2d_framework.types import AnyArray

if TYPE_CHECKING:
    from n2d_framework.core.announcements.extensions import PlotSpec
    from n2d_framework.core.dataset import Dataset
    from n2d_framework.data.formats.write_back import WriteBack
    from n2d_framework.pipeline import N2D
    from n2d_framework.registry import Entry

__all__ = ["RunFiles"]

#: Characters of JSON up to which a description is shown.
_SHORT = 4000
#: Rows that are written at once.
_BLOCK = 1 << 16
_NOT_REACHED = "the run ended before it was made"


@attrs.define(eq=False)
class RunFiles:
    """The files of a run, made one after the other.

    Attributes
    ----------
    model : N2D
        Fitted.
    data : Dataset
    request : RunRequest
    output : Output
        The folder that they are written to.
    plots, report : bool
        Whether pictures are drawn, and the report is written.
    rows : bool
        Whether bundle and report may hold values of single rows, pictures rows of images.
    back : WriteBack or None
        Where labels and strengths are written besides.
    missing : dict of str to str
        What could not be made (``config``, ``scores``, ``bundle``, ``report``, ``run``,
        ``plots/NAME``, columns of the labels as ``labels/NAME``), and why.
    """

    model: N2D
    data: Dataset
    request: RunRequest
    output: Output
    plots: bool
    report: bool
    rows: bool = True
    back: WriteBack | None = None
    missing: dict[str, str] = attrs.field(factory=dict)
    _scores: dict[str, float] = attrs.field(factory=dict, init=False)
    _paths: dict[str, Any] = attrs.field(factory=dict, init=False)

    def write_labels(self) -> None:
        """Write the labels first: from here on a failure leaves the folder.

        Raises
        ------
        OutputError
            If they cannot be written.
        """
        labels = self.output.path / "labels.csv"
        columns = self._label_columns()
        with open_table(labels) as table:
            for start in range(0, len(columns["row"]), _BLOCK):
                part = slice(start, start + _BLOCK)
                table.write({name: column[part] for name, column in columns.items()})
        self._paths["labels"] = labels
        wanted = {"report": self.report, "plots": self.plots}
        waiting = ["config", "scores", "bundle", *(name for name, on in wanted.items() if on)]
        waiting += [] if self.back is None else ["write_back"]
        self.missing |= dict.fromkeys(waiting, _NOT_REACHED)
        # Should the disk be full by the end, this much is known of the run.
        self.write_record(self.record())
        # Not before: a folder without this file would not be known as the output of a run.
        self.output.has_labels = True

    def steps(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Files made after the labels, with a name for users; none of them raises."""
        if self.rows and self.model.composition_.choices("describe"):
            yield "descriptions", lambda: self._attempt("descriptions", self._write_descriptions)
        yield "scores", lambda: self._attempt("scores", self._assess)
        yield "save", self._write_both
        if self.back is not None:
            yield "write back", lambda: self._attempt("write_back", self._write_back)
        if self.report:
            yield "report", lambda: self._attempt("report", self._write_report)
        if self.plots:
            yield "pictures", lambda: self._attempt("plots", self._draw)

    def _write_both(self) -> None:
        self._attempt("config", self._write_config)
        self._attempt("bundle", self._save)

    def record(self) -> dict[str, Any]:
        """Description of the run: the content of ``run.json``, without times."""
        self.output.complete = not self.missing.keys() - {"run"}
        manifest = self.model.to_manifest()
        numbers = getattr(self.model, "numbers_of_clusters_", None)
        return {
            "name": self.request.name,
            "created": manifest["created"],
            "framework_version": manifest["framework_version"],
            "config": self._config(),
            "random_state": self.model.random_state_,
            "data": {"name": self.data.name, **manifest["data"]},
            "n_clusters_found": self.model.n_clusters_,
            "numbers_of_clusters": None if numbers is None else numbers.as_dict(),
            "agreement": self.model.agreement_,
            "environment": manifest["environment"],
            "scores": self._scores,
            "descriptions": self._short_descriptions(),
            "missing": self.missing,
            "paths": self._placed(),
        }

    def _short_descriptions(self) -> dict[str, Any]:
        """Descriptions that are short enough to be looked at; all are in ``descriptions.json``.

        They may show values of single rows.
        """
        found = self.model.descriptions_ if self.rows else {}
        return {name: said for name, said in found.items() if len(as_json(said)) <= _SHORT}

    def write_record(self, record: dict[str, Any]) -> None:
        """Write ``run.json``, or note why it is missing: what it says is printed all the same."""
        self.missing.pop("run", None)
        try:
            _write_json(self.output.path / MARK, record)
        except OutputError as error:
            note_missing("run", error, self.missing)
            self.output.complete = False

    def _attempt(self, name: str, make: Callable[[], None]) -> None:
        attempt(name, make, self.missing)

    def _write_config(self) -> None:
        config = self.output.path / "config.json"
        _write_json(config, self._config())
        self._paths["config"] = config

    def _write_descriptions(self) -> None:
        path = self.output.path / "descriptions.json"
        _write_json(path, self.model.descriptions_)
        self._paths["descriptions"] = path

    def _assess(self) -> None:
        self._scores = self.model.assess(self.data.y)

    def _save(self) -> None:
        from n2d_framework.bundle import save

        bundle = self.output.path / f"{self.request.name}.n2d"
        save(self.model, bundle, keep_rows=self.rows)
        self._paths["bundle"] = bundle

    def _write_back(self) -> None:
        assert self.back is not None
        self.back.write(columns_back(self._label_columns()))

    def _write_report(self) -> None:
        path = self.output.path / "report.html"
        self.model.report(
            path,
            self.data,
            title=self.request.name,
            scores=self._scores,
            config=self._config(),
            keep_rows=self.rows,
        )
        self._paths["report"] = path

    def _draw(self) -> None:
        from matplotlib import rc_context

        from n2d_framework.metrics import match_labels
        from n2d_framework.plots import save_run_plots

        data = self.data
        rows, shown = Rows.of(data), self.model.clustered_rows(data)
        series = data.modality == "sequence"
        # A matplotlibrc in the current folder could have titles typeset by LaTeX.
        with rc_context({"text.usetex": False}):
            self._paths["plots"] = save_run_plots(
                self.model,
                shown.x,
                data.y,
                self._class_names(),
                folder=self.output.path / "plots",
                rows=None if rows.storage == "dense" else rows,
                features=shown.feature_names if rows.schema.named and not series else (),
                match=match_labels,
                image_shape=None if series else "auto",
                random_state=self.model.random_state_,
                failed=lambda name, error: note_missing(f"plots/{name}", error, self.missing),
                # What plugins draw of rows is not known.
                further=self._plots_of_plugins() if self.rows else None,
                keep_rows=self.rows,
            )

    def _plots_of_plugins(self) -> dict[str, Callable[[Any], object]]:
        """Pictures that plugins announce, by name: each is called with an ``Axes``."""
        rows = attrs.evolve(self.model.clustered_rows(self.data), ids=self.model.ids_)

        def drawing(entry: Entry[PlotSpec]) -> Callable[[Any], object]:
            return lambda axes: entry.spec.load()(rows, axes)

        return {entry.spec.name: drawing(entry) for entry in default_catalogue().plots()}

    def _class_names(self) -> list[str]:
        """Names of the classes that occur, in the order of their values."""
        from n2d_framework.metrics.coding import code

        if self.data.y is None:
            return []
        return list(class_names(code(self.data.y, "y").values, self.data.names).values())

    def _label_columns(self) -> dict[str, AnyArray]:
        """Labels of the training rows, with their strength where the clusterer knows it."""
        labels = self.model.labels_
        rows = np.arange(len(labels))
        columns = {"row": rows} | ({} if self.model.ids_ is None else {"id": self.model.ids_})
        columns["label"] = labels
        names = self.model.cluster_names_
        if names:
            columns["name"] = names_of(labels, names)
        try:
            strengths = self.model.row_strengths()
        except Exception as error:  # noqa: BLE001  # the labels are there all the same
            note_missing("labels/strength", error, self.missing)
            strengths = None
        return columns if strengths is None else columns | {"strength": strengths}

    def _config(self) -> dict[str, Any]:
        """The configuration with every default filled in; ``n2d run`` takes it back."""
        return {
            "data": self.request.data,
            "model": self.model.composition_.describe(),
            "random_state": self.model.random_state_,
        }

    def _placed(self) -> dict[str, Any]:
        """Paths as they will be when the folder has got its name."""
        place = self.output.place

        def placed(path: Path) -> str:
            return str(place / path.relative_to(self.output.path))

        return {
            name: [placed(item) for item in path] if isinstance(path, list) else placed(path)
            for name, path in (self._paths | {"run": self.output.path / MARK}).items()
        } | {"folder": str(place)}


def _write_json(path: Path, content: Any) -> None:
    write_atomic(path, (as_json(content) + "\n").encode())
