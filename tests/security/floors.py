"""Floors of all libraries that we require; run as a program, it asks for advisories about them.

``python tests/security/floors.py`` needs a network and pip-audit: ``tox -e audit``.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

REPOSITORY = Path(__file__).parents[2]
PROJECTS = (
    REPOSITORY / "pyproject.toml",
    *sorted(REPOSITORY.glob("plugins/*/pyproject.toml")),
)
TABLE = Path(__file__).with_name("advisories.toml")


def requirements(project: Path) -> list[Requirement]:
    """Requirements of a project, with all its extras."""
    about = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
    extras = about.get("optional-dependencies", {}).values()
    return [Requirement(text) for texts in (about["dependencies"], *extras) for text in texts]


def floor(requirement: Requirement) -> Version | None:
    """The oldest version that a requirement admits; ``None`` if it names none."""
    found = [item.version for item in requirement.specifier if item.operator in (">=", "==", "~=")]
    return max((Version(text.removesuffix(".*")) for text in found), default=None)


def floors() -> dict[str, Version]:
    """The oldest version of each library that any of our projects admits."""
    found: dict[str, Version] = {}
    for project in PROJECTS:
        for requirement in requirements(project):
            name, oldest = canonicalize_name(requirement.name), floor(requirement)
            if oldest is not None:
                found[name] = min(oldest, found.get(name, oldest))
    return found


def advisories() -> list[dict[str, Any]]:
    """The table of known advisories."""
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))["advisory"]


def main() -> int:
    """Ask pip-audit about the floors; what the table explains is left out."""
    pins = "".join(f"{name}=={version}\n" for name, version in floors().items()
                   if not name.startswith("n2d"))  # fmt: skip
    explained = [item["id"] for item in advisories() if "reached" in item]
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder, "floors.txt")
        listed.write_text(pins)
        command = [
            sys.executable,
            "-m",
            "pip_audit",
            "--no-deps",
            "--disable-pip",
            "-r",
            str(listed),
        ]
        for identifier in explained:
            command += ["--ignore-vuln", identifier]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
