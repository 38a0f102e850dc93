"""Models as Python objects: made, compared, copied, shown, shared between threads."""

from __future__ import annotations

import copy
import gc
import inspect
import json
import pickle
import subprocess
import sys
import textwrap
import threading
import weakref
from typing import TYPE_CHECKING, Any

import pydantic
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import SimpleNamespace


def test_constructors_take_attribute_names(api: SimpleNamespace) -> None:
    spec = api.Spec(node_name="n1", parts=[api.Part(image="i", ports=[api.Port(number=80, target="http")])])
    assert spec.node_name == "n1"
    assert json.loads(spec.to_wire()) == {
        "nodeName": "n1",
        "parts": [{"image": "i", "ports": [{"containerPort": 80, "target": "http"}]}],
    }


@pytest.mark.parametrize("given", [{"nodeName": "n1"}, {"node_nam": "n1"}, {"parts": [{"imagePullPolicy": "Always"}]}])
def test_constructors_refuse_names_that_they_do_not_know(models: SimpleNamespace, given: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError, match="Extra inputs are not permitted") as caught:
        models.Spec(**given)
    assert isinstance(caught.value, ValueError)
    assert caught.value.error_count() == 1


def test_constructors_read_inner_dicts_by_attribute_names(models: SimpleNamespace) -> None:
    assert models.Spec(parts=[{"ports": [{"number": 80}]}]) == models.Spec(
        parts=[models.Part(ports=[models.Port(number=80)])]
    )


def test_constructor_errors_name_each_fault_once(models: SimpleNamespace) -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        models.Spec(node_name=5, parts=[{"image": ["hunter2"]}])
    assert [(error["loc"], error["msg"]) for error in caught.value.errors()] == [
        (("node_name",), "Input should be a valid string"),
        (("parts", 0, "image"), "Input should be a valid string"),
    ]
    assert "hunter2" not in str(caught.value)
    assert "null" not in str(caught.value)


def test_constructors_take_numbers_where_quantities_stand(api: SimpleNamespace) -> None:
    assert api.Part(amount=5, limits={"cpu": 2}).to_wire() == b'{"amount":5,"limits":{"cpu":2}}'


def test_unknown_attributes_cannot_be_set(models: SimpleNamespace) -> None:
    spec = models.Spec()
    with pytest.raises(AttributeError, match="Spec has no field 'nodeName'; its attribute is 'node_name'"):
        spec.nodeName = "n"
    with pytest.raises(AttributeError, match=r"newer than the class goes into model_extra\['nodenam'\]"):
        spec.nodenam = "n"
    assert spec.to_wire() == b"{}"


def test_equal_where_all_values_are_equal(models: SimpleNamespace) -> None:
    assert models.Spec.from_wire(b'{"nodeName":"","parts":[]}') == models.Spec()
    assert models.Spec(node_name="a") != models.Spec(node_name="b")
    assert models.Spec.from_wire(b'{"new":1}') != models.Spec()
    assert models.Part(amount="5") == models.Part(amount=5)


def full(api: SimpleNamespace) -> Any:
    return api.Thing.from_wire(
        json.dumps(
            {
                "apiVersion": "example.com/v1",
                "kind": "Thing",
                "metadata": {"creationTimestamp": "2026-01-02T03:04:05.0Z", "labels": {"a": ""}},
                "spec": {"parts": [{"amount": 5, "odd": {"x": [1]}}], "raw": {"a": {}}, "replicas": None},
                "template": {"spec": {"lock": {"renewTime": "2026-01-02T03:04:05.000000Z"}}},
            }
        ).encode()
    )


@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x)), copy.copy],
    ids=["deepcopy", "pickle", "copy"],
)
def test_copies_are_whole(api: SimpleNamespace, duplicate: Callable[[Any], Any]) -> None:
    thing = full(api)
    same = duplicate(thing)
    assert same == thing
    assert same.to_wire() == thing.to_wire()
    assert type(same) is type(thing)


def test_pydantic_s_own_copies_are_whole(models: SimpleNamespace) -> None:
    thing = full(models)
    same = thing.model_copy(deep=True)
    assert same == thing
    assert same.to_wire() == thing.to_wire()


def test_deep_copies_share_nothing(models: SimpleNamespace) -> None:
    thing = full(models)
    before = thing.to_wire()
    same = copy.deepcopy(thing)
    same.metadata.labels["b"] = "c"
    same.spec.parts[0].model_extra["odd"]["x"].append(2)
    same.spec.raw["a"]["b"] = 1
    assert thing.to_wire() == before


def test_models_can_be_referred_to_weakly(api: SimpleNamespace) -> None:
    thing = full(api)
    reference = weakref.ref(thing)
    assert reference() is thing
    del thing
    gc.collect()
    assert reference() is None


def test_repr_shows_what_would_be_written_and_no_secret(models: SimpleNamespace) -> None:
    thing = models.Thing(password="hunter2", metadata=models.Meta(name="x"))
    thing.metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"] = '{"password":"hunter2"}'
    thing.metadata.annotations["note"] = "seen"
    for text in (repr(thing), str(thing)):
        assert "hunter2" not in text
        assert "password=<hidden>" in text
        assert "'note': 'seen'" in text
        assert "parts" not in text
    assert repr(models.Spec(node_name="")) == "Spec(node_name='')"
    assert repr(models.Spec.from_wire(b'{"new":1}')) == "Spec(new=1)"
    assert repr(models.Thing()) == "Thing(api_version='example.com/v1', kind='Thing')"


def test_model_validate_reads_manifests(models: SimpleNamespace) -> None:
    thing = models.Thing.model_validate({"metadata": {"name": "x"}, "spec": {"nodeName": "n", "new": 1}})
    assert json.loads(thing.to_wire())["spec"] == {"nodeName": "n", "new": 1}


def test_a_json_schema_can_be_made(models: SimpleNamespace) -> None:
    for mode in ("validation", "serialization"):
        assert "nodeName" in json.dumps(models.Thing.model_json_schema(mode=mode))


def test_subclasses_may_add_fields(models: SimpleNamespace) -> None:
    class Wide(models.Spec):  # type: ignore[misc, name-defined]
        extra_field: str = ""

    assert json.loads(Wide(extra_field="a", node_name="n").to_wire()) == {"nodeName": "n", "extra_field": "a"}
    assert models.Spec(node_name="n").to_wire() == b'{"nodeName":"n"}'


def test_constructor_signature_names_the_attributes(models: SimpleNamespace) -> None:
    models.Spec()
    parameters = inspect.signature(models.Spec).parameters
    assert list(parameters) == list(models.Spec.model_fields)
    assert parameters["node_name"].default == ""


RACE = textwrap.dedent(
    """
    import sys, threading
    sys.setswitchinterval(1e-6)
    from typing import Annotated
    from pydantic import Field
    from kinform.model import Model, Time

    {classes}

    errors, barrier = [], threading.Barrier(16)

    def work(n):
        barrier.wait()
        try:
            if n % 3 == 0:
                assert Top.from_wire(b'{{"a":{{"value":1}},"parts":null}}').a.value == 1
            elif n % 3 == 1:
                assert Top(a=C3(value=2)).to_wire() == b'{{"a":{{"value":2}}}}'
            else:
                assert C7.from_wire(b'{{}}').next.next.next.value == 0
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert not errors, errors
    """
)


def test_sixteen_threads_may_meet_at_the_first_use() -> None:
    classes = "class C0(Model):\n    value: int = 0\n    next: Annotated[Time | None, Field(alias='t')] = None\n"
    for n in range(1, 12):
        classes += (
            f"class C{n}(Model):\n    value: int = 0\n    lists: list[C{n - 1}] = []\n"
            f"    next: C{n - 1} = Field(default_factory=lambda: C{n - 1}())\n"
        )
    classes += "class Top(Model):\n    a: C3 = Field(default_factory=lambda: C3())\n    parts: list[C11] = []\n"
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", RACE.format(classes=classes)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_one_object_may_be_read_and_written_by_many_threads(api: SimpleNamespace) -> None:
    thing = full(api)
    expected = thing.to_wire()
    wrong: list[int] = []

    def work() -> None:
        wrong.extend(1 for _ in range(50) if thing.to_wire() != expected or repr(thing) == "")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
