"""Commands that list and describe: components, datasets, schema, doctor, inspect, verify."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from n2d_framework.cli import machine
from n2d_framework.registry import default_catalogue

Run = Callable[..., Any]


def test_components(n2d: Run) -> None:
    listed = n2d("components").stdout
    for entry in default_catalogue().components():
        assert entry.spec.name in listed
    reported = json.loads(n2d("components", "--json").stdout)
    assert len(reported["components"]) == len(default_catalogue().components())
    assert reported["failures"] == []
    assert "options" not in reported["components"][0]


def test_presets(n2d: Run, blobs: Path) -> None:
    listed = json.loads(n2d("components", "--json").stdout)["presets"]
    assert {"fast", "augmented"} <= {one["name"] for one in listed}
    assert all(one["summary"] in " ".join(n2d("components").stdout.split()) for one in listed[:1])
    properties = json.loads(n2d("schema").stdout)["properties"]["model"]["properties"]
    assert "fast" in properties["preset"]["enum"]
    wrong = n2d("run", blobs, "--preset", "fats")
    assert wrong.exit_code == 2
    assert "did you mean 'fast'" in wrong.output
    quick = ("epochs=1", "hidden=[8]")
    words = [part for one in quick for part in ("--set", f"model.embedder.{one}")]
    words += ["--set", "model.manifolder=identity", "--set", "model.clusterer=kmeans"]
    whole = n2d("run", blobs, "--preset", "fast", *words, "--no-plots", "--no-report", "--json")
    embedder = json.loads(whole.stdout)["config"]["model"]["embedder"]
    assert (embedder["schedule"], embedder["batch_size"], embedder["epochs"]) == ("cosine", 128, 1)


def test_one_role(n2d: Run) -> None:
    reported = json.loads(n2d("components", "clusterer", "--json").stdout)
    assert {component["role"] for component in reported["components"]} == {"clusterer"}
    shown = n2d("components", "clusterer").stdout
    assert "gmm" in shown
    assert "umap" not in shown


def test_one_component(n2d: Run) -> None:
    shown = n2d("components", "clusterer/kmeans").stdout
    for word in ("n_clusters", "an integer or null", ">= 1", "probabilities", "Lloyd", "n_init",
                 "honours weights"):  # fmt: skip
        assert word in shown
    assert "takes missing values" in n2d("components", "prepare/table").stdout
    reported = json.loads(n2d("components", "kmeans", "--json").stdout)["components"]
    options = {option["name"]: option for option in reported[0]["options"]}
    assert options["max_iter"]["default"] == 300
    assert n2d("components", "n2d_framework:kmeans").exit_code == 0
    both = n2d("components", "pca").stdout
    assert "embedder pca" in both
    assert "manifolder pca" in both
    assert "no options" in n2d("components", "embedder/identity").stdout


@pytest.mark.parametrize(
    ("which", "said"),
    [
        ("clusterer/kmean", "did you mean 'kmeans'"),
        ("clusterr/kmeans", "did you mean 'clusterer'"),
        ("kmean", "did you mean 'kmeans'"),
        ("clusterer/umap", "there is a manifolder of that name"),
    ],
)
def test_unknown_components(n2d: Run, which: str, said: str) -> None:
    result = n2d("components", which)
    assert (result.exit_code, said in result.stderr) == (2, True), result.output


def test_failed_plugins_are_shown(n2d: Run, use_plugin: Callable[..., None]) -> None:
    use_plugin("broken_one", "raise RuntimeError('no licence [found]')", distribution="broken-dist")
    for command in ("components", "doctor"):
        shown = n2d(command)
        assert "broken-dist 1.0" in shown.stdout
        assert "RuntimeError: no licence [found]" in shown.stdout
        assert "Traceback" not in shown.output
    assert n2d("components").exit_code == 0
    assert n2d("doctor").exit_code == 1
    failures = json.loads(n2d("components", "--json").stdout)["failures"]
    assert "no licence" in failures[0]["traceback"]


def test_datasets(n2d: Run) -> None:
    assert "digits" in n2d("datasets").stdout
    reported = json.loads(n2d("datasets", "--json").stdout)
    digits = next(spec for spec in reported if spec["name"] == "digits")
    assert (digits["n_rows"], digits["row_shape"], digits["embedded"]) == (1797, [8, 8], True)


def test_schema(n2d: Run, config: Path) -> None:
    schema = json.loads(n2d("schema").stdout)
    jsonschema.validate(yaml.safe_load(config.read_text()), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"model": {"clusterer": {"name": "kmeans", "n_init": 0}}}, schema)
    assert n2d("schema", "-o", "schema.json").stdout == ""
    assert json.loads(Path("schema.json").read_text()) == schema
    assert n2d("schema", "-o", "none/schema.json").exit_code == 1


def test_schema_of_comparisons(n2d: Run) -> None:
    schema = json.loads(n2d("schema", "--compare").stdout)
    grid = {"data": ["digits"], "embedders": ["pca"], "manifolders": ["identity"]}
    jsonschema.validate(grid | {"clusterers": ["kmeans"], "seeds": 2}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(grid | {"clusterers": ["kmean"]}, schema)


def test_doctor(n2d: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    shown = n2d("doctor")
    assert shown.exit_code == 0, shown.output
    reported = json.loads(n2d("doctor", "--json").stdout)
    assert reported["problems"] == []
    assert reported["libraries"]["numpy"] == machine.version_of("numpy")
    assert reported["backend"]["name"].startswith("tensorflow")
    assert reported["backend"]["chosen_by"] == "KERAS_BACKEND"
    assert reported["hardware"]["usable_cores"] >= 1
    assert reported["store"]["folder"] == os.environ["N2D_STORE"]
    assert reported["store"]["entries"] == 0
    assert "builtin" in {plugin["entry_point"] for plugin in reported["plugins"]}


def test_warm_up_uses_what_is_named(n2d: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from n2d_builtin.kmeans.kmeans import KMeans

    asked: list[int] = []
    plain = KMeans.predict
    monkeypatch.setattr(KMeans, "predict", lambda self, m: asked.append(len(m)) or plain(self, m))
    assert n2d("warm-up", "kmeans").exit_code == 0
    assert asked == [200, 200]  # by the fit, and for other rows
    refused = n2d("warm-up", "kmeens")
    assert refused.exit_code == 2
    assert "did you mean 'kmeans'" in refused.stderr


def test_warm_up_of_everything_leaves_out_what_cannot_be_used_alone(
    n2d: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a clusterer that takes centres which an embedder learns."""
    from n2d_builtin.gmm.gmm import GaussianMixture
    from n2d_builtin.kmeans.kmeans import KMeans
    from n2d_framework.cli.commands import warm_up
    from n2d_framework.errors import CompositionError

    def refuse(*_: object, **__: object) -> None:
        raise CompositionError("needs the centres of an embedder")

    every = warm_up._chosen
    names = ("gmm", "kmeans")
    chosen = [entry for entry in every([]) if entry.spec.name in names]
    monkeypatch.setattr(warm_up, "_chosen", lambda asked: every(asked) if asked else chosen)
    monkeypatch.setattr(KMeans, "fit", refuse)
    fitted, fit = [], GaussianMixture.fit
    monkeypatch.setattr(
        GaussianMixture, "fit", lambda *given, **more: fitted.append("fit") or fit(*given, **more)
    )
    done = n2d("warm-up")
    assert done.exit_code == 0
    assert "clusterer kmeans is left out: needs the centres" in done.stderr
    assert fitted == ["fit"]
    refused = n2d("warm-up", "kmeans")
    assert refused.exit_code == CompositionError("").exit_code
    assert "needs the centres" in refused.stderr


def test_doctor_finds_what_is_wrong(
    n2d: Run, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert json.loads(n2d("doctor", "--json").stdout)["store"]["entries"] == 3
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    Path("file").write_text("x")
    monkeypatch.setenv("N2D_STORE", "file/store")
    monkeypatch.setattr(machine, "required", lambda: ["numpy", "no-such-library"])
    result = n2d("doctor")
    assert result.exit_code == 1
    for word in ("theano", "no-such-library is not installed", "file/store cannot be written"):
        assert word in result.stdout


def test_the_backend_is_found_as_keras_finds_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert machine.backend()[1] == "default"
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    assert machine.backend()[0].startswith("jax")
    (tmp_path / "keras.json").write_text("[broken")
    assert machine.backend()[1] == "default"


def test_gpus_are_listed_by_their_driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.gpus() == []
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA T4 (UUID: GPU-1)'\necho noise\n")
    program.chmod(0o755)
    assert machine.gpus() == ["GPU 0: NVIDIA T4 (UUID: GPU-1)"]


def test_inspect(n2d: Run, bundle: Path) -> None:
    shown = n2d("inspect", bundle, "--arrays").stdout
    for word in ("60 rows of 4", "kmeans", "100.00% of 60", "n_clusters=3", "/clusterer/"):
        assert word in shown
    reported = json.loads(n2d("inspect", bundle, "--json").stdout)
    assert reported["components"]["clusterer"] == "n2d_framework:kmeans"
    assert reported["manifest"]["random_state"] == 7


def test_verify(n2d: Run, bundle: Path) -> None:
    result = n2d("verify", bundle)
    assert result.exit_code == 0, result.output
    assert "embedder: identical" in result.stdout
    assert "the same answers" in result.stdout
    assert json.loads(n2d("verify", bundle, "--json").stdout)["ok"] is True


def test_verify_names_what_moved(n2d: Run, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cls = default_catalogue().get("embedder", "pca").spec.load()
    transform = cls.transform
    monkeypatch.setattr(cls, "transform", lambda self, x: transform(self, x) * 1.5)
    result = n2d("verify", bundle)
    assert result.exit_code == 1
    assert "embedder: moved" in result.stdout
    assert "other answers" in result.stdout
    assert json.loads(n2d("verify", bundle, "--json").stdout)["ok"] is False


def test_upgrade(n2d: Run, bundle: Path) -> None:
    result = n2d("upgrade", bundle, "-o", "new.n2d")
    assert result.exit_code == 0, result.output
    assert "new.n2d: format version 2" in result.stdout
    before = json.loads(n2d("inspect", bundle, "--json").stdout)
    after = json.loads(n2d("upgrade", bundle, "--json").stdout)
    assert before["manifest"]["created"] == after["manifest"]["created"]


def test_version_and_help(n2d: Run) -> None:
    assert n2d("--version").stdout.startswith("n2d 0.")
    shown = n2d("--help").stdout
    for command in ("run", "predict", "inspect", "components", "datasets", "schema", "doctor"):
        assert command in shown
        assert n2d(command, "--help").exit_code == 0
    assert n2d("nonsense").exit_code == 2
    assert n2d().exit_code == 2


HEAVY = (
    "tensorflow", "keras", "numba", "umap", "hdbscan", "sklearn", "pandas", "matplotlib", "scipy",
    "openTSNE", "jax", "torch", "h5py", "pyarrow",
)  # fmt: skip


@pytest.mark.parametrize(
    "words", [["--help"], ["components"], ["components", "umap"], ["datasets"], ["doctor"],
              ["schema"], ["run", "--help"], ["run", "nothing.yaml"]],
)  # fmt: skip
def test_light_commands_load_nothing_heavy(words: list[str]) -> None:
    code = (
        "import atexit, sys\n"
        f"atexit.register(lambda: sys.stderr.write('|'.join(set({HEAVY}) & set(sys.modules))))\n"
        "from n2d_framework.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 2), done.stderr
    assert done.stderr.splitlines()[-1:] in ([], [""]) or "error" in done.stderr
    assert not set(done.stderr.rpartition("\n")[2].split("|")) & set(HEAVY)


def test_inspect_loads_nothing_of_the_components(bundle: Path) -> None:
    code = (
        "import atexit, sys\n"
        f"atexit.register(lambda: sys.stderr.write('|'.join(set({HEAVY}) & set(sys.modules))))\n"
        "from n2d_framework.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "inspect", str(bundle)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""


def test_a_closed_pipe_is_not_an_error() -> None:
    command = f"{sys.executable} -m n2d_framework.cli components 2>err | head -1"
    subprocess.run(["/bin/sh", "-c", command], check=True, capture_output=True)
    assert "Traceback" not in Path("err").read_text()
