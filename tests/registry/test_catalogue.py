from __future__ import annotations

import re
import subprocess
import sys

import pytest

from n2d_framework.errors import (
    ComponentImportError,
    DuplicateComponentError,
    UnknownComponentError,
)
from n2d_framework.registry import Catalogue
from n2d_framework.registry.entry_points import installed_entry_points
from n2d_framework.testing.kit import find

GOOD = """
from n2d_framework.plugin import ComponentSpec, DatasetSpec, MetricSpec, hookimpl

@hookimpl
def n2d_components():
    return [ComponentSpec(role="clusterer", name="{name}", factory="{factory}", summary="One line")]

@hookimpl
def n2d_datasets():
    return [DatasetSpec(name="two_rows", loader="nowhere:load", summary="s", n_rows=2,
                        row_shape=(3,))]

@hookimpl
def n2d_metrics():
    return [MetricSpec(name="purity", function="nowhere:purity", summary="s")]
"""

TWICE = """
from n2d_framework.plugin import MetricSpec, hookimpl

@hookimpl
def n2d_metrics():
    return [MetricSpec(name="same", function="nowhere:score", summary="One line")] * 2
"""


def good(name: str = "mine", factory: str = "nowhere:Mine") -> str:
    return GOOD.format(name=name, factory=factory)


def test_built_ins_enter_by_their_entry_point(fresh_catalogue):
    catalogue = fresh_catalogue()
    names = {(entry.spec.role, entry.spec.name) for entry in catalogue.components()}
    assert ("embedder", "dense_ae") in names
    assert ("clusterer", "hdbscan") in names
    ours = [e for e in catalogue.components() if e.spec.factory.startswith("n2d_builtin.")]
    assert {entry.distribution for entry in ours} == {"n2d_framework"}
    assert catalogue.failures == ()


def test_components_are_sorted_by_role_in_data_order_then_name(fresh_catalogue):
    entries = fresh_catalogue().components()
    roles = [entry.spec.role for entry in entries]
    order = ["prepare", "embedder", "manifolder", "clusterer", "refine", "describe"]
    assert roles == sorted(roles, key=order.index)
    embedders = [e.spec.name for e in entries if e.spec.role == "embedder"]
    assert embedders == sorted(embedders)


def test_a_plugin_of_another_distribution_is_found_with_its_version(
    install_plugin, fresh_catalogue
):
    install_plugin("my_plugin", good(), distribution="my-dist", version="3.4")
    catalogue = fresh_catalogue()
    entry = catalogue.get("clusterer", "mine")
    assert (entry.distribution, entry.version) == ("my-dist", "3.4")
    assert catalogue.get("clusterer", "my-dist:mine") is entry
    assert catalogue.dataset("two_rows").distribution == "my-dist"
    assert [m.spec.name for m in catalogue.metrics()] == ["purity"]


@pytest.mark.parametrize(
    ("source", "step", "reason"),
    [
        ("import not_there_at_all", "import failed", "not_there_at_all"),
        ("raise SystemExit('boom')", "import failed", "boom"),
        ("def (", "import failed", "SyntaxError"),
        (
            "from n2d_framework.plugin import hookimpl\n@hookimpl\ndef n2d_component(): return []",
            "hooks refused",
            "unknown hooks: n2d_component",
        ),
        (
            "from n2d_framework.plugin import hookimpl\n"
            "@hookimpl\ndef n2d_components(wrong): return []",
            "hooks refused",
            "wrong",
        ),
        (
            "from n2d_framework.plugin import hookimpl\n@hookimpl\ndef n2d_components(): 1 / 0",
            "announcing failed",
            "ZeroDivisionError",
        ),
        (
            "from n2d_framework.plugin import hookimpl\n"
            "@hookimpl\ndef n2d_components(): return ['kmeans']",
            "announcing failed",
            "returned a str, not a ComponentSpec",
        ),
        (good(name="Bad Name"), "announcing failed", "Bad Name"),
        (good(factory="no colon"), "announcing failed", "no colon"),
    ],
)
def test_a_broken_plugin_costs_only_itself(install_plugin, fresh_catalogue, source, step, reason):
    install_plugin("broken", source, distribution="broken-dist", version="0.1")
    install_plugin("working", good(), distribution="working-dist")
    catalogue = fresh_catalogue()
    assert catalogue.get("clusterer", "mine").distribution == "working-dist"
    assert catalogue.get("clusterer", "kmeans").distribution == "n2d_framework"
    (failure,) = catalogue.failures
    assert (failure.distribution, failure.version) == ("broken-dist", "0.1")
    assert failure.error.startswith(step)
    assert reason in failure.error
    assert "Traceback" in failure.traceback
    assert not any("broken" in name for name, _ in catalogue.manager.list_name_plugin())


def test_an_unknown_name_suggests_the_closest_and_names_unusable_plugins(
    install_plugin, fresh_catalogue
):
    install_plugin("broken", "import not_there_at_all", distribution="broken-dist")
    with pytest.raises(UnknownComponentError) as caught:
        fresh_catalogue().get("manifolder", "umaap")
    assert "did you mean 'umap'?" in str(caught.value)
    assert "broken-dist" in str(caught.value)
    assert "not_there_at_all" in str(caught.value)


def test_a_name_of_another_role_is_pointed_out(fresh_catalogue):
    with pytest.raises(UnknownComponentError, match="there is a clusterer of that name"):
        fresh_catalogue().get("embedder", "gmm")


def test_two_distributions_with_one_name_are_refused_by_both_names(install_plugin, fresh_catalogue):
    install_plugin("plugin_a", good("twice"), distribution="dist-a")
    install_plugin("plugin_b", good("twice"), distribution="dist-b", version="2.0")
    catalogue = fresh_catalogue()
    with pytest.raises(DuplicateComponentError) as caught:
        catalogue.get("clusterer", "twice")
    assert "dist-a 1.0 and dist-b 2.0" in str(caught.value)
    assert catalogue.get("clusterer", "dist-b:twice").version == "2.0"


def test_one_distribution_that_announces_a_name_twice_must_rename_one(
    install_plugin, fresh_catalogue
):
    twice = good("twice").replace('One line")]', 'One line")] * 2')
    install_plugin("plugin_a", twice, distribution="dist-a")
    with pytest.raises(DuplicateComponentError) as caught:
        fresh_catalogue().get("clusterer", "twice")
    assert str(caught.value) == (
        "clusterer 'twice' is offered by dist-a 1.0; "
        "dist-a announces it more than once: its author must rename one"
    )
    install_plugin("plugin_b", good("twice"), distribution="dist-b")
    catalogue = fresh_catalogue()
    with pytest.raises(DuplicateComponentError) as caught:
        catalogue.get("clusterer", "twice")
    assert "offered by dist-a 1.0 and dist-b 1.0; dist-a announces it" in str(caught.value)
    assert str(caught.value).endswith("; write 'dist-b:twice'")
    assert catalogue.get("clusterer", "dist-b:twice").distribution == "dist-b"


def test_the_kit_reports_duplicates_as_the_catalogue_does(install_plugin, fresh_catalogue):
    install_plugin("plugin_a", TWICE, distribution="dist-a")
    with pytest.raises(DuplicateComponentError, match=r"metric 'same' .* dist-a announces it more"):
        find("metric/same", fresh_catalogue())


def test_a_dataset_of_two_distributions_is_listed_once(install_plugin, fresh_catalogue):
    install_plugin("plugin_a", good("first"), distribution="dist-a")
    install_plugin("plugin_b", good("second"), distribution="dist-b")
    with pytest.raises(UnknownComponentError) as caught:
        fresh_catalogue().dataset("zzz")
    assert str(caught.value).count("two_rows") == 1


def test_same_entry_point_name_in_two_distributions_is_not_skipped(
    install_plugin, fresh_catalogue, tmp_path
):
    install_plugin("shared", good("first"), distribution="dist-a")
    install_plugin("other", good("second"), distribution="dist-b")
    points = tmp_path / "site" / "dist_b-1.0.dist-info" / "entry_points.txt"
    points.write_text("[n2d_framework]\nshared = other\n")
    catalogue = fresh_catalogue()
    assert catalogue.get("clusterer", "first").distribution == "dist-a"
    assert catalogue.get("clusterer", "second").distribution == "dist-b"


def test_plugins_can_be_blocked_by_environment(install_plugin, fresh_catalogue, monkeypatch):
    install_plugin("my_plugin", good(), distribution="my-dist")
    for blocked in ("my-dist", "my_plugin", "something, my-dist"):
        monkeypatch.setenv("N2D_BLOCK_PLUGINS", blocked)
        with pytest.raises(UnknownComponentError):
            fresh_catalogue().get("clusterer", "mine")


def test_a_factory_that_cannot_be_imported_says_what_to_install(install_plugin, fresh_catalogue):
    source = good().replace('summary="One line"', 'summary="s", extra="my-dist[gpu]"')
    install_plugin("my_plugin", source)
    with pytest.raises(ComponentImportError, match=r"nowhere.*install my-dist\[gpu\]"):
        fresh_catalogue().get("clusterer", "mine").spec.load()


def test_a_factory_that_ends_the_process_costs_only_itself(install_plugin, fresh_catalogue):
    install_plugin("leaving", "raise SystemExit(3)")
    install_plugin("my_plugin", good(factory="leaving:Mine"))
    with pytest.raises(ComponentImportError, match="leaving:Mine failed with SystemExit: 3"):
        fresh_catalogue().get("clusterer", "mine").spec.load()


def test_a_factory_that_is_not_a_component_class_is_refused(install_plugin, fresh_catalogue):
    install_plugin("my_plugin", good(factory="collections:OrderedDict"))
    with pytest.raises(ComponentImportError, match="not a class made with"):
        fresh_catalogue().get("clusterer", "mine").spec.load()


def test_the_catalogue_imports_nothing_heavy():
    code = (
        "import sys, n2d_framework as n2d; n2d.components();"
        "heavy = {'tensorflow', 'keras', 'numba', 'umap', 'hdbscan', 'sklearn', 'scipy',"
        " 'pandas', 'matplotlib', 'h5py', 'openTSNE'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


FAILS = {
    "at_import": ("x = 1\nimport absent_library\n", 2, "absent_library"),
    "syntax": ("x = 1\n\ndef f(:\n", 3, "SyntaxError"),
    "deep": ("def f():\n    return int('no')\n\ny = f()\n", 2, "ValueError"),
    "in_a_library": ("import json\n\njson.loads('{')\n", 3, "JSONDecodeError"),
    "exits": ("import sys\n\n\nsys.exit('no')\n", 4, "SystemExit"),
    "announcing": (
        "from n2d_framework.plugin import ComponentSpec, hookimpl\n@hookimpl\n"
        "def n2d_components():\n    yield ComponentSpec(role='?', name='a', factory='a:B',\n"
        "                        summary='')\n",
        4,
        "unknown role",
    ),
    "nonsense": (
        "from n2d_framework.plugin import hookimpl\n\n@hookimpl\ndef n2d_metrics():\n"
        "    return [3]\n",
        3,
        "returned a int",
    ),
}


@pytest.mark.parametrize("how", FAILS)
def test_a_broken_plugin_is_reported_with_the_statement_at_fault(
    install_plugin, fresh_catalogue, tmp_path, how
):
    source, line, word = FAILS[how]
    install_plugin("at_fault", source)
    (failure,) = fresh_catalogue().failures
    assert f"{tmp_path / 'site' / 'at_fault.py'}:{line}" in failure.error
    assert word in failure.error


def test_a_component_that_cannot_be_imported_is_reported_with_the_statement_at_fault(
    install_plugin, fresh_catalogue, tmp_path, caplog
):
    source = (
        "from n2d_framework.plugin import ComponentSpec, hookimpl\n@hookimpl\n"
        "def n2d_components():\n"
        "    for name in ('Deep', 'Absent'):\n"
        "        yield ComponentSpec(role='clusterer', name=name.lower(), summary='s',\n"
        "                            factory=f'of_{name.lower()}:{name}')\n"
    )
    install_plugin("unusable", source)
    (tmp_path / "site/of_deep.py").write_text("import json\nx = json.loads('{')\n")
    (tmp_path / "site/of_absent.py").write_text("")
    catalogue = fresh_catalogue()
    with caplog.at_level("DEBUG", logger="n2d_framework"), pytest.raises(ComponentImportError) as a:
        catalogue.get("clusterer", "deep").spec.load()
    assert f"{tmp_path / 'site' / 'of_deep.py'}:2" in str(a.value)
    assert "json.loads('{')" in caplog.text, "the traceback is there for who debugs"
    with pytest.raises(ComponentImportError, match=r"of_absent\.py"):
        catalogue.get("clusterer", "absent").spec.load()


EVENT_HOOKS = """
from n2d_framework.plugin import ComponentSpec, hookimpl

{code}
"""
REFUSED = {
    "a wrapper, which would change": (
        "@hookimpl(wrapper=True)\ndef n2d_components():\n    return (yield)"
    ),
    "a wrapper, which would": (
        "@hookimpl(hookwrapper=True)\ndef n2d_datasets():\n    outcome = yield"
    ),
    "has a yield": "@hookimpl\ndef n2d_run_started(event):\n    yield",
    "asynchronous": "@hookimpl\nasync def n2d_stage_finished(event):\n    pass",
    "n2d_metrics .* is asynchronous": "@hookimpl\nasync def n2d_metrics():\n    yield 1",
    "not a generator function": (
        "@hookimpl(wrapper=True)\ndef n2d_run_finished(event):\n    return 3"
    ),
    "unknown hooks: n2d_run_began": "@hookimpl\ndef n2d_run_began(event):\n    pass",
    "unknown hooks: n2d_ran": (
        "@hookimpl(specname='n2d_ran')\ndef n2d_run_started(event):\n    pass"
    ),
    "returned one ComponentSpec": (
        "@hookimpl\ndef n2d_components():\n    return ComponentSpec(role='clusterer', name='a',"
        " factory='a:B', summary='')"
    ),
}


@pytest.mark.parametrize("words", REFUSED)
def test_a_hook_that_would_do_nothing_is_refused(install_plugin, fresh_catalogue, words):
    install_plugin("idle", EVENT_HOOKS.format(code=REFUSED[words]))
    (failure,) = fresh_catalogue().failures
    assert re.search(words, failure.error), failure.error


def test_a_hook_may_have_another_name_or_be_optional(install_plugin, fresh_catalogue):
    code = """
@hookimpl(specname="n2d_components", tryfirst=True)
def announce():
    yield ComponentSpec(role="clusterer", name="renamed", factory="a:B", summary="One line.")

@hookimpl(specname="n2d_components")
def announce_more():
    return [ComponentSpec(role="clusterer", name="another", factory="a:B", summary="One line.")]

@hookimpl(optionalhook=True)
def n2d_of_a_later_version(event):
    pass
"""
    install_plugin("flexible", EVENT_HOOKS.format(code=code))
    catalogue = fresh_catalogue()
    assert catalogue.failures == ()
    assert {"renamed", "another"} <= {e.spec.name for e in catalogue.components("clusterer")}


@pytest.mark.parametrize(
    ("about", "value", "said"),
    [
        ("Name: odd\nVersion: 1\n", "a module !!", "not module or module:object"),
        ("Name: odd\nVersion: 1\n", "\x1b[31mred", "not module or module:object"),
        ("Name: odd\nVersion: 1\n", "", "not module or module:object"),
        ("Version: 1\n", "no_such_module_here", "ModuleNotFoundError"),
        (None, "no_such_module_here", "ModuleNotFoundError"),
    ],
)
@pytest.mark.parametrize("finder", ["importlib.metadata", "importlib_metadata"])
def test_a_damaged_installation_costs_only_itself(
    tmp_path, monkeypatch, about, value, said, finder
):
    others = pytest.importorskip(finder)  # first: it takes the place of a finder for good
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    if finder == "importlib_metadata":  # imported by anything, it takes the finders' place
        sys.meta_path.insert(0, others.MetadataPathFinder())
    folder = tmp_path / "odd-1.dist-info"
    folder.mkdir()
    if about is not None:
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\n{about}")
    (folder / "entry_points.txt").write_text(f"[n2d_framework]\nodd = {value}\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = Catalogue.from_entry_points(installed_entry_points())
    assert "kmeans" in {entry.spec.name for entry in found.components("clusterer")}
    assert [
        said in failure.error for failure in found.failures if failure.entry_point == "odd"
    ] == [True]


KIND = """
from n2d_framework.plugin import (
    ComponentSpec, KindSpec, PanelSpec, PlotSpec, PresetSpec, hookimpl
)

@hookimpl
def n2d_presets():
    yield PresetSpec(name="quick", summary="One line", model={{"embedder": "pca"}})

@hookimpl
def n2d_kinds():
    yield KindSpec(name="{kind}", factory="nowhere:adapt", summary="One line")

@hookimpl
def n2d_plots():
    yield PlotSpec(name="{plot}", factory="nowhere:draw", summary="One line")

@hookimpl
def n2d_panels():
    yield PanelSpec(name="{plot}", factory="nowhere:rows", summary="One line")

@hookimpl
def n2d_components():
    about = {{"factory": "nowhere:Mine", "summary": "One line"}}
    yield ComponentSpec(role="embedder", name="{name}", input="{taken}", **about)
    yield ComponentSpec(role="describe", name="{name}", **about)
"""


def announcing(name: str, *, kind: str = "graph", taken: str = "graph", plot: str = "") -> str:
    return KIND.format(name=name, kind=kind, taken=taken, plot=plot or name)


def test_plugins_announce_kinds_plots_and_panels(install_plugin, fresh_catalogue):
    install_plugin("one_plugin", announcing("mine"), distribution="one")
    found = fresh_catalogue()
    assert [entry.qualified_name for entry in found.kinds()] == ["one:graph"]
    assert [e.spec.name for e in (*found.plots(), *found.panels())] == ["mine", "mine"]
    assert found.get("embedder", "mine").spec.input == "graph"
    assert not found.rejections


def test_a_component_for_a_kind_that_no_one_announces_costs_only_itself(
    install_plugin, fresh_catalogue
):
    install_plugin("one_plugin", announcing("mine", taken="grahp"), distribution="one")
    found = fresh_catalogue()
    assert found.get("describe", "mine").distribution == "one"
    with pytest.raises(UnknownComponentError, match="for the kind 'grahp', which no installed"):
        found.get("embedder", "mine")
    (rejection,) = found.rejections
    assert "did you mean 'graph'" in rejection.reason


def test_a_kind_that_two_plugins_announce_is_used_by_neither(install_plugin, fresh_catalogue):
    install_plugin("one_plugin", announcing("mine"), distribution="one")
    install_plugin("two_plugin", announcing("other", plot="own"), distribution="two")
    found = fresh_catalogue()
    assert found.kinds() == []
    assert {entry.spec.name for entry in found.plots()} == {"mine", "own"}
    assert {e.distribution for e in found.components("describe")} >= {"one", "two"}
    kinds = [item for item in found.rejections if item.what == "kind"]
    assert {item.distribution for item in kinds} == {"one", "two"}
    assert all("one and two announce it more than once" in item.reason for item in kinds)
    assert {item.what for item in found.rejections} == {"kind", "embedder"}


def test_a_role_of_a_later_version_is_refused_with_those_that_are_known(
    install_plugin, fresh_catalogue
):
    later = announcing("mine").replace('role="describe"', 'role="explain"')
    install_plugin("one_plugin", later, distribution="one")
    (failure,) = fresh_catalogue().failures
    assert "unknown role 'explain'" in failure.error
    assert "manifolder" in failure.error
