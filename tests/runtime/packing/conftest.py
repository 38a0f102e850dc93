"""Bodies that are alike in families, as the pods of workloads are, and entries that hold them."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

from kinform.meta import ObjectKey
from kinform.wire import Entry

if TYPE_CHECKING:
    from collections.abc import Callable

_WORDS = [f"{random.Random(n).getrandbits(64):x}"[: 4 + n % 9] for n in range(3000)]


@pytest.fixture(scope="session")
def body() -> Callable[..., bytes]:
    """A body of some 4 KB: those of one family differ in their names, families in nearly everything."""

    def make(number: int, family: int, era: str = "") -> bytes:
        chance = random.Random(f"{era}{family}")
        env = [{"name": chance.choice(_WORDS), "value": " ".join(chance.choices(_WORDS, k=6))} for _ in range(50)]
        own = random.Random(f"{era}{family}/{number}")
        metadata = {"name": f"pod-{number}", "namespace": "shop", "uid": f"{own.getrandbits(128):x}"}
        return json.dumps(
            {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": {"env": env}}, separators=(",", ":")
        ).encode()

    return make


@pytest.fixture
def entry() -> Callable[..., Entry]:
    """An entry with this body."""

    def make(number: int, body: bytes) -> Entry:
        return Entry(ObjectKey("shop", f"pod-{number}"), f"uid-{number}", "1", 0, "", {}, None, body)

    return make
