"""No floor admits a version with a known fault that reaches us."""

from __future__ import annotations

import configparser
from importlib import metadata

import floors
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ADVISORIES = floors.advisories()


@pytest.mark.parametrize("project", floors.PROJECTS, ids=lambda path: path.parent.name)
def test_floors_are_above_what_is_known(project):
    for requirement in floors.requirements(project):
        oldest = floors.floor(requirement)
        for advisory in ADVISORIES:
            if canonicalize_name(requirement.name) != advisory["library"] or "reached" in advisory:
                continue
            assert oldest is not None, f"{project}: {requirement} has no floor"
            assert oldest >= Version(advisory["fixed"]), (
                f"{project}: {requirement} admits {advisory['id']} ({advisory['fault']})"
            )


def test_every_runtime_requirement_has_a_floor():
    about = floors.requirements(floors.PROJECTS[0])
    names = {requirement.name for requirement in about if floors.floor(requirement) is None}
    assert names <= {"pandas-stubs", "types-PyYAML"}


@pytest.mark.parametrize("advisory", ADVISORIES, ids=lambda item: item["id"])
def test_advisories_are_complete_and_about_our_libraries(advisory):
    assert set(advisory) - {"reached"} == {"library", "id", "fixed", "fault", "source"}
    assert advisory["library"] in floors.floors()
    assert advisory["source"].startswith("https://")
    assert Version(advisory["fixed"])


@pytest.mark.parametrize("advisory", ADVISORIES, ids=lambda item: item["id"])
def test_what_is_installed_here_has_no_known_fault(advisory):
    try:
        installed = metadata.version(advisory["library"])
    except metadata.PackageNotFoundError:
        pytest.skip("not installed")
    assert Version(installed) >= Version(advisory["fixed"]) or "reached" in advisory


def test_the_oldest_environment_has_the_floors():
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(floors.REPOSITORY / "tox.ini", encoding="utf-8")
    pinned = {
        canonicalize_name(item.name): floors.floor(item)
        for item in map(Requirement, tox["testenv:oldest"]["deps"].split())
    }
    core = {
        canonicalize_name(r.name): floors.floor(r) for r in floors.requirements(floors.PROJECTS[0])
    }
    for name, version in pinned.items():
        assert core[name] == version, (
            f"tox -e oldest has {name} {version}, the floor is {core[name]}"
        )
    listed = {item["library"] for item in ADVISORIES} & set(core)
    assert listed <= set(pinned), "libraries with advisories are tested at their floors"
