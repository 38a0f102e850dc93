"""The rows of the tables: which contenders there are, and how each is set up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["MODES", "ROWS", "Mode", "Row", "rows_named"]

Mode = Literal["streamed", "paged"]
MODES: Final[tuple[Mode, ...]] = ("streamed", "paged")


@dataclass(frozen=True, slots=True)
class Row:
    """One contender in one set-up.

    Attributes:
        name: As in the tables.
        contender: What it belongs to: ``--contenders`` names these.
        program: A module of ``benchmarks.contenders``, or ``"clientgo"``.
        variant: What the program makes of it.
        handler: What its handlers do: note the ``"key"``, or ``"read"`` the object.
        handlers: How many.
        modes: How it can fetch what is there at first.
        peer: Whether it runs in the environment of the other libraries.
        custom: Whether it follows custom resources, too.
        speed: Roughly how many events a second it takes: how many it is sent, and how long it may take, follow from it.
        core: Whether it belongs to a quick run.
    """

    name: str
    contender: str
    program: str
    variant: str = ""
    handler: Literal["key", "read"] = "key"
    handlers: int = 1
    modes: tuple[Mode, ...] = ("streamed", "paged")
    peer: bool = False
    custom: bool = False
    speed: int = 1_000
    core: bool = False


ROWS: Final = (
    Row("kinform", "kinform", "kinform_informer", speed=10_000, custom=True, core=True),
    Row("client-go, JSON", "client-go", "clientgo", "json", speed=1_500, custom=True, core=True),
    Row("client-go, JSON, managedFields dropped", "client-go", "clientgo", "json drop", speed=1_500, custom=True),
    Row("client-go, protobuf", "client-go", "clientgo", "protobuf", speed=8_000, core=True),
    Row("client-go, protobuf, managedFields dropped", "client-go", "clientgo", "protobuf drop", speed=8_000),
    Row("orjson dicts", "orjson", "orjson_dicts", speed=6_000, peer=True, custom=True, core=True),
)
"""All of them, in the order of the tables and of each round."""


def rows_named(names: list[str]) -> list[Row]:
    """The rows of these contenders; of all for an empty list.

    Raises:
        ValueError: There is no such contender.
    """
    known = {row.contender for row in ROWS}
    if unknown := set(names) - known:
        raise ValueError(f"there is no contender {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    return [row for row in ROWS if not names or row.contender in names]
