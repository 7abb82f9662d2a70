"""The part of an examination that needs a fresh process.

Its arguments are ``imports NAME...`` or ``component FOLDER``.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

__all__ = ["main"]


def imports(names: list[str]) -> None:
    """Import modules, and report which heavy libraries came with them."""
    from n2d_framework.testing.heavy import heavy_loaded

    before = heavy_loaded()
    for name in names:
        importlib.import_module(name)
    sys.stdout.write("\n" + json.dumps([name for name in heavy_loaded() if name not in before]))


def component(folder: Path) -> None:
    """Fit a component while it is watched, then answer from a state that another fit gave."""
    import attrs
    import numpy as np

    from n2d_framework.registry import default_catalogue
    from n2d_framework.storage import decode, read_file
    from n2d_framework.testing.examination import answers, fit, fresh
    from n2d_framework.testing.process_state import Surroundings
    from n2d_framework.testing.side_effects import watched

    job: dict[str, Any] = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    entry = default_catalogue().get(job["role"], job["name"])
    rows, new = np.load(folder / "rows.npy"), np.load(folder / "new.npy")
    _, parts = decode(read_file(folder / "upstream"), kind="examination")
    upstream = parts["upstream"]
    with watched(importing=True) as effects:
        fitted = fit(entry, fresh(entry), rows, n_jobs=2, upstream=upstream)
        answers(entry.spec, fitted.component, new)
    # A second fit imports nothing: whatever it does is the component's doing.
    with Surroundings.stirred(), watched() as effects_again:
        again = fit(entry, fresh(entry), rows, upstream=upstream)
        answers(entry.spec, again.component, new)
    np.save(folder / "output.npy", np.asarray(fitted.output))
    (folder / "effects.json").write_text(
        json.dumps(attrs.asdict(effects + effects_again)), encoding="utf-8"
    )
    if not (folder / "state").exists():  # it cannot be stored
        return
    _, parts = decode(read_file(folder / "state"), kind="examination")
    restored = fresh(entry)
    restored.set_state(parts["component"])
    found: dict[str, Any] = answers(entry.spec, restored, new)
    np.savez(folder / "answers.npz", **found)


def main(task: str, *arguments: str) -> None:
    """Do one task."""
    if task == "imports":
        imports(list(arguments))
    else:
        component(Path(arguments[0]))


if __name__ == "__main__":
    main(*sys.argv[1:])
