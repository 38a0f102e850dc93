"""What a text is: YAML, JSON, a template, HTML, packed; and its documents."""

from __future__ import annotations

import codecs
import gzip
import json

import pytest
import yaml

from kinform_codegen.crd import yaml_reader
from kinform_codegen.crd.documents import read_documents
from kinform_codegen.crd.text import Text, decode_text
from kinform_codegen.errors import SpecError


def read(content: str, name: str = "a.yaml") -> list[object]:
    return [node.value for node in read_documents(Text(name, content))]


def complaint(content: str, name: str = "a.yaml") -> SpecError:
    with pytest.raises(SpecError) as caught:
        read(content, name)
    return caught.value


@pytest.mark.parametrize("name", ["a.yaml", "a.json", "standard input"])
def test_json_is_read_whatever_the_name(name: str) -> None:
    assert read('{"a": "\\ud83d\\ude00",\t"b": 1}\n{"c": 2}', name) == [{"a": "😀", "b": 1}, {"c": 2}]


def test_yaml_that_begins_like_json() -> None:
    assert read("{a: b}\n") == [{"a": "b"}]
    assert read('{"a": 1}\n---\n{"b": on}\n') == [{"a": 1}, {"b": True}]


def test_a_json_file_is_judged_as_json() -> None:
    assert "line 1: is not JSON: " in complaint("{a: b}", "a.json").problem
    assert "line 1: is not JSON: " in complaint("{a: b}", "A.JSON").problem


def test_sources_name_the_document_where_there_are_several() -> None:
    one = read_documents(Text("a.yaml", "---\na: 1\n"))
    assert [node.source for node in one] == ["a.yaml"]
    several = read_documents(Text("a.yaml", "---\n---\na: 1\n---\nb: 1\n"))
    assert [node.source for node in several] == ["a.yaml, document 2", "a.yaml, document 3"]


@pytest.mark.parametrize(
    "content",
    [
        "{{- if .Values.crds.install }}\nkind: CustomResourceDefinition\n{{- end }}\n",
        "kind: CustomResourceDefinition\nmetadata:\n  name: a\n  {{- with .Values.annotations }}\n  annotations: {}\n",
        "kind: CustomResourceDefinition\nmetadata:\n  name: {{ .Values.name }}\n",
        'kind: CustomResourceDefinition\nmetadata:\n  labels: {{ include "a.labels" . | nindent 4 }}\n',
        "kind: CustomResourceDefinition\nmetadata:\n  annotations:\n    {{ .Values.key }}: true\n",
        "kind: CustomResourceDefinition\nspec:\n  versions:\n  - {{ .Values.version }}\n",
        "{{ .Values.all }}",
    ],
)
def test_helm_templates_are_told(content: str) -> None:
    error = complaint(content, "templates/crds.yaml")
    assert error.problem.startswith("is a Helm template, not YAML (")
    assert error.mend.startswith("render the chart first and pipe it in: `helm template")


def test_braces_in_texts_and_comments_are_no_template() -> None:
    text = "# {{ a }}\na: |\n  {{ b }}\nb: '{{ c }}'\nc: x {{ d }}\n"
    assert read(text) == [{"a": "{{ b }}\n", "b": "{{ c }}", "c": "x {{ d }}"}]
    # Nor do they make one of what is broken elsewhere.
    assert "is no YAML" in complaint("a: '{{ b }}'\nb: c: d\n").problem


def test_html_is_told() -> None:
    error = complaint("\n<!DOCTYPE html>\n<html>", "https://host/a.yaml")
    assert error.problem == "is HTML"
    assert "raw file" in error.mend


def test_what_is_nested_beyond_reason_names_the_place() -> None:
    deep: object = "x"
    for _ in range(145):
        deep = {"a": deep}
    error = complaint(json.dumps(deep))
    assert error.problem == "is nested more deeply than any API"
    assert error.pointer == "#" + "/a" * 141
    # Aliases dig deeper than a text can be nested by itself.
    steps = "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 145))
    assert complaint(f"a0: &a0 []\n{steps}").problem == "is nested more deeply than any API"


@pytest.mark.parametrize(
    "data",
    [
        "ä: 1\n".encode(),
        codecs.BOM_UTF8 + "ä: 1\n".encode(),
        codecs.BOM_UTF16_LE + "ä: 1\n".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "ä: 1\n".encode("utf-16-be"),
    ],
)
def test_byte_order_marks(data: bytes) -> None:
    assert decode_text(data, "a.yaml") == "ä: 1\n"


@pytest.mark.parametrize("loader", [yaml.CSafeLoader, yaml.SafeLoader])
def test_byte_order_marks_amid_files_that_were_glued_together(loader: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_reader, "_LOADER", loader)
    text = decode_text(codecs.BOM_UTF8 + "a: 1\n---\n\ufeffb: 'x\ufeff'\n\ufeffc: 1\n".encode(), "a.yaml")
    assert read(text) == [{"a": 1}, {"b": "x\ufeff", "c": 1}]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"a: \xff\n", "is no text: byte 4 is not UTF-8"),
        (codecs.BOM_UTF16_LE + b"a\0:", "is no text: byte 5 is not UTF-16"),
        (gzip.compress(b"a: 1"), "is no text: byte 2 is not UTF-8"),
    ],
)
def test_what_is_no_text(data: bytes, problem: str) -> None:
    with pytest.raises(SpecError) as caught:
        decode_text(data, "a.yaml")
    assert caught.value.problem.startswith(problem)
    assert caught.value.mend == "give YAML or JSON in UTF-8, not packed"
