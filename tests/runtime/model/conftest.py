"""A small API in the form of generated models, of both kinds."""
# ruff: noqa: RUF012, PLW0108 - the form that type checkers read right; pydantic makes the defaults of each object anew

from __future__ import annotations

from types import SimpleNamespace
from typing import Annotated

import pytest
from pydantic import Field

from kinform import structs
from kinform.model import Duration, IntOrString, Json, MicroTime, Model, Number, Quantity, RawExtension, Time
from kinform.structs import Struct


class Meta(Model):
    created: Annotated[Time | None, Field(alias="creationTimestamp")] = None
    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}
    name: str = ""


class Port(Model):
    number: Annotated[int, Field(alias="containerPort")] = 0
    target: IntOrString = 0


class Part(Model):
    amount: Quantity = ""
    image: str = ""
    limits: dict[str, Quantity] = {}
    ports: list[Port] = []
    tty: bool = False


class Lock(Model):
    renewed: Annotated[MicroTime | None, Field(alias="renewTime")] = None


class Schema(Model):
    default: Json = None
    inner: Annotated[dict[str, Schema], Field(alias="properties")] = {}
    items: Schema | list[Schema] | None = None
    maximum: Number | None = None


class Spec(Model):
    by_name: Annotated[dict[str, Part], Field(alias="byName")] = {}
    lock: Lock = Field(default_factory=lambda: Lock())
    node_name: Annotated[str, Field(alias="nodeName")] = ""
    parts: list[Part] = []
    raw: RawExtension = {}
    replicas: int | None = None
    schema_: Annotated[Schema | None, Field(alias="schema")] = None
    timeout: Duration = ""
    times: dict[str, Time] = {}
    words: Annotated[list[str] | None, Field()] = None


class Thing(Model):
    api_version: Annotated[str, Field(alias="apiVersion")] = "example.com/v1"
    kind: str = "Thing"
    metadata: Meta = Field(default_factory=lambda: Meta())
    password: Annotated[str, Field(repr=False)] = ""
    spec: Spec = Field(default_factory=lambda: Spec())
    template: Annotated[Thing | None, Field(alias="template")] = None


class Options(Model):
    """As a custom resource's schema has it: with defaults, and with what is nullable."""

    cpu: Quantity = "100m"
    debug: bool = True
    max_surge: Annotated[IntOrString, Field(alias="maxSurge")] = "25%"
    maybe: str | None = "x"
    maybes: list[str | None] | None = None
    off: bool = False
    parts: list[Part | None] | None = []
    policy: str = "Retain"
    ratio: Number = 1.5
    replicas: Annotated[int, Field(alias="replicaCount")] = 3
    spec: Spec | None = Field(default_factory=lambda: Spec())
    zones: dict[str, Part | None] | None = None


class Holder(Model):
    options: Options = Field(default_factory=lambda: Options())


class StructMeta(Struct, kw_only=True):
    created: structs.Time | None = structs.Field(name="creationTimestamp", default=None)
    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}
    name: str = ""


class StructPort(Struct, kw_only=True):
    number: int = structs.Field(name="containerPort", default=0)
    target: structs.IntOrString = 0


class StructPart(Struct, kw_only=True):
    amount: structs.Quantity = ""
    image: str = ""
    limits: dict[str, structs.Quantity] = {}
    ports: list[StructPort] = []
    tty: bool = False


class StructLock(Struct, kw_only=True):
    renewed: structs.MicroTime | None = structs.Field(name="renewTime", default=None)


class StructSchema(Struct, kw_only=True):
    default: structs.Json = None
    inner: dict[str, StructSchema] = structs.Field(name="properties", default={})
    items: StructSchema | list[StructSchema] | None = None
    maximum: structs.Number | None = None


class StructSpec(Struct, kw_only=True):
    by_name: dict[str, StructPart] = structs.Field(name="byName", default={})
    lock: Annotated[StructLock, structs.OmitZero] = structs.Field(default_factory=lambda: StructLock())
    node_name: str = structs.Field(name="nodeName", default="")
    parts: list[StructPart] = []
    raw: structs.RawExtension = structs.Field(default_factory=structs.AbsentObject)
    replicas: int | None = None
    schema_: StructSchema | None = structs.Field(name="schema", default=None)
    timeout: structs.Duration = ""
    times: dict[str, structs.Time] = {}
    words: list[str] | None = None


class StructThing(Struct, kw_only=True, gc=True, weakref=True):
    api_version: str = structs.Field(name="apiVersion", default="example.com/v1")
    kind: str = "Thing"
    metadata: Annotated[StructMeta, structs.OmitZero] = structs.Field(default_factory=lambda: StructMeta())
    password: Annotated[str, structs.Hidden] = ""
    spec: Annotated[StructSpec, structs.OmitZero] = structs.Field(default_factory=lambda: StructSpec())
    template: StructThing | None = None


class StructOptions(Struct, kw_only=True):
    cpu: structs.Quantity = "100m"
    debug: bool = True
    max_surge: structs.IntOrString = structs.Field(name="maxSurge", default="25%")
    maybe: str | None = "x"
    maybes: list[str | None] | None = None
    off: bool = False
    parts: list[StructPart | None] | None = []
    policy: str = "Retain"
    ratio: structs.Number = 1.5
    replicas: int = structs.Field(name="replicaCount", default=structs.Default(3))
    spec: Annotated[StructSpec | None, structs.OmitZero] = structs.Field(default_factory=lambda: StructSpec())
    zones: dict[str, StructPart | None] | None = None


class StructHolder(Struct, kw_only=True):
    options: Annotated[StructOptions, structs.OmitZero] = structs.Field(default_factory=lambda: StructOptions())


@pytest.fixture(scope="session")
def models() -> SimpleNamespace:
    """The pydantic models."""
    return SimpleNamespace(
        Holder=Holder,
        Lock=Lock,
        Meta=Meta,
        Options=Options,
        Part=Part,
        Port=Port,
        Schema=Schema,
        Spec=Spec,
        Thing=Thing,
    )


@pytest.fixture(scope="session")
def struct_models() -> SimpleNamespace:
    """The msgspec structs."""
    return SimpleNamespace(
        Holder=StructHolder,
        Lock=StructLock,
        Meta=StructMeta,
        Options=StructOptions,
        Part=StructPart,
        Port=StructPort,
        Schema=StructSchema,
        Spec=StructSpec,
        Thing=StructThing,
    )


@pytest.fixture(scope="session", params=["models", "struct_models"], ids=["pydantic", "msgspec"])
def api(request: pytest.FixtureRequest) -> SimpleNamespace:
    """Either: for what both do alike."""
    either: SimpleNamespace = request.getfixturevalue(request.param)
    return either
