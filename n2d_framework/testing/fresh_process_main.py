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
    """Answer from a state that another process's fit gave, then fit, all of it watched.

    The state comes first: an answer must not need what a fit leaves in this process.
    """
    import attrs
    import numpy as np

    from n2d_framework.core.rows import rows_of_state
    from n2d_framework.registry import default_catalogue
    from n2d_framework.storage import decode, read_file
    from n2d_framework.testing.examination import answers, fit, fresh, with_options
    from n2d_framework.testing.exercise import as_array
    from n2d_framework.testing.process.process_state import Surroundings
    from n2d_framework.testing.process.side_effects import watched

    job: dict[str, Any] = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    entry = with_options(default_catalogue().get(job["role"], job["name"]), job["options"])
    _, given = decode(read_file(folder / "rows"), kind="examination")
    rows, new = (rows_of_state(given[name]).given for name in ("rows", "new"))
    _, parts = decode(read_file(folder / "upstream"), kind="examination")
    upstream = parts["upstream"]
    found: dict[str, Any] = {}
    reason = ""
    with watched(importing=True) as effects:
        if (folder / "state").exists():  # else, it cannot be stored
            found, reason = _answer_from_state(entry, folder, new)
        fitted = fit(entry, fresh(entry), rows, n_jobs=2, upstream=upstream)
        answers(entry.spec, fitted.component, new)
    # A second fit imports nothing: whatever it does is the component's doing.
    with Surroundings.stirred(), watched() as effects_again:
        again = fit(entry, fresh(entry), rows, upstream=upstream)
        answers(entry.spec, again.component, new)
    np.save(folder / "output.npy", as_array(fitted.output))
    np.savez(folder / "answers.npz", **found)
    (folder / "found.json").write_text(
        json.dumps({"reason": reason, "effects": attrs.asdict(effects + effects_again)}),
        encoding="utf-8",
    )


def _answer_from_state(entry: Any, folder: Path, new: Any) -> tuple[dict[str, Any], str]:
    """Answers of a component once it has the state; or why it has none."""
    from n2d_framework.errors import raised_at
    from n2d_framework.storage import decode, read_file
    from n2d_framework.testing.examination import answers, fresh

    _, parts = decode(read_file(folder / "state"), kind="examination")
    restored = fresh(entry)
    try:
        restored.set_state(parts["component"])
        return answers(entry.spec, restored, new), ""
    except Exception as error:  # noqa: BLE001  # a check reports it; the other checks continue
        reason = f"{type(error).__name__}: {error}"
        place = raised_at(error, entry.package)
        reason += f" ({place})" if place else ""
        return {}, reason


def main(task: str, *arguments: str) -> None:
    """Do one task."""
    if task == "imports":
        imports(list(arguments))
    else:
        component(Path(arguments[0]))


if __name__ == "__main__":
    main(*sys.argv[1:])
