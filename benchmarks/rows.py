"""The rows of the tables: which contenders there are, and how each is set up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, TypedDict

if TYPE_CHECKING:
    from typing import Unpack

    from benchmarks.programs import Environment

__all__ = ["MODES", "ROWS", "Mode", "Part", "Row", "rows_named"]

Mode = Literal["streamed", "paged"]
MODES: Final[tuple[Mode, ...]] = ("streamed", "paged")

Part = Literal["burst", "latency", "relist", "check", "reads"]
ALL: Final[tuple[Part, ...]] = ("burst", "latency", "relist", "check")
READS: Final[tuple[Part, ...]] = (*ALL, "reads")
"""The reads come last: they leave more in memory than was there."""
BURST: Final[tuple[Part, ...]] = ("burst", "check")


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
        parts: What it goes through after its first sync.
        environment: Which Python it runs in.
        custom: Whether it follows custom resources, too.
        speed: Roughly how many events a second it takes: how many it is sent, and how long it may take, follow from it.
        most: Of how many objects it is asked at the most.
        wide: Whether it is asked of all corpora, not of the first one alone.
        once: Whether one round is enough.
        core: Whether it belongs to a quick run.
    """

    name: str
    contender: str
    program: str
    variant: str = ""
    handler: Literal["key", "read"] = "key"
    handlers: int = 1
    modes: tuple[Mode, ...] = MODES
    parts: tuple[Part, ...] = ALL
    environment: Environment = "kinform"
    custom: bool = False
    speed: int = 1_000
    most: int = 1_000_000
    wide: bool = False
    once: bool = False
    core: bool = False


class _Settings(TypedDict, total=False):
    """Fields of a row."""

    variant: str
    handler: Literal["key", "read"]
    handlers: int
    modes: tuple[Mode, ...]
    parts: tuple[Part, ...]
    custom: bool
    speed: int
    most: int
    wide: bool
    once: bool
    core: bool


def _kinform(what: str, **settings: Unpack[_Settings]) -> Row:
    """A row of kinform beside the one that its users get."""
    row = Row(f"kinform, {what}", "kinform", "kinform_informer", speed=10_000, once=True)
    return replace(replace(row, modes=("streamed",), parts=BURST), **settings)


def _client_go(what: str, words: str, **settings: Unpack[_Settings]) -> Row:
    return replace(Row(f"client-go, {what}", "client-go", "clientgo", words), **settings)


def _peer(name: str, program: str, **settings: Unpack[_Settings]) -> Row:
    """Another Python library: none of them asks for streaming lists."""
    row = Row(
        name, name.partition(",")[0].split()[0], program, modes=("paged",), environment="peers", speed=800, once=True
    )
    return replace(row, **settings)


_CEILING: Final = Row("the replayer's ceiling", "ceiling", "discarding_reader", parts=("burst",), speed=80_000)
_KINFORM: Final = Row("kinform", "kinform", "kinform_informer", parts=READS, speed=10_000)
_FLOOR: Final = Row(
    "orjson dicts", "orjson", "orjson_dicts", parts=READS, speed=6_000, environment="floor", most=20_000
)
_WITHOUT_RELIST: Final[tuple[Part, ...]] = ("burst", "latency", "check")

ROWS: Final = (
    replace(_CEILING, custom=True, wide=True, core=True),
    replace(_KINFORM, custom=True, wide=True, core=True),
    _kinform("no handler", handlers=0),
    _kinform("2 handlers", handlers=2),
    _kinform("reading handler", handler="read", parts=_WITHOUT_RELIST, speed=3_000, once=False),
    _kinform("reading handler, msgspec models", variant="msgspec", handler="read", speed=3_000),
    _kinform("store packed", variant="packed", modes=MODES, parts=READS),
    _kinform("store raw", variant="raw", modes=MODES, parts=READS),
    _kinform("store inflated", variant="inflated", modes=MODES, parts=READS),
    _client_go("JSON", "json", speed=1_500, custom=True, wide=True, core=True, most=20_000),
    _client_go("JSON, managedFields dropped", "json drop", speed=1_500, custom=True, wide=True),
    _client_go("JSON, no handler", "json drop", speed=1_500, handlers=0, modes=("streamed",), parts=BURST, once=True),
    _client_go("JSON, 2 handlers", "json drop", speed=1_500, handlers=2, modes=("streamed",), parts=BURST, once=True),
    _client_go("protobuf", "protobuf", speed=8_000, wide=True, core=True, most=20_000),
    _client_go("protobuf, managedFields dropped", "protobuf drop", speed=8_000, wide=True),
    _peer("official client, informer", "official_informer", once=False),
    _peer("cloudcoil, informer", "cloudcoil_informer"),
    # Its watch begins anew by itself after a 410, and misses what changed: nothing tells its user to list again.
    _peer("cloudcoil, list and watch into a dict", "cloudcoil_informer", variant="dict", parts=_WITHOUT_RELIST),
    _peer("lightkube, list and watch into a dict", "lightkube_dict", speed=2_000),
    replace(_FLOOR, custom=True, wide=True, core=True, most=20_000),
)
"""All of them, in the order of the tables and of each round.

The lists of the official client have no pages; what stands under "paged" is one page of everything.
"""


def rows_named(names: list[str]) -> list[Row]:
    """The rows of these contenders; of all for an empty list.

    Raises:
        ValueError: There is no such contender.
    """
    known = {row.contender for row in ROWS}
    if unknown := set(names) - known:
        raise ValueError(f"there is no contender {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    return [row for row in ROWS if not names or row.contender in names]
