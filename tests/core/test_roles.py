"""The table of roles, and the words that are read from it."""

from __future__ import annotations

from typing import get_args

import pytest

from n2d_framework.core.kinds import KINDS, kinds_of_shape
from n2d_framework.core.roles import ROLE_NAMES, ROLE_TABLE, parts_of, role_info
from n2d_framework.plugin import ROLES, ComponentSpec, Dataset, KindSpec, Role
from n2d_framework.registry import default_catalogue

ABOUT = {"name": "mine", "factory": "mine:Mine", "summary": "One line."}


def test_the_table_has_the_roles_of_the_type_in_their_order():
    assert get_args(Role) == ROLE_NAMES


def test_roles_that_every_model_has_are_those_of_the_first_version():
    assert tuple(info.name for info in ROLE_TABLE if info.needed) == ROLES
    assert ROLES == ("embedder", "manifolder", "clusterer")


@pytest.mark.parametrize("info", ROLE_TABLE, ids=lambda info: info.name)
def test_a_default_of_a_role_is_installed(info):
    if info.default:
        assert default_catalogue().get(info.name, info.default).spec.role == info.name


def test_each_role_has_a_component_that_the_framework_brings():
    found = {entry.spec.role for entry in default_catalogue().components()}
    assert found == {*ROLE_NAMES}


def test_parts_of_a_chain_are_numbered():
    assert parts_of("manifolder", ["umap"]) == {"manifolder": "umap"}
    assert list(parts_of("manifolder", ["pca", "umap"])) == ["manifolder_0", "manifolder_1"]
    assert parts_of("refine", []) == {}


@pytest.mark.parametrize(
    ("role", "kind"), [("prepare", "any"), ("embedder", "vector"), ("describe", "any")]
)
def test_what_a_component_takes_that_does_not_say(role, kind):
    assert ComponentSpec(role=role, **ABOUT).input == kind


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("image", ("image",)), ({"image", "vector"}, ("image", "vector")),
        (["graph"], ("graph",)), ("any", ()), (("any", "image"), ()), ("tabular", ("vector",)),
    ],
)  # fmt: skip
def test_a_component_takes_one_kind_or_several(given, expected):
    spec = ComponentSpec(role="embedder", input=given, **ABOUT)
    assert spec.input_kinds == expected


@pytest.mark.parametrize("wrong", ["", "Image", 3, (), ("image", 3), None])
def test_what_cannot_be_a_kind_is_refused(wrong):
    with pytest.raises(ValueError, match="input must be a kind, or a set of kinds"):
        ComponentSpec(role="embedder", input=wrong, **ABOUT)


def test_data_have_kinds_by_the_same_words():
    assert Dataset(name="a", x=None, modality="tabular").modality == "vector"
    assert {kind for n in (1, 2, 3) for kind in kinds_of_shape((4,) * n)} <= set(KINDS)


def test_a_kind_of_the_framework_cannot_be_announced_again():
    with pytest.raises(ValueError, match="the framework has a kind 'image'"):
        KindSpec(name="image", factory="mine:adapt", summary="One line.")


def test_optional_methods_are_not_needed():
    for info in ROLE_TABLE:
        assert not set(info.methods) & set(info.optional)
    assert role_info("embedder").verb == "transform"
