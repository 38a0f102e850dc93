"""Files that people write: kubeconfigs, ``[tool.kinform]``, definitions in YAML. Read right, or one clear error."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.fuzz.support import broken, broken_text, inputs, within

from kinform.errors import ConfigurationError
from kinform.transport import Transport, connect
from kinform_codegen.config import KEYS, find_config, read_config
from kinform_codegen.crd.load import load_crds
from kinform_codegen.crd.yaml_reader import read_yaml
from kinform_codegen.errors import SettingsError, SpecError
from kinform_codegen.settings import Settings

CANARY: Final = "canary-6f1d"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


# ---- kubeconfigs

_VALUE = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-9, 9),
        st.sampled_from(["", "x", "https://[", "http://a b", "/nowhere", "é", "e30="]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(["name", "user", "token", "server"]), inner, max_size=2),
    ),
    max_leaves=4,
)
_KUBECONFIG: Final[dict[str, Any]] = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "blue",
    "clusters": [
        {
            "name": "one",
            "cluster": {"server": "https://one.invalid", "insecure-skip-tls-verify": False, "tls-server-name": "two"},
        }
    ],
    "users": [{"name": "jane", "user": {"token": CANARY, "username": "jane", "password": CANARY}}],
    "contexts": [{"name": "blue", "context": {"cluster": "one", "user": "jane", "namespace": "shop"}}],
}


def _paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for step, below in members for path in _paths(below, (*at, step)))]


@st.composite
def _kubeconfigs(draw: st.DrawFn) -> str:
    config: Any = json.loads(json.dumps(_KUBECONFIG))
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from(_paths(config)[1:]))
        parent = config
        for step in path[:-1]:
            parent = parent[step]
        if draw(st.booleans()):
            del parent[path[-1]]
        else:
            parent[path[-1]] = draw(_VALUE)
        if not _paths(config)[1:]:
            break
    return yaml.safe_dump(config)


@inputs(3)
@given(st.one_of(_kubeconfigs(), broken_text(_kubeconfigs().map(str.encode))))
def test_kubeconfigs(folder: Path, text: str) -> None:
    assume("exec" not in text and "auth-provider" not in text)
    file = folder / "config"
    file.write_text(text, encoding="utf-8", errors="replace")
    with within(10):
        try:
            Transport(connect(config_file=str(file))).close()
        except ConfigurationError as error:
            assert CANARY not in str(error)
            assert "\n" not in str(error)
            assert error.__cause__ is None
            assert error.__suppress_context__ or error.__context__ is None


# ---- the settings of a project

_TOML_TEXT = st.one_of(
    st.sampled_from(
        [
            "crds",
            "a.yaml",
            "",
            "..",
            "/",
            "-",
            "http://x",
            "MIT",
            "1.0",
            "acme",
            "pydantic",
            "msgspec",
            "\x7f",
            'x"\n[project]\nname="evil',
        ]
    ),
    st.text(max_size=6),
)
_TOML_VALUE = st.recursive(
    st.one_of(st.booleans(), st.integers(-9, 9), st.floats(), _TOML_TEXT),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
_TABLE = st.dictionaries(
    st.one_of(st.sampled_from(KEYS), st.sampled_from(["crd", "Package", "x"])), _TOML_VALUE, max_size=6
)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return "nan" if math.isnan(value) else f"{value}" if math.isinf(value) else repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value).replace("\x7f", "\\u007f") if isinstance(value, str) else str(value)


_TOMLS = st.builds(
    lambda heads, tables: "".join(
        f"{head}\n" + "".join(f"{json.dumps(name)} = {_toml(each)}\n" for name, each in table.items())
        for head, table in zip(heads, tables, strict=False)
    ),
    st.one_of(
        st.just(["[tool.kinform]"]),
        st.just(["[[tool.kinform]]"] * 3),
        st.just(["[tool]"]),
        st.just(["[tool.kinform.crds]"]),
    ),
    st.lists(_TABLE, min_size=1, max_size=3),
)


@inputs(2)
@given(st.one_of(_TOMLS, broken_text(_TOMLS.map(lambda text: text.encode("utf-8", "replace")))))
def test_settings_of_projects(folder: Path, text: str) -> None:
    file = folder / "pyproject.toml"
    file.write_bytes(text.encode("utf-8", "replace"))
    with within(5):
        try:
            found = read_config(file)
            find_config(folder)
        except SettingsError as error:
            assert str(file) in str(error)
            assert "\n  mend: " in str(error)
            return
    for settings in found:
        assert isinstance(settings, Settings)
        assert settings.sources
        for text_ in (settings.options.license or "MIT", settings.options.version or "1"):
            assert re.fullmatch(r"[A-Za-z0-9.+()\- !]+", text_)


# ---- YAML

_PLAIN = st.sampled_from(
    [
        "a",
        "on",
        "No",
        "~",
        "null",
        "1",
        "0x10",
        "0o7",
        "1e3",
        ".inf",
        "1_000",
        "12:30",
        "2001-12-14",
        "'q'",
        '"d\\n"',
        "é",
        "-",
        "a b",
        "true",
        "",
        "<<",
        "=",
        "!x",
        "&a x",
        "*a",
        "{{x}}",
        "0.1",
        "-0",
        "+1",
        "1.",
        ".5",
        "017",
        "08",
    ]
)


@st.composite
def _yamls(draw: st.DrawFn, depth: int = 0) -> str:
    """Block and flow YAML, built line by line."""
    kind = draw(st.sampled_from(["map", "list", "scalar", "flow", "text"] if depth < 3 else ["scalar", "flow"]))
    indent = "  " * depth
    if kind == "map":
        keys = draw(st.lists(_PLAIN, min_size=1, max_size=3))
        return "\n" + "\n".join(f"{indent}{key}: {draw(_yamls(depth + 1))}" for key in keys)
    if kind == "list":
        size = draw(st.integers(1, 3))
        return "\n" + "\n".join(f"{indent}- {draw(_yamls(depth + 1))}" for _ in range(size))
    if kind == "text":
        return draw(st.sampled_from(["|", ">", "|-", ">+"])) + f"\n{indent}  some\n{indent}   text: {{x}}"
    if kind == "flow":
        return draw(st.sampled_from(["{}", "[]", "[a, 1]", "{a: b, c: [~]}", "{a}", "[[], {}]", '{"a":1}']))
    return draw(_PLAIN)


def _plain(value: Any) -> bool:
    """Whether JSON has the value, and both readers mean it alike: no dates, no sets, and texts for keys."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _plain(each) for key, each in value.items())
    if isinstance(value, list):
        return all(map(_plain, value))
    return value is None or isinstance(value, (bool, int, str)) or (isinstance(value, float) and math.isfinite(value))


# Where kubectl, whose reader is Go's, and PyYAML part ways by design: tests/codegen/crd/test_yaml_scalars.py.
_OTHERWISE: Final = re.compile(
    r"[0-9]{19}|[0-9][0-9_:]*[_:.eoxOX-]|\b0[0-9]|\b[yYnN]\b|<<|=|\bo[nf]f?\b|!|\.[0-9iIn]", re.IGNORECASE
)


@inputs(4)
@given(st.one_of(_yamls(), broken_text(_yamls().map(str.encode))))
def test_yaml_beside_pyyaml(text: str) -> None:
    with within(10):
        try:
            mine: Any = [document.value for document in read_yaml(text, "a.yaml")]
        except SpecError as error:
            assert "\n  mend: " in str(error)
            assert str(error).startswith("a.yaml")
            return
    json.dumps(mine, allow_nan=False)
    try:
        theirs = list(yaml.load_all(text, yaml.CSafeLoader))
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError) as error:
        # What PyYAML alone refuses: its types' own rules (dates, sets, keys that cannot be hashed).
        assert not isinstance(error, yaml.scanner.ScannerError | yaml.parser.ParserError), error
        return
    if _plain(theirs) and not _OTHERWISE.search(text):
        assert mine == theirs


# ---- definitions

_CRD: Final = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"scale": {"specReplicasPath": ".spec.n", "statusReplicasPath": ".status.n"}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "required": ["n"],
                                "properties": {
                                    "n": {"type": "integer", "default": 1},
                                    "mode": {"type": "string", "enum": ["a", "b"]},
                                    "map": {"type": "object", "additionalProperties": {"type": "string"}},
                                    "list": {"type": "array", "items": {"type": "object", "nullable": True}},
                                    "any": {"x-kubernetes-preserve-unknown-fields": True},
                                    "port": {"x-kubernetes-int-or-string": True},
                                },
                            }
                        },
                    }
                },
            }
        ],
    },
}


def _definition_texts() -> st.SearchStrategy[str]:
    return st.sampled_from(
        [yaml.safe_dump(_CRD), json.dumps(_CRD), yaml.safe_dump(_CRD) + "---\n" + yaml.safe_dump(_CRD)]
    )


@inputs(4)
@given(broken(_definition_texts().map(str.encode)), st.sampled_from(["a.yaml", "a.json"]))
def test_broken_definitions(folder: Path, data: bytes, name: str) -> None:
    file = folder / name
    file.write_bytes(data)
    with within(10):
        try:
            document = load_crds([str(file)])
        except SpecError as error:
            assert str(file) in str(error)
            assert "\n  mend: " in str(error)
            return
    json.dumps(document)
