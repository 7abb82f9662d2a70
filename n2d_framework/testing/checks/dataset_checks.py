"""Checks of a dataset."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from n2d_framework.core.dataset import DataFile, Dataset, DatasetSpec
from n2d_framework.registry import Entry
from n2d_framework.testing.check import Checks, demand
from n2d_framework.testing.checks.effects import ALONE, no_effects
from n2d_framework.testing.examination import once
from n2d_framework.testing.fresh_process import heavy_imports
from n2d_framework.testing.process.process_state import Surroundings
from n2d_framework.testing.process.side_effects import watched

__all__ = ["CHECKS", "DatasetExamination"]

CHECKS = Checks()


@attrs.define(eq=False, slots=False)
class DatasetExamination:
    """Common parts of the checks of one dataset."""

    entry: Entry[DatasetSpec]
    printed: list[str] = attrs.field(factory=list)

    @once
    def loaded(self) -> Dataset:
        """The dataset, loaded once."""
        return self.load()

    def load(self) -> Dataset:
        """Load; what the loader prints is kept, what it changes is put back."""
        with watched(importing=True, auditing=False) as effects:
            found = self.entry.spec.load()
        self.printed += effects.printed
        return found


@CHECKS.add("announcing it and importing its loader loads no heavy library")
def dataset_import_is_light(exam: DatasetExamination) -> None:
    """Import in a fresh process."""
    found = heavy_imports(exam.entry.distribution, exam.entry.spec.loader)
    demand(not found, f"importing loads {', '.join(found)}; import such libraries in functions")


@CHECKS.add("it says where it is from: summary, licence and source or citation")
def dataset_described(exam: DatasetExamination) -> None:
    """Look at the announcement."""
    spec = exam.entry.spec
    missing = [name for name in ("summary", "licence") if not getattr(spec, name).strip()]
    missing += [] if spec.source or spec.citation else ["source or citation"]
    demand(not missing, f"lacks {', '.join(missing)}")


@CHECKS.add("it is embedded or read from files; what is downloaded has an address and a digest")
def dataset_obtainable(exam: DatasetExamination) -> None:
    """Look for a way to the rows."""
    spec = exam.entry.spec
    demand(
        spec.embedded != spec.from_files,
        "must either be embedded or name its files, so that n2d datasets can say which",
    )
    for file in spec.files:
        # A spec does not look into its files.
        demand(
            isinstance(file, DataFile) and file.urls and file.sha256,
            f"{file!r} has no address or no digest; write DataFile(name=…, urls=…, sha256=…)",
        )


@CHECKS.add("rows and classes are as announced, numbers and finite", "embedded")
def dataset_rows(exam: DatasetExamination) -> None:
    """Look at rows and classes."""
    spec, data = exam.entry.spec, exam.loaded
    x: Any = data.x
    demand(isinstance(x, np.ndarray) and x.dtype.kind in "buif", f"x is a {type(x).__name__}")
    want = (spec.n_rows, *spec.row_shape)
    demand(x.shape == want, f"x has the shape {x.shape}, announced is {want}")
    demand(np.isfinite(x).all(), "x holds values that are not finite")
    demand(data.name == spec.name, f"calls itself {data.name!r}")
    demand(data.modality == spec.modality, f"is {data.modality}, announced is {spec.modality}")
    missing = sum(value != value for value in np.ravel([] if data.y is None else data.y))
    demand(not missing, f"y is missing (NaN) for {missing} rows; give them a class")
    if spec.n_classes is not None:
        demand(data.y is not None, f"has no y, announced are {spec.n_classes} classes")
        found = len(np.unique(np.asarray(data.y)))
        demand(found == spec.n_classes, f"has {found} classes, announced are {spec.n_classes}")
    if data.names:
        k = spec.n_classes
        demand(len(data.names) == k, f"has {len(data.names)} names of classes, announced are {k}")
    if data.y is not None:
        demand(np.shape(data.y) == (len(x),), f"y has the shape {np.shape(data.y)}")


@CHECKS.add("it is the same at every call", "embedded")
def dataset_repeats(exam: DatasetExamination) -> None:
    """Load again."""
    first, second = exam.loaded, exam.load()
    shared = np.shares_memory(first.x, second.x) and np.asarray(second.x).flags.writeable
    demand(not shared, "x is the same array at each call, and may be overwritten; return a copy")
    demand(np.array_equal(first.x, second.x), "x differs at the second call")
    both = first.y is not None and second.y is not None
    demand(not both or np.array_equal(first.y, second.y), "y differs at the second call")  # type: ignore[arg-type]


@CHECKS.add("loading leaves the process around it alone", "embedded")
def dataset_leaves_process_alone(exam: DatasetExamination) -> None:
    """Load again, when everything is imported, and look at seeds, threads, settings, warnings."""
    _ = exam.loaded
    with Surroundings.stirred(), watched(auditing=False) as effects:
        exam.entry.spec.load()
    no_effects(attrs.asdict(effects), *ALONE, "survivors", "warnings")


@CHECKS.add("loading prints nothing", "embedded")
def dataset_prints_nothing(exam: DatasetExamination) -> None:
    """Look at what was said."""
    _ = exam.loaded
    demand(not exam.printed, f"prints {' '.join(exam.printed)[:200]!r}")
