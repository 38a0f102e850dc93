"""What structs do otherwise than pydantic models, and what only they can get wrong."""
# ruff: noqa: RUF012, PLW0108, PIE807 - the form that type checkers read right

from __future__ import annotations

import copy
import enum
import gc
import json
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Annotated, Any

import pytest

from kinform.structs import AbsentObject, Default, Field, Number, OmitZero, RawExtension, Struct, Time
from kinform.structs.leniency import read_leniently


class Rule(Struct, kw_only=True):
    """Fields that the API requires, each with the others of its kind beside it."""

    host: str = ""
    name: str = Field(default_factory=str)
    count: int = Field(default_factory=int)
    ports: list[int] = Field(name="portNumbers", default_factory=lambda: [])
    seen: list[Time] = []
    part: Part = Field(default_factory=lambda: Part())
    optional: Annotated[Part, OmitZero] = Field(default_factory=lambda: Part())
    pointer: Part | None = None
    nullable: str | None = Field(default_factory=lambda: None)
    free: RawExtension = Field(default_factory=AbsentObject)
    bound: RawExtension = Field(default_factory=lambda: {})


class Part(Struct, kw_only=True):
    at: Time | None = None
    size: int = Default(3)
    mode: str = "Always"
    on: bool = True
    ratio: Number = 1.5


class Inner(Struct, kw_only=True):
    maybe: str | None = Field(name="b", default="x")


class Odd(Struct, kw_only=True):
    inner: Inner | None = Field(name="a", default=None)
    dotted: str = Field(name="a.b", default="")


ZERO_RULE = {"name": "", "count": 0, "portNumbers": [], "part": {}, "nullable": None, "bound": {}}


@pytest.fixture
def api(struct_models: SimpleNamespace) -> SimpleNamespace:
    return struct_models


def written(struct: Any) -> Any:
    return json.loads(struct.to_wire())


def test_what_is_required_is_always_written_and_nothing_else() -> None:
    assert written(Rule()) == ZERO_RULE
    assert written(Rule.from_wire(b"{}")) == ZERO_RULE
    assert written(Rule.from_wire(Rule().to_wire())) == ZERO_RULE
    assert written(Rule(name="a", ports=[1], part=Part(size=0), nullable="")) == ZERO_RULE | {
        "name": "a",
        "portNumbers": [1],
        "part": {"size": 0},
        "nullable": "",
    }


def test_optional_zeros_are_left_out_given_or_not(api: SimpleNamespace) -> None:
    zeros = b'{"nodeName":"","parts":[],"lock":{},"schema":null,"timeout":"","times":{},"byName":{},"replicas":null}'
    assert api.Spec.from_wire(zeros).to_wire() == b"{}"
    assert api.Spec(node_name="", parts=[], lock=api.Lock(), replicas=None).to_wire() == b"{}"
    assert written(Rule(optional=Part(), pointer=Part()))["pointer"] == {}


def test_zeros_where_go_has_a_pointer_are_written(api: SimpleNamespace) -> None:
    assert api.Spec.from_wire(b'{"replicas":0,"schema":{},"words":[]}').to_wire() == (
        b'{"replicas":0,"schema":{},"words":[]}'
    )


def test_defaults_of_custom_resources_are_left_out_until_changed() -> None:
    part = Part.from_wire(b"{}")
    assert isinstance(part.size, int)
    assert (part.size, part.mode, part.on, part.ratio) == (3, "Always", True, 1.5)
    assert part.to_wire() == b"{}"
    zeros: dict[str, Any] = {"size": 0, "mode": "", "on": False, "ratio": 0}
    assert written(Part(**zeros)) == zeros
    assert written(Part.from_wire(json.dumps(zeros).encode())) == zeros
    part.size = 4
    assert written(copy.deepcopy(part)) == {"size": 4}


def test_an_empty_free_form_object_is_told_from_one_that_is_not_there(api: SimpleNamespace) -> None:
    assert written(Rule.from_wire(b'{"free":{}}')) == ZERO_RULE | {"free": {}}
    assert written(Rule.from_wire(b'{"free":null}')) == ZERO_RULE
    rule = Rule()
    assert rule.free == {}
    rule.free["a"] = None
    assert written(rule)["free"] == {"a": None}
    assert written(copy.deepcopy(rule)) == written(rule)
    assert written(Rule(free={}))["free"] == {}
    assert api.Spec().raw is not api.Spec().raw


def test_unknown_fields_are_dropped(api: SimpleNamespace) -> None:
    thing = api.Thing.from_wire(b'{"new":1,"spec":{"node_name":"stray","nodeName":"n","odd":{"x":[]}}}')
    assert thing.spec.node_name == "n"
    assert written(thing)["spec"] == {"nodeName": "n"}


def test_constructors_refuse_names_that_they_do_not_know(api: SimpleNamespace) -> None:
    for given in ({"nodeName": "n1"}, {"node_nam": "n1"}):
        with pytest.raises(TypeError, match=f"Unexpected keyword argument '{next(iter(given))}'"):
            api.Spec(**given)
    with pytest.raises(TypeError, match="positional"):
        api.Spec("n1")


def test_unknown_attributes_cannot_be_set(api: SimpleNamespace) -> None:
    with pytest.raises(AttributeError, match="nodeName"):
        api.Spec().nodeName = "n"


def test_del_makes_zero(api: SimpleNamespace) -> None:
    spec = api.Spec.from_wire(b'{"nodeName":"n","parts":[{}],"lock":{"renewTime":"2026-01-02T03:04:05.000000Z"}}')
    del spec.node_name
    del spec.parts
    del spec.lock
    assert spec == api.Spec()
    spec.parts.append(api.Part())
    assert api.Spec().parts == []
    with pytest.raises(AttributeError, match="no field 'nodeName'"):
        del spec.nodeName


def test_a_kind_whose_api_version_was_emptied_still_says_it(api: SimpleNamespace) -> None:
    assert api.Thing(api_version="", kind="").to_wire() == b'{"apiVersion":"example.com/v1","kind":"Thing"}'
    assert written(api.Thing(kind="Other")) == {"apiVersion": "example.com/v1", "kind": "Other"}


def test_writing_changes_nothing(api: SimpleNamespace) -> None:
    local = datetime(2026, 1, 2, tzinfo=UTC)
    thing = api.Thing(metadata=api.Meta(created=local), spec=api.Spec(times={"a": local}))
    assert written(thing)["spec"] == {"times": {"a": "2026-01-02T00:00:00Z"}}
    assert thing.metadata.created is local
    assert thing.spec.times["a"] is local
    assert type(thing.api_version) is str
    assert thing.spec.lock == api.Lock()


def test_times_in_lists() -> None:
    rule = Rule.from_wire(b'{"seen":["2026-01-02T03:04:05.1+02:00"]}')
    rule.seen.append(datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC))
    assert written(rule)["seen"] == ["2026-01-02T03:04:05.1+02:00", "2026-01-02T03:04:05Z"]
    rule.seen.append(datetime(2026, 1, 2))  # noqa: DTZ001
    with pytest.raises(ValueError, match=r"seen: .*time zone.*2026-01-02"):
        rule.to_wire()


def test_times_in_free_form_values_are_written_as_they_came(api: SimpleNamespace) -> None:
    created = api.Meta.from_wire(b'{"creationTimestamp":"2026-01-02T03:04:05.10Z"}').created
    assert written(api.Spec(raw={"at": created})) == {"raw": {"at": "2026-01-02T03:04:05.10Z"}}


def test_structs_in_free_form_values_are_written_as_elsewhere(api: SimpleNamespace) -> None:
    renewed = datetime(2026, 1, 2, tzinfo=UTC)
    holder = api.Spec(raw={"items": [{"lock": api.Lock(renewed=renewed)}, None]})
    expected = {"items": [{"lock": {"renewTime": "2026-01-02T00:00:00.000000Z"}}, None]}
    assert written(holder) == {"raw": expected}
    fresh = api.Spec()
    fresh.raw.update(holder.raw)
    assert written(fresh) == {"raw": expected}
    assert written(api.Schema(default=holder.raw)) == {"default": expected}
    assert written(api.Schema(inner={"a": api.Schema(default=[api.Spec()])})) == {
        "properties": {"a": {"default": [{}]}}
    }


def test_subclasses_of_what_json_has_are_written() -> None:
    class Word(str):
        __slots__ = ()

    class Count(int):
        pass

    class Mode(enum.StrEnum):
        NEVER = "Never"

    assert written(Rule(host=Word("a"), count=Count(2), optional=Part(mode=Mode.NEVER))) == ZERO_RULE | {
        "host": "a",
        "count": 2,
        "optional": {"mode": "Never"},
    }


def test_repr_shows_what_is_not_zero_and_no_secret(api: SimpleNamespace) -> None:
    thing = api.Thing(password="hunter2", metadata=api.Meta(name="x"))
    thing.metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"] = '{"password":"hunter2"}'
    thing.metadata.annotations["note"] = "seen"
    for text in (repr(thing), str(thing), str(thing.__rich_repr__())):
        assert "hunter2" not in text
        assert "<hidden>" in text
        assert "'note': 'seen'" in text
        assert "parts" not in text
    assert repr(api.Spec(node_name="n")) == "StructSpec(node_name='n')"
    assert repr(Part(size=0)) == "Part(size=0)"
    assert repr(api.Thing()) == "StructThing()"


def test_equal_where_all_values_are_equal(api: SimpleNamespace) -> None:
    assert api.Spec.from_wire(b'{"nodeName":"","parts":[],"raw":{}}') == api.Spec()
    assert api.Spec(node_name="a") != api.Spec(node_name="b")


def test_deep_copies_share_nothing(api: SimpleNamespace) -> None:
    thing = api.Thing(spec=api.Spec(raw={"a": {}}, parts=[api.Part()]))
    before = thing.to_wire()
    same = copy.deepcopy(thing)
    same.metadata.labels["b"] = "c"
    same.spec.parts[0].image = "i"
    same.spec.raw["a"]["b"] = 1
    assert thing.to_wire() == before


def test_the_collector_need_not_look_at_structs(api: SimpleNamespace) -> None:
    thing = api.Thing.from_wire(b'{"spec":{"parts":[{"image":"a"}]}}')
    assert not gc.is_tracked(thing)
    assert not gc.is_tracked(thing.spec)
    assert not gc.is_tracked(thing.spec.parts[0])


@pytest.mark.parametrize(
    ("field", "sent", "read_as"),
    [
        ("replicas", 2.0, 2),
        ("replicas", "2", 2),
        ("replicas", True, 1),
        ("replicas", 2**70, 2**70),
        ("parts", [{"tty": "true"}, {"tty": 0}], [True, False]),
        ("raw", [None], [None]),
    ],
)
@pytest.mark.parametrize("kind", ["models", "struct_models"])
def test_what_another_decoder_would_refuse(
    request: pytest.FixtureRequest, kind: str, field: str, sent: Any, read_as: Any
) -> None:
    spec = request.getfixturevalue(kind).Spec.from_wire(json.dumps({field: sent}).encode())
    found = [part.tty for part in spec.parts] if field == "parts" else getattr(spec, field)
    assert found == read_as
    assert str(found) == str(read_as)


def test_the_lenient_reader_reads_alike_what_the_fast_one_reads(
    api: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kinform.structs.reading.read_leniently", None)
    data = json.dumps(
        {
            "metadata": {"creationTimestamp": "2026-01-02T03:04:05.0Z", "labels": {"a": ""}},
            "spec": {
                "parts": [{"amount": "5", "ports": [{"containerPort": 1, "target": "x"}, {"target": 2}]}, {}],
                "raw": {"a": [None, 1.0]},
                "schema": {"items": [{"maximum": 1}, {"maximum": 1.5}], "default": None},
                "lock": {"renewTime": "2026-01-02T03:04:05.000000Z"},
                "words": ["a"],
                "times": {"x": "0000-01-01T00:00:00Z"},
            },
            "template": {"spec": {"replicas": 0, "schema": {"items": {}}}},
        }
    ).encode()
    fast, lenient = api.Thing.from_wire(data), read_leniently(api.Thing, data)
    assert lenient == fast
    assert lenient.to_wire() == fast.to_wire()
    assert type(lenient.metadata.created) is type(fast.metadata.created)


@pytest.mark.parametrize(
    ("body", "leniently"),
    [
        ({"spec": {"nodeName": "n", "parts": None}}, False),
        ({"spec": {"parts": [{}, {"ports": None, "image": "i"}]}, "metadata": None}, False),
        ({"metadata": {"labels": None, "annotations": None, "name": None}}, False),
        ({"metadata": {"labels": None, "annotations": None, "name": None}, "spec": None}, True),
        ({"spec": {"parts": [None]}}, True),
        ({"spec": {"byName": {"a": {"ports": None}}}}, True),
        ({"spec": {"parts": None, "raw": {"parts": None}, "replicas": 1.0}}, True),
    ],
)
def test_nulls_are_mended_one_by_one_or_all_at_once(
    api: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any], leniently: bool
) -> None:
    data = json.dumps(body).encode()
    calls: list[bytes] = []

    def noted(cls: type[Any], data: bytes) -> Any:
        calls.append(data)
        return read_leniently(cls, data)

    monkeypatch.setattr("kinform.structs.reading.read_leniently", noted)
    found = api.Thing.from_wire(data)
    assert calls == [data] * leniently
    assert found == read_leniently(api.Thing, data)
    assert found.to_wire() == read_leniently(api.Thing, data).to_wire()
    assert found.spec.raw == (body.get("spec") or {}).get("raw", {})


def test_a_null_beside_one_whose_way_reads_alike() -> None:
    odd = Odd.from_wire(b'{"a":{"b":null},"a.b":null}')
    assert (odd.inner, odd.dotted) == (Inner(maybe=None), "")


@pytest.mark.parametrize(
    "data", [b'{"spec":null,', b'{"spec":null,"new":"\xff"}', b'{"spec":null,"x":' + b"[" * 100_000]
)
def test_a_null_before_what_is_no_json(api: SimpleNamespace, data: bytes) -> None:
    with pytest.raises(ValueError, match="StructThing: Invalid JSON: "):
        api.Thing.from_wire(data)


def test_a_branch_of_a_union_that_none_takes(api: SimpleNamespace) -> None:
    with pytest.raises(ValueError) as caught:
        api.Schema.from_wire(b'{"items":[{"items":"hunter2"}]}')
    assert str(caught.value) == "StructSchema: items[0].items: Input should be an object or a list, not str"


def test_structs_import_no_pydantic() -> None:
    program = """
        import sys
        from kinform.structs import Struct, Time

        class Thing(Struct, kw_only=True):
            at: Time | None = None

        assert Thing.from_wire(b'{"at":null}').to_wire() == b"{}"
        print(sorted(name for name in sys.modules if name.startswith(("pydantic", "kinform.model"))))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


RACE = textwrap.dedent(
    """
    import sys, threading
    sys.setswitchinterval(1e-6)
    from typing import Annotated
    from kinform.structs import Field, OmitZero, Struct, Time

    {classes}

    errors, barrier = [], threading.Barrier(16)

    def work(n):
        barrier.wait()
        try:
            if n % 4 == 0:
                assert Top.from_wire(b'{{"a":{{"value":1}}}}').a.value == 1
            elif n % 4 == 1:
                assert Top(a=C3(value=2)).to_wire() == b'{{"a":{{"value":2}}}}'
            elif n % 4 == 2:
                assert C7.from_wire(b'{{"lists":null}}').next.next.next.value == 0
            else:
                assert repr(C5(value=1)) == "C5(value=1)"
                assert C9.from_wire(b'{{"lists":[{{"value":3}}]}}').lists[0].value == 3
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert not errors, errors
    """
)


def test_sixteen_threads_may_meet_at_the_first_use() -> None:
    classes = (
        "class C0(Struct, kw_only=True):\n    value: int = 0\n    next: Time | None = Field(name='t', default=None)\n"
    )
    optional = "Annotated[C{0}, OmitZero] = Field(default_factory=lambda: C{0}())"
    for n in range(1, 12):
        classes += (
            f"class C{n}(Struct, kw_only=True):\n    value: int = 0\n    lists: list[C{n - 1}] = []\n"
            f"    next: {optional.format(n - 1)}\n"
        )
    classes += f"class Top(Struct, kw_only=True):\n    a: {optional.format(3)}\n    parts: list[C11] = []\n"
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", RACE.format(classes=classes)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
