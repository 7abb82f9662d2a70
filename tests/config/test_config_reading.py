"""Three formats, one tree; and nothing in a file costs more than its size."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from n2d_framework.config import read_config
from n2d_framework.config.reading import apply_overrides, as_yaml, parse_yaml, read_tree
from n2d_framework.errors import ConfigError


def read(folder: Path, suffix: str, content: str | bytes) -> dict[str, Any]:
    path = folder / f"config.{suffix}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_tree(path)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-3", 0.001), ("1E5", 1e5), (".5", 0.5), ("1.", 1.0), ("-.inf", float("-inf")),
        ("010", 10), ("+7", 7), ("-0", 0), ("0o17", 15), ("0x1F", 31),
        ("1:30", "1:30"), ("190:20:30.15", "190:20:30.15"), ("1_000", "1_000"), ("0b11", "0b11"),
        ("yes", "yes"), ("No", "No"), ("on", "on"), ("OFF", "OFF"), ("y", "y"), ("n", "n"),
        ("2024-01-01", "2024-01-01"), ("2024-01-01 10:00:00", "2024-01-01 10:00:00"),
        ("true", True), ("FALSE", False), ("null", None), ("~", None), ("", None), ("=", "="),
        ("'010'", "010"), ('"1e-3"', "1e-3"), ('"null"', "null"), ("1e", "1e"), (".", "."),
    ],
)  # fmt: skip
def test_yaml_follows_the_core_schema_of_1_2(tmp_path: Path, written: str, value: object) -> None:
    found = read(tmp_path, "yaml", f"a: {written}\nb: [x, {written or '~'}]\n")
    assert found == {"a": value, "b": ["x", value]}
    assert type(found["a"]) is type(value)
    assert apply_overrides({"a": 0}, [f"a={written}"]) == {"a": value}


def test_keys_and_dates_are_strings_in_each_format(tmp_path: Path) -> None:
    tree = {"010": 1, "no": {"2024-01-01": "2024-01-02", "null": [1.5, True, "yes"]}}
    assert read(tmp_path, "json", json.dumps(tree)) == tree
    text = "010: 1\nno:\n  2024-01-01: 2024-01-02\n  null: [1.5, true, yes]\n"
    assert read(tmp_path, "yaml", text) == tree
    text = "010 = 1\n[no]\n2024-01-01 = 2024-01-02\nnull = [1.5, true, 'yes']\n"
    assert read(tmp_path, "toml", text) == tree


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=8)
    | st.sampled_from(["yes", "0o17", "1e-3", "010", "1:30", "~", "<<", "=", "1_0", "2024-01-01"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "yes", "010", "1e-3", "é"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(tree=plain)
@settings(max_examples=150, deadline=None)
def test_what_is_written_as_yaml_is_read_back(tree: Any) -> None:
    text = as_yaml(tree)
    assert parse_yaml(text) == tree
    assert yaml.safe_load(text) == tree, "readers of YAML 1.1 as well"


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""])
@pytest.mark.parametrize(
    ("suffix", "text"),
    [("yaml", b"data: digits"), ("toml", b"data='digits'"), ("json", b'{"data":"digits"}')],
)
def test_a_byte_order_mark_is_not_content(
    tmp_path: Path, suffix: str, text: bytes, mark: bytes
) -> None:
    assert read(tmp_path, suffix, mark + text) == {"data": "digits"}


@pytest.mark.parametrize("suffix", ["yaml", "toml", "json"])
@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_other_encodings_are_refused(tmp_path: Path, suffix: str, encoding: str) -> None:
    with pytest.raises(ConfigError, match="save it as UTF-8"):
        read(tmp_path, suffix, "ä: 1".encode(encoding))


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "Yes", "NO"])
def test_yes_and_no_are_booleans_where_an_option_is_one(tmp_path: Path, word: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(f"data: {{path: t.csv, header: {word}}}\nmodel: {{embedder: pca}}\n")
    assert read_config(path).data.header is (word.lower() in ("yes", "on"))
    path.write_text(f"data: {{path: t.csv, y: {word}}}\n")
    assert read_config(path).data.y == word
    path.write_text(f"model: {{n_clusters: {word}}}\n")
    with pytest.raises(ConfigError, match="n_clusters: must be an integer"):
        read_config(path)


def laughs(item: str, step: str, levels: int) -> str:
    """A document in which each line repeats the one before nine times."""
    lines = [f"a0: &a0 {item}"]
    for level in range(1, levels):
        aliases = ", ".join([f"*a{level - 1}"] * 9)
        lines.append(f"a{level}: &a{level} {step.format(aliases)}")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("suffix", "text", "reason"),
    [
        ("yaml", laughs("[x, x]", "[{}]", 12), "aliases repeat"),
        ("yaml", laughs("{x: 1}", "{{<<: [{}]}}", 12), "aliases repeat"),
        ("yaml", laughs("x", "{{a: [{}]}}", 30), "aliases repeat"),
        ("yaml", "a: &a [*a]", "contains itself"),
        ("yaml", "a: &a {b: [1, {c: *a}]}", "contains itself"),
        ("yaml", "a: &a {<<: *a}", "contains itself"),
        ("yaml", "a: " + "[" * 5_000, "deeper than 64"),
        ("json", '{"a":' + "[" * 200_000, "deeper than 64"),
        ("json", '{"a":' + "[" * 100 + "]" * 100 + "}", "deeper than 64"),
        ("toml", "a = " + "[" * 200_000, "deeper than 64"),
        ("toml", ".".join("a" * 200_000) + " = 1", "more than 64 parts"),
        ("toml", "a = {" + ".".join("'a'" for _ in range(50_000)) + " = 1}", "more than 64 parts"),
        ("json", '{"a": "' + "x" * (1 << 20) + '"}', "larger than"),
        ("json", json.dumps(dict.fromkeys(map(str, range(30_000))))[:-1] + ',"7":1}', "'7'.*twice"),
        ("yaml", "a: !!python/object/apply:os.system [ls]", "line 1: the tag"),
        ("yaml", "a: !!timestamp 2024-01-01", "line 1: the tag"),
        ("yaml", "a: 1\n? [b]\n: 2", "line 2: a key must be a string"),
    ],
)  # fmt: skip
@pytest.mark.timeout(60)
def test_costs_are_bounded(tmp_path: Path, suffix: str, text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        read(tmp_path, suffix, text)


@pytest.mark.parametrize("suffix", ["yaml", "toml", "json"])
@pytest.mark.timeout(120)
def test_many_keys_and_names_are_read_in_linear_time(
    tmp_path: Path, suffix: str, calls: Callable[[Callable[[], Any]], int]
) -> None:
    def reading(count: int) -> int:
        names = [f"column_{i:05d}" for i in range(count)]
        tree = {"x": names, "keys": dict.fromkeys(names[: count // 4], 1)}
        if suffix == "toml":
            keys = "\n".join(f"{name} = 1" for name in names[: count // 4])
            text = f"x = {json.dumps(names)}\n[keys]\n{keys}\n"
        else:
            text = as_yaml(tree) if suffix == "yaml" else json.dumps(tree)
        found: list[Any] = []
        made = calls(lambda: found.append(read(tmp_path, suffix, text)))
        assert found == [tree]
        return made

    assert reading(10_000) < 12 * reading(1_000)


def test_aliases_that_save_a_few_lines_stay(tmp_path: Path) -> None:
    text = "base: &base {name: pca, latent_dim: 3}\none: *base\nmore: {<<: *base, latent_dim: 4}\n"
    found = read(tmp_path, "yaml", text)
    assert found["one"] == {"name": "pca", "latent_dim": 3}
    assert found["more"] == {"name": "pca", "latent_dim": 4}


def test_what_is_not_a_file_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").mkdir()
    os.mkfifo(tmp_path / "b.json")
    for name in ("a.yaml", "b.json"):
        with pytest.raises(ConfigError, match="is not a file"):
            read_tree(tmp_path / name)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_tree(tmp_path / "none.toml")


@pytest.mark.parametrize("suffix", ["yaml", "toml", "json"])
@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1e-400", "too close to 0"), ("-2.5E-324000", "too close to 0"), ("1e400", "too large"),
        ("-1.0e309", "too large"), ("0." + "0" * 330 + "1", "too close to 0"),
    ],
)  # fmt: skip
def test_numbers_that_float64_cannot_hold_are_refused(
    tmp_path: Path, suffix: str, written: str, said: str
) -> None:
    line = {"yaml": "a: {}", "toml": "a = {}", "json": '{{"a": {}}}'}[suffix]
    with pytest.raises(ConfigError, match=said):
        read(tmp_path, suffix, line.format(written))
    with pytest.raises(ConfigError, match=said):
        apply_overrides({}, [f"a={written}"])
    zero = read(tmp_path, suffix, line.format("0e-400"))
    assert zero == {"a": 0.0}
    assert read(tmp_path, suffix, line.format("4.9e-324"))["a"] == 5e-324


@pytest.mark.parametrize("suffix", ["yaml", "toml", "json"])
def test_byte_order_marks_may_be_there_twice(tmp_path: Path, suffix: str) -> None:
    line = {"yaml": "a: 1", "toml": "a = 1", "json": '{"a": 1}'}[suffix]
    assert read(tmp_path, suffix, "\ufeff\ufeff" + line) == {"a": 1}
