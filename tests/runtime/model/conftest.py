"""A small API in the form of generated models."""
# ruff: noqa: RUF012, PLW0108 - the form that type checkers read right; pydantic makes the defaults of each object anew

from __future__ import annotations

from types import SimpleNamespace
from typing import Annotated

import pytest
from pydantic import Field

from kinform.model import Duration, IntOrString, Json, MicroTime, Model, Number, Quantity, RawExtension, Time


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


@pytest.fixture(scope="session")
def api() -> SimpleNamespace:
    return SimpleNamespace(Meta=Meta, Port=Port, Part=Part, Lock=Lock, Schema=Schema, Spec=Spec, Thing=Thing)
