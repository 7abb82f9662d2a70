"""Components, options and distributions that were renamed: what was written before still loads."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from typer.testing import CliRunner

import n2d_framework as n2d
from n2d_framework import errors
from n2d_framework.cli import app
from n2d_framework.core.option_schema import options_schema
from n2d_framework.core.options import component, option, options_dict
from n2d_framework.core.origin import code
from n2d_framework.errors import (
    BundleError,
    ConfigError,
    DuplicateComponentError,
    RenamedWarning,
)
from n2d_framework.plan.executors import inline as stage_runs
from n2d_framework.registry import default_catalogue

SOURCE = """
from n2d_builtin.kmeans.kmeans import KMeans
from n2d_framework.plugin import ComponentSpec, component, hookimpl, option

@component
class Mine(KMeans):
    {option}: int = option(1, help="A number."{aliases})

@hookimpl
def n2d_components():
    yield ComponentSpec(role="clusterer", name="{name}", summary="Mine",
                        factory="{module}:Mine"{also})
"""
OLD = SOURCE.format(option="old_size", aliases="", name="before", module="mine_old", also="")
NEW = SOURCE.format(
    option="size", aliases=", aliases=('old_size',)", name="after", module="mine_new",
    also=", aliases=('before', 'mine-old:before')",
)  # fmt: skip
ROWS = np.random.default_rng(0).normal(size=(40, 3))


@pytest.fixture(autouse=True)
def reported_nothing(monkeypatch):
    monkeypatch.setattr(errors, "_renamed", set())


def model(name, **options):
    clusterer = {"name": name, **options}
    return n2d.N2D("identity", "identity", clusterer, n_clusters=3, random_state=0, scaler="none")


@pytest.fixture
def written_before(use_plugin, tmp_path, monkeypatch):
    """A bundle and a comparison of the plugin before it and its distribution are renamed."""
    use_plugin("mine_old", OLD, distribution="mine-old")
    bundle = tmp_path / "old.n2d"
    fitted = model("before", old_size=5).fit(ROWS)
    fitted.save(bundle)
    np.save(tmp_path / "rows.npy", ROWS)
    n2d.compare(
        {"data": str(tmp_path / "rows.npy"), "embedders": ["identity"],
         "manifolders": ["identity"], "n_clusters": 3, "dbcv_rows": 0,
         "clusterers": [{"name": "before", "old_size": [5, 6]}]},
        out=tmp_path / "compared",
    )  # fmt: skip
    for path in (tmp_path / "site").glob("mine_old*.dist-info"):
        path.rename(tmp_path / "gone")
    use_plugin("mine_new", NEW, distribution="mine-new")
    return fitted, bundle, tmp_path / "compared"


def test_bundles_configurations_and_comparisons_load_with_one_line_each(written_before, tmp_path):
    fitted, bundle, compared = written_before
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loaded = [n2d.load(bundle), n2d.load(bundle)]
        again = model("before", old_size=5).fit(ROWS)
        best = n2d.open_comparison(compared).best()
    said = sorted(str(w.message) for w in caught if issubclass(w.category, RenamedWarning))
    assert len(said) == 3
    assert "clusterer 'before' is now called 'after'" in said[0]
    assert "clusterer 'mine-old:before' is now called 'after'" in said[1]
    assert "option 'old_size' of Mine is now called 'size'" in said[2]
    for one in (*loaded, again):
        assert (one.predict(ROWS) == fitted.labels_).all()
        assert options_dict(one.clusterer_)["size"] == 5
        assert one.get_params()["clusterer__size"] == 5
        assert "clusterer__old_size" not in one.get_params()
    assert options_dict(best.clusterer_)["size"] in (5, 6)
    again.save(tmp_path / "new.n2d")
    about = n2d.inspect(tmp_path / "new.n2d").manifest["composition"]["clusterer"]
    assert (about["name"], about["options"]["size"]) == ("after", 5)


@pytest.mark.parametrize("named", [
    {"name": "before", "old_size": 6}, {"name": "mine-old:before", "size": 6},
    {"name": "after", "old_size": [6, 7]}, {"old_size": 6}, [{"name": "before", "old_size": 6}],
])  # fmt: skip
def test_rules_of_a_comparison_may_use_former_names(use_plugin, tmp_path, named):
    use_plugin("mine_new", NEW, distribution="mine-new")
    grid = {
        "data": "rows", "embedders": ["identity"], "manifolders": ["identity"], "n_clusters": 3,
        "dbcv_rows": 0, "clusterers": [{"name": "after", "size": [5, 6]}],
        "exclude": [{"clusterer": named}], "baseline": {"clusterer": "before"},
    }  # fmt: skip
    with pytest.warns(RenamedWarning):
        found = n2d.compare(grid, tmp_path / "some", data={"rows": ROWS})
    assert [json.loads(text)["size"] for text in found.table["clusterer_options"]] == [5]
    assert len(n2d.compare(grid, tmp_path / "some", data={"rows": ROWS}).table) == 1
    both = {"clusterer": {"name": "after", "size": 6, "old_size": 6}}
    with pytest.raises(ConfigError, match=r"include\[0\]\..*old_size: is the former name"):
        n2d.compare(grid | {"include": [both]}, tmp_path / "other", data={"rows": ROWS})


def test_the_present_names_warn_of_nothing(use_plugin):
    use_plugin("mine_new", NEW, distribution="mine-new")
    with warnings.catch_warnings():
        warnings.simplefilter("error", RenamedWarning)
        model("after", size=5).composition()
        model("mine-new:after", size=5).composition()


def test_both_names_of_an_option_are_refused_and_parameters_can_be_set_by_either(use_plugin):
    use_plugin("mine_new", NEW)
    with pytest.raises(ConfigError, match="old_size: is the former name of 'size'") as caught:
        model("after", size=1, old_size=2).composition()
    assert "unknown" not in str(caught.value)
    with pytest.warns(RenamedWarning, match="old_size"):
        changed = model("after", size=1).set_params(clusterer__old_size=7)
    assert changed.get_params()["clusterer__size"] == 7
    import mine_new

    assert mine_new.Mine(old_size=3).size == 3
    schema = options_schema(mine_new.Mine)["properties"]
    assert schema["old_size"]["deprecated"] is True


def test_a_present_name_wins_over_a_former_one_and_two_former_ones_are_refused(use_plugin):
    use_plugin("mine_old", OLD, distribution="other")
    use_plugin("mine_new", NEW, distribution="mine-new")
    assert default_catalogue().get("clusterer", "before").distribution == "other"
    with pytest.warns(RenamedWarning):
        assert default_catalogue().get("clusterer", "mine-new:before").spec.name == "after"
    clash = NEW.replace("after", "later").replace("mine_new", "mine_newer")
    use_plugin("mine_newer", clash.replace("'before', ", "'only_former', "), distribution="a")
    clash = clash.replace("mine_newer", "mine_newest").replace("later", "latest")
    use_plugin("mine_newest", clash.replace("'before', ", "'only_former', "), distribution="b")
    with pytest.raises(DuplicateComponentError, match="only_former"):
        default_catalogue().get("clusterer", "only_former")


@pytest.mark.parametrize(
    ("aliases", "words"),
    [
        ("('second',)", "the alias 'second' is a name of 'second' as well"),
        ("('first',)", "must be names that it no longer has"),
        ("('No Name',)", "must be a tuple of former names"),
        ("'text'", "must be a tuple of former names"),
    ],
)
def test_aliases_that_mean_two_things_are_refused(install_plugin, fresh_catalogue, aliases, words):
    source = f"""
from n2d_framework.plugin import ComponentSpec, hookimpl

@hookimpl
def n2d_components():
    about = dict(role="clusterer", factory="a:B", summary="One line")
    return [ComponentSpec(name="first", aliases={aliases}, **about),
            ComponentSpec(name="second", **about)]
"""
    install_plugin("clashes", source)
    (failure,) = fresh_catalogue().failures
    assert words in failure.error


def test_an_alias_of_an_option_that_is_another_option_is_refused():
    with pytest.raises(TypeError, match="two options are called 'a'"):

        @component
        class Clashes:
            a: int = option(1, help="One.")
            b: int = option(1, help="Two.", aliases=("a",))


def test_a_name_that_two_distributions_offer_is_written_with_its_own(use_plugin, tmp_path):
    use_plugin("mine_old", OLD, distribution="one")
    chosen = model("one:before", old_size=2)
    assert chosen.composition().describe()["clusterer"]["name"] == "one:before"
    chosen = model("before", old_size=2).fit(ROWS)
    assert chosen.composition().describe()["clusterer"]["name"] == "before"
    chosen.save(tmp_path / "one.n2d")
    use_plugin("mine_other", OLD.replace("mine_old", "mine_other"), distribution="two")
    for name in ("one:before", "two:before"):
        described = model(name).composition().describe()
        assert described["clusterer"]["name"] == name
        again = n2d.compose({"data": "digits", "model": json.loads(json.dumps(described))})
        assert again.composition().choice("clusterer").entry.qualified_name == name
    loaded = n2d.load(tmp_path / "one.n2d")
    assert loaded.get_params(deep=False)["clusterer"]["name"] == "one:before"
    assert loaded.composition().choice("clusterer").entry.distribution == "one"


def test_versions_of_what_a_plugin_needs_are_kept(use_plugin, tmp_path):
    """Its own requirements, and those of theirs that are in use."""
    use_plugin("mine_old", OLD, distribution="mine-old")
    metadata = tmp_path / "site/mine_old-1.0.dist-info/METADATA"
    needs = (
        "numpy>=1",
        "networkless",
        "attrs ; extra == 'x'",
        "deeper[all]>=2 ; python_version>'3'",
    )
    with metadata.open("a") as file:
        file.writelines(f"Requires-Dist: {need}\n" for need in needs)
    for name, need in (("deeper", "in-use"), ("in-use", "idle"), ("idle", "")):
        info = tmp_path / f"site/{name.replace('-', '_')}-3.0.dist-info"
        info.mkdir()
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: 3.0\n"
        (info / "METADATA").write_text(text + (f"Requires-Dist: {need}\n" if need else ""))
        (info / "top_level.txt").write_text("json\n" if name == "in-use" else f"absent_{name}\n")
    code._distributions.cache_clear()
    stage_runs._versions.cache_clear()
    fitted = model("before").fit(ROWS)
    fitted.save(tmp_path / "m.n2d")
    libraries = n2d.inspect(tmp_path / "m.n2d").manifest["environment"]["libraries"]
    assert libraries["mine-old"] == "1.0"
    assert (libraries["deeper"], libraries["in-use"]) == ("3.0", "3.0")
    assert not {"idle", "networkless", "attrs"} & set(libraries)
    np.save(tmp_path / "rows.npy", ROWS)
    compared = n2d.compare(
        {"data": str(tmp_path / "rows.npy"), "embedders": ["identity"],
         "manifolders": ["identity"], "clusterers": ["before"], "dbcv_rows": 0},
        out=tmp_path / "compared",
    )  # fmt: skip
    (versions,) = compared.table["versions"]
    assert {"mine-old", "deeper", "in-use"} <= set(json.loads(versions))
    code._distributions.cache_clear()
    stage_runs._versions.cache_clear()


def test_a_bundle_of_an_absent_distribution_is_not_read_by_another_of_the_same_names(
    use_plugin, tmp_path
):
    use_plugin("mine_old", OLD, distribution="mine-old")
    model("before", old_size=5).fit(ROWS).save(tmp_path / "old.n2d")
    for path in (tmp_path / "site").glob("mine_old*.dist-info"):
        path.rename(tmp_path / "gone")
    use_plugin("theirs", OLD.replace("mine_old", "theirs"), distribution="theirs")
    assert default_catalogue().get("clusterer", "before").distribution == "theirs"
    with pytest.raises(BundleError, match=r"mine-old, version .* of theirs may be another one"):
        n2d.load(tmp_path / "old.n2d")
    (tmp_path / "gone").rename(tmp_path / "site/mine_old-1.dist-info")
    metadata = tmp_path / "site/mine_old-1.dist-info/METADATA"
    metadata.write_text(metadata.read_text().replace("mine-old", "Mine_Old"))  # spelt otherwise
    default_catalogue.cache_clear()
    clusterer = n2d.load(tmp_path / "old.n2d").composition().choice("clusterer")
    assert clusterer.entry.distribution == "Mine_Old"


@pytest.mark.parametrize("name", ["after", "mine-new:after", "before", "mine-old:before"])
def test_warm_up_takes_every_name(use_plugin, name):
    use_plugin("mine_new", NEW, distribution="mine-new")
    done = CliRunner().invoke(app, ["warm-up", name])
    assert done.exit_code == 0, done.output
