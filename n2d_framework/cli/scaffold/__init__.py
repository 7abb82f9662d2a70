"""A new plugin package, from templates that lie beside this module."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from n2d_framework.cli.scaffold.names import class_of, noun_of, package_of, refusal, short_name
from n2d_framework.core.roles import ROLE_NAMES
from n2d_framework.errors import ConfigError, OutputError, Problem, did_you_mean

__all__ = ["ROLES", "Plan", "create", "plan"]

_TEMPLATES = Path(__file__).parent


@attrs.frozen
class _Role:
    """Description of the example of a role."""

    summary: str
    reference: str
    use: str


ROLES = {
    "prepare": _Role(
        "Signed logarithms of values of very different size",
        "",
        "n2d run digits --set model.prepare=[$name]",
    ),
    "embedder": _Role(
        "Random projection that keeps distances",
        "Achlioptas 2003, Journal of Computer and System Sciences 66",
        "n2d run digits --set model.embedder=$name",
    ),
    "manifolder": _Role(
        "Landmark multidimensional scaling",
        "de Silva and Tenenbaum 2004, Stanford technical report",
        "n2d run digits --set model.manifolder=$name",
    ),
    "clusterer": _Role(
        "k-medoids: every cluster is stood for by one of its rows",
        "Park and Jun 2009, Expert Systems with Applications 36",
        "n2d run digits --set model.clusterer=$name",
    ),
    "refine": _Role(
        "Clusters of few rows become noise", "", "n2d run digits --set model.refine=[$name]"
    ),
    "describe": _Role(
        "Typical rows: those in the middle of each cluster",
        "",
        "n2d run digits --set model.describe=[$name]",
    ),
    "dataset": _Role("Three rings, each through the next", "", "n2d run $name"),
    "metric": _Role(
        "Purity: share of rows of their cluster's most frequent class",
        "",
        "n2d run digits",
    ),
    "tracker": _Role(
        "Events of runs, as lines of JSON", "", "${variable}_FILE=run.jsonl n2d run digits"
    ),
}


@attrs.frozen
class Plan:
    """Names in a new package.

    Attributes
    ----------
    distribution : str
        What is installed, such as ``n2d-pacmap``.
    package : str
        What is imported, such as ``n2d_pacmap``.
    name : str
        What configurations say, such as ``pacmap``.
    role : str
    """

    distribution: str
    package: str
    name: str
    role: str

    @property
    def words(self) -> dict[str, str]:
        """Values for the templates."""
        role = ROLES[self.role]
        names = {"name": self.name, "variable": self.package.upper()}
        return {
            **names,
            "distribution": self.distribution,
            "package": self.package,
            "role": self.role,
            "noun": noun_of(self.role),
            "kind": self.role,
            "module": self.name,
            "cls": class_of(self.name),
            "summary": role.summary,
            "reference": role.reference,
            "use": string.Template(role.use).substitute(names),
            "framework": version("n2d_framework"),
            "year": str(datetime.now(UTC).year),
        }


def plan(name: str, role: str) -> Plan:
    """Check the name and role of a new package.

    Parameters
    ----------
    name : str
        Name of the distribution: lower-case letters, digits and hyphens.
    role : str
        One of :data:`ROLES`.

    Raises
    ------
    ConfigError
        If the name is malformed, or that of something installed: a module, a distribution, or
        what one announces in that role; or the role unknown.
    """
    problems = []
    if role not in ROLES:
        hint = did_you_mean(role, list(ROLES), noun="role")
        problems.append(Problem("--role", f"unknown role {role!r}; {hint}"))
    reason = refusal(name, role)
    if reason:
        problems.append(Problem("NAME", reason))
    if problems:
        raise ConfigError(problems)
    return Plan(name.replace("_", "-"), package_of(name), short_name(name), role)


def _files(chosen: Plan) -> dict[str, str]:
    """Where each file of the package goes, and its template."""
    role = f"roles/{chosen.role}"
    announcing = "common/component_plugin.py" if chosen.role in ROLE_NAMES else f"{role}/plugin.py"
    return {
        "pyproject.toml": "common/pyproject.toml",
        "README.md": "common/README.md",
        "LICENSE": "common/LICENSE",
        ".gitignore": "common/gitignore",
        ".github/workflows/tests.yml": "common/tests.yml",
        "tests/test_conformance.py": "common/test_conformance.py",
        f"{chosen.package}/__init__.py": "common/init.py",
        f"{chosen.package}/py.typed": "",
        f"{chosen.package}/plugin.py": announcing,
        f"{chosen.package}/{chosen.name}.py": f"{role}/component.py",
    }


def create(chosen: Plan, parent: Path) -> Path:
    """Write a package into a new folder.

    Parameters
    ----------
    chosen : Plan
    parent : Path
        Folder in which the package's folder is made.

    Returns
    -------
    Path
        The package's folder.

    Raises
    ------
    OutputError
        If something of that name exists, or the folder cannot be written. Nothing is ever
        overwritten; the folder appears when it is complete.
    """
    target = parent / chosen.distribution
    if target.exists() or target.is_symlink():
        raise OutputError(f"{target} exists already; choose another name or --out")
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".n2d-", dir=parent) as work:
            draft = Path(work) / chosen.distribution
            for place, template in _files(chosen).items():
                path = draft / place
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(_filled(template, chosen), encoding="utf-8")
            draft.rename(target)
    except OSError as error:
        raise OutputError(f"{target}: {error.strerror or error}") from error
    return target


def _filled(template: str, chosen: Plan) -> str:
    if not template:
        return ""
    text = (_TEMPLATES / f"{template}.template").read_text(encoding="utf-8")
    return string.Template(text).substitute(chosen.words)
