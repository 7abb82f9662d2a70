"""The roles that components play: one table, which everything else reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias, TypeVar

import attrs

from n2d_framework.types import Role

__all__ = [
    "COORDINATE_ROLES",
    "FITTED_ROLES",
    "LABEL_ROLE",
    "PART_NAMES_OF_0_1",
    "ROLE_NAMES",
    "ROLE_TABLE",
    "Flow",
    "RoleInfo",
    "components_in",
    "labels_in",
    "parts_of",
    "role_info",
]

Flow: TypeAlias = Literal["rows", "latent", "coordinates", "labels", "descriptions"]

_T = TypeVar("_T")
_STATE = ("get_state", "set_state")


@attrs.frozen(kw_only=True)
class RoleInfo:
    """One role.

    Attributes
    ----------
    name : str
        The word in code, configurations and on the command line.
    summary : str
        What components of the role do, in one line.
    takes, gives : str
        What goes in and what comes out.
    verb : str
        The method that is asked about rows after fitting.
    methods : tuple of str
        Methods that each component of the role has.
    instead : mapping of str to str
        Methods that a component may have in the place of one of `methods`.
    optional : tuple of str
        Methods and attributes that are used where a component has them.
    attribute : str
        Where a fitted model has the component; of a role that need not have one, a list.
    chain_attribute : str
        Where a fitted model has the list of all components of a role that chains.
    output : str
        Where a fitted model has what came out for the training rows; empty where it is not kept.
    needed : bool
        Whether each model has a component of the role.
    chains : bool
        Whether a list of components may follow each other.
    listed : str
        The key under which a comparison lists its alternatives; empty if it has none.
    default : str
        The component of a model that names none; empty if there is none then.
    places_rows : bool
        Whether components of the role take part in prediction, so that ``inductive`` says
        something about them.
    kind : str
        The kind of what comes out (see :mod:`n2d_framework.core.kinds`), for components that
        announce no ``output``; empty where it is the kind of what went in.
    short : str
        A key that stands for a list of one component: ``scaler: minmax`` is
        ``prepare: [minmax]``.
    noun : str
        The role as a noun with its article, for messages.
    """

    name: Role
    summary: str
    takes: Flow
    gives: Flow
    verb: str
    methods: tuple[str, ...]
    instead: Mapping[str, str] = attrs.field(factory=dict, hash=False)
    optional: tuple[str, ...] = ()
    attribute: str
    chain_attribute: str = ""
    output: str = ""
    needed: bool = False
    chains: bool = False
    listed: str = ""
    default: str = ""
    places_rows: bool = True
    kind: str = ""
    short: str = ""
    noun: str

    def lacking(self, component: object) -> list[str]:
        """Return the methods of the role that a component or its class has not."""
        return [
            name
            for name in self.methods
            if not callable(getattr(component, name, None))
            and not callable(getattr(component, self.instead.get(name, name), None))
        ]

    @property
    def gives_labels(self) -> bool:
        """Return whether labels come out."""
        return self.gives == "labels"

    @property
    def gives_coordinates(self) -> bool:
        """Return whether coordinates come out, latent ones or those of the manifold."""
        return self.gives in ("latent", "coordinates")


#: All roles, in the order in which data pass them.
ROLE_TABLE: Final[tuple[RoleInfo, ...]] = (
    RoleInfo(
        name="prepare",
        summary="Brings rows to numbers that an embedder can take, such as by scaling",
        takes="rows",
        gives="rows",
        verb="transform",
        methods=("fit", "transform", *_STATE),
        optional=(
            "inverse_transform",
            "output_shape",
            "check_input",
            "feature_names_out",
            "treatments",
        ),
        attribute="prepare_",
        chain_attribute="prepare_",
        chains=True,
        listed="prepare",
        default="minmax",
        short="scaler",
        noun="a prepare component",
    ),
    RoleInfo(
        name="embedder",
        summary="Maps rows to a latent space, usually by a network",
        takes="rows",
        gives="latent",
        verb="transform",
        methods=("fit", "transform", *_STATE),
        optional=(
            "fit_transform",
            "reconstruct",
            "check_input",
            "published",
            "observed_steps",
            "history_",
        ),
        attribute="embedder_",
        output="latent_",
        needed=True,
        listed="embedders",
        default="dense_ae",
        kind="vector",
        noun="an embedder",
    ),
    RoleInfo(
        name="manifolder",
        summary="Maps latent rows to coordinates of their manifold",
        takes="latent",
        gives="coordinates",
        verb="transform",
        methods=("fit", "transform", *_STATE),
        optional=("fit_transform", "check_input", "published", "history_"),
        attribute="manifolder_",
        chain_attribute="manifolders_",
        output="manifold_",
        needed=True,
        chains=True,
        listed="manifolders",
        default="umap",
        kind="vector",
        noun="a manifolder",
    ),
    RoleInfo(
        name="clusterer",
        summary="Assigns labels to coordinates",
        takes="coordinates",
        gives="labels",
        verb="predict",
        methods=("fit", "predict", *_STATE),
        optional=(
            "labels_",
            "predict_proba",
            "strengths",
            "cluster_joins",
            "check_input",
            "history_",
        ),
        attribute="clusterer_",
        output="labels_",
        needed=True,
        listed="clusterers",
        default="gmm",
        kind="category",
        noun="a clusterer",
    ),
    RoleInfo(
        name="refine",
        summary="Changes labels, such as those of noise",
        takes="labels",
        gives="labels",
        verb="refine",
        methods=("fit", "refine", *_STATE),
        optional=("refine_proba", "labels_", "changed_", "check_input"),
        attribute="refine_",
        chain_attribute="refine_",
        output="labels_",
        chains=True,
        kind="category",
        noun="a refine component",
    ),
    RoleInfo(
        name="describe",
        summary="Describes the clusters in terms of the input; never changes a label",
        takes="labels",
        gives="descriptions",
        verb="describe",
        methods=("describe",),
        instead={"describe": "describe_from"},
        optional=(),
        attribute="describe_",
        output="descriptions_",
        chains=True,
        places_rows=False,
        noun="a describe component",
    ),
)

_BY_NAME: Final = {info.name: info for info in ROLE_TABLE}
#: Names of all roles, in the same order.
ROLE_NAMES: Final[tuple[Role, ...]] = tuple(_BY_NAME)
#: The roles that give coordinates: latent ones first, then those that are clustered.
COORDINATE_ROLES: Final[tuple[Role, ...]] = tuple(
    info.name for info in ROLE_TABLE if info.gives_coordinates
)
#: The roles whose components are fitted, and keep what they learned.
FITTED_ROLES: Final[tuple[Role, ...]] = tuple(
    info.name for info in ROLE_TABLE if "get_state" in info.methods
)
#: Parts that bundles of 0.1 name by a short key.
PART_NAMES_OF_0_1: Final = {info.short: str(info.name) for info in ROLE_TABLE if info.short}
#: The role that labels come from.
LABEL_ROLE: Final[Role] = next(info.name for info in ROLE_TABLE if info.gives_labels)


def role_info(role: Any) -> RoleInfo:
    """Row of the table: a role.

    Parameters
    ----------
    role : str

    Raises
    ------
    KeyError
        If there is no such role.
    """
    return _BY_NAME[role]


def labels_in(described: Iterable[Any]) -> dict[str, Role]:
    """The parts among some names, each with its role, in the order in which data pass them.

    Parameters
    ----------
    described : iterable of str
        Such as the keys of a composition in a bundle: other names are passed over.

    Raises
    ------
    ValueError
        If a role that every model has is missing, one that does not chain has several parts, or
        the numbers of a chain are not 0, 1, ...
    """
    names = {name for name in described if isinstance(name, str)}
    found: dict[str, Role] = {}
    for info in ROLE_TABLE:
        numbered = [
            name for name in names if re.fullmatch(rf"{info.name}_(0|[1-9]\d{{0,3}})", name)
        ]
        alone: list[str] = [info.name] if info.name in names else []
        numbers = parts_of(info.name, range(len(numbered)))
        expected: list[str] = alone or list(numbers)
        if sorted(alone + numbered) != sorted(expected) or len(numbered) == 1:
            raise ValueError(f"its parts {', '.join(sorted(alone + numbered))} do not fit together")
        if (info.needed and not expected) or (len(expected) > 1 and not info.chains):
            raise ValueError(f"it has {len(expected) or 'no'} {info.name!r}")
        found |= dict.fromkeys(expected, info.name)
    return found


def components_in(described: Mapping[str, Any]) -> dict[str, Any]:
    """The components of a composition that was written down, by the names of their parts.

    Parameters
    ----------
    described : mapping
        Of the manifest of a bundle. Those of 0.1 have ``scaler``, with its name and options.

    Returns
    -------
    dict of str to mapping
        In the order in which data pass them.

    Raises
    ------
    ValueError
        As :func:`labels_in` does.
    """
    found = dict(described)
    for info in ROLE_TABLE:
        if info.short in found and info.name not in found:
            options = dict(found[info.short])
            found[info.name] = {
                "name": options.pop("name", info.default),
                "distribution": "n2d_framework",
                "version": "0.1.0",
                "state_version": 1,
                "options": options,
            }
    return {label: found[label] for label in labels_in(found)}


def parts_of(role: Role, items: Iterable[_T]) -> dict[str, _T]:
    """The components of one role by the names of their parts.

    Parameters
    ----------
    role : str
    items : iterable
        In the order in which data pass them.

    Returns
    -------
    dict
        ``manifolder`` for one; ``manifolder_0``, ``manifolder_1``, ... for several.
    """
    items = list(items)
    if len(items) == 1:
        return {role: items[0]}
    return {f"{role}_{index}": item for index, item in enumerate(items)}
