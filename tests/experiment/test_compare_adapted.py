"""Classes that a comparison's configuration names: what is asked, kept, reused and fitted again."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import numpy as np
import pytest
from typer.testing import CliRunner

import n2d_framework as n2d
from n2d_framework.cli import app
from n2d_framework.config.compare_schema import compare_schema
from n2d_framework.config.comparison_config import read_compare_config
from n2d_framework.core.events import StageFinished
from n2d_framework.core.origin.code import code_of, passing
from n2d_framework.errors import ConfigError, DataError
from n2d_framework.experiment import plan_comparison
from n2d_framework.plan.store import StageStore
from n2d_framework.registry import default_catalogue

BIRCH = "sklearn.cluster:Birch"
SVD = "sklearn.decomposition:TruncatedSVD"
HALVES = """
import numpy as np

class Halves:
    def __init__(self, axis=0, weights=(1.0,)):
        self.axis, self.weights = axis, weights

    def fit(self, x):
        self.middle_ = np.{middle}(x[:, self.axis])
        return self

    def predict(self, x):
        return (x[:, self.axis] > self.middle_).astype(int)

class Dice(Halves):
    def fit(self, x):
        self.labels_ = np.random.default_rng().integers(2, size=len(x))
        return super().fit(x)
"""


@pytest.fixture
def halves(install_plugin, tmp_path):
    def write(middle: str) -> None:
        sys.modules.pop("halves", None)
        (tmp_path / "site" / "halves.py").write_text(HALVES.format(middle=middle))

    install_plugin("halves", HALVES.format(middle="median"))
    (next((tmp_path / "site").glob("*.dist-info")) / "entry_points.txt").unlink()
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    yield write
    sys.dont_write_bytecode = before


def grid(**changes):
    base = {"embedders": ["identity"], "manifolders": ["identity"], "dbcv_rows": 0}
    return base | {"clusterers": [{"adapt": BIRCH, "n_clusters": 10}]} | changes


@pytest.fixture(scope="module")
def config():
    """Adapted classes in two roles, one that can only be fitted, and built-ins around them."""
    return grid(
        manifolders=[{"adapt": SVD, "n_components": 6}],
        clusterers=[
            {"name": "kmeans", "n_init": 1},
            {"adapt": BIRCH, "n_clusters": 10, "threshold": [0.1, 0.2]},
            {"adapt": "sklearn.cluster:DBSCAN", "eps": 1.0},
        ],
        n_clusters=10,
        baseline={"clusterer": {"adapt": BIRCH, "threshold": 0.1}},
    )


@pytest.fixture(scope="module")
def found(config, few_digits, tmp_path_factory):
    data, out = {"few": few_digits}, tmp_path_factory.mktemp("adapted") / "out"
    return n2d.compare(config, out, data=data, n_jobs=1, allow_code=True)


def fitted(config, out, few_digits, **more):
    events = []
    about = {"data": {"few": few_digits}, "n_jobs": 1, "allow_code": True}
    n2d.compare(config, out, listeners=[events.append], **about, **more)
    ended = [event for event in events if isinstance(event, StageFinished)]
    return [event.key for event in ended if not event.cached]


def test_adapted_classes_are_compared(found, few_digits):
    table = found.table
    assert (table["status"] == "done").all(), table["error"].tolist()
    assert table["manifolder"].tolist() == [SVD] * 4
    assert f"{BIRCH}(threshold=0.2)" in table["clusterer"].tolist()
    assert table["n_clusters"].tolist()[:3] == [10, 10, 10]
    assert len(found.against().table) == 3
    model = n2d.N2D(
        "identity",
        {"name": "adapted", "factory": SVD, "options": {"n_components": 6}},
        {"name": "adapted", "factory": BIRCH, "options": {"n_clusters": 10, "threshold": 0.2}},
        random_state=0,
    ).fit(few_digits[0])
    assert model.assess(few_digits[1])["acc"] == table["acc"][2]


def test_the_store_has_what_they_gave_and_nothing_of_them(found):
    for role in ("manifolder", "clusterer"):
        manifest, parts = found.store.read(found.table[f"{role}_key"].iloc[2])
        assert set(parts) == {"output"}
        assert manifest["versions"]["scikit-learn"]


def test_started_again_or_scored_again_nothing_is_fitted_twice(found, config, few_digits):
    assert fitted(config, found.out, few_digits) == []
    for path in (found.out / "records").iterdir():
        path.unlink()
    assert fitted(config, found.out, few_digits) == []
    again = n2d.open_comparison(found.out)
    assert again.to_csv() == found.to_csv()


def test_another_process_gives_the_same_table(found, config, few_digits, tmp_path):
    about = {"data": {"few": few_digits}, "n_jobs": 1, "allow_code": True}
    apart = n2d.compare(config | {"timeout": 100}, tmp_path / "out", **about)
    assert apart.to_csv() == found.to_csv()


def test_the_best_cell_is_fitted_again_where_the_store_has_no_model(found, few_digits):
    best = found.best("n_clusters_found")
    place = found.table["n_clusters_found"].idxmax()
    _, parts = found.store.read(found.table["clusterer_key"][place])
    assert np.array_equal(best.labels_, parts["output"]["values"])
    few = found.best()
    assert few.assess(few_digits[1])["acc"] == found.table["acc"].max()
    assert few.manifolder["factory"] == SVD


def test_results_that_were_opened_import_nothing_without_permission(found, few_digits):
    with pytest.raises(ConfigError, match=f"manifolder {SVD} imports code .*allow_code"):
        n2d.open_comparison(found.out).best()
    assert n2d.open_comparison(found.out, allow_code=True).best().n_clusters_


def test_the_report_shows_what_there_is(found, tmp_path):
    page = found.report(tmp_path / "report.html", pictures=1, max_points=20).read_text()
    assert SVD in page
    assert "cannot be drawn" not in page


def test_other_code_is_another_stage(halves, few_digits, tmp_path):
    own = grid(clusterers=[{"adapt": "halves:Halves", "axis": [20, 21]}])
    store = {"store": tmp_path / "stages"}
    first = fitted(own, tmp_path / "one", few_digits, **store)
    assert fitted(own, tmp_path / "two", few_digits, **store) == []
    assert len(first) == 4
    halves("mean")
    edited = fitted(own, tmp_path / "three", few_digits, **store)
    assert len(edited) == 2
    assert set(edited).isdisjoint(first)
    with pytest.raises(DataError, match=r"halves:Halves has to be fitted again, but its code"):
        n2d.open_comparison(tmp_path / "one", allow_code=True).best("silhouette")
    halves("median")
    assert n2d.open_comparison(tmp_path / "one", allow_code=True).best().n_clusters_ == 2


def test_a_class_that_gives_something_else_each_time_has_no_best(halves, few_digits, tmp_path):
    own = grid(clusterers=[{"adapt": "halves:Dice"}])
    found = n2d.compare(own, tmp_path / "out", data={"few": few_digits}, n_jobs=1, allow_code=True)
    with pytest.raises(DataError, match=r"halves:Dice was fitted again and gave something else"):
        found.best()


def test_a_class_that_fails_fails_its_cells(few_digits, tmp_path):
    some = grid(clusterers=[{"adapt": BIRCH, "threshold": -1.0}, {"name": "kmeans", "n_init": 1}])
    found = n2d.compare(some, tmp_path / "out", data={"few": few_digits}, n_jobs=1, allow_code=True)
    assert found.table["status"].tolist() == ["failed", "done"]
    assert "threshold" in found.table["error"][0]


def read(**changes):
    return read_compare_config(grid(**changes), allow_code=True)


def test_an_argument_that_is_a_list_is_known_by_its_default(halves):
    clusterers = [
        {"adapt": "halves:Halves", "axis": {"from": 0, "to": 2}, "weights": [1.0, 2.0]},
        {"adapt": "halves:Halves", "weights": [[1.0], [2.0, 3.0]]},
    ]
    given = [choice.given["options"] for choice in read(clusterers=clusterers).choices["clusterer"]]
    assert [one.get("axis") for one in given] == [0, 1, 2, None, None]
    assert [one["weights"] for one in given] == [[1.0, 2.0]] * 3 + [[1.0], [2.0, 3.0]]


def test_rules_mean_a_class_by_adapt(few_digits):
    clusterers = [{"adapt": BIRCH, "threshold": [0.1, 0.2]}, {"name": "kmeans", "n_init": 1}]
    for rule, left in (
        ({"adapt": BIRCH}, 1), ({"adapt": BIRCH, "threshold": 0.1}, 2), ("kmeans", 2),
        ("adapted", 1), (["kmeans", {"adapt": BIRCH, "threshold": [0.2]}], 1),
    ):  # fmt: skip
        some = grid(clusterers=clusterers, exclude=[{"clusterer": rule}])
        planned = plan_comparison(some, data={"few": few_digits}, allow_code=True)
        assert len(planned.plan.cells) == left, rule


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"clusterers": [{"adapt": "sklearn.cluster:Brich"}]}, "clusterers[0].adapt: "),
        ({"clusterers": [{"adapt": BIRCH, "n_cluster": [3, 4]}]}, "did you mean 'n_clusters'"),
        ({"clusterers": [{"adapt": BIRCH, "threshold": []}]}, "threshold: is an empty list"),
        ({"clusterers": [{"name": "adapted", "factory": "nowhere:A"}]}, "No module named 'nowhere"),
        ({"exclude": [{"clusterer": {"adapt": "a:B"}}]}, "'a:B' is not part of this comparison"),
        ({"exclude": [{"clusterer": {"adapt": 3}}]}, "must be a name"),
        (
            {"exclude": [{"clusterer": {"adapt": BIRCH, "n_cluster": 3}}]},
            "exclude[0].clusterer.n_cluster: unknown option; did you mean 'n_clusters'",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(changes, said):
    with pytest.raises(ConfigError) as caught:
        read(**changes)
    assert said in str(caught.value)


def test_code_that_no_other_process_could_know_is_refused(monkeypatch, few_digits):
    module = ModuleType("typed_in")
    exec(HALVES.format(middle="mean"), module.__dict__)
    monkeypatch.setitem(sys.modules, "typed_in", module)
    with pytest.raises(ConfigError, match=r"clusterers\[0\]: typed_in: is code without a file"):
        read(clusterers=[{"adapt": "typed_in:Halves"}])
    spec = default_catalogue().get("clusterer", "adapted").spec
    component = n2d.adapt("clusterer", module.Halves)
    assert passing(code_of(spec, component)) == ["typed_in"]
    assert code_of(spec, component) == code_of(spec, component)
    assert n2d.N2D("identity", "identity", component, random_state=0).fit(few_digits[0])


PLUGIN = """
from n2d_framework.plugin import ComponentSpec, component, hookimpl, option

@component
class Silent:
    code: str = option("sklearn.cluster:Birch", help="What is imported.")

@hookimpl
def n2d_components():
    yield ComponentSpec(role="clusterer", name="silent", factory="silent_plugin:Silent",
                        summary="s", imports_code=True)
"""


def test_a_component_that_does_not_say_what_it_imports_is_refused(use_plugin):
    use_plugin("silent_plugin", PLUGIN)
    with pytest.raises(ConfigError, match="'silent' does not say which code it imports"):
        read(clusterers=["silent"])


def test_code_is_known_by_distribution_and_version_or_by_its_source(halves):
    spec = default_catalogue().get("clusterer", "adapted").spec
    from sklearn import __version__

    # Of a framework that is installed to be edited the component is known by its source, too.
    adapted = code_of(spec, spec.load()(factory="math:floor"))
    birch = code_of(spec, spec.load()(factory=BIRCH))
    assert birch == adapted | {"scikit-learn": __version__}
    own = code_of(spec, spec.load()(factory="halves:Dice"))
    assert {*own} - {*adapted} == {"halves"}
    halves("mean")
    assert code_of(spec, spec.load()(factory="halves:Dice"))["halves"] != own["halves"]


def test_all_files_of_a_package_of_ones_own_count(halves, tmp_path):
    package = tmp_path / "site" / "own_package"
    package.mkdir()
    (package / "__init__.py").write_text("from own_package.inner import Mine\n")
    (package / "inner.py").write_text("from own_package.helper import K\nclass Mine:\n    k = K\n")
    (package / "helper.py").write_text("K = 1\n")
    spec = default_catalogue().get("clusterer", "adapted").spec
    component = spec.load()(factory="own_package:Mine")
    before = code_of(spec, component)
    (package / "helper.py").write_text("K = 22\n")
    assert code_of(spec, component) == before  # what was imported is what runs
    for name in [name for name in sys.modules if name.startswith("own_package")]:
        del sys.modules[name]
    assert code_of(spec, component)["own_package"] != before["own_package"]


def test_the_schema_knows_the_form():
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(compare_schema())
    assert validator.is_valid(grid(clusterers=[{"adapt": BIRCH, "threshold": [0.1, 0.2]}]))
    assert not validator.is_valid(grid(clusterers=[{"adapt": BIRCH, "name": "kmeans"}]))


def test_the_command_asks_for_permission(few_digits, tmp_path):
    np.savez(tmp_path / "few.npz", x=few_digits[0], y=few_digits[1])
    path = tmp_path / "grid.json"
    path.write_text(json.dumps(grid(data=str(tmp_path / "few.npz"))))
    words = ["compare", str(path), "--out", str(tmp_path / "out"), "--n-jobs", "1", "--no-report"]
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == 2
    assert f"clusterers[0]: '{BIRCH}' imports code" in refused.stderr
    assert "--allow-code" in refused.stderr
    assert not (tmp_path / "out").exists()
    done = CliRunner().invoke(app, [*words, "--allow-code"])
    assert done.exit_code == 0, done.output
    assert BIRCH in done.stdout
    assert len(StageStore(tmp_path / "out" / "stages").keys()) == 5
